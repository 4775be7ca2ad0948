"""Start-up refuses a route without a declared rule (I1): as a system check, and when the URLs are first read."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from api.routes import routes


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
