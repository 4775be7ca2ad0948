"""`manage.py tenant_restore`: put a backup in place of a tenant's present data, or bring back one that is gone (P2)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import backup, restoring


class Command(BaseCommand):
    help = (
        "Put a backup in place of a tenant's present data, all or nothing; a tenant that was closed or erased opens"
        " again with it. Other tenants are not touched. If it is killed, call it once more."
    )
    # Like Django\'s migrate: no URL has to be sound for this.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="Whose data: its address, or that of then if it is gone.")
        parser.add_argument("archive", type=Path, help="What tenant_backup wrote.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restored = restoring.restore(options["archive"], slug=options["slug"])
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        for note in restored.notes:
            self.stdout.write(f"Note: {note}")
        again = " and is open again" if restored.reopened else ""
        self.stdout.write(
            f"{restored.tenant.slug} has the data of {restored.taken_at.isoformat()} again{again}:"
            f" {restored.rows} rows, {restored.files} files."
        )
