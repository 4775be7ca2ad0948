"""Public reads are made once and kept, until something they show changes; and nobody sees a neighbour's."""

import time

import pytest
from django.core.cache import caches
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tenant_apps.events.models import Event
from tenant_apps.ticketing.models import Quota
from tenants import freshness
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, owner_of

EVENTS = "/api/v1/events/"


@pytest.fixture(autouse=True)
def clean_cache(transactional_db):
    caches["global"].clear()


@pytest.fixture
def anyone(transactional_db, alpha, client_for):
    client = client_for(alpha)
    client.get("/api/v1/tags/")  # the process gets to know the tenant
    return client


@pytest.fixture
def gala(alpha, anyone):
    with in_tenant(alpha):
        return make_ticket_type(make_event("Gala", slug="gala"), capacity=20, price_minor=0).event


def statements(client, path, **headers):
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path, **headers)
    return answer, [each["sql"] for each in queries.captured_queries if not each["sql"].startswith("SET")]


@pytest.mark.parametrize(
    ("path", "cold"), [(EVENTS, 3), (f"{EVENTS}gala/", 2), (f"{EVENTS}gala/availability/", 2), ("/api/v1/venues/", 1)]
)
def test_an_answer_is_made_once_and_then_costs_no_statement(anyone, gala, path, cold):
    first, sql = statements(anyone, path)
    assert first.status_code == 200 and len(sql) == cold, sql
    again, sql = statements(anyone, path)
    assert (again.content, again["ETag"], sql) == (first.content, first["ETag"], [])
    for name in (
        "Content-Type",
        "Cache-Control",
        "Vary",
        "Content-Language",
        "X-Frame-Options",
        "X-Content-Type-Options",
    ):
        assert again[name] == first[name], name
    assert again["Content-Security-Policy"].startswith("default-src 'none'")
    assert int(again["RateLimit-Remaining"]) == int(first["RateLimit-Remaining"]) - 1
    assert again["X-Request-ID"] != first["X-Request-ID"]


def test_who_has_the_answer_already_gets_304_without_a_statement(anyone, gala):
    tag = anyone.get(f"{EVENTS}gala/")["ETag"]
    answer, sql = statements(anyone, f"{EVENTS}gala/", HTTP_IF_NONE_MATCH=tag)
    assert (answer.status_code, answer.content, answer["ETag"], sql) == (304, b"", tag, [])
    assert "Content-Type" not in answer
    other, sql = statements(anyone, f"{EVENTS}gala/", HTTP_IF_NONE_MATCH='"0.another"')
    assert (other.status_code, other.json()["title"], sql) == (200, "Gala", [])


def test_who_asks_first_with_a_tag_leaves_the_answer_for_the_others(anyone, alpha, gala):
    tag = anyone.get(f"{EVENTS}gala/")["ETag"]
    with in_tenant(alpha):
        Event.objects.filter(pk=gala.pk).update(external_id="x")  # shown nowhere: the same answer is made anew
    assert anyone.get(f"{EVENTS}gala/", HTTP_IF_NONE_MATCH=tag).status_code == 304
    answer, sql = statements(anyone, f"{EVENTS}gala/")
    assert (answer.status_code, sql) == (200, [])


def test_what_staff_change_is_seen_by_the_very_next_reader(anyone, alpha, gala, client_for):
    assert anyone.get(f"{EVENTS}gala/").json()["title"] == "Gala"
    client_for(alpha, owner_of(alpha)).patch(f"{EVENTS}gala/", {"title": "Grand Gala"})
    assert anyone.get(f"{EVENTS}gala/").json()["title"] == "Grand Gala"
    assert anyone.get(EVENTS).json()["results"][0]["title"] == "Grand Gala"


def test_a_sold_place_is_gone_for_the_very_next_reader(anyone, alpha, gala):
    path = f"{EVENTS}gala/availability/"
    assert anyone.get(path).json()["ticket_types"][0]["available"] == 20
    with in_tenant(alpha):
        make_order(gala.ticket_types.get())
    assert anyone.get(path).json()["ticket_types"][0]["available"] == 19


