"""`make bench-fanout`: a tick over 1,000 tenants, an idle one, and what a noisy neighbour costs another's urgent mail.

Starts a Postgres (fsync and synchronous_commit on), a Valkey and a Celery worker with two processes of its own, opens
1,000 real tenants, and sends what beat would send. Mail leaves by SMTP, to a server of this process that takes it.

- A tick: each tenant has an overdue order and cart, an event that is over and a reminder that is due. Every entry of
  the schedule that comes round within a quarter of an hour is sent at once, from the rows that beat reads. The tick is
  done when all of it is done in every tenant, which is counted in every schema afterwards.
- An idle tick: the same entries a moment later, until the queues are empty.
- A sweep: every tenant is asked what is due, as after losing every hint.
- Noise: one tenant has 50,000 mails to send, urgent ones and then bulk ones, under a real beat; another tenant's buyer
  orders, and waits for the mail with the tickets. The delay is from the commit to the mail at the server.

`--quick` does the same with few tenants and mails, for CI: it says that everything works, not how fast.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from bench.figures import Table, spread, stopwatch
from bench.sink import Sink, sink
from bench.tenants import ROOT, fill, measured, owner

ROUNDS = 3
WORKERS = 2
HANDS = 4
NOISY_MAILS = 50_000
NOISY_ORDERS = 1_000
BUYERS = 20
# Entries that come round more rarely are no part of a tick.
TICK_SECONDS = 900
QUIET_LOOKS = 20
GOALS = {"tick_1000_s": 15.0, "idle_tick_s": 2.0, "noisy_delay_s": 5.0}
REMIND = "notifications.remind"
JOBS = ("orders.expire_overdue", "events.finish_over")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.fanout", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few tenants and mails, for CI")
    parser.add_argument("--keep", action="store_true", help="leave the data folder in place")
    parser.add_argument("--home", type=Path, help="a data folder that an earlier run kept: its tenants are there")
    options = parser.parse_args()
    tenants, mails, rounds = (20, 500, 1) if options.quick else (1_000, NOISY_MAILS, ROUNDS)
    title = f"Fan-out: {tenants} tenants, {WORKERS} worker processes"
    with measured(title, keep=options.keep, home=options.home) as (table, home):
        with sink() as mail:
            os.environ["EMAIL_URL"] = mail.url
            run(table, home, mail, tenants, mails, rounds)
        judge(table)


def run(table: Table, home: Path, mail: Sink, tenants: int, mails: int, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from platform_config.schedule import sync_schedule

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=StringIO())
    sync_schedule()
    owner()  # whose all of them are; four processes at once would each make one
    with stopwatch() as elapsed:
        fill(tenants)
    table.line(f"opening {tenants} tenants by {HANDS} processes", f"{elapsed():.0f} s")
    with celery(home, "worker", "worker", "-Q", "urgent,default,bulk", "-c", str(WORKERS)):
        platform = Platform(table, mail)
        platform.tick()  # the first one makes the rows that the others read
        platform.settle()
        measure_ticks(platform, tenants, rounds)
        measure_noise(platform, home, mails)


# --- Ticks -----------------------------------------------------------------------------------------------------------


def measure_ticks(platform: "Platform", tenants: int, rounds: int) -> None:
    table = platform.table
    jobs = platform.jobs()
    table.line("load of the machine before", " ".join(f"{each:.1f}" for each in os.getloadavg()))
    table.line("due in each tenant", ", ".join(jobs))
    table.line("entries of a tick", ", ".join(row.name for row in platform.entries()))
    ticks, letters, idle, sweeps = [], [], [], []
    for number in range(1, rounds + 1):
        with stopwatch() as elapsed:
            in_parts(arm)
            platform.settle()
            in_parts(make_due)
            platform.settle()  # the look-around has seen what is due; nothing has been run
        table.line(f"round {number}: making everything due", f"{elapsed():.0f} s")
        before = platform.mail.count
        if platform.due(jobs) != tenants * len(jobs):
            raise SystemExit(f"Only {platform.due(jobs)} of {tenants * len(jobs)} jobs are known to be due.")
        began = platform.tick()
        platform.wait_until(lambda: platform.due(jobs) == 0, 600)
        ticks.append(time.monotonic() - began)
        letters.append(platform.wait_until_quiet(300) - began)
        left = sum_of(count_left)
        if any(left.values()):
            raise SystemExit(f"The tick left something behind: {left}")
        table.line("  all done in all tenants", f"{ticks[-1]:.2f} s")
        mails = platform.mail.count - before
        table.line("  and everything that follows delivered", f"{letters[-1]:.2f} s, {mails} mails")
        if REMIND in jobs and mails < tenants:
            raise SystemExit(f"{tenants} reminders were due, and {mails} mails came.")
        platform.settle()
        began = platform.tick()
        idle.append(platform.wait_until_quiet(120) - began)
        platform.ask_everybody()
        began = platform.look_around()
        sweeps.append(platform.wait_until_quiet(120) - began)
        table.line("  idle tick; asking every tenant", f"{idle[-1]:.2f} s; {sweeps[-1]:.2f} s")
    table.figure("tick_1000_s", statistics.median(ticks), 2)
    table.figure("tick_1000_max_s", max(ticks), 2)
    table.figure("tick_mails_out_s", statistics.median(letters), 2)
    table.figure("idle_tick_s", statistics.median(idle), 2)
    table.figure("ask_all_s", statistics.median(sweeps), 2)
    table.figure("reminders", float(REMIND in jobs), 0)
    table.line(f"a tick, {tenants} tenants with everything due", spread(ticks, "s", 2))
    table.line("  until the mails that follow are out", spread(letters, "s", 2))
    table.line("an idle tick", spread(idle, "s", 2))
    table.line("asking every tenant what is due", spread(sweeps, "s", 2))


def arm(tenant: Any) -> None:
    """An event to come with a ticket that is paid for, one that is over soon, an order and a cart that hold places."""
    from datetime import timedelta

    from django.utils import timezone

    from platform_config.celery import app
    from tenant_apps.activity.models import OutboxMessage
    from tenant_apps.orders.carts import Visitor, add
    from tenant_apps.orders.checkout import BasketLine
    from tests.factories import make_event, make_order, make_ticket_type

    now = timezone.now()
    mark = f"{now:%H%M%S}-{os.getpid()}"
    soon = make_event("Soon", slug=f"soon-{mark}", starts_at=now + timedelta(hours=24, minutes=30))
    make_event("Over", slug=f"over-{mark}", starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    make_order(make_ticket_type(soon, price_minor=0), email=f"holder-{mark}@{tenant.slug}.test")
    priced = make_ticket_type(soon, name="Priced")
    make_order(priced, email=f"late-{mark}@{tenant.slug}.test")
    add(Visitor(), [BasketLine(priced.pk)])
    if REMIND in app.tasks:
        app.tasks[REMIND].run()  # plans what it will send
    # What led here was told long ago.
    OutboxMessage.objects.filter(delivered_at=None).delete()


def make_due(tenant: Any) -> None:
    """Let the time come for all of it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_order SET expires_at = now() - interval '1 minute' WHERE status = 'pending'")
        cursor.execute("UPDATE orders_cart SET expires_at = now() - interval '1 minute' WHERE expires_at IS NOT NULL")
        cursor.execute(
            "UPDATE events_event SET starts_at = now() - interval '3 hours', ends_at = now() - interval '1 minute'"
            " WHERE status = 'published' AND slug LIKE 'over-%'"
        )
        cursor.execute("SELECT to_regclass('notifications_round') IS NOT NULL")
        if cursor.fetchone()[0]:
            cursor.execute(
                "WITH moved AS (UPDATE events_event SET starts_at = now() + interval '24 hours' WHERE id IN"
                " (SELECT event_id FROM notifications_round WHERE status = 'waiting' AND kind = 'reminder')"
                " RETURNING id, starts_at)"
                " UPDATE notifications_round r SET anchor_at = m.starts_at,"
                " due_at = m.starts_at - r.offset_minutes * interval '1 minute'"
                " FROM moved m WHERE m.id = r.event_id AND r.status = 'waiting' AND r.kind = 'reminder'"
            )


