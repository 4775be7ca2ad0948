"""`make bench-orders`: orders a second through the whole product, beside what the bare transaction does.

Starts a Postgres (fsync and synchronous_commit on) and a Valkey of its own and the product on a gunicorn with four
workers. 32 buyers in two processes order one free ticket each (an order, a line, a ticket, audit, outbox, the kept
answer), all of one type or spread over 100. In turn with that (A B A B …) pgbench runs the promise alone on the same
Postgres with as many clients: begin; conditional update of the counter; insert order, line, ticket, outbox row;
commit; a statement each. Then 400 buyers want 100 places. `--quick` is for CI: it says that everything works.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.counting import statements_through
from bench.figures import Table, spread
from bench.tenants import ROOT, WEB_WORKERS, measured, owner
from bench.web import Web, cpu_seconds, gunicorn

CLIENTS = 32
BUYERS = 2  # processes
SPREAD = 100
ROUNDS = 3
SECONDS = 8.0
RUSHES = 3
PLACES, ATTEMPTS = 100, 400
GOALS = {"hot_ratio_to_bare": 0.35, "hot_per_s": 250.0, "spread_per_s": 300.0}
LIMITS = {"p95_ms": 250.0, "sql_per_order": 12.0, "rush_100_of_400_s": 1.5, "oversold": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.orders", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a second each and one round, for CI")
    parser.add_argument("--keep", action="store_true", help="leave the data folder in place")
    options = parser.parse_args()
    rounds, seconds = (1, 1.0) if options.quick else (ROUNDS, SECONDS)
    with measured(f"Orders: {CLIENTS} buyers, {WEB_WORKERS} workers", keep=options.keep) as (table, home):
        run(table, home, rounds, seconds)


def run(table: Table, home: Path, rounds: int, seconds: float) -> None:
    import django

    django.setup()
    tenant, types = open_shop()
    host = f"{tenant.slug}.localhost"
    make_bare()
    table.line("SQL statements of a free order", str(len(statements_of_an_order(table, host, types[0]))))
    kinds = {"hot": types[:1], "spread": types}
    orders: dict[str, list[dict[str, Any]]] = {name: [] for name in kinds}
    bare: dict[str, list[float]] = {name: [] for name in kinds}
    with gunicorn(home) as web:
        buy(web, host, types, 2.0)  # warm: connections, code, what the processes remember
        for _ in range(rounds):
            for name, some in kinds.items():
                bare[name].append(pgbench(home, name, seconds))
                orders[name].append(buy(web, host, some, seconds))
        report(table, orders, bare)
        rush(table, web, host, tenant)
    table.figure("oversold", oversold(tenant), 0)
    judge(table)


def report(table: Table, orders: dict[str, list[dict[str, Any]]], bare: dict[str, list[float]]) -> None:
    for name, answers in orders.items():
        rates = [each["placed"] / each["seconds"] for each in answers]
        ratio = statistics.median(rates) / statistics.median(bare[name])
        p50, p95 = (statistics.median(each[key] for each in answers) for key in ("p50_ms", "p95_ms"))
        web, database = (
            statistics.median(each[key] * 1000 / each["placed"] for each in answers) for key in ("web_cpu", "sql_cpu")
        )
        table.line(f"{name}: orders", spread(rates, "/s", 0))
        table.line("  pgbench, the promise alone", spread(bare[name], "/s", 0))
        table.line("  ratio", f"{ratio:.2f}; p50 {p50:.0f} ms, p95 {p95:.0f} ms")
        table.line("  CPU an order", f"{web:.1f} ms in the workers, {database:.1f} ms in Postgres")
        table.figure(f"{name}_per_s", statistics.median(rates), 1)
        table.figure(f"{name}_bare_per_s", statistics.median(bare[name]), 1)
        table.figure(f"{name}_ratio_to_bare", ratio, 3)
        table.figure(f"{name}_web_cpu_ms", web, 2)
        table.figure(f"{name}_sql_cpu_ms", database, 2)
        table.figure(f"{name}_p50_ms", p50, 1)
        table.figure(f"{name}_p95_ms", p95, 1)
    both = [each for answers in orders.values() for each in answers]
    table.figure("p50_ms", max(table.figures["hot_p50_ms"], table.figures["spread_p50_ms"]), 1)
    table.figure("p95_ms", max(table.figures["hot_p95_ms"], table.figures["spread_p95_ms"]), 1)
    table.figure("client_cpu_share", max(each["cpu_share"] for each in both), 2)
    table.line("share of one CPU that the buyers took", f"{table.figures['client_cpu_share']}")


def judge(table: Table) -> None:
    for key, goal in GOALS.items():
        met = "met" if table.figures[key] >= goal else "NOT met"
        table.line(f"goal {key} >= {goal:g}", f"{table.figures[key]} ({met})")
    for key, most in LIMITS.items():
        met = "met" if table.figures[key] <= most else "NOT met"
        table.line(f"goal {key} <= {most:g}", f"{table.figures[key]} ({met})")


# --- What is sold ----------------------------------------------------------------------------------------------------


def open_shop() -> tuple[Any, list[int]]:
    """A tenant with a hundred events, a free ticket type each, and more places than anybody can order."""
    from django.core.management import call_command
    from django.utils import timezone

    from tenant_apps.events.models import Event
    from tenants.context import in_tenant
    from tenants.provisioning import open_tenant

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=StringIO())
    tenant = open_tenant(name="Rush", slug="rush", owner=owner(), currency="EUR", timezone="Europe/London")
    starts_at = timezone.now() + timedelta(days=30)
    with in_tenant(tenant):
        events = Event.objects.bulk_create(
            Event(
                slug=f"event-{n}", title=f"Evening {n}", status="published", currency="EUR",
                starts_at=starts_at, ends_at=starts_at + timedelta(hours=2), timezone="Europe/London",
            )
            for n in range(SPREAD)
        )  # fmt: skip
        return tenant, [admission(event, 10_000_000) for event in events]


def admission(event: Any, capacity: int) -> int:
    """A free ticket type of the event with a quota of its own; returns its id."""
    from tenant_apps.ticketing.models import Quota, QuotaTicketType, TicketType

    kind = TicketType.objects.create(event=event, name="Standard", price_kind="free", tax_rate=20)
    quota = Quota.objects.create(event=event, name="Standard", capacity=capacity)
    QuotaTicketType.objects.create(quota=quota, ticket_type=kind)
    return int(kind.pk)


def statements_of_an_order(table: Table, host: str, kind: int) -> list[str]:
    """What a warm process sends to Postgres for one free order, all of it."""
    from django.db import connection
    from django.test import Client

    client = Client(HTTP_HOST=host)

    def order(key: str) -> None:
        body = {"email": f"{key}@example.test", "lines": [{"ticket_type": kind, "quantity": 1}]}
        answer = client.post(
            "/api/v1/orders/", json.dumps(body), content_type="application/json", HTTP_IDEMPOTENCY_KEY=key
        )
        if answer.status_code != 201:
            raise SystemExit(f"An order was answered {answer.status_code}: {answer.content[:300]!r}")

    with statements_through(connection) as sent:
        order("first-of-all")
        before = len(sent)
        order("second-of-all")
        mine = sent[before:]
    table.figure("sql_per_order", len(mine), 0)
    return mine


def oversold(tenant: Any) -> int:
    """Places sold above capacity, and counters that say something else than the lines; 0 is right."""
    from django.db import connection

    from tenants.context import in_tenant

    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(greatest(q.held + q.sold - q.capacity, 0) + abs(q.held + q.sold - l.lines)), 0)"
            " FROM ticketing_quota q JOIN LATERAL (SELECT count(*) AS lines FROM orders_orderline o"
            " WHERE q.id = ANY(o.quotas) AND o.status = 'active') l ON true"
        )
        return int(cursor.fetchone()[0])


# --- Who buys --------------------------------------------------------------------------------------------------------


def buy(web: Web, host: str, types: list[int], seconds: float, orders: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.buyers", BUYERS, web.port, CLIENTS, seconds, orders, host, *types]
    postgres = postmaster()
    before = cpu_seconds(web.pid), cpu_seconds(postgres)
    ran = subprocess.run([str(each) for each in command], cwd=ROOT, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"The buyers gave up: {ran.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(ran.stdout)
    answer["web_cpu"] = cpu_seconds(web.pid) - before[0]
    answer["sql_cpu"] = cpu_seconds(postgres) - before[1]
    expected = {"201", "409"} if orders else {"201"}
    if not set(answer["statuses"]) <= expected:
        raise SystemExit(f"Not all orders were placed: {answer['statuses']} {answer['odd']}")
    return answer


def postmaster() -> int:
    """The process above all of Postgres's."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


