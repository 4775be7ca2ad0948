"""`manage.py seed_demo`: the demo's people, tenants, events and sales (development only)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from platform_config.demo.people import PASSWORD
from platform_config.demo.seed import NotInProduction, seed


class Command(BaseCommand):
    help = "Makes what is missing of the demo. Safe to repeat; refuses to run outside of development."
    # It asks the data only, and must do so even where a route is wrong.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            said = seed()
        except NotInProduction as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{said}; everybody's password is {PASSWORD}")
