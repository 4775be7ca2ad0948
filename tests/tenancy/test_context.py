"""In which tenant code runs, and that it never quietly runs in public."""

from typing import Any

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from tenant_apps.events.models import Category
from tenants.context import current_tenant, in_public, in_tenant, is_in_tenant, on_commit
from tenants.errors import NotInTenant, TenantMissing


def test_inside_a_tenant_its_own_rows_are_seen_and_no_others(alpha: Any, beta: Any) -> None:
    with in_tenant(alpha):
        Category.objects.create(slug="only-alphas", name="Only alpha's")
    with in_tenant(beta):
        assert not Category.objects.filter(slug="only-alphas").exists()
    with in_tenant(alpha.schema_name):
        assert Category.objects.filter(slug="only-alphas").exists()


def test_the_present_tenant_is_known_inside_and_an_error_outside(alpha: Any, beta: Any) -> None:
    with pytest.raises(NotInTenant):
        current_tenant()
    with in_tenant(alpha):
        assert current_tenant() == alpha
        with in_tenant(beta):
            assert current_tenant() == beta
        assert current_tenant() == alpha
        with in_public():
            assert not is_in_tenant()
        assert is_in_tenant()
    assert connection.schema_name == "public"


def test_an_error_inside_leads_back_to_where_it_was(alpha: Any, beta: Any) -> None:
    with in_tenant(alpha):
        with pytest.raises(ZeroDivisionError), in_tenant(beta):
            raise ZeroDivisionError
        assert current_tenant() == alpha


def test_a_schema_that_nobody_has_is_an_error_and_not_public(alpha: Any) -> None:
    with pytest.raises(TenantMissing), in_tenant("t_nobody"):
        pytest.fail("the block must not run")
    with pytest.raises(TenantMissing), in_tenant("public"):
        pytest.fail("the block must not run")
    assert connection.schema_name == "public"


def test_a_dropped_schema_is_an_error_and_not_public(alpha: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER SCHEMA "{alpha.schema_name}" RENAME TO t_gone')
    with pytest.raises(TenantMissing), in_tenant(alpha):
        pytest.fail("the block must not run")
    assert connection.schema_name == "public"


def test_even_past_the_check_no_tenants_table_is_found_in_public(alpha: Any) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        Category.objects.count()


def test_what_is_registered_in_a_nested_tenant_runs_there_after_the_commit(
    alpha: Any, beta: Any, django_capture_on_commit_callbacks: Any
) -> None:
    ran: list[tuple[str, str]] = []

    def note(name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            ran.append((name, cursor.fetchone()[0]))

    with django_capture_on_commit_callbacks(execute=True), in_tenant(alpha):
        on_commit(lambda: note("outer"))
        with in_tenant(beta):
            on_commit(lambda: note("inner"))
        with in_public():
            on_commit(lambda: note("public"))
    assert ran == [("outer", alpha.schema_name), ("inner", beta.schema_name), ("public", "public")]
    assert connection.schema_name == "public"


def test_the_same_holds_for_a_real_commit(transactional_db: None, alpha: Any, beta: Any) -> None:
    with in_tenant(alpha), transaction.atomic(), in_tenant(beta):
        on_commit(lambda: Category.objects.create(slug="by-commit", name="By commit"))
    with in_tenant(beta):
        assert Category.objects.filter(slug="by-commit").exists()
    with in_tenant(alpha):
        assert not Category.objects.filter(slug="by-commit").exists()


def test_a_queryset_that_is_read_after_leaving_is_an_error_and_not_public(alpha: Any) -> None:
    with in_tenant(alpha):
        late = Category.objects.all()
    with pytest.raises(DatabaseError), transaction.atomic():
        list(late)


def test_a_rollback_does_not_lead_into_another_schema(transactional_db: None, alpha: Any, beta: Any) -> None:
    """Postgres undoes a SET search_path with the transaction that made it; the next statement must notice."""
    with in_tenant(alpha):
        Category.objects.create(slug="first", name="First")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            with in_tenant(beta):
                Category.objects.create(slug="undone", name="Undone")
            raise ZeroDivisionError
        assert Category.objects.filter(slug="first").exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            assert cursor.fetchone()[0] == alpha.schema_name
    with in_tenant(beta):
        assert not Category.objects.filter(slug__in=["undone", "first"]).exists()


def test_a_lost_connection_comes_back_in_the_same_schema(transactional_db: None, alpha: Any) -> None:
    with in_tenant(alpha):
        Category.objects.create(slug="kept", name="Kept")
        connection.close()
        assert Category.objects.filter(slug="kept").exists()


def test_entering_a_tenant_costs_one_statement(alpha: Any, django_assert_num_queries: Any) -> None:
    """The check that the schema is there; the search path is set with it, or was by then."""
    with django_assert_num_queries(2), in_tenant(alpha):
        pass
    with in_tenant(alpha), django_assert_num_queries(0), in_tenant(alpha):
        pass