def count_left(tenant: Any) -> dict[str, int]:
    """What should have been done in a tenant and was not."""
    from django.db import connection

    questions = {
        "orders": "SELECT count(*) FROM orders_order WHERE status = 'pending' AND expires_at <= now()",
        "carts": "SELECT count(*) FROM orders_cart WHERE expires_at <= now()",
        "events": "SELECT count(*) FROM events_event WHERE status = 'published' AND ends_at <= now()",
        "held": "SELECT coalesce(sum(held), 0) FROM ticketing_quota",
        "messages": "SELECT count(*) FROM activity_outboxmessage WHERE delivered_at IS NULL",
    }
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('notifications_round') IS NOT NULL")
        if cursor.fetchone()[0]:
            questions["reminders"] = (
                "SELECT count(*) FROM notifications_round WHERE status = 'waiting' AND kind = 'reminder'"
                " AND due_at <= now()"
            )
        for name, question in questions.items():
            cursor.execute(question)
            found[name] = int(cursor.fetchone()[0])
    return found


# --- Noise -----------------------------------------------------------------------------------------------------------


def measure_noise(platform: "Platform", home: Path, mails: int) -> None:
    """Another tenant's urgent mail, in peace and beside 50,000 of a noisy tenant: urgent ones, then bulk ones."""
    from tenants.models import Tenant

    table = platform.table
    noisy, *quiet = Tenant.objects.open().order_by("pk")[: BUYERS + 1]
    kinds = [prepare_sale(tenant) for tenant in quiet]
    platform.settle()
    worst = []
    with celery(home, "beat", "beat", "--schedule", str(home / "beat-schedule")):
        peace = [order_and_wait(platform, *each) for each in zip(quiet, kinds, strict=True)]
        table.line("an urgent mail in peace", spread(peace, "s", 3))
        for queue in ("urgent", "bulk"):
            make_noise(noisy, mails, queue)
            time.sleep(3)
            with stopwatch() as elapsed:
                before = platform.mail.count
                delays = [order_and_wait(platform, *each) for each in zip(quiet, kinds, strict=True)]
                rate = (platform.mail.count - before) / elapsed()
            left = waiting_of(noisy)
            if left < mails / 2 and mails == NOISY_MAILS:
                raise SystemExit(f"Only {left} of the noisy tenant's {mails} mails were left: no noise was measured.")
            table.line(f"beside {mails} {queue} mails of another tenant", spread(delays, "s", 3))
            table.line("  meanwhile", f"{rate:.0f} mails/s; the noisy tenant still has {left}")
            table.figure(f"noisy_{queue}_delay_s", max(delays), 2)
            worst.append(max(delays))
            silence(noisy)
            platform.settle()
    table.figure("peaceful_delay_s", max(peace), 2)
    table.figure("noisy_delay_s", max(worst), 2)


