"""A text as buyers read it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shared_apps.core.access import anyone
from shared_apps.core.errors import NotFound
from tenant_apps.consents.texts import current


@anyone
@require_safe
def text(request: HttpRequest, code: str) -> HttpResponse:
    """The version that holds now."""
    try:
        found = current(code)
    except NotFound:
        raise Http404 from None
    return render(request, "storefront/legal.html", {"text": found})
