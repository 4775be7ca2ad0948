"""Who is reminded of what and when, and what becomes of it when the event, the tickets or the settings change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from shared_apps.core.errors import InvalidInput
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.events import services as events
from tenant_apps.notifications import reminder_plan, reminders, rounds
from tenant_apps.notifications.models import Noted, Round
from tenant_apps.orders import services as orders
from tenant_apps.payments.refunds import cancel_order
from tenant_apps.staff.site_settings import change_settings
from tenant_apps.ticketing import lifecycle
from tenant_apps.ticketing.models import Ticket
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, owner_of

START = datetime(2031, 6, 1, 17, 0, tzinfo=UTC)
DAY_BEFORE, HOUR_BEFORE = START - timedelta(hours=24), START - timedelta(hours=1)


def booked(event: Any, *addresses: str, at: datetime | None = None) -> Any:
    """Free tickets for these people, booked long before the event unless told otherwise; the last order."""
    kind = event.ticket_types.first() or make_ticket_type(event, price_minor=0)
    order = None
    for address in addresses:
        order = make_order(kind, email=address)
        Ticket.objects.filter(order_line__order=order).update(created_at=at or START - timedelta(days=100))
    return order


def tick(now: datetime) -> list[str]:
    """The job at that moment; whom it wrote to."""
    before = set(OutboxMessage.objects.values_list("pk", flat=True))
    rounds.plan(now)
    assert rounds.send_due(reminders.WRITERS, now) is False
    rows = OutboxMessage.objects.filter(topic__in=("notify.event.reminder", "notify.event.review_request"))
    return sorted(row.payload["recipient"]["email"] for row in rows.exclude(pk__in=before))


@pytest.fixture
def event(in_alpha: Any) -> Any:
    event = make_event("Gala", starts_at=START, ends_at=START + timedelta(hours=3))
    booked(event, "ada@example.test")
    rounds.plan(START - timedelta(days=20))
    return event


def test_a_day_and_an_hour_before_unless_told_otherwise(event):
    assert tick(DAY_BEFORE - timedelta(seconds=1)) == []
    assert tick(DAY_BEFORE) == ["ada@example.test"]
    assert tick(DAY_BEFORE) == tick(HOUR_BEFORE - timedelta(seconds=1)) == []
    assert tick(HOUR_BEFORE) == ["ada@example.test"]
    assert tick(START) == tick(START + timedelta(hours=2)) == []


def test_one_reminder_for_a_person_however_many_tickets_and_spellings(event):
    kind = event.ticket_types.get()
    make_order(kind, quantity=3, email="Bob@Example.test")
    make_order(kind, email="bob@example.test")
    Ticket.objects.update(created_at=START - timedelta(days=9))
    assert sorted(each.lower() for each in tick(DAY_BEFORE)) == ["ada@example.test", "bob@example.test"]
    told = OutboxMessage.objects.get(
        topic="notify.event.reminder", payload__recipient__email__iexact="bob@example.test"
    )
    assert told.payload["values"]["quantity"] == "4"


def test_who_books_late_is_not_reminded_of_what_they_were_just_told(event):
    booked(event, "late@example.test", at=DAY_BEFORE + timedelta(seconds=1))
    assert tick(DAY_BEFORE + timedelta(minutes=2)) == ["ada@example.test"]
    assert tick(HOUR_BEFORE) == ["ada@example.test", "late@example.test"]


def test_cancelled_refunded_and_revoked_tickets_bring_no_reminder(event, in_alpha):
    cancelled = booked(event, "cancelled@example.test")
    orders.cancel(cancelled, by_staff=True)
    kind = make_ticket_type(event, name="Paid", price_minor=1000)
    refunded = make_paid_order(kind, email="refunded@example.test")
    cancel_order(refunded)
    revoked = booked(event, "revoked@example.test")
    lifecycle.revoke(revoked.lines.get().ticket, reason="fraud", actor=owner_of(in_alpha))
    Ticket.objects.update(created_at=START - timedelta(days=9))
    assert tick(DAY_BEFORE) == ["ada@example.test"]


def test_a_ticket_that_is_cancelled_before_its_letter_leaves_brings_none(event):
    mail.outbox.clear()
    order = booked(event, "ada@example.test", "bob@example.test")
    assert len(tick(DAY_BEFORE)) == 2
    orders.cancel(order, by_staff=True)
    OutboxMessage.objects.exclude(topic="notify.event.reminder").delete()
    deliver_due()
    assert [each.to for each in mail.outbox] == [["ada@example.test"]]


def test_a_cancelled_event_is_not_reminded_of(event, in_alpha):
    events.cancel(event, actor=owner_of(in_alpha))
    assert tick(DAY_BEFORE) == tick(HOUR_BEFORE) == []
    assert not Round.objects.exists()


def test_an_event_that_is_moved_takes_its_reminders_along(event, in_alpha):
    later = START + timedelta(days=3)
    events.postpone(event, starts_at=later, ends_at=later + timedelta(hours=1), actor=owner_of(in_alpha))
    assert tick(DAY_BEFORE) == tick(HOUR_BEFORE) == []
    assert tick(later - timedelta(hours=24)) == tick(later - timedelta(hours=1)) == ["ada@example.test"]


def test_an_event_that_is_moved_after_a_reminder_brings_another_for_the_new_start(event, in_alpha):
    assert tick(DAY_BEFORE) == ["ada@example.test"]
    later = START + timedelta(days=3)
    event = events.postpone(event, starts_at=later, ends_at=None, actor=owner_of(in_alpha))
    assert tick(HOUR_BEFORE) == []
    assert tick(later - timedelta(hours=24)) == ["ada@example.test"]
    plan = reminder_plan.plan_of(event, later)
    assert [(each.offset_minutes, each.status, each.told) for each in plan.before] == [(1440, "sent", 1)]


def test_an_event_moved_there_and_back_brings_no_second_reminder(event, in_alpha):
    assert tick(DAY_BEFORE) == ["ada@example.test"]
    events.postpone(event, starts_at=START + timedelta(days=3), ends_at=None, actor=owner_of(in_alpha))
    tick(DAY_BEFORE + timedelta(minutes=1))
    events.postpone(event, starts_at=START, ends_at=None, actor=owner_of(in_alpha))
    assert tick(DAY_BEFORE + timedelta(minutes=2)) == []
    assert tick(HOUR_BEFORE) == ["ada@example.test"]


def test_an_event_that_is_published_late_brings_only_the_reminders_that_lie_ahead(in_alpha):
    event = make_event(starts_at=START)
    booked(event, "ada@example.test")
    type(event).objects.filter(pk=event.pk).update(status="draft")
    assert tick(DAY_BEFORE + timedelta(hours=2)) == []
    events.publish(event, actor=owner_of(in_alpha))
    assert tick(DAY_BEFORE + timedelta(hours=3)) == []
    assert tick(HOUR_BEFORE) == ["ada@example.test"]


def test_what_was_due_while_everything_stood_still_goes_out_late_and_not_twice(event):
    assert tick(DAY_BEFORE + timedelta(hours=5)) == ["ada@example.test"]
    # Both are late: the nearer one goes out.
    other = make_event("Other", starts_at=START + timedelta(days=5))
    booked(other, "bob@example.test")
    rounds.plan(START)
    assert tick(START + timedelta(days=5, minutes=-10)) == ["bob@example.test"]
    assert dict(Round.objects.filter(event=other).values_list("offset_minutes", "status")) == {
        1440: "missed", 60: "done",
    }  # fmt: skip


def test_nobody_is_reminded_of_what_has_begun(event):
    assert tick(START + timedelta(seconds=1)) == []
    assert set(Round.objects.values_list("status", flat=True)) == {"missed"}


def test_the_tenants_times_hold_and_the_events_own_come_first(event, in_alpha):
    change_settings({"reminder_offsets_minutes": [180]}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    own = make_event("Own", starts_at=START)
    booked(own, "own@example.test")
    reminder_plan.set_offsets(own, [30, 600], actor=owner_of(in_alpha))
    assert tick(START - timedelta(minutes=600)) == ["own@example.test"]
    assert tick(START - timedelta(minutes=180)) == ["ada@example.test"]
    assert tick(HOUR_BEFORE) == []
    assert tick(START - timedelta(minutes=30)) == ["own@example.test"]
    assert AuditEntry.objects.filter(topic="event.reminders_changed").count() == 1


def test_an_event_may_have_no_reminders_at_all(event, in_alpha):
    reminder_plan.set_offsets(event, [], actor=owner_of(in_alpha))
    assert tick(DAY_BEFORE) == tick(HOUR_BEFORE) == []
    assert reminder_plan.plan_of(event).reminders == []


def test_times_that_are_none_are_refused(event, in_alpha):
    for wrong in ([1], [60, 60], ["60"], [10, 20, 30, 40, 50, 60], [60 * 24 * 31]):
        with pytest.raises(InvalidInput):
            reminder_plan.set_offsets(event, wrong, actor=owner_of(in_alpha))


def test_a_worker_that_dies_in_the_middle_of_a_batch_leaves_nothing_behind(event, monkeypatch):
    monkeypatch.setattr(rounds, "BATCH", 2)
    booked(event, *(f"guest{number}@example.test" for number in range(5)))
    died = []

    def dies(name: str) -> None:
        if name == "round.written" and not died and Round.objects.filter(told__gt=2).exists():
            died.append(name)
            raise SystemExit

    monkeypatch.setattr(rounds, "point", dies)
    with pytest.raises(SystemExit):
        tick(DAY_BEFORE)
    assert Round.objects.get(offset_minutes=1440).told == 2
    assert len(tick(DAY_BEFORE)) == 4
    rows = OutboxMessage.objects.filter(topic="notify.event.reminder")
    assert len({row.payload["recipient"]["email"] for row in rows}) == rows.count() == 6


def test_a_reminder_leads_its_reader_to_their_own_tickets_and_names_the_place_and_time(event):
    mail.outbox.clear()
    order = booked(event, "ada@example.test")
    OutboxMessage.objects.all().delete()
    tick(DAY_BEFORE)
    deliver_due()
    text = mail.outbox[0].body
    assert mail.outbox[0].subject == "Reminder: Gala"
    assert "Sunday, 1 June 2031, 19:00 (Europe/Berlin)" in text
    assert order is not None and "/orders/" in text


# --- Afterwards -----------------------------------------------------------------------------------------------------


@pytest.fixture
def over(event: Any) -> Any:
    booked(event, "came@example.test", "stayed-away@example.test")
    Ticket.objects.filter(holder_email="came@example.test").update(status=Ticket.Status.USED)
    events.finish_over(START + timedelta(hours=4))
    return event


def test_who_came_is_asked_once_how_it_was(over):
    asked = START + timedelta(hours=3 + 24)
    assert tick(asked - timedelta(seconds=1)) == []
    assert tick(asked) == ["came@example.test"]
    assert tick(asked) == tick(asked + timedelta(days=3)) == []
    row = OutboxMessage.objects.get(topic="notify.event.review_request")
    assert row.payload["url"] == f"/events/{over.slug}/review/"


def test_nobody_is_asked_where_the_tenant_does_not_want_it(over, in_alpha):
    change_settings({"review_requests": False}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    assert tick(START + timedelta(days=2)) == []


def test_nobody_is_asked_about_an_event_that_was_called_off(event, in_alpha):
    events.cancel(event, actor=owner_of(in_alpha))
    events.finish_over(START + timedelta(hours=4))
    assert tick(START + timedelta(days=2)) == []


def test_nothing_is_noted_by_reminders_but_their_rounds(event):
    before = set(Noted.objects.values_list("name", flat=True))  # the letters of a new site's first days
    tick(DAY_BEFORE)
    assert set(Noted.objects.values_list("name", flat=True)) == before
    assert Round.objects.get(offset_minutes=1440).cursor == ""
