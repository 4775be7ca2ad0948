"""`make drill`: a tenant of a million rows is backed up, erased and restored while two others sell (P2).

Starts the whole product (Postgres with fsync, Valkey, web, worker, beat) in a throw-away folder and opens four
tenants: the one that is lost, with orders, payments, tickets, scans, reports, staff and pictures; two that are bought
from without a pause; and one that nobody touches. Then, by the commands that an operator has: `tenant_backup`,
`tenant_erase`, `tenant_restore`. Told are the minutes of each, and whether

- every table has its rows again (count, and a sum over every row's text), every file its bytes, every host, role and
  member its place, and all promises are kept (`check_invariants`);
- nobody else noticed: no order of the two was refused, every one that was answered is there, their tables are the
  same ones, and the third's rows are the same.

`--quick` does the same with few rows, for CI. The last line is BENCH {json}; exit code 1 if anything differs or the
restore takes longer than 30 minutes (RTO).
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import Table, stopwatch
from bench.stack import Stack
from bench.tenants import ROOT

# Gives a little over a million rows.
ORDERS = 75_000
LEAST_ROWS = 1_000_000
RTO_MINUTES = 30.0
PICTURES = 24
MEMBERS = 5
BUYERS = 3
SLICE_SECONDS = 4.0
ALONE_SECONDS = 20.0
# The product does its jobs in the tenant after it was filled; so long its rows must not have changed.
CALM_SECONDS, LONGEST_SETTLING = 20.0, 600.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.drill", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows, for CI")
    parser.add_argument("--orders", type=int, default=0, help="how many orders the lost tenant has")
    parser.add_argument("--keep", action="store_true", help="leave the data folder in place")
    options = parser.parse_args()
    orders = options.orders or (400 if options.quick else ORDERS)
    home = Path(tempfile.mkdtemp(prefix="foyer-drill-"))
    home.chmod(0o755)  # the servers run as another user where we are root
    table = Table(f"Drill: a tenant with {orders:,} orders is lost and comes back")
    ok = False
    try:
        with stopwatch() as elapsed, Stack(home, "http://127.0.0.1:9") as stack:
            drill = Drill(table, stack, home, quick=options.quick)
            ok = drill.run(orders)
            table.line("whole run", f"{elapsed():.0f} s")
    finally:
        if options.keep:
            print(f"kept: {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)
    table.finish()
    sys.exit(0 if ok else 1)


# --- What a tenant is ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """All that a tenant is, as far as it can be told apart: reckoned by none of the code that backs up or restores."""

    # By table: rows, and a sum over every row's text.
    tables: dict[str, tuple[int, str]]
    files: dict[str, str]
    public: dict[str, Any]

    @property
    def rows(self) -> int:
        return sum(count for count, _sum in self.tables.values())

    def differences(self, other: "Picture") -> list[str]:
        found = []
        for what in ("tables", "files", "public"):
            mine, theirs = getattr(self, what), getattr(other, what)
            found += [
                f"{what} {key}: {mine.get(key)} and {theirs.get(key)}"
                for key in sorted(mine.keys() | theirs.keys())
                if mine.get(key) != theirs.get(key)
            ]
        return found


def picture_of(slug: str) -> Picture:
    """Look at a tenant: one snapshot of its rows, its files, and what stands of it in public."""
    from django.conf import settings
    from django.db import connection, transaction

    from tenants.models import Tenant

    tenant = Tenant.objects.get(slug=slug)
    tables: dict[str, tuple[int, str]] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s)::oid AND relkind = 'r' ORDER BY 1",
            [tenant.schema_name],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(
                "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text"
                f' FROM "{tenant.schema_name}"."{name}" AS t'
            )
            tables[name] = cursor.fetchone()
        cursor.execute(
            "SELECT u.email, r.name FROM accounts_user u"
            f' JOIN "{tenant.schema_name}".staff_membership m ON m.user_id = u.id'
            f' JOIN "{tenant.schema_name}".staff_role r ON r.id = m.role_id ORDER BY 1'
        )
        members = cursor.fetchall()
    folder = Path(settings.MEDIA_ROOT) / tenant.schema_name
    files = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    same = ("slug", "schema_name", "name", "status", "owner_id", "currency", "timezone", "preferences", "logo")
    public = {name: getattr(tenant, name) for name in same}
    public["hosts"] = sorted(tenant.domains.values_list("domain", "is_primary"))
    public["members"] = members
    return Picture(tables, files, public)


def oids_of(slug: str) -> list[int]:
    """Which tables these are: others of the same names have other numbers."""
    from django.db import connection

    from tenants.models import Tenant

    schema = Tenant.objects.get(slug=slug).schema_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace(%s)::oid ORDER BY 1", [schema])
        return [oid for (oid,) in cursor.fetchall()]


def fill(slug: str, orders: int, *, owner: Any, pictures: int, members: int) -> Any:
    """Open a tenant with so many orders and all that hangs on them, staff, and pictures of an event."""
    from django.db import connection

    from bench.report_orders import generate
    from tenant_apps.events.media import add_media
    from tenant_apps.events.models import Event
    from tenant_apps.reports import building
    from tenant_apps.staff.models import Role
    from tenant_apps.staff.services import add_member
    from tenants.context import in_tenant
    from tenants.provisioning import open_tenant
    from tests.factories import make_user
    from tests.pictures import picture_file

    tenant = open_tenant(name=f"The {slug}", slug=slug, owner=owner, currency="EUR", timezone="Europe/Berlin")
    with in_tenant(tenant):
        with connection.cursor() as cursor:
            generate(cursor, orders)
        building.bring_up_to_date()
        role = Role.objects.exclude(preset="owner").order_by("pk").first()
        for number in range(members):
            add_member(make_user(f"staff-{slug}-{number}@example.test"), role, actor=owner)
        events = list(Event.objects.order_by("pk"))
        for number in range(pictures):
            upload = picture_file(colour=f"hsl({number * 15}, 60%, 50%)", name=f"{number}.jpg")
            add_media(events[number % len(events)], upload, alt=f"Picture {number}", actor=owner)
    return tenant


# --- Others, who sell meanwhile --------------------------------------------------------------------------------------


@dataclass
class Sales:
    """One neighbour that is bought from all the time, slice by slice, and what its buyers saw in each phase."""

    host: str
    types: list[int]
    port: int
    phase: str = "alone"
    placed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    trouble: str = ""
    over: bool = False

    def run(self) -> None:
        while not self.over:
            phase = self.phase
            command = [
                sys.executable, "-m", "bench.buyers", "1", str(self.port), str(BUYERS), str(SLICE_SECONDS), "0",
                self.host, *map(str, self.types),
            ]  # fmt: skip
            ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
            if ran.returncode:
                self.trouble = ran.stderr[-300:]
                return
            seen = json.loads(ran.stdout)
            # A slice that began in one phase and ended in another counts as the later's: that is when it was slower.
            phase = self.phase if self.phase != phase else phase
            self.placed[phase] += seen["placed"]
            self.seconds[phase] += seen["seconds"]
            self.slowest[phase] = max(self.slowest.get(phase, 0.0), seen["p95_ms"])
            if seen["answers"] != seen["placed"]:
                self.refused[phase] += seen["answers"] - seen["placed"]
                self.trouble = self.trouble or seen["odd"]


@contextmanager
def selling(neighbours: list[Sales]) -> Iterator[None]:
    threads = [threading.Thread(target=each.run, name=each.host) for each in neighbours]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for each in neighbours:
            each.over = True
        for thread in threads:
            thread.join(120)


# --- The drill -------------------------------------------------------------------------------------------------------


class Drill:
    """One run."""

    def __init__(self, table: Table, stack: Stack, home: Path, *, quick: bool):
        self.table, self.stack, self.home, self.quick = table, stack, home, quick
        self.wrong: list[str] = []
        self.neighbours: list[Sales] = []

    def run(self, orders: int) -> bool:
        from bench.orders import admission
        from bench.tenants import owner
        from tenants.context import in_tenant
        from tenants.provisioning import open_tenant
        from tests.factories import make_event

        person = owner()
        for name in ("north", "south"):
            shop = open_tenant(name=name, slug=f"neighbour-{name}", owner=person, currency="EUR")
            with in_tenant(shop):
                types = [admission(make_event(), 10_000_000) for _ in range(5)]
            self.neighbours.append(Sales(f"{shop.slug}.localhost", types, self.stack.port))
        fill("bystander", 50, owner=person, pictures=1, members=1)
        with stopwatch() as filled:
            fill("lost-one", orders, owner=person, pictures=PICTURES, members=MEMBERS)
        lost, still = self._calm("lost-one"), self._calm("bystander")
        self.table.line("filled", f"{lost.rows:,} rows of {len(lost.tables)} tables, {filled():.0f} s")
        if not self.quick and lost.rows < LEAST_ROWS:
            self.wrong.append(f"only {lost.rows:,} rows")
        numbers = {each.host: oids_of(each.host.partition(".")[0]) for each in self.neighbours}
        with selling(self.neighbours):
            time.sleep(4.0 if self.quick else ALONE_SECONDS)
            back = self._lose_and_bring_back(lost)
            self._phase("after")
            time.sleep(SLICE_SECONDS)
        self._compare("lost-one", lost, back)
        self._compare("bystander", still, picture_of("bystander"))
        self._look_at_neighbours(numbers)
        self._serves("lost-one")
        return self._report(lost)

    def _calm(self, slug: str) -> Picture:
        """Wait until the product has done its jobs in a tenant that was just filled: its rows change no more.

        All jobs are sent at once, also those of the night: none of them has anything left to do then.
        """
        from platform_config.celery import app
        from platform_config.schedule import SCHEDULE

        for entry in SCHEDULE:
            if entry.each_tenant:
                app.send_task("tenants.for_each_tenant", kwargs={"task_name": entry.task}, queue="default")
        until = time.monotonic() + LONGEST_SETTLING
        calm = 3.0 if self.quick else CALM_SECONDS
        before = picture_of(slug)
        while time.monotonic() < until:
            time.sleep(calm)
            now = picture_of(slug)
            if not before.differences(now):
                return now
            before = now
        raise SystemExit(f"{slug} does not come to rest within {LONGEST_SETTLING:.0f} s.")

    def _lose_and_bring_back(self, lost: Picture) -> Picture:
        archive = self.home / "lost-one.zip"
        self._phase("backup")
        self._command("backup", "tenant_backup", "lost-one", "--to", str(archive))
        self.table.line("archive", f"{archive.stat().st_size / 2**20:.1f} MiB")
        self.table.figure("archive_mib", archive.stat().st_size / 2**20, 1)
        self._phase("erase")
        self._command("erase", "tenant_erase", "lost-one", "--sure", "lost-one", "--at-once")
        self._is_gone(lost)
        self._phase("restore")
        self._command("restore", "tenant_restore", "lost-one", str(archive))
        return picture_of("lost-one")

    def _phase(self, name: str) -> None:
        for each in self.neighbours:
            each.phase = name

    def _command(self, phase: str, *words: str) -> None:
        """What an operator types, in a process of its own."""
        with stopwatch() as elapsed:
            ran = subprocess.run(
                [sys.executable, "manage.py", *words], cwd=ROOT, env=dict(os.environ), check=False,
                capture_output=True, text=True,
            )  # fmt: skip
        if ran.returncode:
            raise SystemExit(f"{' '.join(words)}: {ran.stderr[-2000:] or ran.stdout[-2000:]}")
        said = ran.stdout.strip().splitlines()
        self.table.line(
            f"manage.py {words[0]}", f"{elapsed():.1f} s = {elapsed() / 60:.2f} min; {said[-1][-120:] if said else ''}"
        )
        self.table.figure(f"{phase}_s", elapsed(), 1)
        self.table.figure(f"{phase}_minutes", elapsed() / 60, 2)

    def _is_gone(self, lost: Picture) -> None:
        from django.conf import settings
        from django.db import connection

        schema = lost.public["schema_name"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regnamespace(%s) IS NULL", [schema])
            gone = cursor.fetchone()[0]
        left = [path for path in (Path(settings.MEDIA_ROOT) / schema).rglob("*") if path.is_file()]
        status = self._answer("lost-one")
        if not gone or left or status != 404:
            self.wrong.append(f"erased, and still there: schema {not gone}, files {len(left)}, host {status}")
        self.table.line("erased", f"schema gone: {gone}; files left: {len(left)}; its host answers {status}")

    def _answer(self, slug: str) -> int:
        import requests

        address = f"http://127.0.0.1:{self.stack.port}/api/v1/events/"
        return requests.get(address, headers={"Host": f"{slug}.localhost"}, timeout=30).status_code

    def _compare(self, slug: str, before: Picture, after: Picture) -> None:
        found = before.differences(after)
        self.wrong += [f"{slug}: {each}" for each in found]
        same = "all equal" if not found else f"{len(found)} DIFFERENT"
        self.table.line(
            f"{slug} before and after",
            f"{len(after.tables)} tables, {after.rows:,} rows, {len(after.files)} files: {same}",
        )
        self.table.figure(f"different_{slug.replace('-', '_')}", len(found), 0)

    def _look_at_neighbours(self, numbers: dict[str, list[int]]) -> None:
        from tenant_apps.orders.models import Order
        from tenant_apps.reports.invariants import breaches_in
        from tenants.context import in_tenant
        from tenants.models import Tenant

        for each in self.neighbours:
            tenant = Tenant.objects.get(slug=each.host.partition(".")[0])
            with in_tenant(tenant):
                there = Order.objects.count()
            answered, refused = sum(each.placed.values()), sum(each.refused.values())
            breaches = breaches_in(tenant)
            exchanged = numbers[each.host] != oids_of(tenant.slug)
            if refused or each.trouble or there != answered or breaches or exchanged:
                self.wrong.append(
                    f"{tenant.slug}: {refused} refused ({each.trouble[:200]}), {answered} answered and {there} there,"
                    f" breaches {breaches[:3]}, tables exchanged: {exchanged}"
                )
            self.table.line(tenant.slug, f"{answered:,} orders, {refused} refused, {len(breaches)} promises broken")
            for phase, count in each.placed.items():
                rate = count / max(each.seconds[phase], 0.1)
                self.table.line(f"  {phase}", f"{rate:.0f} orders/s, worst p95 {each.slowest[phase]:.0f} ms")
        for phase in ("alone", "backup", "erase", "restore"):
            seconds = sum(each.seconds[phase] for each in self.neighbours) / max(len(self.neighbours), 1)
            placed = sum(each.placed[phase] for each in self.neighbours)
            self.table.figure(f"neighbours_{phase}_per_s", placed / max(seconds, 0.1), 1)
            p95 = max((each.slowest.get(phase, 0.0) for each in self.neighbours), default=0.0)
            self.table.figure(f"neighbours_{phase}_p95_ms", p95, 1)
        self.table.figure("neighbours_refused", sum(sum(each.refused.values()) for each in self.neighbours), 0)

    def _serves(self, slug: str) -> None:
        from tenant_apps.reports.invariants import breaches_in
        from tenants.models import Tenant

        status = self._answer(slug)
        breaches = breaches_in(Tenant.objects.get(slug=slug))
        self.table.line(f"{slug} serves", f"its host answers {status}; {len(breaches)} promises broken")
        if status != 200 or breaches:
            self.wrong.append(f"{slug} answers {status}; breaches {breaches[:3]}")

    def _report(self, lost: Picture) -> bool:
        minutes = self.table.figures["restore_minutes"]
        if minutes > RTO_MINUTES:
            self.wrong.append(f"the restore took {minutes} minutes")
        self.table.figure("rows", lost.rows, 0)
        self.table.figure("files", len(lost.files), 0)
        self.table.figure("wrong", len(self.wrong), 0)
        for each in self.wrong[:20]:
            self.table.line("WRONG", each)
        self.table.line(
            f"RTO <= {RTO_MINUTES:.0f} min", f"{minutes} min ({'met' if minutes <= RTO_MINUTES else 'NOT met'})"
        )
        return not self.wrong


if __name__ == "__main__":
    main()
