"""Reminders through the changes of clocks, with a driven clock and two schedulers that work at the same time."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import partial
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connections

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events import services as events
from tenant_apps.notifications import digest, reminders, rounds, stock_watch
from tenant_apps.notifications.models import Round
from tenant_apps.ticketing.models import Quota, Ticket
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_event, make_order, make_ticket_type, owner_of

pytestmark = pytest.mark.usefixtures("transactional_db")

DAY, HOUR = "1440", "60"
# Zone, start, and when people must get word of it, by their own clock. In 2031 the clocks of London change on 30 March
# and 26 October at 01:00 UTC, those of New York on 9 March and 2 November at 02:00; those of Bishkek never.
WALK = [
    ("Europe/London", "2031-03-30T10:00+01:00", {DAY: "2031-03-29T09:00+00:00", HOUR: "2031-03-30T09:00+01:00"}),
    # The same wall time a day before does not exist.
    ("Europe/London", "2031-03-31T01:30+01:00", {DAY: "2031-03-30T00:30+00:00", HOUR: "2031-03-31T00:30+01:00"}),
    # The hour before it is the one that the clock jumps over.
    ("Europe/London", "2031-03-30T02:15+01:00", {DAY: "2031-03-29T01:15+00:00", HOUR: "2031-03-30T00:15+00:00"}),
    ("Europe/London", "2031-10-26T10:00+00:00", {DAY: "2031-10-25T11:00+01:00", HOUR: "2031-10-26T09:00+00:00"}),
    # The same wall time a day before comes twice: 24 hours before is the second of them.
    ("Europe/London", "2031-10-27T01:30+00:00", {DAY: "2031-10-26T01:30+00:00", HOUR: "2031-10-27T00:30+00:00"}),
    # It starts in the hour that comes twice, at its first and at its second time.
    ("Europe/London", "2031-10-26T01:30+01:00", {DAY: "2031-10-25T01:30+01:00", HOUR: "2031-10-26T00:30+01:00"}),
    ("Europe/London", "2031-10-26T01:30+00:00", {DAY: "2031-10-25T02:30+01:00", HOUR: "2031-10-26T01:30+01:00"}),
    ("America/New_York", "2031-03-09T20:00-04:00", {DAY: "2031-03-08T19:00-05:00", HOUR: "2031-03-09T19:00-04:00"}),
    ("America/New_York", "2031-03-10T02:30-04:00", {DAY: "2031-03-09T01:30-05:00", HOUR: "2031-03-10T01:30-04:00"}),
    ("America/New_York", "2031-11-03T01:30-05:00", {DAY: "2031-11-02T01:30-05:00", HOUR: "2031-11-03T00:30-05:00"}),
    ("Asia/Bishkek", "2031-03-30T10:00+06:00", {DAY: "2031-03-29T10:00+06:00", HOUR: "2031-03-30T09:00+06:00"}),
]
BEGINS = re.compile(r"begins on (.+)\.$", re.MULTILINE)
LONG_AGO = datetime(2030, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@contextmanager
def two_beats(tenant: Any) -> Iterator[Any]:
    """Two schedulers with connections of their own, which do the job of the same moment at the same moment."""
    together = Barrier(2)

    def beat(now: datetime) -> None:
        with in_tenant(tenant):
            together.wait(10)
            rounds.plan(now)
            rounds.send_due(reminders.WRITERS, now)

    with ThreadPoolExecutor(2) as pool:

        def tick(now: datetime) -> None:
            for each in [pool.submit(beat, now), pool.submit(beat, now)]:
                each.result(30)

        yield tick
        for each in [pool.submit(connections.close_all), pool.submit(connections.close_all)]:
            each.result(10)


def moments(wanted: Iterable[str], starts: Iterable[str]) -> list[datetime]:
    """The clock's ticks: around each moment that matters to the second, and every two hours through both nights."""
    ticks = {
        at(moment) + timedelta(seconds=seconds) for moment in wanted for seconds in (-3600, -60, -1, 0, 60, 3600, 7200)
    }
    for start in starts:
        ticks |= {at(start) + timedelta(hours=hours) for hours in range(-26, 4, 2)}
    return sorted(ticks)


def holders_of(event: Any, *addresses: str) -> None:
    kind = make_ticket_type(event, price_minor=0)
    for address in addresses:
        make_order(kind, email=address)
    Ticket.objects.filter(event=event).update(created_at=LONG_AGO)


