"""What stands below /api/ on each host: the versions, their documents, and `/api/…` for `/api/v1/…`."""

from collections.abc import Sequence
from typing import Any

from django.urls import include, path
from django.views.generic import RedirectView

from api.docs import RedocView, SchemaView, SwaggerView, errors_page
from shared_apps.core.paths import by_parts


def below(urls: Sequence[Any]) -> list[Any]:
    """Return the patterns of a host whose endpoints these are."""
    return [
        path("api/schema/", SchemaView.as_view(), name="api-schema"),
        path("api/docs/", SwaggerView.as_view(), name="api-docs"),
        path("api/redoc/", RedocView.as_view(), name="api-redoc"),
        path("api/swagger/", RedirectView.as_view(url="/api/docs/")),
        path("docs/errors", errors_page, name="api-errors"),
        path("swagger/", RedirectView.as_view(url="/api/docs/")),
        path("redoc/", RedirectView.as_view(url="/api/redoc/")),
        by_parts("api/v1/", include((list(urls), "api"))),
        by_parts("api/", include((list(urls), "api"), namespace="older-api")),
    ]
