"""Whatever goes wrong leaves in one shape: problem+json below /api/, a designed page elsewhere (B1).

`handle` is what DRF asks; the four handlers at the end are Django's, named in both URL configurations;
`RefusalMiddleware` gives the pages' refusals the same care.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from shared_apps.core import database_errors
from shared_apps.core.errors import (
    DomainError,
    FieldError,
    Forbidden,
    InvalidInput,
    NotFound,
    SignInRequired,
    TooManyRequests,
)
from shared_apps.core.problems import CONTENT_TYPE, Problem, of_refusal

logger = logging.getLogger(__name__)

AUTHENTICATE = 'Bearer realm="api"'


class Malformed(DomainError):
    """What was sent cannot be read at all."""

    code, status = "malformed", 400
    message = _("This could not be read.")


class LengthRequired(DomainError):
    """A body in chunks: Django would take it for no body at all."""

    code, status = "length_required", 411
    message = _("Send the body with its length.")


class TooLarge(DomainError):
    code, status = "too_large", 413
    message = _("This is too large.")


class AddressTooLong(DomainError):
    code, status = "address_too_long", 414
    message = _("The address is too long.")


class UnsupportedMediaType(DomainError):
    code, status = "unsupported_media_type", 415
    message = _("Send this as JSON, or as the type that the documentation names.")


class MethodNotAllowed(DomainError):
    code, status = "method_not_allowed", 405
    message = _("This address does not take this method.")


class CsrfFailed(Forbidden):
    """A write by cookie without the token, or from a page that is not ours (I6)."""

    code = "csrf_failed"
    message = _("This request did not come from our own page. Reload the page and try again.")


class InternalError(DomainError):
    """A fault of ours. Nothing of what happened is told; the request id finds it in the log."""

    code, status = "internal_error", 500
    message = _("Something went wrong on our side. We have been told.")


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer DRF's question what an exception in a view becomes; None means a fault of ours, which Django logs."""
    problem = problem_of(error)
    if problem is None:
        return None
    request = context.get("request")
    response = Response(problem.body(_request_id(request)), status=problem.status, headers=dict(problem.headers))
    response.content_type = CONTENT_TYPE
    response["Cache-Control"] = "no-store"
    return response


def problem_of(error: BaseException) -> Problem | None:
    """Return what to say about an exception, or None for one that nobody foresaw."""
    if isinstance(error, DomainError):
        return _with_challenge(of_refusal(error))
    if isinstance(error, exceptions.APIException):
        return _of_rest_framework(error)
    if isinstance(error, DatabaseError | InterfaceError):
        refusal = database_errors.refusal_of(error)
        if refusal is None:
            return None
        logger.warning(
            "refused by the database: state=%s constraint=%s",
            database_errors.sqlstate(error),
            database_errors.constraint_of(error),
        )
        return of_refusal(refusal)
    refusal = _of_django(error)
    return None if refusal is None else of_refusal(refusal)