def prepare_sale(tenant: Any) -> Any:
    from tenants.context import in_tenant
    from tests.factories import make_ticket_type

    with in_tenant(tenant):
        return make_ticket_type(price_minor=0, capacity=1000)


def order_and_wait(platform: "Platform", tenant: Any, ticket_type: Any) -> float:
    """Order as a buyer does, and return how long after the commit the mail with the ticket was there."""
    from tenants.context import in_tenant
    from tests.factories import make_order

    email = f"buyer-{time.monotonic_ns()}@{tenant.slug}.test"
    with in_tenant(tenant):
        make_order(ticket_type, email=email)
    committed = time.monotonic()
    arrived = platform.mail.wait_for(email, 60)
    if arrived is None:
        raise SystemExit(f"No mail for the order of {email} within a minute.")
    time.sleep(0.3)
    return max(0.0, arrived - committed)


def make_noise(tenant: Any, mails: int, queue: str) -> None:
    """So many mails of one tenant: how to pay, again and again, of a thousand orders that wait for money."""
    from tenant_apps.activity.services import enqueue_all, message
    from tenant_apps.orders.models import Order
    from tenants.context import in_tenant
    from tests.factories import make_order, make_ticket_type

    with in_tenant(tenant):
        orders = list(Order.objects.filter(status="pending").values_list("pk", flat=True))
        if not orders:
            kind = make_ticket_type(capacity=None)
            orders = [make_order(kind).pk for _ in range(min(NOISY_ORDERS, mails))]
        Order.objects.filter(pk__in=orders).update(expires_at=None)
        enqueue_all(
            [
                message("order.resend", f"orders.order:{orders[number % len(orders)]}", {}, queue=queue)
                for number in range(mails)
            ]
        )


def waiting_of(tenant: Any) -> int:
    from tenant_apps.activity.standing import standing
    from tenants.context import in_tenant

    with in_tenant(tenant):
        return standing().pending


def silence(tenant: Any) -> None:
    """Take back what is left of the noise."""
    from tenant_apps.activity.models import OutboxMessage
    from tenants.context import in_tenant

    with in_tenant(tenant):
        OutboxMessage.objects.filter(delivered_at=None).delete()


# --- What runs -------------------------------------------------------------------------------------------------------


