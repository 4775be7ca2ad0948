"""A statement that the server keeps gives what the same text gives, on every connection and in every schema."""

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from shared_apps.core.prepared import Prepared, SideBySide
from shared_apps.core.server_statements import ServerStatement
from tenant_apps.events.models import Event
from tenant_apps.ticketing.models import TicketType
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type


def sent(run):
    with CaptureQueriesContext(connection) as queries:
        result = run()
    return result, [each["sql"].split(" ")[0] for each in queries if not each["sql"].startswith("SET")]


def test_it_is_told_once_for_a_connection(transactional_db):
    statement = ServerStatement("SELECT %s::int + %s::int, %s::text", fixed=[(1, 40)])
    assert sent(lambda: statement(connection, [2, "it's %s"])) == ([(42, "it's %s")], ["PREPARE", "EXECUTE"])
    assert sent(lambda: statement(connection, [3, None])) == ([(43, None)], ["EXECUTE"])
    connection.close()
    assert sent(lambda: statement(connection, [3, "x"]))[1] == ["PREPARE", "EXECUTE"]


def test_one_that_the_server_has_forgotten_is_asked_plainly_and_told_again(transactional_db):
    statement = ServerStatement("SELECT %s::int", fixed=[])
    statement(connection, [1])
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert statement(connection, [7]) == [(7,)]
    assert sent(lambda: statement(connection, [8])) == ([(8,)], ["PREPARE", "EXECUTE"])


@pytest.mark.parametrize("error", [TimeoutError, OperationalError])
def test_who_was_broken_off_behind_the_telling_is_served_the_next_time(transactional_db, error):
    statement = ServerStatement("SELECT %s::int")

    def break_off(execute, sql, *rest):
        execute(sql, *rest)
        if sql.startswith("PREPARE"):
            raise error

    with connection.execute_wrapper(break_off), pytest.raises(error):
        statement(connection, [1])
    assert sent(lambda: statement(connection, [2])) == ([(2,)], ["SELECT", "EXECUTE"])
    assert sent(lambda: statement(connection, [3])) == ([(3,)], ["EXECUTE"])


def test_what_could_not_be_told_is_told_the_next_time(transactional_db):
    statement = ServerStatement("SELECT %s::int FROM told_later")
    with pytest.raises(DatabaseError):
        statement(connection, [1])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE told_later AS SELECT 1")
    assert sent(lambda: statement(connection, [2])) == ([(2,)], ["SELECT", "PREPARE", "EXECUTE"])


def test_a_column_that_was_changed_meanwhile_is_no_fault(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE changing (name varchar(10))")
        cursor.execute("INSERT INTO changing VALUES ('a')")
        statement = ServerStatement("SELECT name FROM changing WHERE name = %s")
        assert statement(connection, ["a"]) == [("a",)]
        cursor.execute("ALTER TABLE changing ALTER COLUMN name TYPE varchar(20)")
        assert statement(connection, ["a"]) == [("a",)]
        assert statement(connection, ["a"]) == [("a",)]
        cursor.execute("DROP TABLE changing")


def test_a_value_that_the_database_refuses_is_still_refused(transactional_db):
    statement = ServerStatement("SELECT %s::int")
    with pytest.raises(DatabaseError):
        statement(connection, ["none"])
    assert statement(connection, [1]) == [(1,)]


_event = Prepared(lambda slug: Event.objects.filter(slug=slug.of(Event._meta.get_field("slug"))))
_type = Prepared(
    lambda name: TicketType.objects.select_related("event").extra(**name.among("ticketing_tickettype.name"))
)
_both = SideBySide(_event, _type)


def test_questions_side_by_side_find_what_each_finds_alone(alpha, beta):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event(slug="one"), name="Standing")
        make_ticket_type(kind.event, name="Sitting")
    for tenant, slug, names, expected in (
        (alpha, "one", ["Standing"], ("one", "Standing")), (beta, "one", ["Standing"], (None, None)),
        (alpha, "two", ["Standing"], (None, "Standing")), (alpha, "one", ["Lying"], ("one", None)),
        (alpha, "one", ["Standing", "Sitting"], ("one", "any")),
    ):  # fmt: skip
        with in_tenant(tenant):
            event, found = _both((slug,), (names,))
            assert (event and event.slug) == expected[0]
            assert (found is not None) if expected[1] == "any" else (found and found.name) == expected[1]
            if found:
                with CaptureQueriesContext(connection) as queries:
                    assert found.event.slug == "one"
                assert len(queries) == 0
