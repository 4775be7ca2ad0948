"""`manage.py check_footprints`: does the public copy of who bought where say what the tenants' own orders say?"""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenant_apps.orders.footprints import differences
from tenants.context import in_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Compares the copy behind me/orders/ and the like with every tenant; exit code 1 if it differs."
    # It asks the data only, and must do so even where a route is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mend", action="store_true", help="Make the copy right where it differs.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = tenants = 0
        for tenant in Tenant.objects.with_schema().order_by("slug"):
            tenants += 1
            with in_tenant(tenant):
                for difference in differences(mend=options["mend"]):
                    found += 1
                    self.stdout.write(f"{tenant.slug}  {difference}")
        if found and not options["mend"]:
            self.stdout.write(
                self.style.ERROR(f"{found} orders differ. `manage.py check_footprints --mend` makes them right.")
            )
            sys.exit(1)
        self.stdout.write(
            self.style.SUCCESS(f"{found} mended." if found else f"The copy is right for {tenants} tenants.")
        )