class Platform:
    """What is running: how it is told to do something, and how one sees that it is done."""

    def __init__(self, table: Table, mail: Sink):
        import redis

        from platform_config.celery import app

        self.table, self.mail, self.app = table, mail, app
        app.loader.import_default_modules()
        self.broker: Any = redis.Redis.from_url(os.environ["CELERY_BROKER_URL"])
        self.wait_until(lambda: bool(app.control.ping(timeout=0.5)), 60)

    def jobs(self) -> list[str]:
        return [*JOBS, *([REMIND] if REMIND in self.app.tasks else [])]

    def entries(self) -> list[Any]:
        """The rows of beat's that come round often."""
        from django_celery_beat.models import PeriodicTask

        rows = PeriodicTask.objects.filter(enabled=True, interval__every__lte=TICK_SECONDS).order_by("name")
        return list(rows.select_related("interval"))

    def tick(self) -> float:
        """Send what beat sends when all of these are due in the same second; returns when that began."""
        began = time.monotonic()
        for row in self.entries():
            self.app.send_task(row.task, kwargs=json.loads(row.kwargs), expires=row.expire_seconds)
        return began

    def look_around(self) -> float:
        began = time.monotonic()
        self.app.send_task("tenants.look_around")
        return began

    def ask_everybody(self) -> None:
        """As if every hint had been lost: all tenants have to be asked."""
        from django.utils import timezone

        from tenants.due import LOOK
        from tenants.models import DueJob

        DueJob.objects.filter(job=LOOK).update(due_at=timezone.now())

    def due(self, jobs: list[str]) -> int:
        """How many of these jobs wait in tenants, or are in somebody's hand."""
        from django.db.models import Q
        from django.utils import timezone

        from tenants.models import DueJob

        undone = Q(due_at__lte=timezone.now()) | Q(wanted_at__isnull=False) | Q(tries__gt=0)
        return DueJob.objects.filter(undone, job__in=jobs).count()

    def is_quiet(self) -> bool:
        """Whether nothing waits in any queue, and no worker has anything in hand."""
        waiting = sum(self.broker.llen(queue) for queue in ("urgent", "default", "bulk"))
        return waiting == 0 and self.broker.hlen("unacked") == 0

    def wait_until_quiet(self, seconds: float) -> float:
        """Wait until it is quiet and stays so, and return when that began: what a worker has just taken from a queue is
        nowhere to be seen for a moment."""
        until = time.monotonic() + seconds
        since, looks = time.monotonic(), 0
        while looks < QUIET_LOOKS:
            if time.monotonic() > until:
                raise SystemExit(f"Not quiet after {seconds:.0f} s.")
            if not self.is_quiet():
                looks = 0
            else:
                looks += 1
                since = since if looks > 1 else time.monotonic()
            time.sleep(0.01)
        return since

    def settle(self) -> None:
        """Let everything be delivered, and the rows in public say how things are. Jobs are not run."""
        from tenants import due

        for _ in range(60):
            self.wait_until_quiet(600)
            self.ask_everybody()
            self.look_around()
            self.wait_until_quiet(600)
            self.app.send_task("tenants.for_each_tenant", kwargs={"task_name": "activity.sweep"})
            self.wait_until_quiet(600)
            if due.state("activity.sweep")["due"] == 0 and due.state("tenants.look")["due"] == 0:
                return
            time.sleep(0.5)
        raise SystemExit("It does not come to rest.")

    def wait_until(self, what: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not what():
            if time.monotonic() > until:
                raise SystemExit(f"Not done after {seconds:.0f} s.")
            time.sleep(0.05)  # the look itself costs the database something


@contextmanager
def celery(home: Path, name: str, *arguments: str) -> Iterator[None]:
    """A Celery program as `make run` starts it, until the block ends."""
    with (home / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "platform_config", *arguments, "--loglevel", "WARNING"],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        except BaseException:
            print((home / f"{name}.log").read_text()[-3000:], file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(timeout=60)


def in_parts(work: Callable[[Any], Any]) -> None:
    """Do something in every tenant, by several processes."""
    sum_of(work)


def sum_of(work: Callable[[Any], Any]) -> dict[str, int]:
    """Do something in every tenant, by several processes, and add up what it returns."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(HANDS) as hands:
        parts = hands.starmap(_in_some, [(work.__name__, part) for part in range(HANDS)])
    total: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    return total


def _in_some(work: str, part: int) -> dict[str, int]:
    import django

    django.setup()
    from platform_config.celery import app
    from tenants.context import in_tenant
    from tenants.models import Tenant

    app.loader.import_default_modules()
    total: dict[str, int] = {}
    for tenant in [*Tenant.objects.open().order_by("pk")][part::HANDS]:
        with in_tenant(tenant):
            found = globals()[work](tenant)
        for name, count in (found or {}).items():
            total[name] = total.get(name, 0) + count
    return total


def judge(table: Table) -> None:
    """Say whether what is promised holds."""
    for key, most in GOALS.items():
        value = table.figures[key]
        table.line(f"{key} <= {most:g}", f"{value:g}: {'holds' if value <= most else 'DOES NOT HOLD'}")


if __name__ == "__main__":
    main()
