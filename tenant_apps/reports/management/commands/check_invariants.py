"""`manage.py check_invariants`: whether the data keeps its promises, over all tenants (P8)."""

import sys
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenant_apps.reports.invariants import CATALOG_CHECKS, TENANT_CHECKS, Breach, breaches_in, breaches_of_catalog
from tenants.models import Tenant

SHOWN = 20


class Command(BaseCommand):
    help = "Verifies counters, money, tickets and schemas of all tenants; exit code 1 if anything is broken."
    # It asks the data only, and must do so even where a route is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", metavar="SLUG", action="append", help="this tenant only; may be repeated")

    def handle(self, *args: Any, only: list[str] | None, **options: Any) -> None:
        tenants = Tenant.objects.with_schema().order_by("slug")
        if only:
            tenants = tenants.filter(slug__in=only)
            if missing := sorted(set(only) - set(tenants.values_list("slug", flat=True))):
                raise CommandError(f"There is no tenant {', '.join(missing)}.")
        broken = self._report("schemas", breaches_of_catalog())
        count = 0
        for tenant in tenants:
            count += 1
            try:
                breaches = breaches_in(tenant)
            except Exception as error:  # one tenant's trouble must not hide another's breach
                breaches = [
                    Breach("N6", f"could not be checked: {type(error).__name__}: {' '.join(str(error).split())}")
                ]
            broken += self._report(tenant.slug, breaches)
        checks = len(TENANT_CHECKS) * count + len(CATALOG_CHECKS)
        if broken:
            self.stdout.write(self.style.ERROR(f"{broken} breaches in {count} tenants ({checks} checks)."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS(f"All promises kept: {count} tenants, {checks} checks."))

    def _report(self, where: str, breaches: list[Breach]) -> int:
        """Write at most 20 breaches of a tenant, and how many there are of each kind beyond that."""
        for breach in breaches[:SHOWN]:
            self.stdout.write(f"{breach.invariant}  {where}  {breach.found}")
        if len(breaches) > SHOWN:
            rest = Counter(breach.invariant for breach in breaches[SHOWN:])
            self.stdout.write(f"    {where}  and more: " + ", ".join(f"{k} {v} times" for k, v in sorted(rest.items())))
        return len(breaches)
