"""`make bench-scan`: scans a second through the whole product, beside what the bare check-in does.

Starts a Postgres (fsync and synchronous_commit on) and a Valkey of its own and the product on a gunicorn with four
workers. 32 gates in two processes scan one ticket after the other over kept connections, each ticket once, as a
program of door staff with an API key. In turn with that (A B A B …) pgbench runs the promise alone on the same
Postgres with as many clients: begin; conditional update of the ticket; insert check-in; commit; a statement each.
`--quick` is for CI: it says that everything works.
"""

import argparse
import json
import statistics
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import prepared
from bench.counting import statements_through
from bench.figures import Table, spread
from bench.orders import postmaster, rate_of
from bench.tenants import ROOT, WEB_WORKERS, measured, owner
from bench.web import Web, cpu_seconds, gunicorn

CLIENTS = 32
PROCESSES = 2
ROUNDS = 4
SECONDS = 8.0
# More than anybody scans in a second here: each round has tickets of its own.
MOST_A_SECOND = 2500
SPARE = 10
BARE_TICKETS = 100_000
GOALS = {"ratio_to_bare": 0.12, "scans_per_s": 900.0}
LIMITS = {"p95_ms": 60.0, "sql_per_scan": 5.0, "admitted_twice": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.scan", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a second each and one round, for CI")
    parser.add_argument("--keep", action="store_true", help="leave the data folder in place")
    options = parser.parse_args()
    rounds, seconds = (1, 1.0) if options.quick else (ROUNDS, SECONDS)
    with measured(f"Scans: {CLIENTS} gates, {WEB_WORKERS} workers", keep=options.keep) as (table, home):
        run(table, home, rounds, seconds)


def run(table: Table, home: Path, rounds: int, seconds: float) -> None:
    import django

    django.setup()
    warm = min(2.0, seconds)
    door = Door(home, SPARE + round((warm + rounds * seconds) * MOST_A_SECOND))
    make_bare()
    table.line("SQL statements of a scan", str(len(door.statements_of_a_scan(table))))
    scans: list[dict[str, Any]] = []
    bare: list[float] = []
    with gunicorn(home) as web:
        door.open(web, warm)  # warm: connections, code, what the processes remember
        for _ in range(rounds):
            bare.append(rate_of(home, "bare-scan", SCRIPT, seconds))
            scans.append(door.open(web, seconds))
    report(table, scans, bare)
    table.figure("admitted_twice", door.admitted_twice(), 0)
    judge(table)


def report(table: Table, scans: list[dict[str, Any]], bare: list[float]) -> None:
    rates = [each["placed"] / each["seconds"] for each in scans]
    # Each round beside its own neighbour: what the machine gives changes from minute to minute.
    ratios = [rate / alone for rate, alone in zip(rates, bare, strict=True)]
    p50, p95 = (statistics.median(each[key] for each in scans) for key in ("p50_ms", "p95_ms"))
    web, database = (
        statistics.median(each[key] * 1000 / each["placed"] for each in scans) for key in ("web_cpu", "sql_cpu")
    )
    share = max(each["cpu_share"] for each in scans)
    table.line("scans", spread(rates, "/s", 0))
    table.line("  pgbench, the promise alone", spread(bare, "/s", 0))
    table.line("  ratio", f"{spread(ratios, '', 3)}; p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    table.line("  CPU a scan", f"{web:.2f} ms in the workers, {database:.2f} ms in Postgres")
    table.line("share of one CPU that the gates took", f"{share:.2f}")
    table.figure("scans_per_s", statistics.median(rates), 1)
    table.figure("ratio_to_bare", statistics.median(ratios), 3)
    table.figure("p50_ms", p50, 1)
    table.figure("p95_ms", p95, 1)
    table.figure("bare_per_s", statistics.median(bare), 1)
    table.figure("web_cpu_ms", web, 2)
    table.figure("sql_cpu_ms", database, 2)
    table.figure("client_cpu_share", share, 2)


def judge(table: Table) -> None:
    for key, goal in GOALS.items():
        met = "met" if table.figures[key] >= goal else "NOT met"
        table.line(f"goal {key} >= {goal:g}", f"{table.figures[key]} ({met})")
    for key, most in LIMITS.items():
        met = "met" if table.figures[key] <= most else "NOT met"
        table.line(f"goal {key} <= {most:g}", f"{table.figures[key]} ({met})")


class Door:
    """A tenant with one event, its tickets, a list, and an API key of somebody who works at the door."""

    def __init__(self, home: Path, tickets: int):
        from tenants.context import in_tenant
        from tenants.provisioning import open_tenant

        prepared.migrate()
        self.tenant = open_tenant(name="Gate", slug="gate", owner=owner(), currency="EUR", timezone="Europe/London")
        self.host = f"{self.tenant.slug}.localhost"
        self.codes, self.used = home / "codes.txt", 0
        with in_tenant(self.tenant):
            self.event = an_event()
            self.entrance, self.key = an_entrance(self.event)
            texts = issue(self.event, tickets)
        self.codes.write_text("\n".join(texts))
        self.spare = texts[-SPARE:]

    def open(self, web: Web, seconds: float) -> dict[str, Any]:
        """Let all gates scan for so long; returns what they saw, and what it cost."""
        count = round(seconds * MOST_A_SECOND)
        command = [
            sys.executable, "-m", "bench.gates", PROCESSES, web.port, CLIENTS, seconds, self.host, self.entrance,
            self.key, self.codes, self.used, count,
        ]  # fmt: skip
        self.used += count
        postgres = postmaster()
        before = cpu_seconds(web.pid), cpu_seconds(postgres)
        ran = subprocess.run([str(each) for each in command], cwd=ROOT, check=False, capture_output=True, text=True)
        if ran.returncode:
            raise SystemExit(f"The gates gave up: {ran.stderr[-2000:]}")
        answer: dict[str, Any] = json.loads(ran.stdout)
        answer["web_cpu"] = cpu_seconds(web.pid) - before[0]
        answer["sql_cpu"] = cpu_seconds(postgres) - before[1]
        # 200 is the first answer once more, to a gate whose connection was closed under it.
        if not set(answer["statuses"]) <= {"201", "200"}:
            raise SystemExit(f"Not all scans were answered: {answer['statuses']} {answer['odd']}")
        return answer

    def statements_of_a_scan(self, table: Table) -> list[str]:
        """What a warm process sends to Postgres for one scan that admits, all of it: sign-in, rights, begin, commit."""
        from django.db import connection
        from django.test import Client

        client = Client(HTTP_HOST=self.host, HTTP_AUTHORIZATION=f"Token {self.key}")

        def scan(number: int) -> None:
            body = {"code": self.spare[number], "scan_id": f"counted-{number}"}
            path = f"/api/v1/check-in-lists/{self.entrance}/scan/"
            answer = client.post(path, json.dumps(body), content_type="application/json")
            if answer.status_code != 201 or answer.json()["result"] != "admitted":
                raise SystemExit(f"A scan was answered {answer.status_code}: {answer.content[:300]!r}")

        with statements_through(connection) as sent:
            scan(0)
            scan(1)
            before = len(sent)
            scan(2)
            mine = sent[before:]
        table.figure("sql_per_scan", len(mine), 0)
        return mine

    def admitted_twice(self) -> int:
        """Tickets with more than one admission, and used ones without any; 0 is right."""
        from django.db import connection

        from tenants.context import in_tenant

        with in_tenant(self.tenant), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM ticketing_ticket t LEFT JOIN LATERAL (SELECT count(*) AS n"
                " FROM ticketing_checkin c WHERE c.ticket_id = t.id AND c.result = 'admitted') a ON true"
                " WHERE a.n <> CASE t.status WHEN 'used' THEN 1 ELSE 0 END"
            )
            return int(cursor.fetchone()[0])


# --- What there is to scan -------------------------------------------------------------------------------------------


def an_event(slug: str = "evening") -> Any:
    from django.utils import timezone

    from tenant_apps.events.models import Event

    starts_at = timezone.now() + timedelta(hours=1)
    return Event.objects.create(
        slug=slug, title="Evening", status="published", currency="EUR", starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=3), timezone="Europe/London",
    )  # fmt: skip


