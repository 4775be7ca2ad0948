"""`manage.py rebuild_reports`: reports' figures made anew from the orders and the ledger."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenant_apps.reports import building
from tenant_apps.reports.models import DayFigure
from tenants.context import in_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Makes the figures of reports anew, for all tenants or some; sales go on meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", metavar="SLUG", action="append", help="this tenant only; may be repeated")
        parser.add_argument(
            "--empty", action="store_true", help="take the old figures away first, in one transaction with the new ones"
        )

    def handle(self, *args: Any, only: list[str] | None, empty: bool, **options: Any) -> None:
        tenants = Tenant.objects.with_schema().order_by("slug")
        if only:
            tenants = tenants.filter(slug__in=only)
            if missing := sorted(set(only) - set(tenants.values_list("slug", flat=True))):
                raise CommandError(f"There is no tenant {', '.join(missing)}.")
        for tenant in tenants:
            with in_tenant(tenant):
                if empty:
                    building.empty()
                else:
                    building.start_again()
                    building.bring_up_to_date(seconds=3600)
                rows = DayFigure.objects.count()
                done = building.is_complete()
            self.stdout.write(f"{tenant.slug}: {rows} rows" + ("" if done else ", not finished: run it again"))
