"""`make prove-reports`: every report equals SQL over the ledger, to the minor unit, for 100,000 generated orders.

Starts a Postgres (fsync and synchronous_commit on) and a Valkey of its own in a throw-away folder, writes the orders,
lets the first build find them, and compares. Then some orders change and are told of, twice and in any order, and all
is compared once more. Each report is timed over all days and its statements are counted. Last line: BENCH {json}.
"""

import argparse
import io
import statistics
import sys
import time
from typing import Any

from bench.figures import Table, stopwatch
from bench.tenants import measured

ORDERS = 100_000
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.reports", description=__doc__)
    parser.add_argument("--orders", type=int, default=ORDERS)
    options = parser.parse_args()
    with measured(f"Reports over {options.orders:,} orders") as (table, _home):
        figures = prove(table, options.orders)
        table.figures |= figures
    if figures["differences"] or figures["breaches"]:
        sys.exit(1)


def prove(table: Table, count: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from bench.report_equality import differences
    from bench.report_orders import generate
    from shared_apps.accounts.models import User
    from tenant_apps.orders.models import Order
    from tenant_apps.payments.models import LedgerEntry
    from tenant_apps.reports import building, figures
    from tenant_apps.reports.invariants import breaches_in
    from tenant_apps.reports.models import DayFigure, Part
    from tenants.context import in_tenant
    from tenants.provisioning import open_tenant

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=io.StringIO())
    owner = User.objects.create(email="bench@example.test", password="!")
    tenant = open_tenant(name="Bench", slug="bench", owner=owner, currency="EUR", timezone="Europe/Berlin")
    with in_tenant(tenant):
        with connection.cursor() as cursor, stopwatch() as generated:
            generate(cursor, count)
        made, moves = generated(), LedgerEntry.objects.count()
        table.line("generated", f"{Order.objects.count():,} orders, {moves:,} movements of money, {made:.0f} s")
        with stopwatch() as built:
            assert building.bring_up_to_date()
        build_s = built()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            # What compares reads everything at once; no page does.
            cursor.execute("SET statement_timeout = '10min'")
        rows = DayFigure.objects.count()
        table.line("first build", f"{build_s:.1f} s; {Part.objects.count():,} parts, {rows:,} rows of days")
        found = differences()
        table.line("differences", str(len(found)))
        ids = list(Order.objects.order_by("code").values_list("pk", flat=True)[:2000])
        with stopwatch() as refreshed:
            for pk in ids[:200]:
                figures.refresh([pk])
        each_ms = refreshed() * 1000 / 200
        figures.refresh([*ids, *reversed(ids)])
        again = differences()
        table.line("differences after messages that came twice", str(len(again)))
        for sentence in [*found, *again][:20]:
            print(sentence)
        breaches = breaches_in(tenant)
        for breach in breaches[:10]:
            print(breach)
        table.line("breaches of check_invariants", str(len(breaches)))
        table.line("one order told of", f"{each_ms:.1f} ms")
        times, statements = _timed(table)
    return {
        "orders": count, "differences": len(found) + len(again), "breaches": len(breaches),
        "build_s": round(build_s, 1), "refresh_ms": round(each_ms, 1), "day_rows": rows,
        "slowest_ms": round(max(times.values())), "reports_ms": {slug: round(ms) for slug, ms in times.items()},
        "statements": statements,
    }  # fmt: skip


def _timed(table: Table) -> tuple[dict[str, float], dict[str, int]]:
    """Each report over all days, as it usually is: the median of some rounds, and its statements."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bench import report_truth
    from tenant_apps.reports.registry import ReportQuery, reports

    with connection.cursor() as cursor:
        days = report_truth.span(cursor)
    assert days is not None
    times, statements = {}, {}
    for report in reports():
        query = ReportQuery(*days, report.usual)
        rounds = []
        for _round in range(ROUNDS):
            start = time.perf_counter()
            result = report.answer(query)
            rounds.append((time.perf_counter() - start) * 1000)
        with CaptureQueriesContext(connection) as asked:
            report.answer(query)
        times[report.slug], statements[report.slug] = statistics.median(rounds), len(asked)
        table.line(
            f"{report.slug} by {', '.join(report.usual)}, {(days[1] - days[0]).days} days",
            f"{statistics.median(rounds):.0f} ms ({min(rounds):.0f} to {max(rounds):.0f}), {len(asked)} statements,"
            f" {len(result.rows):,} rows",
        )
    return times, statements


if __name__ == "__main__":
    main()
