"""Writes down who was refused what only staff may do (P7)."""

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from structlog import get_logger

from api.permissions import OWN, WORDS, Rule, key_of, names_of
from shared_apps.accounts import trail
from shared_apps.core import access, limits
from shared_apps.core.addresses import client_address, network_of

logger = get_logger(__name__)
# Nobody fills a tenant's disk: of one person so many refusals are written in a minute, of one source that does not
# say who it is fewer, and of all such sources together so many for one tenant.
SECONDS = 60
MOST, MOST_OF_ONE_SOURCE, MOST_OF_ALL_SOURCES = 120, 20, 200


class RefusalRecordMiddleware:
    """Looks at 401, 403 and 404 of what only staff may do, on a tenant's host.

    404 is how what one may not see is refused. Of routes that are the caller's own and staff's too, what is refused
    to somebody signed in counts; a guest who mistypes an order's secret tries nothing of staff's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code in (401, 403, 404):
            self._note(request, response)
        return response

    def _note(self, request: Any, response: Any) -> None:
        tenant = getattr(request, "tenant", None)
        if tenant is None or tenant.is_public:
            return
        key = getattr(request, "refused_key", None)
        permissions = _asked(request)
        if not permissions and key is None:
            return
        actor = request.user if response.status_code != 401 and request.user.is_authenticated else None
        if actor is None and response.status_code != 401:
            return
        if not _within_limits(tenant.schema_name, actor, request):
            return
        code = (getattr(response, "data", None) or {}).get("code", "")
        facts: dict[str, Any] = {
            "method": request.method,
            "status": response.status_code,
            "code": code,
            "permissions": list(permissions),
        }
        if key is not None:
            facts |= {"key": str(key)}
        self._write(actor, request, key, facts)

    def _write(self, actor: Any, request: Any, key: Any, facts: dict[str, Any]) -> None:
        from tenant_apps.activity.services import record_refusal

        topic = "access.refused" if key is None else "api_key.refused"
        try:
            record_refusal(actor, request.path_info, topic=topic, **facts)
        except DatabaseError:
            # The refusal itself stands, whatever becomes of its trace.
            logger.exception("a refusal could not be written down")
        if key is not None:
            trail.note_refusal(topic, user_id=key.created_by_id, key=str(key), code=facts["code"])


def _within_limits(schema_name: str, actor: Any, request: Any) -> bool:
    if actor is not None:
        return limits.hit(f"refused:{schema_name}:{actor.identity}", MOST, SECONDS).allowed
    source = network_of(client_address(request))
    return (
        limits.hit(f"unsigned:{schema_name}:{source}", MOST_OF_ONE_SOURCE, SECONDS).allowed
        and limits.hit(f"unsigned:{schema_name}", MOST_OF_ALL_SOURCES, SECONDS).allowed
    )


def _asked(request: Any) -> tuple[str, ...]:
    """The permissions that the route asks staff for; empty where it is open, or only the caller's own."""
    match = request.resolver_match
    if match is None:
        return ()
    view = getattr(match.func, "cls", None)
    if view is None:
        return _staffs(access.rule_of(match.func))
    actions = getattr(match.func, "actions", None)
    key = actions.get(request.method.lower(), "") if actions else key_of(view, request.method)
    rule = getattr(view, "permissions", {}).get(key)
    if rule == OWN:
        return _staffs(getattr(view, "staff_too", {}).get(key))
    return _staffs(rule)


def _staffs(rule: Rule | None) -> tuple[str, ...]:
    return () if rule is None or rule in WORDS else names_of(rule)
