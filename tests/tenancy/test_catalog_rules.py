"""What Postgres itself says about our schemas: the rules that every table keeps (N3, citus.md)."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tenants import public_names, schema_state


def rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


OURS = "(n.nspname = 'public' OR n.nspname LIKE 't\\_%')"


@pytest.fixture(autouse=True)
def tenants_there(alpha: Any, beta: Any) -> None:
    assert rows(f"SELECT count(*) FROM pg_namespace n WHERE {OURS}")[0][0] == 3


def test_no_constraint_leads_from_one_schema_into_another() -> None:
    assert rows(f"""
        SELECT k.conrelid::regclass, k.conname FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND c.relnamespace <> f.relnamespace
    """) == []  # fmt: skip


def test_there_is_no_trigger_but_postgres_own() -> None:
    assert rows(f"""
        SELECT g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND NOT g.tgisinternal
    """) == []  # fmt: skip


def test_every_table_has_a_primary_key() -> None:
    assert rows(f"""
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND c.relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')
    """) == []  # fmt: skip


def test_no_constraints_name_is_longer_than_45_characters() -> None:
    """Longer ones in a tenant's schema: give the model a shorter db_table. In public they are renamed."""
    assert rows(f"""
        SELECT DISTINCT c.relname, k.conname, length(k.conname) FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND length(k.conname) > 45
    """) == []  # fmt: skip


def test_every_key_that_a_tenant_counts_up_is_wide() -> None:
    """citus.md, rule 6. django_migrations is Django's and counts with integer there too: bigint by the setting."""
    assert (
        rows("""
        SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname LIKE 't\\_%' AND a.attidentity <> '' AND a.atttypid <> 'bigint'::regtype
    """)
        == []
    )


def test_nothing_is_in_public_and_in_a_tenant_but_the_list_of_migrations() -> None:
    both = rows("""
        SELECT DISTINCT a.relname FROM pg_class a
        JOIN pg_namespace n ON n.oid = a.relnamespace AND n.nspname LIKE 't\\_%'
        JOIN pg_class b ON b.relname = a.relname AND b.relnamespace = 'public'::regnamespace
        WHERE a.relkind IN ('r', 'p', 'v', 'm')
    """)
    assert both == [("django_migrations",)]


@pytest.mark.parametrize("label", ["contenttypes", "auth", "accounts", "guardian", "sessions", "tenants"])
def test_shared_tables_are_in_public_only(label: str) -> None:
    from django.apps import apps

    for model in apps.get_app_config(label).get_models(include_auto_created=True):
        found = rows(f"SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = '{model._meta.db_table}'")
        assert found == [("public",)], model


def test_no_app_is_both_shared_and_a_tenants() -> None:
    assert not schema_state.labels_of(settings.SHARED_APPS) & schema_state.labels_of(settings.TENANT_APPS)


def test_foreign_keys_towards_public_have_no_constraint() -> None:
    from django.apps import apps

    tenants = schema_state.labels_of(settings.TENANT_APPS)
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label in tenants:
            for field in model._meta.local_fields:
                if field.is_relation and field.related_model._meta.app_label not in tenants:
                    assert field.db_constraint is False, field


def test_renamed_constraints_in_public_get_their_names_back_and_lose_them_again(transactional_db: None) -> None:
    before = set(rows("SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"))
    rows("DELETE FROM django_migrations WHERE app = 'sessions' RETURNING 1")  # public is behind now
    restored = public_names.restore()
    assert restored > 0
    longest = rows("SELECT max(length(conname)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace")[0][0]
    assert longest > 45
    assert public_names.shorten() == restored
    assert set(rows("SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace")) == before
