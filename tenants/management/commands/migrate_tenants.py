"""`manage.py migrate_tenants`: bring every tenant's schema to this code's migrations."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import migrating, schema_state
from tenants.models import Tenant
from tenants.progress import Progress


class Command(BaseCommand):
    help = "Bring every tenant's schema to this code's migrations. Can be killed and run again at any point."
    # Like Django\'s migrate: no URL has to be sound for this.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--plan", action="store_true", help="Show what would be done, and with -v 2 the SQL.")
        parser.add_argument("--only", metavar="SLUG", action="append", default=[], help="This tenant only; repeatable.")
        parser.add_argument("--jobs", type=int, default=4, help="How many schemas are migrated at once (default 4).")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["jobs"] < 1:
            raise CommandError("--jobs must be at least 1.")
        schema_state.forget()
        if schema_state.public_is_behind():
            raise CommandError("The public schema is behind. Run `manage.py migrate_schemas --shared` first.")
        tenants = Tenant.objects.with_schema().order_by("pk")
        if options["only"]:
            tenants = tenants.filter(slug__in=options["only"])
            if unknown := set(options["only"]) - set(tenants.values_list("slug", flat=True)):
                raise CommandError(f"No open tenant has the slug {', '.join(sorted(unknown))}.")
        if options["plan"]:
            self.show_plan(list(tenants), options["verbosity"])
            return
        self.migrate(list(tenants), options["jobs"])

    def show_plan(self, tenants: list[Tenant], verbosity: int) -> None:
        try:
            groups, failed = migrating.planned(tenants)
        except migrating.AlreadyRunning as error:
            raise CommandError(str(error)) from None
        for group in groups:
            way = "by Django's executor, " + group.plan.reason if group.plan.steps is None else "by SQL"
            lacking = ", ".join(".".join(name) for name in group.plan.pending)
            self.stdout.write(f"{len(group.schemas)} tenants: {f'{lacking} ({way})' if lacking else 'nothing to do'}")
            if verbosity > 1:
                for step in group.plan.steps or ():
                    self.stdout.write(f"-- {'.'.join(step.name)}{'' if step.atomic else ' (outside a transaction)'}")
                    for statement in step.statements:
                        self.stdout.write(statement.rstrip(";") + ";")
        for schema_name, reason in failed.items():
            self.stdout.write(f"{schema_name}: {reason}")

    def migrate(self, tenants: list[Tenant], jobs: int) -> None:
        started = time.monotonic()
        with Progress(self.stdout) as bar:
            try:
                report = migrating.migrate(
                    tenants,
                    jobs=jobs,
                    surveyed=lambda groups: bar.expect(sum(len(one.schemas) for one in groups if one.plan.pending)),
                    progress=lambda schema_name, error: bar.advance(f"{schema_name}: {error}" if error else None),
                )
            except migrating.AlreadyRunning as error:
                raise CommandError(str(error)) from None
        self.stdout.write(
            f"{len(tenants)} tenants in {time.monotonic() - started:.2f} s: {report.current} were current, "
            f"{report.replayed} migrated by SQL, {report.executed} by Django's executor, {len(report.failed)} failed."
        )
        if report.failed:
            reasons = "\n".join(f"  {schema_name}: {reason}" for schema_name, reason in sorted(report.failed.items()))
            raise CommandError(f"Not migrated:\n{reasons}")
