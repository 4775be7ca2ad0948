"""Write all of a tenant into one archive, as its owner would get it: `manage.py tenant_export acme acme.zip`."""

import shutil
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from shared_apps.core.errors import DomainError
from shared_apps.departures import exports
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Write a tenant's CSV files, media, audit trail and backup into one archive."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("target", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['slug']}.")
        try:
            export = exports.ask(tenant)
            exports.work(export.pk)
            export, path = exports.ready(tenant, export.pk)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        shutil.copyfile(path, options["target"])
        self.stdout.write(f"{options['target']}: {export.size_bytes} bytes, sha256 {export.sha256}")
