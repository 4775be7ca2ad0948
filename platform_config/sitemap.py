"""For search engines: robots.txt, and a tenant's sitemap in parts that stay below the protocol's limits.

Addresses are those of the tenant's stored primary host, whichever host was asked (N1).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from shared_apps.core.access import anyone
from tenant_apps.catalog.models import Product
from tenant_apps.events.models import Event
from tenants import links
from tenants.context import current_tenant

# The protocol allows 50,000 addresses and 50 MB a file.
PAGE = 5000
_SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
# What is somebody's own, costs a search engine time, or is for programs.
PRIVATE = ("/dashboard/", "/account/", "/orders/", "/cart/", "/checkout/", "/scan/", "/invitations/", "/api/")

Entry = tuple[str, datetime | None]


def _events(first: int, after: int) -> Iterable[Entry]:
    rows = Event.objects.for_sitemap()[first:after]
    return [(f"/events/{slug}/", at) for slug, at in rows]


def _products(first: int, after: int) -> Iterable[Entry]:
    rows = Product.objects.for_sitemap()[first:after]
    return [(f"/products/{slug}/", at) for slug, at in rows]


def _pages(first: int, after: int) -> Iterable[Entry]:
    pages: list[Entry] = [("/", None), ("/events/", None)]
    if Product.objects.public().exists():
        pages.append(("/products/", None))
    return pages[first:after]


PARTS: dict[str, tuple[Callable[[int, int], Iterable[Entry]], Callable[[], int]]] = {
    "pages": (_pages, lambda: 1),
    "events": (_events, lambda: Event.objects.for_sitemap().count()),
    "products": (_products, lambda: Product.objects.for_sitemap().count()),
}


@anyone
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What a polite program leaves alone, and where it finds the rest."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE), "Allow: /api/v1/calendar.ics", ""]
    lines.append(f"Sitemap: {links.url(current_tenant(), '/sitemap.xml')}")
    return _shared(HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8"))


@anyone
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The parts of the sitemap; three statements."""
    tenant = current_tenant()
    entries = []
    for name, (_rows, count) in PARTS.items():
        for page in range(1, -(-count() // PAGE) + 1):
            address = links.url(tenant, f"/sitemap-{name}-{page}.xml")
            entries.append(f"<sitemap><loc>{escape(address)}</loc></sitemap>")
    return _xml(f"<sitemapindex {_SPACE}>", entries, "</sitemapindex>")


@anyone
@require_safe
def part(request: HttpRequest, name: str, page: int) -> HttpResponse:
    """One part: at most 5,000 addresses, with the day and time of their last change."""
    if name not in PARTS or not 1 <= page <= 10_000:
        raise Http404
    tenant, rows = current_tenant(), PARTS[name][0]
    found = list(rows((page - 1) * PAGE, page * PAGE))
    if not found:
        raise Http404
    entries = []
    for path, changed in found:
        at = f"<lastmod>{changed.isoformat(timespec='seconds')}</lastmod>" if changed else ""
        entries.append(f"<url><loc>{escape(links.url(tenant, path))}</loc>{at}</url>")
    return _xml(f"<urlset {_SPACE}>", entries, "</urlset>")


def _xml(head: str, entries: Iterable[str], tail: str) -> HttpResponse:
    body = "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *entries, tail])
    return _shared(HttpResponse(body, content_type="application/xml; charset=utf-8"))


def _shared(response: Any) -> HttpResponse:
    patch_cache_control(response, public=True, max_age=3600)
    return response  # type: ignore[no-any-return]  # Django types its sitemap view as Any
