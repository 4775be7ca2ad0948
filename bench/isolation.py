"""`make prove-isolation`: 100,000 requests over 20 tenants with the same ids, and not one row of a neighbour (N2, N4).

The product on gunicorn with four workers of four threads, each of which is ended and started anew after a few hundred
requests; 5 % of the requests fail on purpose (bench.forced): mistakes in the middle of a view, statements and
connections that Postgres ends, bodies that break off, workers killed by -9. Every answer, whole or half, is read for
words of other tenants and for its own; at the end so are all rows, the cache and the log, and the orders are counted.

At last the same is asked of a product that stays in a tenant after a fault (bench.mutation): that must be seen, else
nothing above is worth anything. `--quick` asks few times, for CI.
"""

import argparse
import json
import multiprocessing
import re
import sys
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.figures import Table
from bench.strangers import Client, Seen, Tenant, word, words_in
from bench.tenants import WEB_WORKERS, measured
from bench.web import THREADS, gunicorn

PROCESSES, CONNECTIONS = 2, 16
EVENTS = 5
FORCED = 0.05
# A worker serves so many requests, and up to half as many more, then another takes its place.
WORKER_LIVES = 400
READY = "/healthz"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.isolation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few requests over few hosts, for CI")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--hosts", type=int, default=20)
    options = parser.parse_args()
    requests, hosts = (800, 4) if options.quick else (options.requests, options.hosts)
    title = f"Isolation: {requests:,} requests over {hosts} hosts, {FORCED:.0%} forced to fail"
    with measured(title) as (table, home):
        ok = run(table, home, requests, hosts)
    sys.exit(0 if ok else 1)


