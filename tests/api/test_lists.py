"""Lists: pages, cursors, sort keys and filters from closed lists; conditional reads; limits."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenant_apps.activity.models import AuditEntry
from tenants.context import in_tenant
from tests.api.routes import TaggedView
from tests.api.test_errors import problem
from tests.factories import make_user

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)


@pytest.fixture
def entries(alpha: Any) -> None:
    with in_tenant(alpha):
        AuditEntry.objects.bulk_create(
            AuditEntry(topic=f"t.{number:03}", at=NOON + timedelta(minutes=number)) for number in range(120)
        )


def topics(response: Any) -> list[str]:
    return [entry["topic"] for entry in response.json()["results"]]


def test_a_list_has_fifty_entries_a_page_and_leads_on(api: Any, entries: None) -> None:
    client = api()
    first = client.get("/api/v1/entries/").json()
    assert (first["count"], len(first["results"]), first["previous"]) == (120, 50, None)
    third = client.get(client.get(first["next"]).json()["next"]).json()
    assert (len(third["results"]), third["next"]) == (20, None)


def test_the_size_of_a_page_is_the_clients_choice_up_to_a_hundred(api: Any, entries: None) -> None:
    assert len(api().get("/api/v1/entries/?page_size=100").json()["results"]) == 100
    assert len(api().get("/api/v1/entries/?page_size=1").json()["results"]) == 1


@pytest.mark.parametrize("size", ["101", "0", "-1", "x", "", "1.5", "٣", "99999999999999999999"])
@pytest.mark.parametrize("path", ["entries", "cursor"])
def test_another_size_is_refused_rather_than_cut_down(api: Any, path: str, size: str) -> None:
    problem(api().get(f"/api/v1/{path}/", {"page_size": size}), 400, "page_size_invalid")


@pytest.mark.parametrize(
    ("page", "status", "code"),
    [
        ("4", 404, "not_found"),
        ("999999999", 404, "not_found"),
        ("0", 400, "page_invalid"),
        ("-1", 400, "page_invalid"),
        ("x", 400, "page_invalid"),
        ("last", 400, "page_invalid"),
        ("9" * 30, 400, "page_invalid"),
        ("", 400, "page_invalid"),
    ],
)
def test_a_page_that_is_not_there(api: Any, entries: None, page: str, status: int, code: str) -> None:
    problem(api().get("/api/v1/entries/", {"page": page}), status, code)


def test_sorting_takes_only_the_keys_that_are_named(api: Any, entries: None) -> None:
    client = api()
    assert topics(client.get("/api/v1/entries/?ordering=topic"))[0] == "t.000"
    assert topics(client.get("/api/v1/entries/?ordering=-topic,at"))[0] == "t.119"
    for key in ("actor", "actor_id", "--topic", "topic__x", "?", "", "pk", "topic;", "-"):
        if key:
            problem(client.get("/api/v1/entries/", {"ordering": key}), 400, "ordering_invalid")


def test_an_unknown_parameter_is_refused_by_name(api: Any) -> None:
    body = problem(api().get("/api/v1/entries/?topik=x&lang=en"), 400, "unknown_parameter")
    assert [error["field"] for error in body["errors"]] == ["topik"]
    assert api().get("/api/v1/entries/?topic=x").status_code == 200


def test_only_what_changed_since_can_be_asked_for(api: Any, entries: None) -> None:
    for given in (
        "2026-05-31T13:30:00Z",
        "2026-05-31T15:30:00+02:00",
        "2026-05-31T15:30:00 02:00",
        "2026-05-31T13:30:00",
    ):
        response = api().get("/api/v1/entries/", {"modified_since": given})
        assert response.json()["count"] == 30, given


@pytest.mark.parametrize(
    "given",
    [
        "yesterday",
        "",
        "2026-13-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_a_time_that_is_none_is_refused(api: Any, given: str) -> None:
    problem(api().get("/api/v1/entries/", {"modified_since": given}), 400, "date_invalid")


def test_a_cursor_walks_everything_once_while_rows_arrive(api: Any, alpha: Any, entries: None) -> None:
    client = api()
    seen: list[str] = []
    address = "/api/v1/cursor/?page_size=50"
    while address:
        page = client.get(address).json()
        assert page.keys() == {"next", "previous", "results"}
        seen += [entry["topic"] for entry in page["results"]]
        address = page["next"]
        with in_tenant(alpha):
            AuditEntry.objects.create(topic="t.late", at=NOON + timedelta(days=1))
    assert seen == [f"t.{number:03}" for number in reversed(range(120))]


@pytest.mark.parametrize(
    "inside",
    [
        "p=x",
        "p=2026-99-99",
        "o=-1",
        "o=x",
        "r=2",
        "p=%00",
        "p=2026-01-01%0a",
        "q=1",
        "p=" + "9" * 600,
        "o=99999999999999999999",
        "p=\u00e9",
    ],
)
def test_a_forged_cursor_is_refused(api: Any, entries: None, inside: str) -> None:
    cursor = base64.b64encode(inside.encode()).decode()
    response = api().get("/api/v1/cursor/", {"cursor": cursor})
    assert response.status_code in (200, 400, 404), response.content
    if inside not in ("r=2", "o=99999999999999999999"):
        assert response.status_code in (400, 404)


@pytest.mark.parametrize("cursor", ["x", "====", "%%%", "Привет", "cD0y\n"])
def test_a_cursor_that_is_no_base64_is_refused(api: Any, cursor: str) -> None:
    assert api().get("/api/v1/cursor/", {"cursor": cursor}).status_code in (400, 404)


# --- Conditional reads ----------------------------------------------------------------------------------------------


def test_whoever_has_the_answer_is_told_so_without_the_view_running(api: Any) -> None:
    client = api()
    first = client.get("/api/v1/tagged/")
    assert first.status_code == 200
    assert not first["ETag"].startswith("W/")
    runs = TaggedView.runs
    second = client.get("/api/v1/tagged/", headers={"If-None-Match": first["ETag"]})
    assert (second.status_code, second.content, second["ETag"]) == (304, b"", first["ETag"])
    assert TaggedView.runs == runs


def test_a_new_version_with_the_same_body_is_still_not_sent(api: Any, alpha: Any) -> None:
    client = api()
    tag = client.get("/api/v1/tagged/")["ETag"]
    with in_tenant(alpha):
        AuditEntry.objects.create(topic="t.version")
    again = client.get("/api/v1/tagged/", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again["ETag"] != tag


def test_a_changed_answer_is_sent(api: Any, alpha: Any) -> None:
    client = api()
    tag = client.get("/api/v1/tagged/")["ETag"]
    with in_tenant(alpha):
        AuditEntry.objects.create(topic="t.version")
        AuditEntry.objects.create(topic="t.shown")
    again = client.get("/api/v1/tagged/", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.json() == {"topics": ["t.shown"]}


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "{}, *", "*"])
def test_tags_are_compared_as_the_standard_says(api: Any, form: str) -> None:
    client = api()
    tag = client.get("/api/v1/unversioned/")["ETag"]
    assert client.get("/api/v1/unversioned/", headers={"If-None-Match": form.format(tag)}).status_code == 304
    assert client.get("/api/v1/unversioned/", headers={"If-None-Match": '"0.other"'}).status_code == 200
    assert client.get("/api/v1/unversioned/", headers={"If-None-Match": "\x7f," * 900}).status_code == 200


def test_tenants_and_people_have_tags_of_their_own(api: Any, beta: Any) -> None:
    versions = {
        make()["ETag"].partition(".")[0]
        for make in (
            lambda: api().get("/api/v1/tagged/"),
            lambda: api(None, beta).get("/api/v1/tagged/"),
            lambda: api(make_user()).get("/api/v1/tagged/"),
            lambda: api().get("/api/v1/tagged/?lang=ru"),
        )
    }
    assert len(versions) == 4


def test_public_answers_may_be_kept_and_private_ones_only_by_the_person(api: Any) -> None:
    public = api().get("/api/v1/unversioned/")
    assert public["Cache-Control"] == "public, no-cache"
    assert {"Authorization", "Cookie", "Accept-Language"} <= {name.strip() for name in public["Vary"].split(",")}
    assert api(make_user()).get("/api/v1/unversioned/")["Cache-Control"] == "private, no-cache"
    assert api().get("/api/v1/entries/")["Cache-Control"] == "no-store"


# --- Limits ---------------------------------------------------------------------------------------------------------


def test_each_answer_tells_how_much_is_left(api: Any) -> None:
    client = api()
    first, second = client.get("/api/v1/echo/"), client.get("/api/v1/echo/")
    assert first["RateLimit-Limit"] == "600"
    assert int(first["RateLimit-Remaining"]) - int(second["RateLimit-Remaining"]) == 1
    assert 1 <= int(second["RateLimit-Reset"]) <= 60
    assert first["RateLimit-Policy"] == '"default";q=600;w=60'


def test_who_asks_too_often_is_stopped_and_others_are_not(api: Any, beta: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 5
    person, other = make_user(), make_user()
    statuses = [api(person).get("/api/v1/echo/").status_code for _number in range(5)]
    assert statuses == [200] * 5
    refused = api(person, beta).get("/api/v1/echo/")  # one count over all hosts
    problem(refused, 429, "rate_limited")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused["RateLimit-Remaining"] == "0"
    assert api(other).get("/api/v1/echo/").status_code == 200
    assert api().get("/api/v1/echo/").status_code == 200


def test_strangers_count_by_address(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 2
    ask = lambda address: api().get("/api/v1/echo/", REMOTE_ADDR=address).status_code  # noqa: E731  (reads as one sentence)
    assert [ask("203.0.113.5") for _number in range(3)] == [200, 200, 429]
    assert ask("203.0.113.6") == 200
    # An IPv6 caller commands a whole /64.
    assert [ask(f"2001:db8::{number}") for number in range(3)] == [200, 200, 429]


def test_a_forwarded_address_from_nowhere_does_not_count(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 2
    answers = [
        api().get("/api/v1/echo/", REMOTE_ADDR="203.0.113.7", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}").status_code
        for number in range(3)
    ]
    assert answers == [200, 200, 429]
