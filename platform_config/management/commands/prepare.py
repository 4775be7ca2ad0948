"""`manage.py prepare`: everything between an empty database and a server that can start."""

import logging
import sys
from collections.abc import Callable
from io import StringIO
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, connection

from platform_config.schedule import sync_schedule
from platform_config.static_files import collect_static_if_changed
from platform_config.translations import compile_translations


class Command(BaseCommand):
    help = (
        "Waits for the database, migrates the platform and all tenants, compiles translations, collects static files,"
        " writes the schedule and, in development on an empty database, makes the demo. Safe to repeat."
    )
    # The database may not be there yet; checks that need it run as a step of their own.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="make no demo tenants, even in development")
        parser.add_argument("--wait", type=int, default=60, metavar="SECONDS", help="how long to wait for the database")

    def handle(self, *args: Any, no_demo: bool, wait: int, **options: Any) -> None:
        if options["verbosity"] < 2:
            # The steps say themselves how they went; the log's own lines would stand in between.
            logging.getLogger().setLevel(logging.WARNING)
        self._step("database", lambda: wait_for_database(wait))
        self._step("platform tables", migrate_public)
        self._step("tenants' tables", migrate_tenants)
        self._step("push keys", make_push_key)
        self._step("translations", lambda: f"{compile_translations() or 'none'} compiled")
        self._step("static files", lambda: "collected" if collect_static_if_changed() else "unchanged")
        self._step("schedule", lambda: f"{sync_schedule() or 'no'} entries changed")
        if settings.DEVELOPMENT and not no_demo:
            self._step("demo", seed_demo_if_empty)
            self._step("payments", connect_demo_accounts)
        elif not settings.DEVELOPMENT:
            self._step("checks", check_database)

    def _step(self, name: str, step: Callable[[], Any]) -> None:
        """Run one step and say in one line how it went; the first failure ends the command with exit code 1."""
        self.stdout.write(f"  {name:<16}", ending="")
        self.stdout.flush()
        began = monotonic()
        try:
            said = step()
        except (KeyboardInterrupt, SystemExit) as end:
            if isinstance(end, SystemExit) and not end.code:
                said = None
            else:
                self.stdout.write("stopped")
                sys.exit(1)
        except Exception as error:  # whatever it is, the reader needs one line; the traceback is for --traceback
            self.stdout.write("failed")
            reason = " ".join(str(error).split()) or type(error).__name__
            self.stderr.write(self.style.ERROR(f"prepare: {name}: {reason[:500]}"))
            if "--traceback" in sys.argv:
                raise
            sys.exit(1)
        self.stdout.write(f"{said or 'done'} ({monotonic() - began:.1f} s)")


def wait_for_database(seconds: int) -> str:
    """Return once the database answers; raises its last refusal when the time is up."""
    until = monotonic() + seconds
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SHOW server_version")
                return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"
        except OperationalError as error:
            connection.close()
            if monotonic() > until or any(
                hopeless in str(error) for hopeless in ("authentication failed", "does not exist")
            ):
                raise
            sleep(0.3)


def migrate_public() -> str:
    """Apply what is missing in the schema `public`."""
    from tenants.schema_state import public_is_behind

    if not public_is_behind():
        return "up to date"
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    return "migrated"


def make_push_key() -> str:
    """Make the key that signs web pushes, if there is none yet; browsers are bound to it for good."""
    from shared_apps.people.deployment_keys import PUSH, push_key
    from shared_apps.people.models import DeploymentKey

    there = DeploymentKey.objects.filter(name=PUSH).exists()
    push_key()
    return "already there" if there else "made"


def migrate_tenants() -> str:
    """Apply what is missing in the tenants' schemas."""
    from tenants.models import Tenant

    tenants = Tenant.objects.exclude(schema_name="public").count()
    if not tenants:
        return "no tenants yet"
    call_command("migrate_tenants", verbosity=0, stdout=StringIO())
    return f"{tenants} tenant{'' if tenants == 1 else 's'}"


def seed_demo_if_empty() -> str:
    """Make the demo where no tenant is, or where an earlier try was cut short."""
    from platform_config.demo.seed import is_seeded, seed
    from tenants.models import Tenant

    if is_seeded():
        return "already there"
    if Tenant.objects.exclude(schema_name="public").exclude(slug__in=("aurora", "kinoteatr", "volga")).exists():
        return "left out: this database has tenants of its own"
    return seed()


def connect_demo_accounts() -> str:
    """Connect the demo's tenants with the fake providers, where those run."""
    from platform_config.demo.providers import connect_accounts

    return ", ".join(connect_accounts()) or "nothing to connect"


def check_database() -> str:
    """Refuse to go on where a production database holds what only development may (P4)."""
    found = [message for message in run_checks(tags=["database"], databases=["default"]) if message.level >= ERROR]
    if found:
        raise RuntimeError("; ".join(str(message.msg) for message in found))
    return "passed"