def rush(table: Table, web: Web, host: str, tenant: Any) -> None:
    """400 attempts on 100 places, from all clients at once: how long until everybody knows."""
    from tenant_apps.events.models import Event
    from tenant_apps.ticketing.models import Quota
    from tenants.context import in_tenant

    took = []
    for _ in range(RUSHES):
        with in_tenant(tenant):
            kind = admission(Event.objects.get(slug="event-0"), PLACES)
        answer = buy(web, host, [kind], 60.0, ATTEMPTS)
        with in_tenant(tenant):
            sold = Quota.objects.get(ticket_types=kind).sold
        if answer["statuses"] != {"201": PLACES, "409": ATTEMPTS - PLACES} or sold != PLACES:
            raise SystemExit(f"{ATTEMPTS} attempts on {PLACES} places: {answer['statuses']}, {sold} sold")
        took.append(answer["seconds"])
    table.figure("rush_100_of_400_s", statistics.median(took), 3)
    table.line(f"{ATTEMPTS} attempts on {PLACES} places", spread(took, "s", 2))


# --- The bare transaction --------------------------------------------------------------------------------------------

BARE = """
CREATE SCHEMA bare;
CREATE TABLE bare.counter (id int PRIMARY KEY, capacity int NOT NULL, sold int NOT NULL DEFAULT 0 CHECK (sold >= 0));
INSERT INTO bare.counter SELECT n, 100000000 FROM generate_series(1, {spread}) n;
CREATE TABLE bare.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL, email text NOT NULL,
    total bigint NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bare.ticket (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token uuid NOT NULL UNIQUE,
    status text NOT NULL);
CREATE TABLE bare.line (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES bare.orders, ticket_id bigint NOT NULL REFERENCES bare.ticket,
    counter int NOT NULL, price bigint NOT NULL);
CREATE INDEX ON bare.line (order_id);
CREATE TABLE bare.outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL,
    order_id bigint NOT NULL, delivered_at timestamptz);
"""
# One order as pgbench does it: a statement each, the counter first, as the plainest program would.
SCRIPT = r"""
\set counter {counter}
BEGIN;
UPDATE bare.counter SET sold = sold + 1 WHERE id = :counter AND sold + 1 <= capacity;
INSERT INTO bare.orders (code, email, total) VALUES ('ABCDEFGH', 'buyer@example.test', 0) RETURNING id AS o \gset
INSERT INTO bare.ticket (token, status) VALUES (gen_random_uuid(), 'active') RETURNING id AS t \gset
INSERT INTO bare.line (order_id, ticket_id, counter, price) VALUES (:o, :t, :counter, 0);
INSERT INTO bare.outbox (topic, order_id) VALUES ('order.paid', :o);
COMMIT;
"""


