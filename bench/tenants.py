"""`make bench-tenants`: opening, migrating and serving up to 1,000 tenants.

Starts a Postgres (fsync and synchronous_commit on) and a Valkey of its own in a throw-away folder. `--quick` does
the same with few tenants, for CI: its figures say that everything works, not how fast it is.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from bench.figures import Table, percentile, spread, stopwatch

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
SAMPLES = 30
FILLERS = 4
WEB_WORKERS = 4
CLIENTS = 4
PATH = "/api/v1/events/"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.tenants", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few tenants only, for CI")
    parser.add_argument("--keep", action="store_true", help="leave the data folder in place")
    options = parser.parse_args()
    few, many, samples = (20, 40, 5) if options.quick else (200, 1000, SAMPLES)
    with measured(f"Tenants: opened, migrated, served ({few} and {many})", keep=options.keep) as (table, home):
        run(table, few, many, samples, home)


@contextmanager
def measured(title: str, *, keep: bool = False, home: Path | None = None) -> Iterator[tuple[Table, Path]]:
    """A table of figures, and servers in a throw-away folder; at the end the table is printed and the folder gone.

    A folder that is given is used, and kept.
    """
    keep = keep or home is not None
    home = home or Path(tempfile.mkdtemp(prefix="foyer-bench-"))
    home.chmod(0o755)  # the servers run as another user where we are root
    table = Table(title)
    try:
        with stopwatch() as elapsed, servers(home):
            yield table, home
        table.line("whole run", f"{elapsed():.0f} s")
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    table.finish()


@contextmanager
def servers(home: Path) -> Iterator[None]:
    """Start what everything below talks to, and point Django at it."""
    from platform_config.launcher.postgres import EmbeddedPostgres
    from platform_config.launcher.valkey import EmbeddedValkey

    with EmbeddedPostgres(home / "postgres") as database, EmbeddedValkey(home / "valkey") as cache:
        os.environ |= {
            "DATABASE_URL": database,
            "CACHE_URL": f"{cache}/1",
            "CELERY_BROKER_URL": f"{cache}/0",
            "FOYER_HOME": str(home),
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "bench.settings",
        }
        yield


def run(table: Table, few: int, many: int, samples: int, home: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit'), version()")
        fsync, synchronous, version = cursor.fetchone()
        table.line("server", f"{version.split(' on ')[0]}, fsync {fsync}, synchronous_commit {synchronous}")
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=StringIO())
    measure_template(table)
    measure_creating(table, "0", samples, keep=True)
    fill(few)
    measure_creating(table, str(few), samples)
    measure_migrating(table, few, home)
    with stopwatch() as elapsed:
        fill(many)
    table.line(f"filling up to {many} by {FILLERS} processes", f"{elapsed():.1f} s")
    measure_creating(table, str(many), samples)
    measure_rotation(table, many, home)
    measure_lookup(table)


# --- Opening --------------------------------------------------------------------------------------------------------


def owner() -> Any:
    from shared_apps.accounts.models import User

    return User.objects.filter(email="bench@example.test").first() or User.objects.create(
        email="bench@example.test", password="!"
    )


def measure_template(table: Table) -> None:
    from tenants import rendering

    with stopwatch() as elapsed:
        statements = rendering.template()
    table.figure("render_template_s", elapsed())
    count = len(statements or ())
    table.line("rendering the template, once per release", f"{elapsed():.2f} s, {count} statements")


def measure_creating(table: Table, at: str, samples: int, *, keep: bool = False) -> None:
    """Open tenants one by one, and between two of them ask `SELECT 1`: what the machine gives at that moment."""
    from django.db import connection

    from tenants.models import Tenant
    from tenants.provisioning import open_tenant

    person, seconds, bare = owner(), [], []
    for number in range(samples):
        with stopwatch() as elapsed:
            made = open_tenant(name=f"Sample {number}", slug=f"sample-{at}-{number}x", owner=person)
        seconds.append(elapsed())
        bare.append(round_trip(connection))
        if not keep:
            # So that every sample meets the same number of tenants.
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                cursor.execute(f'DROP SCHEMA "{made.schema_name}" CASCADE')
            Tenant.objects.filter(pk=made.pk).delete()
    p50, p95 = percentile(seconds, 50), percentile(seconds, 95)
    table.figure(f"create_p50_s_{at}", p50)
    table.figure(f"create_p95_s_{at}", p95)
    table.figure(f"create_{at}_in_round_trips", p50 / statistics.median(bare), 0)
    table.line(f"opening a tenant where {at} are", f"p50 {p50:.3f} s, p95 {p95:.3f} s, {spread(seconds, 's')}")
    table.line(
        "  in round trips of SELECT 1",
        f"{p50 / statistics.median(bare):.0f} of {statistics.median(bare) * 1000:.3f} ms",
    )


def round_trip(connection: Any) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        with stopwatch() as elapsed:
            cursor.execute("SELECT 1")
        return elapsed()


def fill(total: int) -> None:
    """Open tenants until there are so many."""
    from tenants.models import Tenant

    missing = total - Tenant.objects.count()
    if missing <= 0:
        return
    first = Tenant.objects.count()
    context = multiprocessing.get_context("spawn")
    parts = [range(first + part, total, FILLERS) for part in range(FILLERS)]
    workers = [context.Process(target=_open_all, args=(part,)) for part in parts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers) or Tenant.objects.count() != total:
        raise SystemExit(f"Filling up to {total} tenants failed.")


def _open_all(numbers: range) -> None:
    import django

    django.setup()
    from tenants.provisioning import open_tenant

    person = owner()
    for number in numbers:
        open_tenant(name=f"Tenant {number}", slug=f"bench-{number}x", owner=person)


# --- Migrating ------------------------------------------------------------------------------------------------------


def measure_migrating(table: Table, tenants: int, home: Path) -> None:
    from django.core.management import call_command

    idle: list[float] = []
    process: list[float] = []
    changing: list[float] = []
    with temporary_migrations(home) as add_field:
        # In turn, so that a busy minute of the machine meets both.
        for number in range(ROUNDS):
            idle.append(timed(lambda: call_command("migrate_tenants", stdout=StringIO())))
            process.append(timed(_migrate_in_a_process))
            add_field(number)
            out = StringIO()
            changing.append(timed(lambda out=out: call_command("migrate_tenants", stdout=out)))  # type: ignore[misc]  # mypy does not type a lambda's defaults
            if f"{tenants} migrated by SQL" not in out.getvalue():
                raise SystemExit(f"Not all tenants were migrated: {out.getvalue()}")
    table.figure(f"noop_{tenants}_s", statistics.median(idle))
    table.figure(f"noop_{tenants}_with_start_s", statistics.median(process))
    table.figure(f"addfield_{tenants}_s", statistics.median(changing))
    table.line(f"migrate_tenants, {tenants} tenants, nothing to do", spread(idle, "s"))
    table.line("  with the start of Python and Django", spread(process, "s"))
    table.line(f"migrate_tenants, {tenants} tenants, a field and an index", spread(changing, "s"))


def timed(work: Callable[[], Any]) -> float:
    with stopwatch() as elapsed:
        work()
        return elapsed()


def _migrate_in_a_process() -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "migrate_tenants"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise SystemExit(f"migrate_tenants failed: {run.stderr[-2000:]}")


@contextmanager
def temporary_migrations(home: Path) -> Iterator[Callable[[int], None]]:
    """Yield what writes one more migration of events, with a field and its index; all is undone at the end."""
    from django.apps import apps
    from django.conf import settings
    from django.db import connection

    from tenants import rendering, schema_state
    from tenants.models import SchemaTemplate, Tenant

    package = home / "bench_events_migrations"
    real = Path(apps.get_app_config("events").path) / "migrations"
    shutil.copytree(real, package, ignore=shutil.ignore_patterns("__pycache__"))
    written: list[str] = []

    def add_field(number: int) -> None:
        last = sorted(path.stem for path in package.glob("0*.py"))[-1]
        name = f"{int(last[:4]) + 1:04}_bench_{number}"
        (package / f"{name}.py").write_text(
            "from django.db import migrations, models\n\n\n"
            "class Migration(migrations.Migration):\n"
            f"    dependencies = [('events', '{last}')]\n"
            "    operations = [\n"
            f"        migrations.AddField('event', 'bench_{number}', models.CharField(max_length=9, db_default='')),\n"
            f"        migrations.AddIndex('event', models.Index(fields=['bench_{number}'], name='bench_{number}')),\n"
            "    ]\n"
        )
        written.append(name)
        for module in [known for known in sys.modules if known.startswith(package.name)]:
            del sys.modules[module]
        settings.MIGRATION_MODULES = {"events": package.name}
        schema_state.forget()
        rendering.forget()

    sys.path.insert(0, str(home))
    try:
        yield add_field
    finally:
        settings.MIGRATION_MODULES = {}
        schema_state.forget()
        rendering.forget()
        with connection.cursor() as cursor:
            for schema_name in Tenant.objects.values_list("schema_name", flat=True):
                for number in range(len(written)):
                    cursor.execute(f'ALTER TABLE "{schema_name}".events_event DROP COLUMN IF EXISTS bench_{number}')
                cursor.execute(f'DELETE FROM "{schema_name}".django_migrations WHERE name = ANY(%s)', [written])
        Tenant.objects.update(migrations_applied=schema_state.current_graph().migrations)
        SchemaTemplate.objects.filter(migrations__gt=schema_state.current_graph().migrations).delete()


# --- Serving --------------------------------------------------------------------------------------------------------


def measure_rotation(table: Table, tenants: int, home: Path) -> None:
    """Ask each tenant once a round, through four real web workers; between the rounds one tenant, and none."""
    from tenants.models import Domain

    hosts = list(Domain.objects.filter(is_primary=True).order_by("pk").values_list("domain", flat=True)[:tenants])
    with web_server(home) as port:
        first = rotate(port, PATH, hosts)
        tenant_p50, tenant_p95, one_p50, bare_p50, cpu = [], [], [], [], []
        rotate(port, PATH, hosts[:1] * len(hosts))
        for _ in range(ROUNDS):
            answer = rotate(port, PATH, hosts)
            tenant_p50.append(percentile(answer["ms"][0], 50))
            tenant_p95.append(percentile(answer["ms"][0], 95))
            cpu.append(answer["cpu_share"])
            one_p50.append(percentile(rotate(port, PATH, hosts[:1] * len(hosts))["ms"][0], 50))
            bare_p50.append(percentile(rotate(port, "/healthz", hosts)["ms"][0], 50))
    table.figure(f"rotate_{tenants}_p50_ms", statistics.median(tenant_p50), 2)
    table.figure(f"rotate_{tenants}_p95_ms", statistics.median(tenant_p95), 2)
    table.figure(f"rotate_{tenants}_first_p50_ms", percentile(first["ms"][0], 50), 2)
    table.figure(f"rotate_{tenants}_first_p95_ms", percentile(first["ms"][0], 95), 2)
    table.figure("same_tenant_p50_ms", statistics.median(one_p50), 2)
    table.figure(f"rotate_{tenants}_to_same_tenant", statistics.median(tenant_p50) / statistics.median(one_p50), 2)
    table.figure("healthz_p50_ms", statistics.median(bare_p50), 2)
    table.figure("client_cpu_share", statistics.median(cpu), 2)
    first_p50, first_p95 = percentile(first["ms"][0], 50), percentile(first["ms"][0], 95)
    table.line(f"GET {PATH}, {tenants} tenants in turn, first round", f"p50 {first_p50:.1f} ms, p95 {first_p95:.1f} ms")
    table.line(f"  later rounds, {WEB_WORKERS} workers, {CLIENTS} clients: p50", spread(tenant_p50, "ms", 2))
    table.line("  later rounds: p95", spread(tenant_p95, "ms", 2))
    table.line("  one tenant asked as often: p50", spread(one_p50, "ms", 2))
    table.line("GET /healthz through the same server: p50", spread(bare_p50, "ms", 2))
    table.line("share of one CPU that the client took", f"{statistics.median(cpu):.2f}")


def rotate(port: int, path: str, hosts: list[str]) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", "bench.rotation", str(port), str(CLIENTS), "1", path, *hosts],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(run.stdout)
    if answer["failures"]:
        raise SystemExit(f"{len(answer['failures'])} requests failed, the first: {answer['failures'][0]}")
    return answer


@contextmanager
def web_server(home: Path) -> Iterator[int]:
    """gunicorn as `make run` starts it, with four workers, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (home / "web.log").open("w") as log:
        web = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "--worker-class", "platform_config.web_worker.EvenWorker",
                "--threads", "4", "--workers", str(WEB_WORKERS), "--bind", f"127.0.0.1:{port}",
                "platform_config.wsgi:application",
            ],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )  # fmt: skip
        try:
            wait_for(port, web, home / "web.log")
            yield port
        finally:
            web.terminate()
            web.wait(timeout=30)


def wait_for(port: int, web: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and web.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"The web server did not start: {log.read_text()[-2000:]}")


def measure_lookup(table: Table) -> None:
    """What finding the tenant costs a warm process: one GET at the shared cache, no SQL."""
    from django.core.cache import caches
    from django.db import connection

    from tenants import lookup
    from tenants.models import Domain

    host = Domain.objects.values_list("domain", flat=True)[0]
    lookup.by_host(host)
    warm, get, cold = [], [], []
    for _ in range(500):
        warm.append(timed(lambda: lookup.by_host(host)) * 1000)
        get.append(timed(lambda: caches["global"].get(lookup.VERSION_KEY)) * 1000)
        cold.append(round_trip(connection) * 1000)
    table.figure("lookup_ms", statistics.median(warm))
    table.line("host -> tenant in a warm process", spread(warm, "ms"))
    table.line("  of which the GET at the cache", spread(get, "ms"))
    table.line("  SELECT 1, for comparison", spread(cold, "ms"))


if __name__ == "__main__":
    main()
