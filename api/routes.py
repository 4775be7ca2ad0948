"""The one table of routes: address x method x permission x scope, read from what the views declare (I1).

`manage.py permissions` prints it, docs/permissions.md holds it, start-up refuses what has no place in it
(`api.checks`), and tests/permissions asks every route of it as every kind of caller.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver
from rest_framework.views import APIView

from api.permissions import ANYONE, OPERATORS, OWN, SIGNED_IN, WORDS, Declared, Rule, names_of
from shared_apps.core import access

# Pages of libraries that show nothing of anybody's.
WITHOUT_MARK = frozenset({"django.views.generic.base.RedirectView"})
METHODS = ("get", "post", "put", "patch", "delete")
PLATFORM, TENANT = "platform", "tenant"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address, and what is declared for it.

    `scope` tells how far the rule reaches: "anyone", "signed_in", "own" (what is the caller's), "object" (the
    permission on the event of the thing that is named), "category" (on the category of the goods that are named),
    "event" (on the event of the URL), "tenant", "operators".
    `staff` are the permissions that let staff do it too where the rule is "own".
    """

    host: str
    kind: str
    path: str
    method: str
    view: str
    key: str
    rule: Rule | None
    scope: str
    staff: tuple[str, ...] = ()
    callback: Any = None
    problem: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The staff permissions of which one suffices; empty where none is asked."""
        if self.rule is None or self.rule in (*WORDS, access.STAFF):
            return ()
        return names_of(self.rule)

    @property
    def authenticates(self) -> bool:
        """Whether it looks at who calls at all: signing in does not."""
        view = getattr(self.callback, "cls", None)
        return view is None or bool(view.authentication_classes)


def table() -> list[Route]:
    """Return the routes of both hosts. `/api/…` leads to `/api/v1/…` and is not repeated."""
    found = []
    for host, urlconf in ((PLATFORM, settings.PUBLIC_SCHEMA_URLCONF), (TENANT, settings.ROOT_URLCONF)):
        patterns = import_module(urlconf).urlpatterns
        shown = [each for each in routes(patterns, on_platform=host == PLATFORM) if _shown(each)]
        # The first pattern that fits answers; the same address again below it is never reached.
        first: dict[tuple[str, str], Route] = {}
        for each in shown:
            first.setdefault((each.path, each.method), each)
        found += sorted(first.values(), key=lambda each: (each.path, METHODS.index(each.method.lower())))
    return found


def _shown(route: Route) -> bool:
    return route.path.startswith("/api/v1/") or not route.view.startswith("api.v1.")


def routes(patterns: Iterable[Any], *, on_platform: bool, prefix: str = "/", in_admin: bool = False) -> Iterator[Route]:
    """Walk all addresses, of the API and of pages."""
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inside = in_admin or pattern.app_name == "admin"
            yield from routes(pattern.url_patterns, on_platform=on_platform, prefix=address, in_admin=inside)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "cls", None)
            if isinstance(view, type) and issubclass(view, APIView):
                yield from _routes_of(address, pattern.callback, view, on_platform)
            else:
                yield from _pages_of(address, pattern.callback, on_platform, in_admin)


def _routes_of(address: str, callback: Any, view: type[APIView], on_platform: bool) -> Iterator[Route]:
    actions = getattr(callback, "actions", None)
    initkwargs = getattr(callback, "initkwargs", None) or {}
    if actions:
        handled = {method: action for method, action in actions.items() if method in METHODS}
    else:
        handled = {method: method for method in METHODS if method in view.http_method_names and hasattr(view, method)}
    rules = initkwargs.get("permissions") or getattr(view, "permissions", None) or {}
    too = getattr(view, "staff_too", {})
    name = f"{view.__module__}.{view.__qualname__}"
    for method, key in sorted(handled.items()):
        rule = rules.get(key)
        staff = names_of(too[key]) if key in too else ()
        problem = _problem(rule, on_platform) or (_problem(staff, on_platform) if staff else "")
        classes = initkwargs.get("permission_classes", view.permission_classes)
        if not problem and staff and rule != OWN:
            problem = "names staff_too for what is not the caller's own"
        if not problem and not any(isinstance(each, type) and issubclass(each, Declared) for each in classes):
            problem = "does not check what it declares (permission_classes without Declared)"
        if problem:
            problem = f"{method.upper()} {address}: {name} {problem}."
        host = PLATFORM if on_platform else TENANT
        scope = _scope(view, rule)
        yield Route(host, "api", address, method.upper(), name, key, rule, scope, staff, callback, problem)


def _pages_of(address: str, callback: Any, on_platform: bool, in_admin: bool) -> Iterator[Route]:
    """The mark of a page holds for all methods that it takes, and it takes no others."""
    view = getattr(callback, "view_class", callback)
    name = f"{view.__module__}.{getattr(view, '__qualname__', type(view).__name__)}"
    rule = access.rule_of(callback)
    problem = ""
    methods: tuple[str, ...] = tuple(each for each in access.methods_of(callback) if each.lower() in METHODS)
    if in_admin:
        # Django's admin asks on each of its pages; it is on the platform's host only (I3).
        rule, methods = OPERATORS, ("GET", "POST")
        problem = _problem(rule, on_platform)
    elif name in WITHOUT_MARK:
        rule, methods = ANYONE, ("GET",)
    elif rule is None:
        problem = "declares no rule: mark it by shared_apps.core.access"
    elif rule == access.STAFF:
        problem = "is for a tenant's staff and stands on the platform's host" if on_platform else ""
    else:
        problem = _problem(rule, on_platform)
    if not problem and not methods:
        problem = "takes no method"
    problem = f"{address}: {name} {problem}." if problem else ""
    host = PLATFORM if on_platform else TENANT
    for method in methods or ("GET",):
        yield Route(host, "page", address, method, name, "", rule, _page_scope(callback, rule), (), callback, problem)


def _problem(rule: Rule | None, on_platform: bool) -> str:
    if not rule:
        return "declares no rule for it"
    if rule == OPERATORS:
        return "" if on_platform else "is the operators', and not for a tenant's host"
    if rule in WORDS:
        return ""
    from tenant_apps.staff.permissions import PERMISSIONS

    unknown = [name for name in names_of(rule) if name not in PERMISSIONS]
    if unknown:
        return f"declares {', '.join(map(repr, unknown))}, which is no permission"
    return "declares a tenant's permission on the platform's host" if on_platform else ""


def _scope(view: type[APIView], rule: Rule | None) -> str:
    if rule in WORDS:
        return str(rule)
    declared = getattr(view, "scope", None)
    return str(declared or ("event" if hasattr(view, "event") else "tenant"))


def _page_scope(view: Any, rule: Any) -> str:
    """A page with a permission that can be granted on an event shows those events; others, and those that say so, are
    the tenant's."""
    if rule in (ANYONE, SIGNED_IN, OWN, OPERATORS):
        return str(rule)
    from tenant_apps.staff.presets import EVENT_PERMISSIONS

    if rule is None or rule == access.STAFF:
        return "tenant"
    told = "event" if set(names_of(rule)) <= EVENT_PERMISSIONS.keys() else "tenant"
    return str(getattr(view, "scope", told))
