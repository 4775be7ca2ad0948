"""Whatever staff do, and whatever somebody was refused, can be looked up (P7)."""

import ast
import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tenant_apps.activity.models import AuditEntry
from tenants.context import in_tenant
from tests.factories import make_event, make_user, owner_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def event(alpha: Any) -> Any:
    with in_tenant(alpha):
        return make_event()


def audit(client: Any, **query: Any) -> list[dict[str, Any]]:
    response = client.get("/api/v1/audit/", query)
    assert response.status_code == 200, response.content
    return response.json()["results"]  # type: ignore[no-any-return]  # the tests' client has no types


def test_a_change_is_found_with_who_what_before_and_after(alpha: Any, event: Any, client_for: Any) -> None:
    owner = client_for(alpha, owner_of(alpha))
    before = event.title
    done = owner.patch(
        f"/api/v1/events/{event.slug}/", {"title": "Another"}, format="json", HTTP_X_REQUEST_ID="look-for-me"
    )
    assert done.status_code == 200
    (entry,) = audit(owner, topic="event.updated")
    assert entry["actor_id"] == owner_of(alpha).pk
    assert entry["target"] == f"events.event:{event.pk}"
    assert entry["request_id"] == "look-for-me"
    assert entry["address"] == "127.0.0.1"
    assert entry["details"]["before"] == {"title": before}
    assert entry["details"]["after"] == {"title": "Another"}
    assert entry["refused"] is False


def test_a_refusal_is_found_with_who_tried_what(alpha: Any, event: Any, client_for: Any) -> None:
    stranger = make_user()
    assert client_for(alpha, stranger).delete(f"/api/v1/events/{event.slug}/").status_code == 403
    assert client_for(alpha, stranger).get("/api/v1/staff/").status_code == 403
    assert client_for(alpha).get("/api/v1/staff/").status_code == 401
    found = audit(client_for(alpha, owner_of(alpha)), refused="true")
    assert [(each["target"], each["actor_id"], each["details"]["method"]) for each in found] == [
        ("/api/v1/staff/", None, "GET"),
        ("/api/v1/staff/", stranger.pk, "GET"),
        (f"/api/v1/events/{event.slug}/", stranger.pk, "DELETE"),
    ]
    assert found[0]["details"]["code"] == "sign_in_required"
    assert found[0]["address"] == "127.0.0.1"
    assert found[1]["details"]["permissions"] == ["manage_staff"]


def test_a_page_that_was_refused_is_found_too(alpha: Any, client_for: Any, page_for: Any) -> None:
    stranger = make_user()
    assert page_for(alpha, stranger).get("/dashboard/audit/").status_code == 403
    (entry,) = audit(client_for(alpha, owner_of(alpha)), refused="true")
    assert entry["target"] == "/dashboard/audit/"
    assert entry["actor"] == stranger.email


def test_refusals_that_come_in_floods_are_not_all_written(alpha: Any, client_for: Any) -> None:
    from api.refusals import MOST

    client = client_for(alpha, make_user())
    for _each in range(MOST + 5):
        assert client.get("/api/v1/staff/").status_code == 403
    with in_tenant(alpha):
        assert AuditEntry.objects.filter(refused=True).count() == MOST


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "yesterday"}, "date_invalid"),
        ({"refused": "maybe"}, "flag_invalid"),
        ({"who": "me"}, "unknown_parameter"),
    ],
)
def test_filters_that_make_no_sense_are_refused(alpha: Any, client_for: Any, query: Any, code: str) -> None:
    response = client_for(alpha, owner_of(alpha)).get("/api/v1/audit/", query)
    assert response.status_code == 400
    assert response.json()["code"] == code


def test_filters_narrow_the_trail_and_pages_follow_each_other(alpha: Any, client_for: Any) -> None:
    with in_tenant(alpha):
        for number in range(7):
            AuditEntry.objects.create(topic=f"t.{number % 2}", actor="Ann" if number < 3 else "Bob", target="t.t:1")
    client = client_for(alpha, owner_of(alpha))
    assert len(audit(client, topic="t.1")) == 3
    assert len(audit(client, actor="ann")) == 3
    assert len(audit(client, target="t.t:", **{"from": "2001-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"})) == 7
    assert audit(client, target="t.t:", to="2001-01-01T00:00:00Z") == []
    seen, address = [], "/api/v1/audit/?target=t.t:&page_size=3"
    while address:
        answer = client.get(address).json()
        seen += [row["id"] for row in answer["results"]]
        address = answer["next"]
    assert len(seen) == len(set(seen)) == 7


def test_the_trail_is_this_tenants_alone_and_for_who_may_see_it(alpha: Any, beta: Any, client_for: Any) -> None:
    with in_tenant(beta):
        AuditEntry.objects.create(topic="t.beta")
    assert audit(client_for(alpha, owner_of(alpha)), topic="t.beta") == []
    assert client_for(alpha, owner_of(beta)).get("/api/v1/audit/").status_code == 403


def test_the_page_filters_by_its_address_and_the_file_holds_no_formulas(alpha: Any, page_for: Any) -> None:
    with in_tenant(alpha):
        AuditEntry.objects.create(topic="t.shown", actor="=HYPERLINK(1)", details={"<b>": "x"})
        AuditEntry.objects.create(topic="t.other", actor="Somebody")
    page = page_for(alpha, owner_of(alpha))
    shown = page.get("/dashboard/audit/?topic=t.shown").content.decode()
    assert "t.shown" in shown
    assert "t.other" not in shown
    assert "&lt;b&gt;" in shown
    assert "/dashboard/audit/export.csv?topic=t.shown" in shown
    file = page.get("/dashboard/audit/export.csv?topic=t.shown")
    assert file.streaming
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))
    assert [row["actor"] for row in rows] == ["'=HYPERLINK(1)"]


def test_no_code_changes_or_deletes_what_is_written() -> None:
    """Services insert only; what may touch old entries is retention and the erasure of a person (P3)."""
    allowed = {
        "tenant_apps/activity/personal.py",
        "shared_apps/people/personal.py",
        "shared_apps/accounts/trail.py",
        "platform_config/demo/history.py",
    }
    for folder in ("api", "platform_config", "shared_apps", "tenant_apps", "tenants"):
        for path in (ROOT / folder).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            if name in allowed or "AuditEntry" not in path.read_text():
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    told = ast.unparse(node.func)
                    assert not (
                        "AuditEntry" in told and node.func.attr in ("update", "delete", "bulk_update", "save")
                    ), f"{name}:{node.lineno}"
