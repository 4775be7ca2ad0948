"""Who looks after a site hears that its plan is nearly used up, before buyers are turned away; once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from shared_apps.billing import limits
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications import plan_watch
from tenant_apps.notifications.tasks import watch_stock
from tests.billing.plans import allow
from tests.factories import make_event, make_order, make_ticket_type, owner_of


@pytest.fixture
def quiet(in_alpha: Any) -> Any:
    OutboxMessage.objects.all().delete()
    return in_alpha


def news() -> list[tuple[str, int, int]]:
    rows = OutboxMessage.objects.filter(topic="plan.nearly_full").order_by("created_at", "id")
    found = [(row.payload["name"], row.payload["used"], row.payload["limit"]) for row in rows]
    rows.delete()
    return found


def counted(monkeypatch: pytest.MonkeyPatch, **used: int) -> None:
    monkeypatch.setattr(limits, "_count", lambda name: used.get(name, 0))


def test_it_is_told_once_and_again_after_there_was_room_or_with_another_month(quiet, monkeypatch):
    allow(quiet, tickets_month=200, storage_bytes=1000, events=None)
    counted(monkeypatch, tickets_month=179, storage_bytes=100)
    assert plan_watch.watch() == 0
    counted(monkeypatch, tickets_month=180, storage_bytes=950)
    assert plan_watch.watch() == 2
    assert news() == [("tickets_month", 180, 200), ("storage_bytes", 950, 1000)]
    counted(monkeypatch, tickets_month=200, storage_bytes=950)
    assert plan_watch.watch() == 0
    counted(monkeypatch, tickets_month=200, storage_bytes=100)
    assert plan_watch.watch() == 0
    counted(monkeypatch, tickets_month=200, storage_bytes=1000)
    assert plan_watch.watch() == 1 and news() == [("storage_bytes", 1000, 1000)]
    assert plan_watch.watch(datetime(2031, 1, 5, tzinfo=UTC)) == 1
    assert news() == [("tickets_month", 200, 200)]


def test_small_numbers_and_what_is_not_limited_are_no_news(quiet, monkeypatch):
    allow(quiet, staff=3, events=None, domains=1)
    counted(monkeypatch, staff=3, events=900, domains=1)
    assert plan_watch.watch() == 0


def test_the_job_mails_who_looks_after_the_settings_with_a_link_to_the_plans(quiet):
    allow(quiet, tickets_month=10)
    kind = make_ticket_type(make_event("Gala"), price_minor=1500, capacity=100)
    for number in range(9):
        make_order(kind, email=f"ada{number}@example.test")
    watch_stock.run()
    mail.outbox.clear()
    deliver_due(200)
    told = [letter for letter in mail.outbox if "9 of 10" in letter.subject]
    assert len(told) == 1 and owner_of(quiet).email in str(told[0].to)
    assert told[0].subject == "Paid tickets this month: 9 of 10 are used"
    assert "/dashboard/billing/" in str(told[0].body)


def test_nobody_hears_of_what_is_no_longer_so(quiet, monkeypatch):
    allow(quiet, tickets_month=100)
    counted(monkeypatch, tickets_month=95)
    assert plan_watch.watch() == 1
    allow(quiet, tickets_month=1000)
    mail.outbox.clear()
    deliver_due(200, now=timezone.now())
    assert not mail.outbox
