"""`manage.py webhook_reply SLUG DELIVERY`: what an endpoint answered, for the operator alone (B7)."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shared_apps.core.secrets import CannotDecrypt
from tenant_apps.webhooks.models import WebhookDelivery
from tenant_apps.webhooks.secrets import opened_reply
from tenants.context import in_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Shows the beginning of an endpoint's last reply to a delivery, which neither pages nor the API show."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the tenant")
        parser.add_argument("delivery", type=UUID, help="the delivery's id, as its page and the API show it")

    def handle(self, *args: Any, slug: str, delivery: UUID, **options: Any) -> None:
        tenant = Tenant.objects.with_schema().filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {slug}.")
        with in_tenant(tenant):
            found = WebhookDelivery.objects.filter(pk=delivery).first()
            if found is None:
                raise CommandError("There is no such delivery; the log is kept for 30 days.")
            if found.reply is None:
                raise CommandError("Nothing was kept of a reply.")
            try:
                reply = opened_reply(found.reply)
            except CannotDecrypt:
                raise CommandError("It cannot be read: SECRET_KEY was changed.") from None
        # It may hold anything: what could move a terminal's cursor is written as \x1b and the like.
        self.stdout.write(reply.decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii"))
