"""Ten thousand events by rating: three statements at most, along an index, the unrated last."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenant_apps.events import standing
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type

MANY = """
INSERT INTO events_event (slug, title, summary, description, status, starts_at, timezone, currency, level)
SELECT 'many-' || n, 'Event ' || n, '', '', 'published', now() + n * interval '1 minute', 'Europe/Berlin', 'EUR', ''
FROM generate_series(1, 10000) n
"""
STARS = """
UPDATE events_standing s SET stars_5 = e.id %% 7, stars_4 = e.id %% 11, stars_1 = e.id %% 3
FROM events_event e WHERE e.id = s.event_id AND e.id %% 4 <> 0
"""


@pytest.fixture
def crowd(alpha):
    with in_tenant(alpha), connection.cursor() as cursor:
        cursor.execute(MANY)
        standing.STANDINGS.add_missing()
        cursor.execute(STARS.replace("events_standing", standing.EventStanding._meta.db_table).replace("%%", "%"))
        cursor.execute(f"ANALYZE events_event, {standing.EventStanding._meta.db_table}")


def ours(queries):
    return [each["sql"] for each in queries if each["sql"].startswith("SELECT") and "search_path" not in each["sql"]]


def plan_nodes(plan):
    """What the rows themselves go through, without the subqueries that fetch each one's tags and pictures."""
    yield plan
    for each in plan.get("Plans", ()):
        if each.get("Parent Relationship") != "SubPlan":
            yield from plan_nodes(each)


def indexes_of(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
    found = json.loads(found) if isinstance(found, str) else found
    nodes = list(plan_nodes(found[0]["Plan"]))
    return {node.get("Index Name") for node in nodes}, {node["Node Type"] for node in nodes}


@pytest.mark.parametrize(
    ("path", "index", "most"),
    [
        ("/api/v1/events/?ordering=-rating", "standing_best_first", 3),
        ("/api/v1/events/?ordering=rating", "standing_worst_first", 3),
        ("/api/v1/events/?ordering=-rating&rating_min=4", "standing_best_first", 3),
    ],
)
def test_events_by_rating_cost_three_statements_along_an_index(alpha, crowd, client_for, path, index, most):
    client = client_for(alpha)
    client.get("/api/v1/tags/")
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    found = answer.json()
    assert answer.status_code == 200 and found["count"] >= 2000 and len(found["results"]) == 50
    assert len(ours(queries)) <= most, "\n".join(ours(queries))
    (page,) = [sql for sql in ours(queries) if "ORDER BY" in sql and "score" in sql.split("ORDER BY")[-1]]
    with in_tenant(alpha):
        used, kinds = indexes_of(page)
    assert index in used, (used, kinds)
    assert "Sort" not in kinds, kinds
    assert all(each["rating"] is not None for each in found["results"])


def test_the_storefront_by_rating_uses_the_index_too(alpha, crowd, page_for):
    client = page_for(alpha)
    client.get("/events/")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/events/?ordering=-rating").status_code == 200
    (page,) = [sql for sql in ours(queries) if "score" in sql.split("ORDER BY")[-1]]
    with in_tenant(alpha):
        used, _kinds = indexes_of(page)
    assert "standing_best_first" in used, used
    assert len(ours(queries)) <= 4, "\n".join(ours(queries))


def test_one_five_does_not_beat_a_hundred_of_nearly_five_and_the_unrated_come_last(alpha, client_for):
    with in_tenant(alpha):
        ratings = {"Hundred": [5] * 80 + [4] * 20, "One": [5], "Bad": [1] * 30, "Unrated": []}
        for title, given in ratings.items():
            event = make_event(title)
            make_ticket_type(event)
            for stars in given:
                standing.change(event.pk, stars=stars)
            standing.fold(event.pk)

    def titles(query):
        return [each["title"] for each in client_for(alpha).get(f"/api/v1/events/{query}").json()["results"]]

    assert titles("?ordering=-rating") == ["Hundred", "One", "Bad", "Unrated"]
    assert titles("?ordering=rating") == ["Bad", "One", "Hundred", "Unrated"]
    assert set(titles("?rating_min=4.5")) == {"Hundred", "One"}
    shown = {each["title"]: each for each in client_for(alpha).get("/api/v1/events/").json()["results"]}
    assert (shown["Hundred"]["rating"], shown["Hundred"]["reviews_count"]) == ("4.80", 100)
    assert (shown["Unrated"]["rating"], shown["Unrated"]["reviews_count"]) == (None, 0)
