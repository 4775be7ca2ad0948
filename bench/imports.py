"""`make bench-import`: 100,000 events with their ticket types from a CSV file, beside bare COPY of the same rows.

Starts a Postgres (fsync and synchronous_commit on) and a Valkey of its own in a throw-away folder. Each round brings
the file in by a process of its own, as a worker would, and then copies the very rows that came out of it into the same
tables, emptied: the same indexes, constraints and generated columns, no parsing, no checks, no upsert.
"""

import argparse
import csv
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.figures import Table, spread, stopwatch
from bench.tenants import ROOT, measured

ROUNDS = 3
ROWS = 100_000
WORDS = ("winter summer city great small open secret garden river night morning jazz chamber choir tour walk talk "
         "market workshop ballet opera museum tower bridge library school harbour station palace").split()  # fmt: skip
# What an import of events writes, in the order in which rows may be copied.
TABLES = (
    "events_category", "events_tag", "events_venue", "events_event", "events_eventtag", "ticketing_tickettype",
    "ticketing_quota", "ticketing_quota_type", "ticketing_checkinlist",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.imports", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 rows and one round, for CI")
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        return step(*options.step)
    rows, rounds = (2_000, 1) if options.quick else (ROWS, ROUNDS)
    with measured(f"Import of {rows:,} events with ticket types, {rounds} rounds") as (table, home):
        measure(table, rows, rounds, home)
    return None


def measure(table: Table, rows: int, rounds: int, home: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from tenants.context import in_tenant
    from tenants.provisioning import open_tenant

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=io.StringIO())
    tenant = open_tenant(name="Bench", slug="bench", owner=_owner(), currency="EUR", timezone="Europe/Berlin")
    good, bad = festival(rows), festival(rows, bad_every=100)
    table.line("file", f"{rows:,} rows, {len(good) / 1024 / 1024:.1f} MB of CSV in 13 columns")
    straight, checked, applied, copies, peaks, bad_seconds, ratios = [], [], [], [], [], [], []
    with in_tenant(tenant):
        for number in range(rounds):
            two = _worker(_job(good, "two steps"), "two")
            assert two["status"] == "applied", two
            checked.append(two["checked_s"])
            applied.append(two["applied_s"])
            peaks.append(two["peak_mib"])
            folder = _copy_out(home / str(number))
            _empty()
            copies.append(_copy_in(folder))
            _empty()
            one = _worker(_job(good, "at once", dry_run=False), "one")
            assert one["status"] == "applied", one
            straight.append(one["checked_s"])
            peaks.append(one["peak_mib"])
            _empty()
            copies.append(_copy_in(folder))
            _empty()
            shutil.rmtree(folder)
            ratios.append(statistics.mean(copies[-2:]) / (checked[-1] + applied[-1]))
            wrong = _worker(_job(bad, "bad"), "two")
            assert wrong["status"] == "invalid", wrong
            assert not _written(), "a refused file wrote something"
            bad_seconds.append(wrong["checked_s"])
            peaks.append(wrong["peak_mib"])
    both = [check + apply for check, apply in zip(checked, applied, strict=True)]
    seconds = statistics.median(both)
    table.line("check (dry run)", spread(checked, "s", 2))
    table.line("apply after it, which checks again", spread(applied, "s", 2))
    table.line("checked and applied, both steps", spread(both, "s", 2))
    table.line("checked and applied at once (dry_run=false)", spread(straight, "s", 2))
    table.line("bare COPY of the rows that came out", spread(copies, "s", 2))
    table.line("both steps against bare COPY", spread([each * 100 for each in ratios], "%", 1))
    table.line("at once against bare COPY", f"{statistics.median(copies) / statistics.median(straight) * 100:.1f} %")
    table.line("peak memory of the worker's process", spread(peaks, "MiB", 0))
    table.line(f"{rows:,} rows with 1 % bad, all named, nothing written", spread(bad_seconds, "s", 2))
    _cost_of_indexes(table, tenant)
    table.figure("rows", rows, 0)
    table.figure("rows_per_s", rows / seconds, 0)
    table.figure("ratio_to_copy", statistics.median(ratios))
    table.figure("seconds", seconds, 2)
    table.figure("at_once_s", statistics.median(straight), 2)
    table.figure("at_once_ratio_to_copy", statistics.median(copies) / statistics.median(straight))
    table.figure("copy_s", statistics.median(copies), 2)
    table.figure("peak_mib", max(peaks), 0)
    table.figure("bad_rows_reported", wrong["errors"], 0)
    table.figure("bad_seconds", statistics.median(bad_seconds), 2)


