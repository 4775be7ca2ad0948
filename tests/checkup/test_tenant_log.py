"""What goes wrong in a tenant can be looked up by its owner: in words, counted, searched, bounded, and nothing else."""

import json
import logging
from collections import defaultdict
from datetime import timedelta

import pytest
from django.utils import timezone

from platform_config import tenant_log
from tenant_apps.activity.delivery import deliver_due, subscribe
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.reports import log
from tenant_apps.reports.log_models import LogEntry
from tenants.context import in_public, in_tenant
from tests.factories import make_event, make_user, owner_of

logger = logging.getLogger("tests.tenant_log")


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    tenant_log._notes().clear()
    yield
    tenant_log._notes().clear()


def read(client, **query):
    answer = client.get("/api/v1/log/", query)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_a_follow_up_that_fails_is_in_the_log_once_an_hour_with_how_often(alpha, client_for):
    with in_tenant(alpha):
        for _each in range(3):
            logger.warning(
                "outbox_subscriber_failed", extra={"topic": "order.paid", "message_id": "x", "subscriber": "send"}
            )
    with in_public():
        tenant_log.write_down()
    (entry,) = read(client_for(alpha, owner_of(alpha)))
    assert (entry["event"], entry["subject"], entry["times"]) == ("follow_up_failed", "order.paid", 3)
    assert (entry["level"], "order.paid" in entry["message"], bool(entry["todo"])) == ("warning", True, True)


def test_it_is_written_when_a_request_ends(alpha, client_for):
    with in_tenant(alpha):
        logger.error("import_failed", extra={"import_id": "0198-abc"})
        assert not LogEntry.objects.exists()
    assert client_for(alpha).get("/api/v1/events/").status_code == 200
    with in_tenant(alpha):
        entry = LogEntry.objects.get()
        assert (entry.event, entry.subject, entry.level) == ("import_failed", "0198-abc", "error")


def test_a_real_subscriber_that_fails_leaves_its_line_and_no_text_of_the_error(alpha, monkeypatch):
    from tenant_apps.activity import delivery

    monkeypatch.setattr(delivery, "_subscribers", defaultdict(list, delivery._subscribers))

    @subscribe("tests.fails")
    def fails(message):
        raise RuntimeError("550 ada@example.test is unknown on mx7.internal")

    with in_tenant(alpha):
        OutboxMessage.objects.create(topic="tests.fails", aggregate="tests:1")
        deliver_due(10)
    tenant_log.write_down()
    with in_tenant(alpha):
        entry = LogEntry.objects.get()
        text = json.dumps([entry.event, entry.subject, *log.in_words(entry)])
    assert "tests.fails" in text
    assert "ada@" not in text
    assert "mx7" not in text


def test_what_is_not_on_the_list_or_belongs_to_no_tenant_is_not_noted(alpha):
    with in_tenant(alpha):
        logger.error("something about %s of the platform", "10.0.0.7")
        logger.info("outbox_parked", extra={"topic": "order.paid"})
    with in_public():
        logger.error("outbox_parked", extra={"topic": "order.paid"})
    tenant_log.write_down()
    with in_tenant(alpha):
        assert not LogEntry.objects.exists()


def test_each_tenant_sees_its_own_only(alpha, beta, client_for):
    with in_tenant(beta):
        logger.error("outbox_parked", extra={"topic": "order.paid"})
    tenant_log.write_down()
    assert read(client_for(alpha, owner_of(alpha))) == []
    assert len(read(client_for(beta, owner_of(beta)))) == 1


def test_the_log_is_searched_by_words_subject_level_time_and_request(alpha, client_for, page_for):
    now = timezone.now()
    with in_tenant(alpha):
        log.write(
            [
                log.Noted("follow_up_failed", "order.paid", "warning", now - timedelta(days=3), "req-1"),
                log.Noted("import_failed", "77", "error", now, "req-2"),
            ]
        )
    client = client_for(alpha, owner_of(alpha))
    assert [each["event"] for each in read(client)] == ["import_failed", "follow_up_failed"]
    for query in ({"search": "ORDER.PAID"}, {"search": "webhook"}, {"search": "req-1"}, {"level": "warning"}):
        assert [each["event"] for each in read(client, **query)] == ["follow_up_failed"], query
    since = (now - timedelta(days=1)).isoformat()
    assert [each["event"] for each in read(client, **{"from": since})] == ["import_failed"]
    assert client.get("/api/v1/log/?level=loud").status_code == 400
    assert client.get("/api/v1/log/?colour=red").status_code == 400
    page = page_for(alpha, owner_of(alpha)).get("/dashboard/log/?search=77").content.decode()
    assert "Import 77 broke off" in page
    assert "order.paid" not in page
    assert page_for(alpha, make_user()).get("/dashboard/log/").status_code in (403, 404)


def test_the_log_is_bounded_by_age_and_rows(alpha, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(log, "MOST_ROWS", 5)
    with in_tenant(alpha):
        old = now - timedelta(days=91)
        log.write([log.Noted("import_failed", "old", "error", old)])
        log.write([log.Noted("import_failed", str(n), "error", now - timedelta(hours=n)) for n in range(8)])
        assert log.forget_old(now) == 4
        assert sorted(LogEntry.objects.values_list("subject", flat=True)) == ["0", "1", "2", "3", "4"]


def test_a_subject_with_braces_is_shown_as_it_is(alpha):
    entry = LogEntry(event="import_failed", subject="{0.__class__}{subject}")
    assert "{0.__class__}" in log.in_words(entry)[0]


def test_the_audit_trail_is_searched_in_all_it_says(alpha, client_for, page_for):
    client = client_for(alpha, owner_of(alpha))
    with in_tenant(alpha):
        event = make_event("Night of Strings")
    changed = client.patch(
        f"/api/v1/events/{event.slug}/", {"title": "Evening of Brass"}, format="json", HTTP_X_REQUEST_ID="find-me-123"
    )
    assert changed.status_code == 200
    for search in ("brass", "strings event.updated", "find-me-123", f"events.event:{event.pk} evening"):
        found = client.get("/api/v1/audit/", {"search": search}).json()["results"]
        assert [each["topic"] for each in found] == ["event.updated"], search
    assert client.get("/api/v1/audit/", {"search": "brass nowhere-at-all"}).json()["results"] == []
    assert client.get("/api/v1/audit/", {"search": "100%_'\\"}).json()["results"] == []
    page = page_for(alpha, owner_of(alpha)).get("/dashboard/audit/?search=brass").content.decode()
    assert page.count("Evening of Brass") == 1
    with in_tenant(alpha):
        assert AuditEntry.objects.count() > 1
