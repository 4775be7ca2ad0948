"""The OpenAPI document and the pages that show it, on each host with that host's own surface."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from api.permissions import ANYONE
from api.views import APIView
from shared_apps.core.access import anyone
from shared_apps.core.errors import DomainError

# What the docs pages need beyond the site's policy: both draw with style elements, ReDoc searches in a worker.
_DOCS_POLICY = csp_replace({"style-src": [SELF, UNSAFE_INLINE], "worker-src": [SELF, "blob:"], "frame-src": [NONE]})


def generate(urls: Sequence[Any], request: Any = None) -> dict[str, Any]:
    """Return the OpenAPI document of these routes, below /api/v1/."""
    generator = SchemaGenerator(patterns=[path("api/v1/", include(list(urls)))])
    document: dict[str, Any] = generator.get_schema(request=request, public=True)
    return document


@lru_cache(maxsize=8)
def _document(public_host: bool, language: str) -> dict[str, Any]:
    # The same for every tenant: it is made of code and of the language, of no row (N4).
    from api.v1.urls import public_urls, tenant_urls

    return generate(public_urls if public_host else tenant_urls)


def is_platform(request: HttpRequest) -> bool:
    return bool(getattr(getattr(request, "tenant", None), "is_public", True))


class SchemaView(APIView):
    """The OpenAPI document of this host: JSON, or YAML by `?format=yaml` or Accept."""

    permissions = {"get": ANYONE}
    schema = None
    renderer_classes = [OpenApiJsonRenderer, JSONRenderer, OpenApiYamlRenderer]

    def get(self, request: Any) -> Response:
        response = Response(_document(is_platform(request), get_language() or "en"))
        response["Cache-Control"] = "public, no-cache"
        return response


class _DocsPage(APIView):
    permissions = {"get": ANYONE}
    schema = None
    url_name = "api-schema"
    # The same for everybody: a sign-in that has run out does not close the page.
    authentication_classes = ()

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(response, "template_name", None) is None:
            # Refusals and OPTIONS have no template to be drawn with: they answer as the rest of the API does.
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        # The library opens it for a sign-in in another window, which we do not offer.
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response


@method_decorator(_DOCS_POLICY, name="dispatch")
class SwaggerView(_DocsPage, SpectacularSwaggerView):
    """Swagger UI, served by ourselves."""

    template_name = "api/swagger.html"


@method_decorator(_DOCS_POLICY, name="dispatch")
class RedocView(_DocsPage, SpectacularRedocView):
    """ReDoc, served by ourselves."""

    template_name = "api/redoc.html"


def refusals() -> list[type[DomainError]]:
    """Return every refusal that the product knows, one for each code, by status and code."""
    by_code: dict[str, type[DomainError]] = {}
    waiting = list(DomainError.__subclasses__())
    while waiting:
        kind = waiting.pop(0)
        waiting.extend(kind.__subclasses__())
        # Several classes may share a code; the one nearest to the root says it most generally.
        if kind.code != DomainError.code:
            by_code.setdefault(kind.code, kind)
    return sorted(by_code.values(), key=lambda kind: (kind.status, kind.code))


@anyone
def errors_page(request: HttpRequest) -> HttpResponse:
    """Where the `type` of a problem leads: all codes with what they say."""
    shown = [{"status": kind.status, "code": kind.code, "message": kind.message} for kind in refusals()]
    return render(request, "api/errors.html", {"refusals": shown})
