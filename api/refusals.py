"""Writes down who was refused what only staff may do (P7)."""

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from structlog import get_logger

from api.permissions import ANYONE, OWN, SIGNED_IN, names_of, rule_of
from shared_apps.core import access, limits

logger = get_logger(__name__)
# A person who is refused more often than this in a minute is written down this often.
MOST, SECONDS = 120, 60


class RefusalRecordMiddleware:
    """Looks at 403 and 404 of routes that ask for a permission, by who is signed in on a tenant's host.

    404 is how what one may not see is refused. Whoever is not signed in is nobody that could be named; their tries
    are counted by the limits.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code in (403, 404):
            self._note(request, response)
        return response

    def _note(self, request: Any, response: Any) -> None:
        tenant = getattr(request, "tenant", None)
        permissions = _asked(request)
        if tenant is None or tenant.is_public or not permissions or not request.user.is_authenticated:
            return
        actor = request.user
        if not limits.hit(f"refused:{tenant.schema_name}:{actor.pk}", MOST, SECONDS).allowed:
            return
        from tenant_apps.activity.services import record_refusal

        code = (getattr(response, "data", None) or {}).get("code", "")
        try:
            record_refusal(
                actor,
                request.path_info,
                method=request.method,
                status=response.status_code,
                code=code,
                permissions=list(permissions),
            )
        except DatabaseError:
            # The refusal itself stands, whatever becomes of its trace.
            logger.exception("a refusal could not be written down")


def _asked(request: Any) -> tuple[str, ...]:
    """The permissions that the route asks for; empty where it is open, or the caller's own."""
    match = request.resolver_match
    if match is None:
        return ()
    view = getattr(match.func, "cls", None)
    if view is None:
        rule = access.rule_of(match.func)
    else:
        rules = getattr(view, "permissions", {})
        actions = getattr(match.func, "actions", None)
        rule = rules.get(actions.get(request.method.lower(), "")) if actions else rule_of(view, request.method)
    if rule is None or rule in (ANYONE, SIGNED_IN, OWN):
        return ()
    return names_of(rule)
