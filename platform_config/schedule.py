"""What happens by itself, and how often. `manage.py prepare` writes it into django-celery-beat's tables.

Each entry is a task that runs in public and queues one small task per open tenant, or a task of the platform's
own. An operator may change how often an entry runs, or switch it off, in the admin: that is kept.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

FAN_OUT = "tenants.for_each_tenant"
# How the description of an entry begins that code made. What follows is the schedule as it was delivered, by
# which an operator's change is told from a change of the code.
MARK = "Made by Foyer. As delivered: "


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the schedule: a name, the task, and either a pause or an hour and minute of the day (UTC)."""

    name: str
    task: str
    every: timedelta | None = None
    at: tuple[int, int] | None = None
    each_tenant: bool = True
    # Meant for a slot that has passed: the next one does the work (G3).
    expires: timedelta | None = None

    @property
    def delivered_as(self) -> str:
        if self.every is not None:
            return f"every {int(self.every.total_seconds())} seconds"
        hour, minute = self.at or (0, 0)
        return f"daily at {hour:02}:{minute:02} UTC"


SCHEDULE = (
    Entry("tenants.heartbeat", "tenants.heartbeat", every=timedelta(seconds=30), each_tenant=False),
    Entry("tenants.look_around", "tenants.look_around", every=timedelta(seconds=15), each_tenant=False),
    Entry("activity.sweep", "activity.sweep", every=timedelta(seconds=15)),
    Entry("activity.forget_old", "activity.forget_old", every=timedelta(hours=1)),
    Entry("orders.expire_overdue", "orders.expire_overdue", every=timedelta(minutes=1)),
    Entry("orders.release_kept", "orders.release_kept", every=timedelta(minutes=1)),
    Entry("orders.forget_carts", "orders.forget_carts", every=timedelta(hours=1)),
    Entry("orders.serve_waiting", "orders.serve_waiting", every=timedelta(minutes=1)),
    Entry("payments.poll_due", "payments.poll_due", every=timedelta(seconds=30)),
    Entry("payments.resume", "payments.resume", every=timedelta(minutes=1)),
    Entry("events.finish_over", "events.finish_over", every=timedelta(minutes=10)),
    Entry("events.settle_standing", "events.settle_standing", every=timedelta(minutes=1)),
    Entry("catalog.settle_standing", "catalog.settle_standing", every=timedelta(minutes=1)),
    Entry("ticketing.expire_over", "ticketing.expire_over", every=timedelta(minutes=10)),
    Entry("webhooks.sweep", "webhooks.sweep", every=timedelta(seconds=30)),
    Entry("webhooks.forget_old", "webhooks.forget_old", every=timedelta(hours=1)),
    Entry("notifications.remind", "notifications.remind", every=timedelta(minutes=1)),
    Entry("notifications.watch_stock", "notifications.watch_stock", every=timedelta(minutes=10)),
    Entry("notifications.send_digests", "notifications.send_digests", every=timedelta(minutes=10)),
    Entry("notifications.tell_followers", "notifications.tell_followers", every=timedelta(minutes=5)),
    Entry("onboarding.write_letters", "onboarding.write_letters", every=timedelta(minutes=10)),
    Entry("orders.retain", "orders.retain", at=(2, 50)),
    Entry("billing.meter", "billing.meter", every=timedelta(hours=1)),
    Entry("billing.sweep", "billing.sweep", every=timedelta(minutes=1), each_tenant=False),
    Entry("billing.bill_fees", "billing.bill_fees", at=(5, 10), each_tenant=False),
    Entry("billing.forget_old", "billing.forget_old", at=(2, 25), each_tenant=False),
    Entry("operators.measure", "operators.measure", every=timedelta(minutes=10)),
    Entry("imports.resume", "imports.resume", every=timedelta(minutes=1)),
    Entry("notifications.resume_messages", "notifications.resume_messages", every=timedelta(minutes=1)),
    Entry("accounts.send_unsent", "accounts.send_unsent", every=timedelta(minutes=1), each_tenant=False),
    Entry("accounts.forget_old", "accounts.forget_old", at=(2, 10), each_tenant=False),
    Entry("accounts.forget_audit", "accounts.forget_audit", at=(2, 20), each_tenant=False),
    Entry("people.resume", "people.resume", every=timedelta(minutes=1), each_tenant=False),
    Entry("people.forget_old", "people.forget_old", every=timedelta(hours=1), each_tenant=False),
    Entry("departures.sweep", "departures.sweep", every=timedelta(seconds=30), each_tenant=False),
    Entry("departures.forget_old", "departures.forget_old", every=timedelta(hours=1), each_tenant=False),
    Entry("tenants.finish_openings", "tenants.finish_openings", every=timedelta(minutes=1), each_tenant=False),
    Entry("tenants.back_up_due", "tenants.back_up_due", every=timedelta(minutes=1), each_tenant=False),
    Entry("tenants.forget_backups", "tenants.forget_backups", at=(4, 20), each_tenant=False),
    Entry("staff.recheck_domains", "staff.recheck_domains", every=timedelta(minutes=5), each_tenant=False),
    Entry("reports.send_due", "reports.send_due", every=timedelta(minutes=1)),
    Entry("reports.forget_log", "reports.forget_log", at=(2, 50)),
    Entry("reports.catch_up", "reports.catch_up", every=timedelta(minutes=5)),
    Entry("reports.resume", "reports.resume", every=timedelta(minutes=1)),
    Entry("reports.forget_old", "reports.forget_old", at=(2, 30)),
    Entry("payments.reconcile", "payments.reconcile", at=(3, 40)),
    Entry("reports.find_orphans", "reports.find_orphans", at=(2, 40)),
    Entry("reports.check_invariants", "reports.check_invariants", at=(3, 10)),
    Entry("reports.check_catalog", "reports.check_catalog", at=(3, 25), each_tenant=False),
)


