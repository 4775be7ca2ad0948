"""What every template knows about where it is shown."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from tenants import links


def tenant(request: HttpRequest) -> dict[str, Any]:
    """The tenant (None on the platform's own site) and the addresses and facts that the base templates need."""
    present = getattr(request, "tenant", None)
    on_platform = present is None or present.is_public
    return {
        "tenant": None if on_platform else present,
        "is_platform": on_platform,
        "is_development": settings.DEVELOPMENT,
        "platform_url": links.platform_url("/"),
        "platform_name": "Foyer",
        "languages": settings.LANGUAGES,
        # The one address under which this page is to be found and shared, without filters (N1).
        "canonical": "" if present is None or on_platform else links.url(present, request.path),
    }
