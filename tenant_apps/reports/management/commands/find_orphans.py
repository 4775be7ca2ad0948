"""`manage.py find_orphans`: rows of tenants whose person is gone from the platform."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from tenant_apps.reports.orphans import find_orphans
from tenants.context import in_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Lists rows of tenants that name a user or permission that is gone; exit code 1 if there are any."
    # It asks the data only, and must do so even where a route is wrong.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = tenants = 0
        for tenant in Tenant.objects.with_schema().order_by("slug"):
            tenants += 1
            with in_tenant(tenant):
                for orphans in find_orphans():
                    found += orphans.rows
                    examples = ", ".join(orphans.examples)
                    self.stdout.write(f"{tenant.slug}  {orphans.column}: {orphans.rows} row(s), such as {examples}")
        if found:
            self.stdout.write(self.style.ERROR(f"{found} rows lead nowhere."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS(f"No orphans in {tenants} tenants."))
