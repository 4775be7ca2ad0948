"""`make prove-likes`: 200 people press one event's heart at once, again and again, over 180 connections to Postgres.

Asks afterwards whether the counters are the rows, and meanwhile how long anybody waited for a lock of another:
`pg_locks` is looked at every millisecond, and each wait that is seen is counted as long as it was. Starts a
Postgres with fsync on.
"""

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from bench.figures import Table, percentile
from bench.tenants import measured, owner

PEOPLE, CONNECTIONS, ROUNDS = 200, 180, 20
MOST_WAIT_MS = 50.0
_WAITING = """
SELECT l.pid, l.locktype, l.waitstart, extract(epoch FROM clock_timestamp() - l.waitstart) * 1000
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND l.waitstart IS NOT NULL AND a.datname = current_database()
"""


@dataclass
class Pressed:
    """What came of many acts at once: refusals, how long each act waited for locks, and how long all of it took."""

    refused: int = 0
    waits_ms: list[float] = field(default_factory=list)
    # What was waited for: "extend" is a table that grows, "transactionid" and "tuple" are rows.
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    rows: int = 0
    counted: int = 0
    waiting: int = 0

    @property
    def wait_p95_ms(self) -> float:
        return percentile(self.waits_ms, 95)

    @property
    def wait_longest_ms(self) -> float:
        return max(self.waits_ms)