@transaction.atomic
def sync_schedule(entries: tuple[Entry, ...] = SCHEDULE) -> int:
    """Make beat's rows what the entries say and return how many rows were made, changed or removed.

    What an operator edited (how often, switched off) stays. An entry that code no longer names is removed.
    """
    changed = sum(_sync(entry) for entry in entries)
    gone = PeriodicTask.objects.filter(description__startswith=MARK).exclude(name__in=[entry.name for entry in entries])
    changed += gone.count()
    gone.delete()
    if changed:
        PeriodicTasks.update_changed()
    return changed


def _sync(entry: Entry) -> int:
    row = PeriodicTask.objects.filter(name=entry.name).first()
    wanted: dict[str, Any] = {
        "task": FAN_OUT if entry.each_tenant else entry.task,
        "kwargs": json.dumps({"task_name": entry.task} if entry.each_tenant else {}),
        "expire_seconds": int((entry.expires or entry.every or timedelta(hours=6)).total_seconds()),
        "description": MARK + entry.delivered_as,
    }
    when = timing(every=entry.every, at=entry.at)
    if row is None:
        PeriodicTask.objects.create(name=entry.name, **wanted, **when)
        return 1
    edited = row.description != MARK + _in_words(row)
    if not edited:
        wanted |= when
    elif row.description.startswith(MARK):
        del wanted["description"]
    stale = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in stale.items():
        setattr(row, name, value)
    if stale:
        row.save()
    return 1 if stale else 0


def timing(*, every: timedelta | None, at: tuple[int, int] | None) -> dict[str, Any]:
    """Return beat's rows for a pause or a time of the day (UTC); made if there are none yet."""
    if every is not None:
        seconds = int(every.total_seconds())
        interval = IntervalSchedule.objects.filter(every=seconds, period=IntervalSchedule.SECONDS).first()
        interval = interval or IntervalSchedule.objects.create(every=seconds, period=IntervalSchedule.SECONDS)
        return {"interval": interval, "crontab": None}
    hour, minute = at or (0, 0)
    fields = {"hour": str(hour), "minute": str(minute), "timezone": "UTC"}
    crontab = CrontabSchedule.objects.filter(day_of_week="*", day_of_month="*", month_of_year="*", **fields).first()
    return {"crontab": crontab or CrontabSchedule.objects.create(**fields), "interval": None}


def _in_words(row: PeriodicTask) -> str:
    """The row's own schedule, in the words of `Entry.delivered_as`; something else if no entry would say so."""
    if row.interval is not None and row.interval.period == IntervalSchedule.SECONDS:
        return f"every {row.interval.every} seconds"
    if row.crontab is not None and row.crontab.hour.isdigit() and row.crontab.minute.isdigit():
        return f"daily at {int(row.crontab.hour):02}:{int(row.crontab.minute):02} {row.crontab.timezone}"
    return str(row.schedule)
