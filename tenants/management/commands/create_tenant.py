"""`manage.py create_tenant`: open a tenant from the command line, asking nothing."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from shared_apps.core.errors import DomainError
from tenants import links
from tenants.models import Tenant
from tenants.provisioning import open_tenant


class Command(BaseCommand):
    help = "Open a tenant: its row, schema, host and the owner's membership."
    # Like Django\'s migrate: no URL has to be sound for this.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="The subdomain, such as aurora.")
        parser.add_argument("--name", required=True, help="What people read, such as 'Aurora Concert Hall'.")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="Whose it is; the account must exist.")
        parser.add_argument("--kind", choices=[str(kind) for kind in Tenant.Kind.values], default="organizer")
        parser.add_argument("--currency", default="EUR", help="ISO 4217 code (default EUR).")
        parser.add_argument("--timezone", default="UTC", help="IANA zone, such as Europe/Berlin (default UTC).")
        parser.add_argument("--language", default="en", choices=[code for code, _name in settings.LANGUAGES])

    def handle(self, *args: Any, **options: Any) -> None:
        owner = get_user_model()._default_manager.filter(email__iexact=options["owner"]).first()
        if owner is None:
            raise CommandError(f"Nobody has the address {options['owner']}. Register it, or run `manage.py csu`.")
        names = ("slug", "name", "kind", "currency", "timezone", "language")
        try:
            tenant = open_tenant(owner=owner, **{name: options[name] for name in names})
        except DomainError as refusal:
            raise CommandError(_in_words(refusal)) from None
        self.stdout.write(f"{tenant.name} is open at {links.url(tenant)} (schema {tenant.schema_name}).")


def _in_words(refusal: DomainError) -> str:
    details = "".join(f" {error.field}: {error.message}" for error in refusal.errors)
    suggested = ", ".join(getattr(refusal, "suggestions", []))
    return f"{refusal}{details}" + (f" Free are: {suggested}." if suggested else "")
