"""/certificates/ask on every host: whether a gateway that makes certificates on demand may make one for a name (N5).

It answers 200 for the platform's hosts and for those that lead to a tenant, which own domains do only while DNS proves
them; 404 for all others. It stands before the tenant is looked up and takes plain HTTP, since a gateway asks from
inside, by whatever name it knows us. It tells nothing that a visit would not.
"""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from tenants import hosts, lookup
from tenants.database import connection
from tenants.models import Tenant

PATH = "/certificates/ask"
_WITHOUT = (Tenant.Status.CLOSED, Tenant.Status.OPENING)


class CertificateAskMiddleware:
    """One comparison for every other request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path != PATH:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return _said(405)
        return _said(200 if may_have_one(request.GET.get("domain", "")) else 404)


def may_have_one(name: str) -> bool:
    """Tell whether a certificate for this name is ours to ask for."""
    try:
        host = hosts.normal(name)
    except ValidationError:
        return False
    if host in hosts.platform_hosts():
        return True
    connection.set_schema_to_public()
    tenant = lookup.by_host(host)
    return tenant is not None and tenant.status not in _WITHOUT


def _said(status: int) -> HttpResponse:
    words = {200: "yes\n", 404: "no\n"}.get(status, "")
    return HttpResponse(words, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})
