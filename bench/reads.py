"""`make bench-read`: how fast the public reads of a tenant with 2,000 events are, beside the plainest Django view.

Starts a Postgres (fsync and synchronous_commit on) and a Valkey of its own, the product and the plain views on two
gunicorns with four workers each, and asks them in turn (A B A B …) over 32 connections from a process of its own.
While one is asked the other is idle. `--quick` asks for a second each, for CI: it says that everything works.
"""

import argparse
import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from bench.figures import Table, spread
from bench.tenants import ROOT, WEB_WORKERS, measured, owner
from bench.web import gunicorn

EVENTS = 2000
CONNECTIONS = 32
ROUNDS = 5
SECONDS = 4.0
LIST, SLUG = "/api/v1/events/", "event-77"
DETAIL, AVAILABILITY = f"{LIST}{SLUG}/", f"{LIST}{SLUG}/availability/"
GOALS = {"list_ratio": 0.60, "detail_ratio": 0.60, "not_modified_ratio": 0.90}
PLAIN, FIFTY = "plain view, one row", "plain view, fifty rows"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.reads", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a second each and two rounds, for CI")
    parser.add_argument("--keep", action="store_true", help="leave the data folder in place")
    options = parser.parse_args()
    rounds, seconds = (2, 1.0) if options.quick else (ROUNDS, SECONDS)
    title = f"Public reads: {EVENTS} events, {WEB_WORKERS} workers, {CONNECTIONS} connections"
    with measured(title, keep=options.keep) as (table, home):
        run(table, home, rounds, seconds)


def run(table: Table, home: Path, rounds: int, seconds: float) -> None:
    import django

    django.setup()
    tenant = make_programme()
    host = f"{tenant.slug}.localhost"
    count_statements(table, host)
    with ExitStack() as stack:
        product = stack.enter_context(gunicorn(home)).port
        plain_settings = {"DJANGO_SETTINGS_MODULE": "bench.plain_settings", "BENCH_SCHEMA": tenant.schema_name}
        path = f"/one/{SLUG}/"
        application = "django.core.wsgi:get_wsgi_application()"
        plain = stack.enter_context(gunicorn(home, application, plain_settings, path)).port
        tags = {each: etag_of(product, host, each) for each in (LIST, DETAIL)}
        # What stands in the cache ends after five seconds: these are long enough to meet that several times over.
        asked: dict[str, tuple[int, str, list[str], int]] = {
            PLAIN: (plain, "", [path], 200),
            "list": (product, "", [LIST], 200),
            "detail": (product, "", [DETAIL], 200),
            "availability": (product, "", [AVAILABILITY], 200),
            "not_modified": (product, tags[DETAIL], [DETAIL], 304),
            "not_modified_list": (product, tags[LIST], [LIST], 304),
            FIFTY: (plain, "", ["/fifty/"], 200),
            # No two of these are alike, so each is made by the view.
            "list_cold": (product, "", cold_lists(3000), 200),
            "detail_cold": (product, "", [f"{LIST}event-{number}/" for number in range(EVENTS)], 200),
        }
        for port, tag, paths, status in asked.values():
            load(port, host, tag, paths, 1.0, status)  # warm: connections, code, the processes' own rows
        figures: dict[str, list[dict[str, Any]]] = {name: [] for name in asked}
        for _ in range(rounds):
            for name, (port, tag, paths, status) in asked.items():
                if name not in (PLAIN, FIFTY):
                    # A B A B: the measure directly before what is measured.
                    figures[PLAIN].append(load(plain, host, "", [path], seconds / 2, 200))
                if name != PLAIN:
                    figures[name].append(load(port, host, tag, paths, seconds, status))
    report(table, figures)


def report(table: Table, figures: dict[str, list[dict[str, Any]]]) -> None:
    rates = {name: [each["answers"] / each["seconds"] for each in rounds] for name, rounds in figures.items()}
    base = statistics.median(rates[PLAIN])
    for name, rounds in figures.items():
        table.line(name, spread(rates[name], "req/s", 0))
        ratio = statistics.median(rates[name]) / base
        size = statistics.median(each["bytes"] / each["answers"] for each in rounds)
        p50, p95 = (statistics.median(each[key] for each in rounds) for key in ("p50_ms", "p95_ms"))
        cpu = statistics.median(each["cpu_share"] for each in rounds)
        table.line("", f"{ratio:.2f} of the plain view; p50 {p50:.1f} ms, p95 {p95:.1f} ms; {size:.0f} bytes an answer")
        table.line("", f"the client took {cpu:.2f} of one CPU")
        if name not in (PLAIN, FIFTY):
            table.figure(f"{name}_rps", statistics.median(rates[name]), 1)
            table.figure(f"{name}_ratio", ratio, 3)
    table.figure("plain_rps", base, 1)
    table.figure("plain_fifty_rps", statistics.median(rates[FIFTY]), 1)
    table.figure("client_cpu_share", max(each["cpu_share"] for rounds in figures.values() for each in rounds), 2)
    for key, goal in GOALS.items():
        met = "met" if table.figures[key] >= goal else "NOT met"
        table.line(f"goal {key} >= {goal}", f"{table.figures[key]} ({met})")


