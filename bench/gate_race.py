"""`make race-gates`: 1,000 tickets, each scanned 100 times at once over HTTP: 1,000 admissions, and every repeat alike.

Starts a Postgres (fsync on), a Valkey and the product on gunicorn with four workers; asks over 100 connections. Each
tenth scan is sent twice at once, as a scanner does whose network hangs. Then all of them are sent once more, in
another order. `--quick` takes few tickets, for CI.
"""

import argparse
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from bench.figures import Table
from bench.posting import Answer, Post, post_all
from bench.scan import Door
from bench.tenants import WEB_WORKERS, measured
from bench.web import gunicorn

CONNECTIONS = 100
TICKETS, SCANS = 1000, 100
AT_ONCE = 50  # tickets whose answers are held in memory
BAD = ("not_one_admission", "wrong_answers", "unlike_repeats", "faults", "rows_too_few", "admitted_twice")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.gate_race", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 tickets, for CI")
    parser.add_argument("--tickets", type=int, default=TICKETS)
    options = parser.parse_args()
    tickets = 20 if options.quick else options.tickets
    title = f"Gates in a race: {tickets} tickets x {SCANS} scans, {WEB_WORKERS} workers, {CONNECTIONS} connections"
    with measured(title) as (table, home):
        counts = run(table, home, tickets)
        for key in ("admissions", "scans", "repeats", *BAD):
            table.line(key.replace("_", " "), f"{counts[key]:,}")
            table.figure(key, counts[key], 0)
    sys.exit(0 if counts["admissions"] == tickets and not any(counts[key] for key in BAD) else 1)


def run(table: Table, home: Path, tickets: int) -> Counter[str]:
    import django

    django.setup()
    from tenant_apps.ticketing.models import CheckIn
    from tenants.context import in_tenant

    door = Door(home, tickets)
    codes = door.codes.read_text().splitlines()
    counts: Counter[str] = Counter()
    chance = random.Random(7)
    seconds = 0.0
    with gunicorn(home) as web:
        for start in range(0, tickets, AT_ONCE):
            seconds += _race(door, web.port, codes[start : start + AT_ONCE], start, counts, chance)
    with in_tenant(door.tenant):
        counts["admissions"] = CheckIn.objects.standing().count()
        counts["rows_too_few"] = tickets * SCANS - CheckIn.objects.count()
    counts["admitted_twice"] = door.admitted_twice()
    table.line("answers a second", f"{(counts['scans'] + counts['repeats']) / seconds:.0f}")
    return counts


def _race(door: Door, port: int, codes: list[str], start: int, counts: Counter[str], chance: random.Random) -> float:
    """All scans of each ticket at once, one ticket after the other; then all once more."""
    posts: list[tuple[int, str, Post]] = []
    for number, code in enumerate(codes, start):
        for turn in range(SCANS):
            scan_id = f"{number}-{turn}"
            posts += [(number, scan_id, _post(door, code, scan_id))] * (2 if turn % 10 == 0 else 1)
    answers, took = post_all(port, [post for _number, _id, post in posts], CONNECTIONS)
    first: dict[str, Any] = {}
    admitted: Counter[int] = Counter()
    for (number, scan_id, _each), answer in zip(posts, answers, strict=True):
        counts["scans"] += 1
        told = _told(answer, counts)
        if scan_id in first:  # sent twice at once: one is new, both are told the same
            counts["unlike_repeats"] += told != first[scan_id]
            continue
        first[scan_id] = told
        admitted[number] += told[0] == "admitted"
        counts["wrong_answers"] += told[0] != "admitted" and told[1] != "already_used"
    counts["not_one_admission"] += sum(admitted[number] != 1 for number in range(start, start + len(codes)))
    chance.shuffle(posts)
    again, took_again = post_all(port, [post for _number, _id, post in posts], CONNECTIONS)
    for (_number, scan_id, _each), answer in zip(posts, again, strict=True):
        counts["repeats"] += 1
        counts["unlike_repeats"] += answer.status != 200 or _told(answer, counts) != first[scan_id]
    return took + took_again


def _post(door: Door, code: str, scan_id: str) -> Post:
    path = f"/api/v1/check-in-lists/{door.entrance}/scan/"
    return Post(door.host, path, {"code": code, "scan_id": scan_id}, scan_id, token=door.key)


def _told(answer: Answer, counts: Counter[str]) -> tuple[Any, Any, Any]:
    """What the gate was told: result, reason, and whose ticket it is."""
    if answer.status not in (200, 201):
        counts["faults"] += 1
        return answer.status, answer.code, None
    body = answer.json
    return body["result"], body.get("reason"), (body["ticket"] or {}).get("id")


if __name__ == "__main__":
    main()