def _of_django(error: BaseException) -> DomainError | None:
    if isinstance(error, Http404):
        return NotFound()
    if isinstance(error, PermissionDenied):
        return Forbidden()
    if isinstance(error, ModelValidationError):
        return InvalidInput(errors=list(_model_errors(error)))
    if isinstance(error, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return TooLarge()
    if isinstance(error, SuspiciousOperation | BadRequest | UnreadablePostError):
        return Malformed()
    return None


def _of_rest_framework(error: exceptions.APIException) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return Problem(400, InvalidInput.code, InvalidInput.message, tuple(_flat(error.detail)))
    if isinstance(error, exceptions.NotAuthenticated):
        return _with_challenge(of_refusal(SignInRequired()))
    if isinstance(error, exceptions.AuthenticationFailed):
        code = _first_code(error.get_codes())
        return _with_challenge(Problem(401, code, _first_text(error.detail)))
    if isinstance(error, exceptions.Throttled):
        return of_refusal(TooManyRequests(retry_after=max(1, round(getattr(error, "wait", None) or 1))))
    if isinstance(error, exceptions.MethodNotAllowed):
        return of_refusal(MethodNotAllowed())
    if isinstance(error, exceptions.UnsupportedMediaType):
        return of_refusal(UnsupportedMediaType())
    if isinstance(error, exceptions.NotFound):
        return of_refusal(NotFound())
    if isinstance(error, exceptions.PermissionDenied):
        if str(getattr(error.detail, "code", "")).startswith("csrf") or "CSRF" in str(error.detail):
            return of_refusal(CsrfFailed())
        return of_refusal(Forbidden())
    if isinstance(error, exceptions.ParseError):
        return Problem(400, Malformed.code, _first_text(error.detail))
    return Problem(error.status_code, _first_code(error.get_codes()), _first_text(error.detail))


def _with_challenge(problem: Problem) -> Problem:
    """A 401 says how one signs in (RFC 9110, 11.6.1)."""
    if problem.status != 401:
        return problem
    headers = {**problem.headers, "WWW-Authenticate": AUTHENTICATE}
    return Problem(problem.status, problem.code, problem.detail, problem.errors, headers)


def _flat(detail: Any, path: tuple[str, ...] = ()) -> Iterator[FieldError]:
    """Walk DRF's nested errors: `{"lines": [{}, {"quantity": ["…"]}]}` is `lines.1.quantity`."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            yield from _flat(value, (*path, str(key)) if str(key) else path)
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list | tuple)
            yield from _flat(value, (*path, str(index)) if nested else path)
    else:
        yield FieldError(".".join(path), str(getattr(detail, "code", "") or "invalid"), str(detail))


def _model_errors(error: ModelValidationError) -> Iterator[FieldError]:
    by_field: Iterable[tuple[str, list[ModelValidationError]]] = (
        error.error_dict.items() if hasattr(error, "error_dict") else [("", error.error_list)]
    )
    for field, found in by_field:
        for each in found:
            text = " ".join(each.messages)
            yield FieldError("" if field == "__all__" else field, each.code or "invalid", text)


def _first_code(codes: Any) -> str:
    while isinstance(codes, Mapping | list | tuple):
        if isinstance(codes, Mapping):
            codes = codes.get("code") or next(iter(codes.values()), "refused")
        else:
            codes = codes[0] if codes else "refused"
    return str(codes)


def _first_text(detail: Any) -> str:
    while isinstance(detail, Mapping | list | tuple):
        if isinstance(detail, Mapping):
            detail = detail.get("detail") or next(iter(detail.values()), "")
        else:
            detail = detail[0] if detail else ""
    return str(detail)


# --- Outside DRF's views: middleware, unknown paths, pages ----------------------------------------------------------


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Return the problem as JSON below /api/, as a page elsewhere."""
    if is_api(request):
        body = JSONRenderer().render(problem.body(_request_id(request)))
        response = HttpResponse(body, status=problem.status, content_type=CONTENT_TYPE)
    else:
        response = HttpResponse(_page(request, problem), status=problem.status)
    for name, value in problem.headers.items():
        response[name] = value
    add_never_cache_headers(response)
    response["Cache-Control"] = "no-store"
    return response


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


# Refusals without a story of their own; every other one is told in its own sentence.
_PAGES = {
    Malformed.code: "errors/400.html",
    Forbidden.code: "errors/403.html",
    CsrfFailed.code: "errors/csrf.html",
    NotFound.code: "errors/404.html",
    InternalError.code: "errors/500.html",
}


def _page(request: HttpRequest, problem: Problem) -> str:
    context = {
        "status": problem.status,
        "message": str(problem.detail),
        "hint": " ".join(str(error.message) for error in problem.errors if str(error.message) != str(problem.detail)),
        "request_id": _request_id(request),
        "upgrade_url": problem.members.get("upgrade_url", ""),
    }
    try:
        return render_to_string(_PAGES.get(problem.code, "errors/error.html"), context, request)
    except Exception:
        # A page that tells of a fault must not need what is broken: the tenant, the user, the database.
        logger.exception("the error page itself failed")
        return render_to_string("api/bare_error.html", context)


def _request_id(request: Any) -> str:
    return str(getattr(getattr(request, "_request", request), "request_id", ""))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF middleware refused a write."""
    return answer(request, of_refusal(CsrfFailed()))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, (exception and problem_of(exception)) or of_refusal(Malformed()))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, of_refusal(Forbidden()))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, of_refusal(NotFound()))


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(request, of_refusal(InternalError()))


class RefusalMiddleware:
    """Turns a refusal that a page's view raised into the page that tells it; and refuses forms with a NUL (B2)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """What a page reads of a form past Django's own fields goes into statements, which take no NUL. The API's
        parsers look at bodies themselves."""
        if request.method != "POST" or is_api(request):
            return None
        if any("\0" in name or any("\0" in value for value in values) for name, values in request.POST.lists()):
            return answer(request, of_refusal(database_errors.CharacterRefused()))
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(
            error, DomainError | DatabaseError | InterfaceError | ModelValidationError | RequestDataTooBig
        ):
            return None
        problem = problem_of(error)
        return None if problem is None else answer(request, problem)
