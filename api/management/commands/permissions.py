"""Print who may do what: the table of routes, methods and rules."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from api.checks import Route, routes
from api.permissions import names_of


class Command(BaseCommand):
    help = "Print the table of routes, methods, rules and scopes of both hosts, as Markdown."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for title, urlconf in (
            ("Platform host", settings.PUBLIC_SCHEMA_URLCONF),
            ("Tenant host", settings.ROOT_URLCONF),
        ):
            on_platform = urlconf == settings.PUBLIC_SCHEMA_URLCONF
            found = [
                each for each in routes(import_module(urlconf).urlpatterns, on_platform=on_platform) if _shown(each)
            ]
            self.stdout.write(f"## {title}\n\n| path | method | rule | scope |\n|---|---|---|---|")
            for route in sorted(found, key=lambda each: (each.path, each.method)):
                rule = " or ".join(names_of(route.rule)) if route.rule else "(none)"
                self.stdout.write(f"| `{route.path}` | {route.method} | {rule} | {route.scope} |")
            self.stdout.write("")


def _shown(route: Route) -> bool:
    """`/api/…` leads to `/api/v1/…` and is not repeated."""
    return route.path.startswith("/api/v1/") or not route.view.startswith("api.v1.")