def test_sql_written_by_hand_and_many_rows_at_once_are_seen_too(anyone, alpha, gala):
    writes = (
        lambda cursor: cursor.execute("UPDATE events_event SET title = 'A' WHERE slug = 'gala'"),
        lambda cursor: cursor.execute(
            "WITH old AS (SELECT id FROM events_event)"
            " UPDATE events_event SET title = 'B' WHERE id IN (SELECT id FROM old)"
        ),
        lambda cursor: cursor.execute('  UPDATE ONLY "t_alpha"."events_event" SET title = %s', ["C"]),
        lambda cursor: cursor.executemany("UPDATE events_event SET title = %s", [("x",), ("D",)]),
        lambda cursor: Event.objects.bulk_update([Event(pk=gala.pk, title="E")], ["title"]),
    )
    for write, title in zip(writes, "ABCDE", strict=True):
        anyone.get(f"{EVENTS}gala/")
        with in_tenant(alpha), connection.cursor() as cursor:
            write(cursor)
        assert anyone.get(f"{EVENTS}gala/").json()["title"] == title


def test_what_is_rolled_back_makes_nothing_stale_and_a_savepoint_hides_no_change(anyone, alpha, gala):
    anyone.get(f"{EVENTS}gala/")
    with in_tenant(alpha), pytest.raises(ZeroDivisionError), transaction.atomic():
        Event.objects.update(title="Never")
        raise ZeroDivisionError
    answer, sql = statements(anyone, f"{EVENTS}gala/")
    assert (answer.json()["title"], sql) == ("Gala", [])
    with in_tenant(alpha), transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Event.objects.update(title="Never")
            raise ZeroDivisionError
        Event.objects.update(title="Once")
    assert anyone.get(f"{EVENTS}gala/").json()["title"] == "Once"


def test_a_transaction_tells_the_cache_once_and_sends_no_statement_for_it(anyone, alpha, gala, monkeypatch):
    told = []
    monkeypatch.setattr(freshness, "_raise_numbers", told.append)
    with in_tenant(alpha), CaptureQueriesContext(connection) as queries, transaction.atomic():
        for number in range(3):
            Quota.objects.filter(event=gala).update(held=number)
            with transaction.atomic():
                Event.objects.filter(pk=gala.pk).update(title=str(number))
    assert len(told) <= 4  # one for the transaction's own stock, one more for each savepoint that was not the first
    assert sum("UPDATE" in each["sql"] for each in queries.captured_queries) == 6
    assert {tuple(keys) for keys in told} == {("foyer-fresh:t_alpha:content",), ("foyer-fresh:t_alpha:stock",)}


def test_in_a_rush_readers_are_served_half_a_second_old_and_no_older(anyone, alpha, gala, monkeypatch):
    path = f"{EVENTS}gala/availability/"
    first = anyone.get(path).content
    with in_tenant(alpha):
        for number in range(1, freshness.RUSH_CHANGES + 2):
            Quota.objects.filter(event=gala).update(sold=number)
    answer, sql = statements(anyone, path)
    assert (answer.content, sql) == (first, [])
    time.sleep(freshness.RUSH_SECONDS)
    assert anyone.get(path).json()["ticket_types"][0]["available"] == 20 - freshness.RUSH_CHANGES - 1


def test_nothing_is_kept_longer_than_is_promised_whatever_gets_lost(anyone, alpha, gala, monkeypatch):
    monkeypatch.setattr(freshness, "LONGEST_SECONDS", 0.6)
    anyone.get(f"{EVENTS}gala/")
    monkeypatch.setattr(freshness, "_raise_numbers", lambda keys: None)  # killed between commit and telling
    with in_tenant(alpha):
        Event.objects.update(title="Later")
    assert anyone.get(f"{EVENTS}gala/").json()["title"] == "Gala"
    time.sleep(0.6)
    assert anyone.get(f"{EVENTS}gala/").json()["title"] == "Later"


def test_a_lost_number_never_revives_an_old_answer(anyone, alpha, gala):
    server = freshness.client()
    key = freshness.key_of(alpha.schema_name, freshness.CONTENT)
    anyone.get(f"{EVENTS}gala/")
    with in_tenant(alpha):
        Event.objects.update(title="Two")
    server.delete(key)
    assert anyone.get(f"{EVENTS}gala/").json()["title"] == "Two"
    with in_tenant(alpha):
        Event.objects.update(title="Three")
    assert anyone.get(f"{EVENTS}gala/").json()["title"] == "Three"


