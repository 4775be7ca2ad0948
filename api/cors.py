"""Which other sites may call a tenant's API from a browser: those that its own list names, exactly (I6).

The answers never carry `Access-Control-Allow-Credentials`: such a site brings a token, never our cookies.
"""

from typing import Any

from corsheaders.signals import check_request_enabled
from django.dispatch import receiver
from django.http import HttpRequest

from tenants.preferences import preference


@receiver(check_request_enabled, dispatch_uid="api.cors")
def listed(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Tell whether the request's origin is on the list of the tenant whose host was called."""
    tenant = getattr(request, "tenant", None)
    # corsheaders asks a signal for every path, CORS_URLS_REGEX or not: pages are for nobody else.
    if tenant is None or tenant.is_public or not request.path_info.startswith("/api/"):
        return False
    return request.headers.get("Origin") in preference(tenant, "cors_origins")
