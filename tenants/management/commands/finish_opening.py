"""`manage.py finish_opening`: end every opening that was broken off (N6)."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.errors import SlugTaken
from tenants.models import Tenant
from tenants.provisioning import finish_opening


class Command(BaseCommand):
    help = "Take up every opening of a tenant that was broken off. Running it twice changes nothing."
    # Like Django\'s migrate: no URL has to be sound for this.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", metavar="SLUG", action="append", default=[], help="This tenant only; repeatable.")

    def handle(self, *args: Any, **options: Any) -> None:
        unfinished = Tenant.objects.unfinished().order_by("pk")
        if options["only"]:
            unfinished = unfinished.filter(slug__in=options["only"])
        failed = []
        for tenant in list(unfinished):
            try:
                finish_opening(tenant)
            except SlugTaken:
                self.stdout.write(f"{tenant.slug} is being opened by another process.")
            except Exception as error:
                failed.append(f"{tenant.slug}: {type(error).__name__}: {error}")
            else:
                self.stdout.write(f"{tenant.slug} is open.")
        if failed:
            raise CommandError("Not opened:\n  " + "\n  ".join(failed))