def run(table: Table, home: Path, requests: int, hosts: int) -> bool:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=StringIO())
    tenants, rows = furnish(hosts)
    table.line(f"{hosts} tenants with {EVENTS} events each", "ids equal" if len(set(rows)) == 1 else "ids DIFFER")
    with recycled(home, requests, {"BENCH_FORCED": "1"}) as web:
        began = time.monotonic()
        seen = ask(web.port, tenants, requests)
        seconds = time.monotonic() - began
    log = (home / f"web-{web.port}.log").read_text(errors="replace")
    recycled_workers = log.count("Booting worker") - WEB_WORKERS
    table.line("asked", f"{seen.asked:,} requests in {seconds:.0f} s, {seen.asked / seconds:.0f} a second")
    table.line("forced to fail", f"{seen.forced:,}, of which {seen.forced_failed:,} failed")
    table.line("workers that ended and were replaced", f"{recycled_workers}, {seen.repeats} requests asked again")
    table.line("answers to the others", json.dumps(dict(sorted(seen.statuses.items()))))
    for what, count in sorted(seen.odd.items()):
        table.line("  not as usual", f"{count} times {what}")
    stored = foreign_rows(tenants)
    logged = foreign_lines(log)
    cached = foreign_entries()
    lost = lost_orders(tenants, seen)
    for trouble in [*seen.troubles, *stored, *logged, *cached, *lost][:30]:
        table.line("TROUBLE", trouble[:300])
    unforced = sum(count for status, count in seen.statuses.items() if status not in ("200", "201", "503"))
    wrong = seen.foreign + seen.missing + len(stored) + len(lost)
    figures = {
        "requests": seen.asked, "hosts": hosts, "forced": seen.forced, "recycled": recycled_workers,
        "wrong_rows": wrong, "foreign_in_answers": seen.foreign, "foreign_in_tables": len(stored),
        "foreign_in_log": len(logged), "foreign_in_cache": len(cached), "orders_lost": len(lost),
        "unforced_errors": unforced, "equal_ids": int(len(set(rows)) == 1),
    }  # fmt: skip
    figures["mutation_detected"] = int(with_mutation(table, home, tenants, max(200, requests // 50)) > 0)
    for name, value in figures.items():
        table.figure(name, value, 0)
        table.line(name, str(value))
    nothing = ("wrong_rows", "foreign_in_log", "foreign_in_cache", "unforced_errors")
    share = seen.forced_failed / max(1, seen.asked)
    return (
        not any(figures[name] for name in nothing)
        and recycled_workers > 0
        and share > FORCED * 0.8
        and bool(figures["mutation_detected"] and figures["equal_ids"])
    )


def recycled(home: Path, requests: int, variables: dict[str, str]) -> Any:
    """A server whose workers end after some hundred requests, each at least once in a long run."""
    lives = min(WORKER_LIVES, requests // (2 * WEB_WORKERS))
    limits = ("--max-requests", str(lives), "--max-requests-jitter", str(lives // 2))
    return gunicorn(home, "platform_config.wsgi:application", variables, READY, (*THREADS, *limits))


def ask(port: int, tenants: list[Tenant], requests: int) -> Seen:
    clients = [
        Client(port, tenants, requests // PROCESSES, CONNECTIONS, FORCED, seed) for seed in range(1, PROCESSES + 1)
    ]
    together = Seen()
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        for part in pool.map(Client.run, clients, chunksize=1):
            together.add(part)
    return together


# --- What the tenants hold ------------------------------------------------------------------------------------------


def furnish(hosts: int) -> tuple[list[Tenant], list[str]]:
    """Open the tenants, each with the same rows under the same ids and its own word in them; and what ids they have."""
    from django.db import connections

    from shared_apps.accounts.tokens import AccessToken
    from tenants.provisioning import open_tenant
    from tests.factories import bearer, make_user

    found, rows = [], []
    with patch.object(AccessToken, "lifetime", timedelta(days=1)):
        shopper = make_user("everywhere@example.test", name="Ada")
        for number in range(hosts):
            name = word(number)
            person = make_user(f"{name}@example.test", name=f"{name} Owner")
            tenant = open_tenant(name=f"{name} Hall", slug=f"hall-{number:02}", owner=person, tagline=f"At {name}")
            made, ids = _fill(tenant, name, shopper)
            found.append(Tenant(number, f"{tenant.slug}.localhost", bearer(person), bearer(shopper), **made))
            rows.append(ids)
    connections.close_all()
    return found, rows


def _fill(tenant: Any, name: str, shopper: Any) -> tuple[dict[str, Any], str]:
    from tenant_apps.events.models import Venue
    from tenant_apps.ticketing import services as ticketing
    from tenant_apps.ticketing.codes import code_text
    from tenants.context import in_tenant
    from tests.factories import make_event, make_paid_order, make_ticket_type, make_variant

    with in_tenant(tenant):
        venue = Venue.objects.create(name=f"{name} House", slug="house", city=name)
        events = []
        for number in range(EVENTS):
            event = make_event(
                f"{name} Gala", slug=f"gala-{number + 1}", venue=venue, summary=name, description=f"What {name} plays"
            )
            kind = make_ticket_type(event, price_minor=0, capacity=None, name=f"{name} Standard")
            events.append((event, kind))
        make_variant(f"{name} Mug", slug="mug", published=True)
        first, free = events[0]
        door = ticketing.create_check_in_list(first, actor=None, name=f"{name} Door")
        bought = make_paid_order(free, user=shopper, email=shopper.email)
        held = make_paid_order(free, email=f"{name}-guest@example.test")
        ids = [each.pk for pair in events for each in pair] + [venue.pk, door.pk, first.venue_id]
        made = {
            "free_type": free.pk, "events": EVENTS, "door": door.pk, "code": code_text(bought.lines.get().ticket),
            "order": (held.code, held.secret),
        }  # fmt: skip
        return made, str(ids)


# --- What is there at the end ---------------------------------------------------------------------------------------


def foreign_rows(tenants: list[Tenant]) -> list[str]:
    """Name tables of a tenant that hold another's word."""
    from django.db import connection

    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT slug, schema_name FROM public.tenants_tenant")
        schemas = {int(slug.rpartition("-")[2]): schema for slug, schema in cursor.fetchall()}
        for tenant in tenants:
            schema = schemas[tenant.number]
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
            for (table,) in cursor.fetchall():
                cursor.execute(
                    f'SELECT t::text FROM "{schema}"."{table}" t WHERE t::text ~* %s'
                    " AND regexp_replace(t::text, %s, '', 'gi') ~* %s",
                    [r"canary\d\dx", word(tenant.number), r"canary\d\dx"],
                )
                found += [f"{schema}.{table}: {row[:200]}" for (row,) in cursor.fetchall()]
    return found


def lost_orders(tenants: list[Tenant], seen: Seen) -> list[str]:
    """Name tenants with fewer orders than were answered with 201. One that was forced to fail may be there too."""
    from tenant_apps.orders.models import Order
    from tenants.context import in_tenant
    from tenants.models import Tenant as Row

    found = []
    for tenant in tenants:
        with in_tenant(Row.objects.get(slug=f"hall-{tenant.number:02}")):
            there = Order.objects.filter(email__startswith=f"{word(tenant.number)}-").exclude(email__contains="guest")
            if there.count() < seen.placed[tenant.number]:
                found.append(f"{tenant.host}: {there.count()} orders of {seen.placed[tenant.number]}")
    return found


def foreign_lines(log: str) -> list[str]:
    """Return lines of the log that name one tenant and hold another's word."""
    found = []
    for line in log.splitlines():
        if (told := re.search(r'"tenant": "t_hall_?-?(\d\d)"', line)) and words_in(line.encode()).keys() - {
            int(told[1])
        }:
            found.append(line)
    return found


def foreign_entries() -> list[str]:
    """Name what the cache server keeps of a tenant under a key that does not name that tenant."""
    from tenants import freshness

    client, found = freshness.client(), []
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        held = client.get(key) if kind == b"string" else repr(client.hgetall(key)).encode() if kind == b"hash" else b""
        for number in words_in(key + (held or b"")):
            if not re.search(rb"t_hall_?-?%02d" % number, key):
                found.append(f"{key!r} holds {word(number)}")
    return found


def with_mutation(table: Table, home: Path, tenants: list[Tenant], requests: int) -> int:
    """The same of a product that is left in a tenant by what failed."""
    with recycled(home, requests, {"BENCH_FORCED": "1", "BENCH_MUTATION": "tenants"}) as web:
        seen = ask(web.port, tenants, requests)
    wrong = seen.foreign + seen.missing
    table.line(
        "a product that stays in a tenant after a fault", f"{wrong} wrong rows: " + ("seen" if wrong else "NOT SEEN")
    )
    return wrong


if __name__ == "__main__":
    main()
