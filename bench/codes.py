"""`make prove-codes`: a million random and mutated codes at a door, and not one of them is let in (T1).

Starts a Postgres of its own and asks `scanning.scan` in three processes: whatever is forged goes all the way that a
scan goes. Among them are rightly signed codes of another event, of another tenant, of tickets that were cancelled, and
of tickets that never were. At the end the good codes, whose pieces the forgeries are made of, are all let in.
"""

import argparse
import multiprocessing
import random
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bench.figures import Table
from bench.scan import Door, an_event, issue
from bench.tenants import measured, owner

PROCESSES = 3
GOOD = 200


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.codes", description=__doc__)
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="ten thousand, for CI")
    options = parser.parse_args()
    wanted = 10_000 if options.quick else options.codes
    with measured(f"Forged codes: {wanted:,} of them, seed {options.seed}") as (table, home):
        right = run(table, home, wanted, options.seed)
    sys.exit(0 if right else 1)


def run(table: Table, home: Path, wanted: int, seed: int) -> bool:
    import django

    django.setup()
    from django.db import connections

    from tenants.context import in_tenant

    door = Door(home, GOOD)
    good = door.codes.read_text().splitlines()
    elsewhere = valid_elsewhere(door)
    connections.close_all()
    share = -(-wanted // PROCESSES)
    jobs = [(door, good, elsewhere, f"{seed}-{number}", share) for number in range(PROCESSES)]
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        parts = pool.map(try_all, jobs, chunksize=1)
    reasons: Counter[str] = sum(parts, Counter())
    with in_tenant(door.tenant):
        from tenant_apps.ticketing.models import CheckIn

        standing = CheckIn.objects.filter(result="admitted").count()
        let_in = try_good(door, good)
    for reason, number in sorted(reasons.items()):
        table.line(reason, f"{number:,}")
    table.figure("tried", sum(reasons.values()), 0)
    table.figure("accepted", reasons["admitted"] + standing, 0)
    table.figure("good_let_in", let_in, 0)
    table.line("good codes let in afterwards", f"{let_in} of {len(good)}")
    return reasons["admitted"] == standing == 0 and let_in == len(good) and sum(reasons.values()) >= wanted


def try_all(job: tuple[Door, Sequence[str], Sequence[str], str, int]) -> Counter[str]:
    """Scan so many forgeries; returns how often each answer was given."""
    from bench.forgery import forged
    from tenant_apps.ticketing import scanning
    from tenant_apps.ticketing.models import CheckInList
    from tenants.context import in_tenant

    door, good, elsewhere, seed, share = job
    answers: Counter[str] = Counter()
    with in_tenant(door.tenant):
        entrance = CheckInList.objects.select_related("event").get(pk=door.entrance)
        for number, text in enumerate(islice(forged(random.Random(seed), good, elsewhere), share)):
            answer = scanning.scan(entrance, text, f"{seed}-{number}", by=None)
            answers["admitted" if answer.admitted else answer.reason] += 1
    return answers


def try_good(door: Door, good: Sequence[str]) -> int:
    from tenant_apps.ticketing import scanning
    from tenant_apps.ticketing.models import CheckInList

    entrance = CheckInList.objects.select_related("event").get(pk=door.entrance)
    return sum(scanning.scan(entrance, text, f"good-{n}", by=None).admitted for n, text in enumerate(good))


def valid_elsewhere(door: Door) -> list[str]:
    """Rightly signed codes that admit nobody here."""
    from tenant_apps.ticketing.codes import code_text, new_token
    from tenant_apps.ticketing.keys import ensure_key
    from tenant_apps.ticketing.models import Ticket
    from tenants.context import in_tenant
    from tenants.provisioning import open_tenant

    with in_tenant(door.tenant):
        texts = issue(an_event("other"), 20)
        key = ensure_key(door.event)
        texts += [code_text(Ticket(event_id=door.event.pk, token=new_token()), key) for _ in range(20)]
        ended = issue(door.event, 20)
        _end(door.event, 20)
    neighbour: Any = open_tenant(name="Next door", slug="nextdoor", owner=owner(), currency="EUR")
    with in_tenant(neighbour):
        texts += issue(an_event("evening"), 20)
    return texts + ended


def _end(event: Any, count: int) -> None:
    """Cancel the event's newest tickets."""
    from tenant_apps.ticketing.models import Ticket

    newest = Ticket.objects.filter(event=event).order_by("-created_at", "-pk")[:count]
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in newest]).update(status="cancelled")


if __name__ == "__main__":
    main()