class Watch(threading.Thread):
    """Looks at who waits for a lock, over a connection of its own. A wait shorter than a look may stay unseen."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.waits: dict[tuple[int, str, Any], float] = {}

    def run(self) -> None:
        import psycopg2
        from django.db import connection

        details = connection.settings_dict
        own = psycopg2.connect(
            dbname=details["NAME"], user=details["USER"], password=details["PASSWORD"], host=details["HOST"],
            port=details["PORT"],
        )  # fmt: skip
        own.autocommit = True
        with own.cursor() as cursor:
            while not self.over.is_set():
                cursor.execute(_WAITING)
                for pid, kind, since, waited in cursor.fetchall():
                    self.waits[pid, kind, since] = max(float(waited), self.waits.get((pid, kind, since), 0.0))
                time.sleep(0.001)
        own.close()


def at_once(tenant: Any, acts: Sequence[Callable[[], Any]], connections: int) -> Pressed:
    """Run the acts over so many connections, which begin together."""
    from django.db import connections as opened

    from tenants.context import in_tenant

    pressed, lock = Pressed(), threading.Lock()
    begin = threading.Barrier(connections + 1)

    def press(mine: Sequence[Callable[[], Any]]) -> None:
        try:
            with in_tenant(tenant):
                begin.wait()
                for act in mine:
                    try:
                        act()
                    except Exception as error:  # whatever went wrong is a refusal that the run tells of
                        print(f"refused: {type(error).__name__}: {error}", file=sys.stderr)
                        with lock:
                            pressed.refused += 1
        finally:
            opened.close_all()

    watch = Watch()
    watch.start()
    threads = [threading.Thread(target=press, args=(acts[n::connections],)) for n in range(connections)]
    for thread in threads:
        thread.start()
    begin.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    pressed.seconds = time.perf_counter() - started
    watch.over.set()
    watch.join()
    pressed.kinds = Counter(kind for _pid, kind, _since in watch.waits)
    seen = sorted(watch.waits.values(), reverse=True)
    # An act waits seldom twice; whoever was not seen to wait did not.
    pressed.waits_ms = [*seen, *([0.0] * (len(acts) - len(seen)))]
    return pressed


def press_at_once(tenant: Any, people: int, connections: int, rounds: int = 1) -> Pressed:
    """Let so many people like one event at once; with an odd number of rounds all of them like it in the end."""
    from shared_apps.accounts.models import User
    from tenant_apps.customers import likes
    from tenant_apps.customers.models import Like
    from tenant_apps.events.models import EventStanding, StandingChange
    from tenants.context import in_tenant

    crowd = User.objects.bulk_create(User(email=f"fan{n}@bench.test", password="!") for n in range(people))
    with in_tenant(tenant):
        event = _event()

    def act(person: Any, turn: int) -> Callable[[], Any]:
        return (lambda: likes.like(event, person)) if turn % 2 == 0 else (lambda: likes.unlike(event, person))

    # Each person's own turns are on one connection, in their order.
    acts = [act(crowd[n], turn) for turn in range(rounds) for n in range(people)]
    by_person = [acts[turn * people + n] for n in range(people) for turn in range(rounds)]
    spread = _dealt(by_person, rounds, connections)
    pressed = at_once(tenant, spread, connections)
    with in_tenant(tenant):
        pressed.rows = Like.objects.filter(event=event).count()
        pressed.counted = EventStanding.objects.get(event=event).likes
        pressed.waiting = StandingChange.objects.filter(event=event).count()
    return pressed


def _dealt(by_person: list[Callable[[], Any]], rounds: int, connections: int) -> list[Callable[[], Any]]:
    """Put the acts so that `at_once`, which deals them in turn, gives all of one person's to one connection."""
    hands: list[list[Callable[[], Any]]] = [[] for _ in range(connections)]
    for number in range(len(by_person) // rounds):
        hands[number % connections] += by_person[number * rounds : (number + 1) * rounds]
    longest = max(len(hand) for hand in hands)
    for hand in hands:
        hand += [lambda: None] * (longest - len(hand))
    return [hand[turn] for turn in range(longest) for hand in hands]


def _event() -> Any:
    from datetime import timedelta

    from django.utils import timezone

    from tenant_apps.events.models import Event

    return Event.objects.create(
        slug="loved", title="Loved", status="published", currency="EUR", timezone="Europe/London",
        starts_at=timezone.now() + timedelta(days=30),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.hearts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="likes and likes taken back, of each person")
    options = parser.parse_args()
    rounds = options.rounds // 2 * 2 + 1
    with measured(f"Hearts: {PEOPLE} people, {rounds} turns each, {CONNECTIONS} connections") as (table, home):
        good = run(table, home, rounds)
    sys.exit(0 if good else 1)


def run(table: Table, _home: Path, rounds: int) -> bool:
    import django

    django.setup()
    from django.core.management import call_command

    from tenant_apps.reports.invariants import breaches_in
    from tenants.provisioning import open_tenant

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=StringIO())
    tenant = open_tenant(name="Loved", slug="loved", owner=owner(), currency="EUR", timezone="Europe/London")
    pressed = press_at_once(tenant, PEOPLE, CONNECTIONS, rounds)
    breaches = breaches_in(tenant)
    acts = PEOPLE * rounds
    table.line("likes a second", f"{acts / pressed.seconds:.0f}")
    table.line("likes that stand, counted, left waiting", f"{pressed.rows}, {pressed.counted}, {pressed.waiting}")
    waited = sum(wait > 0 for wait in pressed.waits_ms)
    table.line("acts that waited for a lock", f"{waited} of {acts}")
    table.line("of these for", ", ".join(f"{kind} {count}" for kind, count in pressed.kinds.most_common()) or "-")
    table.line("waiting for locks, p95 and longest", f"{pressed.wait_p95_ms:.1f} and {pressed.wait_longest_ms:.1f} ms")
    for breach in breaches:
        table.line("breach", f"{breach.invariant} {breach.found}")
    table.figure("likes_per_s", acts / pressed.seconds, 0)
    table.figure("refused", pressed.refused, 0)
    table.figure("difference", abs(pressed.rows - pressed.counted), 0)
    table.figure("left_waiting", pressed.waiting, 0)
    table.figure("lock_wait_p95_ms", pressed.wait_p95_ms, 2)
    table.figure("lock_wait_longest_ms", pressed.wait_longest_ms, 2)
    table.figure("breaches", len(breaches), 0)
    exact = pressed.rows == pressed.counted == PEOPLE and not pressed.waiting and not pressed.refused
    return exact and not breaches and pressed.wait_p95_ms <= MOST_WAIT_MS


if __name__ == "__main__":
    main()
