"""A tenant's pages as an operator sees them who is there as somebody: marked, confined, and reading unless chosen."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from structlog import get_logger
from structlog.contextvars import bind_contextvars

from shared_apps.accounts import trail
from shared_apps.core.errors import DomainError
from shared_apps.operators import impersonation
from shared_apps.operators.errors import NotForOperators, ReadingOnly
from tenants import answers, links

logger = get_logger(__name__)
SAFE = ("GET", "HEAD", "OPTIONS")
# The visit itself is left by these, whatever it may do else.
OWN_PATHS = "/operator/"
# Nothing of the person's own is there, and nothing that is asked with credentials of its own: who the browser is there,
# it is by those.
_ELSEWHERE = re.compile(r"^/(api|static|media|healthz|readyz|metrics)(/|$)")
# The person's account and orders, and the whole of the data in one file: no business of a visit, reading or not.
_NEVER = re.compile(r"^/(account|orders|tickets|checkout|cart|invitations|dashboard/export)(/|$)")
# What would outlast the visit, or says where money goes (the site's settings name the account for bank transfers):
# nobody does that in another's name.
_NEVER_CHANGED = re.compile(
    r"^/(people|dashboard/(staff|roles|api-keys|webhooks|imports|billing|operators|reports/schedules|settings(?=/?$)"
    r"|settings/(payments|address|sender|text-messages)|events/[^/]+/(people|codes)))(/|$)"
)
# Only there is anything changed as somebody of the staff; elsewhere one does things as oneself.
_CHANGED_BELOW = "/dashboard/"
# What is written while one reads: who looked at what, and the browser's own small store.
_ALLOWED_WRITES = ("activity_auditentry", "accounts_platformauditentry", "django_session", "operators_impersonation")
_WRITES = re.compile(
    r"\b(?:INSERT\s+INTO|(?<!FOR )(?<!KEY )(?<!DO )UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)"
    r"\s+(?:ONLY\s+)?"
    r'(?:"?[A-Za-z_]\w*"?\.)?"?([A-Za-z_]\w*)"?',
    re.IGNORECASE,
)


def cookie_name() -> str:
    """Host-only, as the sign-in's own (I6)."""
    return "__Host-operator" if settings.SESSION_COOKIE_SECURE else "operator"


def set_cookie(response: HttpResponseBase, value: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(), value, max_age=seconds, path="/", secure=settings.SESSION_COOKIE_SECURE, httponly=True,
        samesite="Lax",
    )  # fmt: skip


class ImpersonationMiddleware:
    """Puts the person in the place of who asks, on the pages of the one tenant that the visit is for.

    Requests without the cookie pay one look at a dictionary. While it reads, every statement that would write is
    refused at the connection itself, so no page that forgets a check changes anything.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        cookie = request.COOKIES.get(cookie_name())
        tenant: Any = getattr(request, "tenant", None)
        if not cookie or tenant is None or tenant.is_public or _ELSEWHERE.match(request.path_info):
            return self.get_response(request)
        found = impersonation.running(cookie, tenant)
        if found is None:
            response = self.get_response(request)
            if cookie_name() not in response.cookies:
                set_cookie(response, "", 0)
            return response
        return self._visit(request, *found)

    def _visit(self, request: Any, row: Any, operator: Any, person: Any) -> HttpResponseBase:
        row.operator, row.person = operator, person
        request.impersonation = row
        request.user = person
        bind_contextvars(operator_id=operator.pk)
        reading = not row.writes or request.method in SAFE
        with trail.acting(operator), connection.execute_wrapper(_refuse_writes) if reading else nullcontext():
            response = self._refused(request, row) or self.get_response(request)
        response.headers["Cache-Control"] = "no-store, private"
        if getattr(response, "_csp_update", None) is None:
            # The banner's form leads back to the console, and browsers hold the page's policy against that.
            csp_update({"form-action": [links.platform_url("/").rstrip("/")]})(lambda _request: response)(request)
        try:
            impersonation.note_request(
                row, operator, method=request.method, path=request.path_info, status=response.status_code
            )
        except DatabaseError:
            # Nobody is there unseen: what could not be written down is not shown.
            logger.exception("a visit could not be written down")
            return _answer(request, NotForOperators())
        return response

    def _refused(self, request: Any, row: Any) -> HttpResponseBase | None:
        path = request.path_info
        if path.startswith(OWN_PATHS):
            return None
        if _NEVER.match(path):
            return _answer(request, NotForOperators())
        if request.method in SAFE:
            return None
        if not row.writes:
            return _answer(request, ReadingOnly())
        if not path.startswith(_CHANGED_BELOW) or _NEVER_CHANGED.match(path):
            return _answer(request, NotForOperators())
        return None


def _answer(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    return answers.refuse(request, refusal)


def _refuse_writes(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    if isinstance(sql, str) and any(table not in _ALLOWED_WRITES for table in _WRITES.findall(sql)):
        raise ReadingOnly
    return execute(sql, params, many, context)
