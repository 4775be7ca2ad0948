"""Answers given before any tenant's page or view: unknown host, suspended, not ready."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import translation

from shared_apps.core.errors import DomainError

# These answers leave before the middleware that adds the policy; the page has one style element and nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def refuse(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Return the refusal as problem+json below /api/, as a small page elsewhere; nothing in it names a tenant (N2)."""
    with translation.override(translation.get_language_from_request(request)):
        response = _problem(request, refusal) if request.path_info.startswith("/api/") else _page(refusal)
        response["Content-Language"] = translation.get_language() or "en"
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept-Language"
    if refusal.retry_after is not None:
        response["Retry-After"] = str(refusal.retry_after)
    return response


def _problem(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    return JsonResponse(
        {
            "type": f"/docs/errors#{refusal.code}",
            "title": HTTPStatus(refusal.status).phrase,
            "status": refusal.status,
            "code": refusal.code,
            "detail": str(refusal),
            "errors": [],
            "request_id": getattr(request, "request_id", ""),
        },
        status=refusal.status,
        content_type="application/problem+json",
    )


def _page(refusal: DomainError) -> HttpResponse:
    page = render_to_string(
        "tenants/notice.html",
        {"message": str(refusal), "status": refusal.status, "language": translation.get_language()},
    )
    response = HttpResponse(page, status=refusal.status)
    response["Content-Security-Policy"] = _POLICY
    return response
