"""Erase a tenant for good and print the certificate: `manage.py tenant_erase acme --sure acme`."""

import json
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from shared_apps.core.errors import DomainError
from shared_apps.departures import erasing
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Erase a tenant's schema, files, caches and public rows, and print the certificate. There is no way back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--sure", metavar="SLUG", help="the same address once more")
        parser.add_argument("--reason", default="", help="stands in the certificate")
        parser.add_argument(
            "--at-once", action="store_true", help="also where it still serves or has days of grace left"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['slug']}.")
        if options["sure"] != tenant.slug:
            raise CommandError(f"Nothing was done. To erase {tenant.slug} for good, add --sure {tenant.slug}.")
        try:
            erasure = erasing.erase(tenant, reason=options["reason"], at_once=options["at_once"])
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(json.dumps({**(erasure.certificate or {}), "signature": erasure.signature}, indent=1))