def an_entrance(event: Any) -> tuple[int, str]:
    """A list of all the event's tickets, and the key of a program of somebody with the role of door staff."""
    from shared_apps.accounts.models import User
    from tenant_apps.staff import services as staff
    from tenant_apps.staff.keys import make_key
    from tenant_apps.ticketing.models import CheckInList

    person = User.objects.create(email="door@example.test", password="!")
    staff.add_member(person, staff.preset_role("door"), actor=None)
    entrance = CheckInList.objects.create(event=event, name="All tickets")
    _key, text = make_key(name="Gates", scopes=["check_in"], actor=person)
    return entrance.pk, text


def issue(event: Any, count: int) -> list[str]:
    """So many tickets of the event; returns the texts of their codes."""
    from tenant_apps.ticketing.codes import code_text, new_short_code, new_token
    from tenant_apps.ticketing.keys import ensure_key
    from tenant_apps.ticketing.models import Ticket, TicketType

    kind = TicketType.objects.create(event=event, name="Standard", price_kind="free")
    tickets = [
        Ticket(
            event=event, ticket_type=kind, token=new_token(), short_code=new_short_code(), price_minor=0,
            currency="EUR", holder_name=f"Holder {number}", holder_email=f"h{number}@example.test",
        )
        for number in range(count)
    ]  # fmt: skip
    Ticket.objects.bulk_create(tickets, batch_size=2000)
    key = ensure_key(event)
    return [code_text(ticket, key) for ticket in tickets]


# --- The bare check-in -----------------------------------------------------------------------------------------------

BARE = """
CREATE SCHEMA bare_scan;
CREATE TABLE bare_scan.ticket (id int PRIMARY KEY, token uuid NOT NULL UNIQUE, used int NOT NULL DEFAULT 0);
INSERT INTO bare_scan.ticket SELECT n, gen_random_uuid() FROM generate_series(1, {tickets}) n;
CREATE TABLE bare_scan.check_in (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ticket_id int NOT NULL
    REFERENCES bare_scan.ticket, scanned_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON bare_scan.check_in (ticket_id);
"""
# One check-in as pgbench does it, a statement each. The condition holds always, so that no ticket runs out.
SCRIPT = rf"""
\set ticket random(1, {BARE_TICKETS})
BEGIN;
UPDATE bare_scan.ticket SET used = used + 1 WHERE id = :ticket AND used < 1000000;
INSERT INTO bare_scan.check_in (ticket_id) VALUES (:ticket);
COMMIT;
"""


def make_bare() -> None:
    """Tables that hold no more than the promise: a ticket and a check-in."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(BARE.format(tickets=BARE_TICKETS))
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    main()
