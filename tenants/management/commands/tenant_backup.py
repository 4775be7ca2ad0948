"""`manage.py tenant_backup`: write one tenant's data into one file (P2)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import backup
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Write one tenant's data, as of one moment, into one archive. Others and the tenant itself serve on."
    # Like Django\'s migrate: no URL has to be sound for this.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="Whose data.")
        parser.add_argument("--to", type=Path, metavar="FILE", help="The archive (default: in BACKUP_ROOT).")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['slug']}.")
        target = options["to"] or backup.default_path(tenant)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            manifest = backup.back_up(tenant, target)
        except (backup.BackupError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{target}: {backup.rows_of(manifest)} rows of {len(manifest['tables'])} tables,"
            f" {len(manifest['media'])} files."
        )
