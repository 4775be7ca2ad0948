"""django-tenants' command, so that public is migrated with short names and tenants by `migrate_tenants`."""

from typing import Any

from django.core.management import call_command
from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from tenants import public_names


class Command(MigrateSchemasCommand):
    help = "Migrate the public schema (--shared); without --shared also all tenants, as `migrate_tenants` does."

    def handle(self, *args: Any, **options: Any) -> None:
        # Only plain runs are taken over: what Django's options mean for one schema stays theirs.
        special = options.get("schema_name") or options.get("app_label") or options.get("fake") or options.get("plan")
        if special or options.get("check_unapplied") or options.get("prune"):
            super().handle(*args, **options)
            return
        if not options.get("tenant"):
            # Third parties' migrations look for the names that they gave.
            public_names.restore()
            super().handle(*args, **{**options, "shared": True})
            public_names.shorten()
        if not options.get("shared"):
            call_command("migrate_tenants", stdout=self.stdout, stderr=self.stderr)
