"""Start-up refuses a route without a declared rule (I1): as a system check, and when the URLs are first read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver
from rest_framework.views import APIView

from api.permissions import WORDS, Declared, Rule, names_of
from shared_apps.core import access

# Pages of libraries that show nothing of anybody's.
WITHOUT_MARK = frozenset({"django.views.generic.base.RedirectView"})
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address, and what is declared for it."""

    path: str
    method: str
    view: str
    key: str
    rule: Rule | None
    scope: str
    problem: str = ""


@register(Tags.urls)
def every_route_is_declared(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Name each route of both hosts that has no rule, or one that means nothing."""
    return [Error(problem, id="foyer.E001") for problem in _all_problems()]


def refuse_undeclared() -> None:
    """Read both hosts' URLs and raise ImproperlyConfigured if a route is not declared; for the server's start."""
    found = _all_problems()
    if found:
        raise ImproperlyConfigured("\n".join(found))


def _all_problems() -> list[str]:
    found = []
    for urlconf in (settings.PUBLIC_SCHEMA_URLCONF, settings.ROOT_URLCONF):
        found += problems(import_module(urlconf).urlpatterns, on_platform=urlconf == settings.PUBLIC_SCHEMA_URLCONF)
    return found


def enforce(patterns: Iterable[Any], *, on_platform: bool) -> None:
    """Raise ImproperlyConfigured if one of the routes is not declared. The URL configurations end with this."""
    found = problems(patterns, on_platform=on_platform)
    if found:
        raise ImproperlyConfigured("\n".join(found))


def problems(patterns: Iterable[Any], *, on_platform: bool) -> list[str]:
    """Return a sentence for each thing that is wrong."""
    return [route.problem for route in routes(patterns, on_platform=on_platform) if route.problem]


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
                yield _page(address, pattern.callback, on_platform, in_admin)


def _routes_of(address: str, callback: Any, view: type[APIView], on_platform: bool) -> Iterator[Route]:
    actions = getattr(callback, "actions", None)
    initkwargs = getattr(callback, "initkwargs", None) or {}
    if actions:
        handled = {method: action for method, action in actions.items() if method in METHODS}
    else:
        handled = {method: method for method in METHODS if method in view.http_method_names and hasattr(view, method)}
    rules = initkwargs.get("permissions") or getattr(view, "permissions", None) or {}
    name = f"{view.__module__}.{view.__qualname__}"
    for method, key in sorted(handled.items()):
        rule = rules.get(key)
        problem = _problem(rule, on_platform)
        classes = initkwargs.get("permission_classes", view.permission_classes)
        if not problem and not any(isinstance(each, type) and issubclass(each, Declared) for each in classes):
            problem = "does not check what it declares (permission_classes without Declared)"
        if problem:
            problem = f"{method.upper()} {address}: {name} {problem}."
        yield Route(address, method.upper(), name, key, rule, _scope(view, rule), problem)


def _page(address: str, callback: Any, on_platform: bool, in_admin: bool) -> Route:
    """A page is one route: its mark holds for all methods."""
    view = getattr(callback, "view_class", callback)
    name = f"{view.__module__}.{getattr(view, '__qualname__', type(view).__name__)}"
    rule = access.rule_of(callback)
    problem = ""
    if name in WITHOUT_MARK:
        rule = access.ANYONE
    elif in_admin:
        rule = "operators"  # Django's admin asks on each of its pages; it is on the platform's host only (I3)
        problem = "" if on_platform else "is the operators', and not for a tenant's host"
    elif rule is None:
        problem = "declares no rule: mark it by shared_apps.core.access"
    elif rule not in (access.ANYONE, access.SIGNED_IN):
        problem = _problem(None if rule is None else rule, on_platform) if rule != access.STAFF else ""
        if rule == access.STAFF and on_platform:
            problem = "is for a tenant's staff and stands on the platform's host"
    return Route(address, "*", name, "", rule, "page", f"{address}: {name} {problem}." if problem else "")


def _problem(rule: Rule | None, on_platform: bool) -> str:
    if not rule:
        return "declares no rule for it"
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
    return "event" if hasattr(view, "event") else str(getattr(view, "scope", "tenant"))
