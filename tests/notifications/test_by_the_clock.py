"""The jobs as the schedule runs them: each is there, says when it is due, and does its work when it is called."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from platform_config.celery import app
from platform_config.schedule import SCHEDULE
from shared_apps.billing.models import Usage
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.notifications.models import Round
from tenant_apps.staff.site_settings import change_settings
from tenant_apps.ticketing.models import Quota, Ticket
from tenants import due
from tests.factories import make_event, make_order, make_ticket_type, owner_of

# What happens by itself for each tenant, and at least how often.
JOBS = {
    "orders.expire_overdue": timedelta(minutes=1),
    "orders.serve_waiting": timedelta(minutes=1),
    "payments.poll_due": timedelta(minutes=1),
    "events.finish_over": timedelta(hours=3),
    "ticketing.expire_over": timedelta(hours=3),
    "notifications.remind": timedelta(minutes=1),
    "notifications.watch_stock": timedelta(minutes=15),
    "notifications.send_digests": timedelta(minutes=15),
    "billing.meter": timedelta(hours=1),
}
NIGHTLY = {"orders.retain", "payments.reconcile", "reports.find_orphans", "reports.check_invariants"}


def test_everything_that_happens_by_itself_is_in_the_schedule() -> None:
    app.loader.import_default_modules()
    entries = {entry.task: entry for entry in SCHEDULE}
    for job, longest in JOBS.items():
        every = entries[job].every
        assert every is not None and every <= longest, job
        assert entries[job].each_tenant and job in app.tasks
    for job in NIGHTLY:
        assert entries[job].at is not None and entries[job].each_tenant and job in app.tasks


def run(job: str) -> None:
    app.loader.import_default_modules()
    app.tasks[job]()


@pytest.fixture
def soon(in_alpha: Any) -> Any:
    """An event in 24 hours and half a minute that somebody booked, planned already."""
    event = make_event("Gala", starts_at=timezone.now() + timedelta(hours=24, seconds=30))
    make_order(make_ticket_type(event, price_minor=0, capacity=4), email="ada@example.test")
    Ticket.objects.update(created_at=timezone.now() - timedelta(days=3))
    run("notifications.remind")
    return event


def test_the_job_says_itself_when_it_is_due(soon):
    now = timezone.now()
    assert due.ask(now)["notifications.remind"] == soon.starts_at - timedelta(hours=24)
    # What is not planned yet, or stands elsewhere now, is due at once.
    late = make_event(starts_at=now + timedelta(days=3))
    assert due.ask(now)["notifications.remind"] <= now
    run("notifications.remind")
    assert due.ask(now)["notifications.remind"] > now
    Event.objects.filter(pk=late.pk).update(starts_at=now + timedelta(days=4))
    assert due.ask(now)["notifications.remind"] <= now
    run("notifications.remind")
    # Beyond the horizon nothing is planned, and it says when that will be.
    Round.objects.all().delete()
    Event.objects.all().update(starts_at=now + timedelta(days=50))
    assert due.ask(now)["notifications.remind"] == now + timedelta(days=18)


def test_an_event_without_reminders_is_planned_too_and_not_asked_about_for_ever(in_alpha):
    change_settings({"reminder_offsets_minutes": []}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    make_event()
    make_event(starts_at=timezone.now() - timedelta(hours=1))
    over = make_event(starts_at=timezone.now() - timedelta(hours=5))
    Event.objects.filter(pk=over.pk).update(status="finished")
    change_settings({"review_requests": False}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    run("notifications.remind")
    assert due.ask(timezone.now())["notifications.remind"] is None


def test_the_job_sends_what_is_due_through_the_outbox(soon):
    Event.objects.filter(pk=soon.pk).update(starts_at=timezone.now() + timedelta(hours=1, microseconds=300_000))
    run("notifications.remind")
    waiting = Round.objects.get(offset_minutes=60)
    Round.objects.filter(pk=waiting.pk).update(due_at=timezone.now())
    OutboxMessage.objects.all().delete()
    mail.outbox.clear()
    run("notifications.remind")
    deliver_due()
    assert [(each.to, each.subject) for each in mail.outbox] == [(["ada@example.test"], "Reminder: Gala")]


def test_a_sale_that_leaves_few_places_brings_word_to_who_may_change_the_event(soon, in_alpha):
    Quota.objects.update(sold=4)
    OutboxMessage.objects.all().delete()
    mail.outbox.clear()
    run("notifications.watch_stock")
    deliver_due()
    deliver_due()
    assert [each.subject for each in mail.outbox] == ["Nearly sold out: Gala"]
    assert owner_of(in_alpha).email in mail.outbox[0].to[0]
    assert "Gala: Standard: 0" in mail.outbox[0].body


def test_the_other_jobs_run(soon, in_alpha):
    run("notifications.send_digests")
    run("orders.retain")
    run("payments.reconcile")
    run("billing.meter")
    assert Usage.objects.get(tenant=in_alpha).orders == 1
