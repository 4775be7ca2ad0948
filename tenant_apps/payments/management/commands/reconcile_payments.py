"""`manage.py reconcile_payments`: our ledgers beside the providers' own books, over all tenants (M8)."""

import sys
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from tenant_apps.payments.models import ProviderAccount
from tenant_apps.payments.providers.base import ProviderFailed, ProviderRefused
from tenant_apps.payments.reconciling import reconcile
from tenants.context import in_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Compares every tenant's ledger with its providers' books; exit code 1 if they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="how far back (7)")
        parser.add_argument("--only", metavar="SLUG", action="append", help="this tenant only; may be repeated")

    def handle(self, *args: Any, days: int, only: list[str] | None, **options: Any) -> None:
        until = timezone.now() + timedelta(minutes=1)
        since = until - timedelta(days=days)
        tenants = Tenant.objects.with_schema().order_by("slug")
        if only:
            tenants = tenants.filter(slug__in=only)
        compared = differing = 0
        for tenant in tenants:
            with in_tenant(tenant):
                for account in ProviderAccount.objects.order_by("provider", "live"):
                    compared += 1
                    try:
                        found = list(reconcile(account, since, until))
                    except (ProviderFailed, ProviderRefused) as error:
                        self.stdout.write(f"{tenant.slug}  {account}  could not be asked: {error}")
                        differing += 1
                        continue
                    for difference in found:
                        self.stdout.write(f"{tenant.slug}  {difference}")
                    differing += len(found)
        if differing:
            self.stdout.write(self.style.ERROR(f"{differing} differences in {compared} accounts."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS(f"The books agree: {compared} accounts, {days} days."))
