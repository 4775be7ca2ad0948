"""The schema that Postgres is in is the one that we think it is, whatever happened on the connection (N3)."""

from typing import Any

import pytest
from django.db import connection, transaction

from tenants.context import in_tenant


def present_schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    "meddling",
    [
        "RESET search_path",
        "RESET ALL",
        "SET search_path = public",
        "SET search_path = t_beta, public",
        "SELECT set_config('search_path', 't_beta', false)",
        "SET SESSION AUTHORIZATION DEFAULT",
    ],
)
def test_somebody_elses_set_is_noticed_before_the_next_statement(
    transactional_db: None, alpha: Any, beta: Any, meddling: str
) -> None:
    with in_tenant(alpha):
        assert present_schema() == alpha.schema_name
        with connection.cursor() as cursor:
            cursor.execute(meddling)
        assert present_schema() == alpha.schema_name


def test_a_connection_that_was_reset_for_the_next_user_is_noticed(transactional_db: None, alpha: Any) -> None:
    """What a pooler sends between two clients."""
    with in_tenant(alpha):
        assert present_schema() == alpha.schema_name
        with connection.cursor() as cursor:
            cursor.execute("DISCARD ALL")
        assert present_schema() == alpha.schema_name


def test_a_set_that_is_local_to_a_transaction_ends_with_it(transactional_db: None, alpha: Any, beta: Any) -> None:
    with in_tenant(alpha):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path = t_beta")
        assert present_schema() == alpha.schema_name


def test_a_savepoint_that_is_undone_takes_no_schema_with_it(transactional_db: None, alpha: Any, beta: Any) -> None:
    with in_tenant(alpha), transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            with in_tenant(beta):
                assert present_schema() == beta.schema_name
            raise ZeroDivisionError
        assert present_schema() == alpha.schema_name
        with in_tenant(beta):
            assert present_schema() == beta.schema_name
        assert present_schema() == alpha.schema_name


def test_a_failed_statement_takes_no_schema_with_it(transactional_db: None, alpha: Any, beta: Any) -> None:
    for tenant in (alpha, beta, alpha):
        with in_tenant(tenant):
            with (
                pytest.raises(Exception, match="division by zero"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute("SELECT 1/0")
            assert present_schema() == tenant.schema_name


def test_a_server_that_reports_nothing_gets_one_set_for_each_cursor(
    alpha: Any, beta: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    """Before Postgres 18: slower, and as safe."""
    connection.ensure_connection()
    monkeypatch.setattr(type(connection._connections[connection._alias]), "_server_search_path", lambda self: None)
    with in_tenant(alpha), django_assert_num_queries(4):
        assert present_schema() == alpha.schema_name
        assert present_schema() == alpha.schema_name
