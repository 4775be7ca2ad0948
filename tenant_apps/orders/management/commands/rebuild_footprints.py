"""`manage.py rebuild_footprints`: make the public copy of who bought where anew from the tenants' own orders."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from shared_apps.people.footprints import forget_tenant
from tenant_apps.orders.footprints import differences
from tenants.context import in_public, in_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Makes the copy behind me/orders/, me/tickets/ and me/upcoming-events/ anew, tenant by tenant."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="Only this one.")

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = Tenant.objects.with_schema().order_by("slug")
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
        for tenant in tenants:
            with in_public():
                forget_tenant(tenant.pk)
            with in_tenant(tenant):
                orders = sum(1 for _difference in differences(mend=True))
            self.stdout.write(f"{tenant.slug}  {orders} orders")
