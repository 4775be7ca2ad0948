"""`manage.py check_projection`: does the public copy of who bought where say what the tenants' own orders say?"""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shared_apps.people import footprints
from tenant_apps.orders.footprints import differences
from tenants.context import in_public, in_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Compares the copy behind me/orders/, me/events/ and the like with every tenant; exit code 1 if it differs."
    # It asks the data only, and must do so even where a route is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="Make the copy right where it differs.")
        parser.add_argument("--tenant", metavar="SLUG", help="Only this one.")

    def handle(self, *args: Any, **options: Any) -> None:
        repair, found = options["repair"], 0
        tenants = Tenant.objects.with_schema().order_by("slug")
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
            if not tenants:
                raise CommandError(f"There is no tenant {options['tenant']!r} with data of its own.")
        listed = list(tenants)
        for tenant in listed:
            with in_tenant(tenant):
                for difference in differences(mend=repair):
                    found += 1
                    self.stdout.write(f"{tenant.slug}  {difference}")
        if not options["tenant"]:
            found += self._erased(repair)
        if found and not repair:
            self.stdout.write(
                self.style.ERROR(f"{found} orders differ. `manage.py check_projection --repair` makes them right.")
            )
            sys.exit(1)
        right = f"{found} mended." if found else f"The copy is right for {len(listed)} tenants."
        self.stdout.write(self.style.SUCCESS(right))

    def _erased(self, repair: bool) -> int:
        """What the copy still says of tenants whose data is gone."""
        found = 0
        with in_public():
            for slug, number in footprints.left_of_erased():
                found += number
                self.stdout.write(f"{slug}  {number} orders of a tenant that was erased")
            if found and repair:
                footprints.forget_erased()
        return found
