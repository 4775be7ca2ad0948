"""`manage.py system_check`: what is wrong with the platform or a tenant, and how to mend it, in words."""

import json
import sys
import time
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shared_apps.core.checkup import Result, results, worst
from tenants.context import in_tenant
from tenants.models import Tenant

# The platform's own checks call servers, each for some seconds at most.
PLATFORM_SECONDS = 60.0
TENANT_SECONDS = 15.0


class Command(BaseCommand):
    help = (
        "Says what is wrong and how to mend it: mail, beat, queues, parked messages, migrations, domains, keys, disk,"
        " clock. Without --tenant the platform and every tenant. Exit code 0: nothing is a problem; 1: something is."
        " With --strict also warnings and what could not be found out count."
    )
    # It must speak above all where something is broken.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="this tenant only, every check of it")
        parser.add_argument("--no-tenants", action="store_true", help="the platform only")
        parser.add_argument("--seconds", type=float, default=120.0, help="stop asking tenants after so long (120)")
        parser.add_argument("--strict", action="store_true", help="exit code 1 for warnings and unknowns too")
        parser.add_argument("--json", action="store_true", help="one JSON object a line, for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        self._json = bool(options["json"])
        if options["tenant"]:
            found = self._of_one(options["tenant"])
        else:
            found = results("platform", budget=PLATFORM_SECONDS)
            self._say("platform", found)
            if not options["no_tenants"]:
                found += self._of_all(options["seconds"])
        state = worst(found)
        if not self._json:
            bad = [each for each in found if each.state != "ok"]
            style = self.style.SUCCESS if state == "ok" else self.style.WARNING
            self.stdout.write(style(f"{len(found)} checks, {len(bad)} of them not ok: {state}."))
        if state == "problem" or (options["strict"] and state != "ok"):
            sys.exit(1)

    def _of_one(self, slug: str) -> list[Result]:
        tenant = Tenant.objects.with_schema().filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {slug}.")
        with in_tenant(tenant):
            found = results("tenant", budget=TENANT_SECONDS)
        self._say(tenant.slug, found)
        return found

    def _of_all(self, seconds: float) -> list[Result]:
        """Ask every open tenant, one after the other, until the time is over; only what is not ok is said."""
        began, everything = time.monotonic(), list[Result]()
        tenants = list(Tenant.objects.open().order_by("slug"))
        for asked, tenant in enumerate(tenants):
            if time.monotonic() - began > seconds:
                late = Result(
                    "tenants", "Tenants", "unknown",
                    f"{len(tenants) - asked} of {len(tenants)} tenants were not asked: {seconds:.0f} s are over.",
                    "Give more with --seconds, or name one with --tenant.", 0.0,
                )  # fmt: skip
                self._say("platform", [late])
                return [*everything, late]
            try:
                with in_tenant(tenant):
                    found = results("tenant", budget=TENANT_SECONDS)
            except Exception as error:  # one tenant's trouble must not hide another's
                gone = f"It cannot be entered: {type(error).__name__}."
                found = [Result("tenant", "Tenant", "problem", gone, "See `manage.py check_invariants`.", 0.0)]
            everything += found
            self._say(tenant.slug, [each for each in found if self._json or each.state != "ok"])
        return everything

    def _say(self, where: str, found: list[Result]) -> None:
        for each in found:
            if self._json:
                self.stdout.write(json.dumps({"where": where, **asdict(each)}, ensure_ascii=False))
                continue
            style = {"ok": self.style.SUCCESS, "problem": self.style.ERROR}.get(each.state, self.style.WARNING)
            self.stdout.write(f"{style(each.state.ljust(8))} {where}  {each.label}: {each.message}")
            if each.todo:
                self.stdout.write(f"{'':8} {'':{len(where)}}  → {each.todo}")