def cold_lists(count: int) -> list[str]:
    """Addresses of the same fifty events, no two alike."""
    return [
        f"{LIST}?modified_since=2001-01-01T00:{number // 60 % 60:02}:{number % 60:02}.{number}Z"
        for number in range(count)
    ]


# --- What is asked for -----------------------------------------------------------------------------------------------


def make_programme() -> Any:
    """A tenant with 2,000 events of 20 places, each with three tags and two ticket types with their quotas."""
    from django.core.management import call_command
    from django.utils import timezone

    from tenant_apps.events.models import Category, Event, EventTag, Tag, Venue
    from tenant_apps.ticketing.models import Quota, QuotaTicketType, TicketType
    from tenants.context import in_tenant
    from tenants.provisioning import open_tenant

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=StringIO())
    tenant = open_tenant(name="Festival", slug="festival", owner=owner(), currency="EUR", timezone="Europe/London")
    now = timezone.now()
    with in_tenant(tenant):
        kinds = [Category.objects.create(slug=f"kind-{n}", name=f"Kind {n}") for n in range(8)]
        tags = [Tag.objects.create(slug=f"tag-{n}", name=f"Tag {n}") for n in range(12)]
        venues = [
            Venue.objects.create(
                slug=f"hall-{n}", name=f"Hall {n}", address=f"{n} Long Street", city="London",
                latitude=51.5 + n / 100, longitude=-0.1 - n / 100, timezone="Europe/London",
            )
            for n in range(20)
        ]  # fmt: skip
        events = Event.objects.bulk_create(
            Event(
                slug=f"event-{n}", title=f"An evening with ensemble number {n}", status="published",
                summary="A summary of about eighty characters, as people write where there is room for it.",
                description="<p>" + "What there is to know about this evening, told at some length. " * 6 + "</p>",
                starts_at=now + timedelta(days=30, hours=n), ends_at=now + timedelta(days=30, hours=n + 2),
                timezone="Europe/London", currency="EUR", category=kinds[n % 8], venue=venues[n % 20], level="easy",
            )
            for n in range(EVENTS)
        )  # fmt: skip
        EventTag.objects.bulk_create(
            EventTag(event=event, tag=tags[(n + k) % 12]) for n, event in enumerate(events) for k in range(3)
        )
        types = TicketType.objects.bulk_create(
            TicketType(event=event, name=name, price_minor=price, tax_rate=20)
            for event in events
            for name, price in (("Standard", 1500), ("VIP", 6000))
        )
        quotas = Quota.objects.bulk_create(Quota(event=each.event, name=each.name, capacity=100) for each in types)
        QuotaTicketType.objects.bulk_create(
            QuotaTicketType(quota=quota, ticket_type=each) for quota, each in zip(quotas, types, strict=True)
        )
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return tenant


def count_statements(table: Table, host: str) -> None:
    """How many statements an answer costs that is made anew, and one that is kept."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(HTTP_HOST=host)
    client.get("/api/v1/tags/")  # this process gets to know the tenant
    for name, path in (("list", LIST), ("detail", DETAIL), ("availability", AVAILABILITY)):
        counts = []
        for _ in ("made", "kept"):
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(path)
            if answer.status_code != 200:
                raise SystemExit(f"{path} answered {answer.status_code}")
            counts.append(sum(not query["sql"].startswith("SET") for query in queries.captured_queries))
        table.figure(f"{name}_sql", counts[0], 0)
        table.figure(f"{name}_sql_warm", counts[1], 0)
        table.line(f"SQL statements for {path}", f"{counts[0]} where it is made, {counts[1]} where it is kept")


# --- Who asks, and who answers ---------------------------------------------------------------------------------------


def load(port: int, host: str, etag: str, paths: list[str], seconds: float, status: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.load", str(port), str(CONNECTIONS), str(seconds), host, etag, *paths]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(run.stdout)
    if set(answer["statuses"]) != {str(status)}:
        raise SystemExit(f"{paths[0]}: expected {status}, got {answer['statuses']}")
    return answer


def etag_of(port: int, host: str, path: str) -> str:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Host": host})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.headers["ETag"]


if __name__ == "__main__":
    main()