def test_the_neighbour_with_the_same_address_gets_its_own(anyone, alpha, beta, gala, client_for):
    other = client_for(beta)
    other.get("/api/v1/tags/")
    with in_tenant(beta):
        make_event("Beta's gala", slug="gala")
    for _ in range(2):
        assert anyone.get(f"{EVENTS}gala/").json()["title"] == "Gala"
        assert other.get(f"{EVENTS}gala/").json()["title"] == "Beta's gala"
        assert [each["title"] for each in other.get(EVENTS).json()["results"]] == ["Beta's gala"]
    tag = anyone.get(f"{EVENTS}gala/")["ETag"]
    assert other.get(f"{EVENTS}gala/", HTTP_IF_NONE_MATCH=tag).status_code == 200
    with in_tenant(beta):
        Event.objects.update(title="Changed")
    answer, sql = statements(anyone, f"{EVENTS}gala/")
    assert (answer.json()["title"], sql) == ("Gala", [])  # a neighbour's write costs nobody else anything


def test_staff_see_what_is_theirs_and_leave_nothing_of_it_behind(anyone, alpha, gala, client_for):
    with in_tenant(alpha):
        make_event("Secret plan", published=False)
        make_ticket_type(gala, name="Backstage", hidden=True)
    staff = client_for(alpha, owner_of(alpha))
    for _ in range(2):
        assert "Secret plan" in {each["title"] for each in staff.get(EVENTS).json()["results"]}
        assert len(staff.get(f"{EVENTS}gala/").json()["ticket_types"]) == 2
        assert {each["title"] for each in anyone.get(EVENTS).json()["results"]} == {"Gala"}
        assert len(anyone.get(f"{EVENTS}gala/").json()["ticket_types"]) == 1
        assert anyone.get(f"{EVENTS}gala/")["Cache-Control"] == "public, no-cache"


def test_refusals_and_what_is_not_there_are_not_kept(anyone, alpha, gala):
    assert anyone.get(f"{EVENTS}nothing/").status_code == 404
    assert anyone.get(f"{EVENTS}?ordering=secret").status_code == 400
    with in_tenant(alpha):
        make_event("Now there", slug="nothing")
    assert anyone.get(f"{EVENTS}nothing/").status_code == 200


def test_a_suspended_tenant_serves_nothing_from_the_cache(anyone, alpha, gala):
    assert anyone.get(EVENTS).status_code == 200
    alpha.status = "suspended"
    alpha.save()
    assert anyone.get(EVENTS).status_code == 403


def test_kept_answers_count_against_the_limit_too(anyone, gala, settings):
    settings.API_RATE_PER_MINUTE = 105
    caches["global"].clear()
    anyone.get("/api/v1/tags/")
    statuses = [anyone.get(f"{EVENTS}gala/").status_code for _ in range(108)]
    assert statuses.count(429) >= 3 and set(statuses[:100]) == {200}
    refused = anyone.get(f"{EVENTS}gala/")
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0


def test_the_language_is_part_of_what_is_kept(anyone, gala):
    russian = anyone.get(f"{EVENTS}gala/", HTTP_ACCEPT_LANGUAGE="ru")
    english = anyone.get(f"{EVENTS}gala/", HTTP_ACCEPT_LANGUAGE="en")
    assert (russian["Content-Language"], english["Content-Language"]) == ("ru", "en")
    assert anyone.get(f"{EVENTS}gala/", HTTP_ACCEPT_LANGUAGE="ru")["Content-Language"] == "ru"


def test_without_the_cache_server_everything_is_made_and_right(anyone, gala, monkeypatch):
    import redis

    class Down:
        def __getattr__(self, name):
            raise redis.exceptions.ConnectionError("gone")

    monkeypatch.setattr(freshness, "_client_of", lambda store: Down())
    monkeypatch.setattr(freshness, "_rests_until", 0.0)
    answer, sql = statements(anyone, f"{EVENTS}gala/")
    assert (answer.status_code, len(sql)) == (200, 2)