def festival(rows: int, bad_every: int = 0) -> bytes:
    """Return a CSV file of that many events, each with one ticket type, in 500 venues; some with no known time."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow((
        "external_id", "title", "summary", "category", "tags", "starts_at", "ends_at", "timezone", "venue_name",
        "venue_address", "ticket_type", "price", "capacity",
    ))  # fmt: skip
    for number in range(rows):
        words = [WORDS[number * step % len(WORDS)] for step in (1, 7, 13, 29)]
        day, venue = number % 28 + 1, number % 500
        start = f"2031-{number % 12 + 1:02}-{day:02}T{number % 12 + 8:02}:00"
        writer.writerow((
            f"ev-{number:07}", f"{' '.join(words[:3]).title()} {number}", f"A {words[3]} {words[0]} for everybody",
            f"Kind {number % 20}", f"{words[0]}|{words[1]}",
            "sometime" if bad_every and number % bad_every == 7 else start,
            f"2031-{number % 12 + 1:02}-{day:02}T{number % 12 + 10:02}:30", "Europe/Berlin",
            f"Hall {venue}", f"{venue} Long Street", "Standard", f"{number % 90 + 10}.50", number % 300 + 1,
        ))  # fmt: skip
    return target.getvalue().encode()


def step(how: str, pk: str) -> None:
    """What a worker does with an import; prints what it took. Runs as a process of its own."""
    import django

    django.setup()
    import platform_config.celery
    from tenant_apps.imports import services
    from tenant_apps.imports.models import ImportJob
    from tenants.context import in_tenant

    platform_config.celery.app.loader.import_default_modules()
    with in_tenant("t_bench"):
        told: dict[str, Any] = {"applied_s": 0.0, "idle_mib": _peak()}
        with stopwatch() as elapsed:
            job = services.validate(ImportJob.objects.defer("content").get(pk=pk))
        told["checked_s"] = elapsed()
        if how == "two" and job.status == "ready":
            with stopwatch() as elapsed:
                job = services.apply(services.ask_to_apply(job, actor=None))
            told["applied_s"] = elapsed()
        told |= {"status": job.status, "errors": job.errors_count, "counts": job.counts, "peak_mib": _peak()}
    print(json.dumps(told))


def _worker(pk: str, how: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.imports", "--step", how, pk]
    answer = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-3000:])
    told: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return told


def _peak() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def _owner() -> Any:
    from shared_apps.accounts.models import User

    return User.objects.create(email="bench@example.test", password="!")


def _job(content: bytes, name: str, *, dry_run: bool = True) -> str:
    from tenant_apps.imports import services

    job = services.start(resource="events", file_name=f"{name}.csv", content=content, actor=None, dry_run=dry_run)
    return str(job.pk)


def _copy_out(folder: Path) -> Path:
    from django.db import connection

    folder.mkdir()
    for name in TABLES:
        with connection.cursor() as cursor, (folder / name).open("wb") as target:
            cursor.copy_expert(f"COPY (SELECT {_columns(name)} FROM {name} ORDER BY id) TO STDOUT", target)
    return folder


def _copy_in(folder: Path) -> float:
    from django.db import connection, transaction

    with stopwatch() as elapsed, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for name in TABLES:
            with (folder / name).open("rb") as source:
                cursor.copy_expert(f"COPY {name} ({_columns(name)}) FROM STDIN", source)
    return elapsed()


def _columns(table: str) -> str:
    """The columns of a table that are written, not generated."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''", [table],
        )  # fmt: skip
        return str(cursor.fetchone()[0])


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        cursor.execute("CHECKPOINT")


def _written() -> bool:
    from tenant_apps.events.models import Event

    return Event.objects.exists()


def _cost_of_indexes(table: Table, tenant: Any) -> None:
    """Say where the time of bare COPY goes: indexes of the table of events, one by one, from Postgres itself."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), string_agg(indexname, ', ' ORDER BY indexname) FROM pg_indexes "
            "WHERE schemaname = %s AND tablename = 'events_event'", [tenant.schema_name],
        )  # fmt: skip
        count, names = cursor.fetchone()
    table.line("indexes of the events' table", f"{count}: {names}")


if __name__ == "__main__":
    main()
