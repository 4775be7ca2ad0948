"""Print who may do what: the table of routes, methods, rules and scopes."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.permissions import names_of
from api.routes import Route, table

TITLES = {"platform": "Platform host", "tenant": "Tenant host"}
INTRODUCTION = """# Who may call what

Made by `manage.py permissions --markdown` from what the views declare; a test keeps it equal. Start-up refuses a route
that has no row here, and `tests/permissions` asks every row as every kind of caller.

**Permission:** `anyone`; `signed_in`; `own` is what belongs to the caller by sign-in or by an order's secret, and to
staff with the permission that follows; other names are permissions of a tenant's staff, of which one suffices; `staff`
is whoever works for the tenant; `operators` run the platform. **Scope** of a staff permission: `tenant` asks the
caller's role; `event` and `object` take a grant on the event of the address, or of the thing it names, too. Whatever
the caller may not see is 404; what they see but may not do is 403; whoever is not signed in gets 401 or the login page.
"""


class Command(BaseCommand):
    help = "Print the table of routes, methods, rules and scopes of both hosts."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true", help="one object for each row")
        shape.add_argument("--markdown", action="store_true", help="as in docs/permissions.md")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = table()
        if options["json"]:
            self.stdout.write(json.dumps([_row(each) for each in rows], indent=1))
        elif options["markdown"]:
            self.stdout.write(markdown(rows), ending="")
        else:
            width = max(len(each.path) for each in rows)
            for each in rows:
                method, asked = f"{each.method:<6}", words(each)
                self.stdout.write(f"{each.host:<8} {method} {each.path:<{width}} {asked} [{each.scope}]")


def words(route: Route) -> str:
    """What the route asks for, in words."""
    if route.rule is None:
        return "(none)"
    return " or ".join([*names_of(route.rule), *route.staff])


def markdown(rows: list[Route]) -> str:
    """The page of the documentation."""
    lines = [INTRODUCTION]
    for host, title in TITLES.items():
        lines.append(f"## {title}\n\n| path | method | permission | scope |\n|---|---|---|---|")
        lines += [
            f"| `{each.path.replace('|', chr(92) + '|')}` | {each.method} | {words(each)} | {each.scope} |"
            for each in rows
            if each.host == host
        ]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(route: Route) -> dict[str, Any]:
    return {
        "host": route.host,
        "kind": route.kind,
        "path": route.path,
        "method": route.method,
        "permission": list(names_of(route.rule or ())),
        "staff_too": list(route.staff),
        "scope": route.scope,
        "view": route.view,
    }
