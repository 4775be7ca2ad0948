"""`manage.py tenant_restore`: put a backup in place of a tenant's present data (P2)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import backup
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Put a backup in place of a tenant's present data, all or nothing. Other tenants are not touched."
    # Like Django\'s migrate: no URL has to be sound for this.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="Whose data.")
        parser.add_argument("archive", type=Path, help="What tenant_backup wrote.")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['slug']}.")
        try:
            manifest = backup.restore(tenant, options["archive"])
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        rows = sum(table["rows"] for table in manifest["tables"].values())
        self.stdout.write(f"{tenant.slug} has the data of {manifest['taken_at']} again: {rows} rows.")