def test_each_reminder_goes_out_once_at_the_right_local_time_through_both_changes_of_the_clocks(alpha):
    expected: dict[tuple[str, str, str], datetime] = {}
    with in_tenant(alpha):
        for number, (zone, start, due) in enumerate(WALK):
            event = make_event(f"Walk {number}", starts_at=at(start), timezone=zone)
            holders_of(event, f"a{number}@example.test", f"b{number}@example.test")
            for offset, moment in due.items():
                for who in "ab":
                    expected[f"{who}{number}@example.test", at(start).isoformat(), offset] = at(moment)
        # One event walks through both: reminded of in spring, postponed on the eve, and reminded of in autumn.
        walker = make_event("Walker", starts_at=at("2031-03-30T10:00+01:00"), timezone="Europe/London")
        holders_of(walker, "walker@example.test")
        OutboxMessage.objects.all().delete()
    first, later = at("2031-03-30T10:00+01:00"), at("2031-10-26T10:00+00:00")
    moved_at = at("2031-03-29T12:00+00:00")
    expected["walker@example.test", first.isoformat(), DAY] = at("2031-03-29T09:00+00:00")
    expected["walker@example.test", later.isoformat(), DAY] = at("2031-10-25T11:00+01:00")
    expected["walker@example.test", later.isoformat(), HOUR] = at("2031-10-26T09:00+00:00")

    seen: dict[Any, tuple[str, str, str, datetime]] = {}
    ticks = moments([each.isoformat() for each in expected.values()], [start for _zone, start, _due in WALK])
    with two_beats(alpha) as tick, in_tenant(alpha):
        for now in ticks:
            if now >= moved_at and walker.starts_at != later:
                walker = events.postpone(walker, starts_at=later, actor=owner_of(alpha))
                OutboxMessage.objects.filter(topic="event.postponed").delete()
            tick(now)
            for message in OutboxMessage.objects.filter(topic="notify.event.reminder").exclude(pk__in=seen):
                _round, _event, _kind, rest = message.payload["key"].split(":", 3)
                anchor, offset, _who = rest.rsplit(":", 2)
                seen[message.pk] = (message.payload["recipient"]["email"], anchor, offset, now)
            deliver_due(1000)

    came: dict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    for address, anchor, offset, moment in seen.values():
        came[address, anchor, offset].append(moment)
    assert {key: [moment] for key, moment in expected.items()} == came
    # What people read: once each, with the start on the clock at the place.
    letters = Counter((parseaddr(each.to[0])[1], BEGINS.search(each.body)[1]) for each in mail.outbox)
    assert sum(letters.values()) == len(expected)
    assert letters["a1@example.test", "Monday, 31 March 2031, 01:30 (Europe/London)"] == 2
    assert letters["b8@example.test", "Monday, 10 March 2031, 02:30 (America/New_York)"] == 2
    assert letters["a10@example.test", "Sunday, 30 March 2031, 10:00 (Asia/Bishkek)"] == 2
    assert letters["walker@example.test", "Sunday, 30 March 2031, 10:00 (Europe/London)"] == 1
    assert letters["walker@example.test", "Sunday, 26 October 2031, 10:00 (Europe/London)"] == 2


def test_many_holders_are_written_to_once_by_four_that_work_at_the_same_time(alpha, monkeypatch):
    monkeypatch.setattr(rounds, "BATCH", 7)
    start = at("2031-06-01T19:00+02:00")
    with in_tenant(alpha):
        event = make_event("Full house", starts_at=start)
        kind = make_ticket_type(event, price_minor=0)
        Ticket.objects.bulk_create(
            Ticket(
                event=event, ticket_type=kind, token=uuid4(), short_code=f"C{number}",
                holder_email=f"guest{number // 2}@example.test", price_minor=0, currency="EUR", created_at=LONG_AGO,
            )
            for number in range(200)
        )  # fmt: skip
        rounds.plan(start - timedelta(days=2))

    def work(_number: int) -> None:
        try:
            with in_tenant(alpha):
                rounds.send_due(reminders.WRITERS, start - timedelta(hours=24))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with in_tenant(alpha):
        rounds.send_due(reminders.WRITERS, start - timedelta(hours=24))
        told = Counter(
            message.payload["recipient"]["email"]
            for message in OutboxMessage.objects.filter(topic="notify.event.reminder")
        )
        assert told == {f"guest{number}@example.test": 1 for number in range(100)}
        assert Round.objects.get(event=event, offset_minutes=1440).told == 100


def test_the_summary_and_the_word_of_low_stock_are_written_once_by_many_at_the_same_time(alpha):
    with in_tenant(alpha):
        event = make_event("Gala", starts_at=at("2031-06-01T19:00+02:00"))
        kind = make_ticket_type(event, capacity=10)
        Quota.objects.filter(ticket_types=kind).update(sold=10)
        OutboxMessage.objects.all().delete()
    morning = at("2031-06-01T08:00+02:00")
    acts = [partial(digest.send, morning), partial(stock_watch.watch, morning), partial(rounds.plan, morning)]
    assert at_once(alpha, acts * 6) == {"ok": 18}
    with in_tenant(alpha):
        told = Counter(OutboxMessage.objects.values_list("topic", flat=True))
        assert told == {"notify.staff.digest": 1, "stock.low": 1}
        assert sorted(Round.objects.values_list("offset_minutes", "status")) == [(60, "waiting"), (1440, "missed")]