def make_bare() -> None:
    """Tables that hold no more than the promise: a counter, order, line, ticket, outbox."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(BARE.format(spread=SPREAD))


def pgbench(home: Path, kind: str, seconds: float) -> float:
    """Transactions a second with as many clients as there are buyers."""
    return rate_of(home, kind, SCRIPT.format(counter="1" if kind == "hot" else f"random(1, {SPREAD})"), seconds)


def rate_of(home: Path, name: str, text: str, seconds: float) -> float:
    """How often a second pgbench gets through its script, with as many clients as the product has."""
    from platform_config.launcher.postgres import find_binaries

    address = urlsplit(os.environ["DATABASE_URL"])
    script = home / f"{name}.sql"
    script.write_text(text)
    command = [
        find_binaries() / "pgbench", "-n", "-c", CLIENTS, "-j", BUYERS, "-T", max(1, round(seconds)), "-f", script,
        "-h", address.hostname, "-p", address.port, "-U", address.username, address.path.lstrip("/"),
    ]  # fmt: skip
    environment = {**os.environ, "PGPASSWORD": address.password or ""}
    ran = subprocess.run([str(each) for each in command], env=environment, check=True, capture_output=True, text=True)
    found = re.search(r"tps = ([0-9.]+)", ran.stdout)
    if found is None:
        raise SystemExit(f"pgbench said no rate: {ran.stdout[-500:]}")
    return float(found[1])


if __name__ == "__main__":
    main()
