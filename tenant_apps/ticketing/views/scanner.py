"""The scanner: a page that can be installed and works without network; and what came of its scans, for the desk."""

import hashlib
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from shared_apps.core.access import anyone, staff
from tenant_apps.events.models import Event
from tenant_apps.staff.permissions import events_where
from tenant_apps.ticketing import late
from tenant_apps.ticketing.models import CheckInList, OfflineScan
from tenant_apps.ticketing.scanning import REASONS
from tenants.context import current_tenant

# What the page is made of. Kept by the service worker, so each release of it starts without network.
SCRIPTS = ("scan/app.js", "scan/camera.js", "scan/codes.js", "scan/keys.js", "scan/server.js", "scan/show.js",
           "scan/store.js", "scan/sync.js")  # fmt: skip
FILES = (
    *SCRIPTS, "scan/scan.css", "css/tokens.css", "css/base.css", "css/components.css", "css/dashboard.css", "icons.svg",
    "favicon.svg", "fonts/onest-latin.woff2", "fonts/onest-cyrillic.woff2", "vendor/qr/decode.js",
    "vendor/qr/index.js", "vendor/noble/ed25519.js", "scan/icon-192.png", "scan/icon-512.png",
)  # fmt: skip
# Modules are also asked for by the names that stand in them, which no release changes.
PLAIN = (*SCRIPTS, "vendor/qr/decode.js", "vendor/qr/index.js", "vendor/noble/ed25519.js")


@staff("check_in")
def app(request: HttpRequest) -> HttpResponse:
    """The scanner with its lists, the next events first; without script a page of links to the plain entrances.

    A device keeps this page. There is nothing in it about who looked at it.
    """
    mine = events_where(request.user, "check_in").exclude(status__in=("draft", "archived"))
    lists = CheckInList.objects.filter(event__in=mine).select_related("event")
    now = timezone.now()
    coming = list(lists.filter(event__in=Event.objects.upcoming(now)).order_by("event__starts_at", "pk")[:50])
    past = list(lists.exclude(event__in=Event.objects.upcoming(now)).order_by("-event__starts_at", "pk")[:10])
    get_token(request)
    context = {"coming": coming, "past": past, "reasons": REASONS.items(), "csrf_cookie": settings.CSRF_COOKIE_NAME}
    return render(request, "scan/app.html", context)


@anyone
@require_GET
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to know to install the scanner (W3C Web App Manifest)."""
    tenant = current_tenant()
    sizes = (192, 512)
    shown = {
        "id": "/scan/",
        "name": _("%(tenant)s: check-in") % {"tenant": tenant.name},
        "short_name": _("Check-in"),
        "description": _("Scans tickets at the entrance, also without network."),
        "lang": get_language(),
        "start_url": reverse("scan-doors"),
        "scope": reverse("scan-doors"),
        "display": "standalone",
        "orientation": "any",
        "background_color": "#0c0d11",
        "theme_color": tenant.colour or "#4338ca",
        "icons": [
            {"src": static(f"scan/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
            for size in sizes
            for purpose in ("any", "maskable")
        ],
    }
    return JsonResponse(shown, content_type="application/manifest+json", headers={"Cache-Control": "max-age=300"})


@anyone
@require_GET
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker of /scan/ and of nothing else: where it is served decides how far it reaches."""
    files = sorted({static(name) for name in FILES} | {settings.STATIC_URL + name for name in PLAIN})
    context = {"files": [*files, reverse("scan-reader")], "version": _version()}
    return _script(request, "scan/service_worker.js", context)


@anyone
@require_GET
def reader(request: HttpRequest) -> HttpResponse:
    """The thread that looks for QR codes in the camera's pictures. A page of ours and no static file: a worker runs
    under the policy that it is served with, and static files are served with one under which nothing runs."""
    return _script(request, "scan/reader.js", {"decoder": static("vendor/qr/decode.js")})


@staff("check_in")
def conflicts(request: HttpRequest) -> HttpResponse:
    """What scanners told at the door without network that contradicts what we say."""
    mine = CheckInList.objects.filter(event__in=events_where(request.user, "check_in"))
    if request.method == "POST":
        found = _conflict(mine, request.POST.get("scan", ""))
        late.mark_seen(found, by=request.user)
        return redirect(f"{reverse('dashboard-scan-conflicts')}?{urlencode({'page': request.GET.get('page', '1')})}")
    shown = Paginator(late.conflicts(mine), 30).get_page(request.GET.get("page", "1"))
    rows = [(each, REASONS.get(each.reason, ""), REASONS.get(each.check_in.reason, "")) for each in shown.object_list]
    waiting = late.conflicts(mine).filter(seen_at=None).count()
    context = {"nav": "scan", "page": shown, "rows": rows, "open": waiting}
    return render(request, "dashboard/scan/conflicts.html", context)


def _conflict(mine: Any, given: str) -> OfflineScan:
    try:
        found = late.conflicts(mine).filter(pk=uuid.UUID(given)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


def _script(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


@lru_cache(maxsize=1)
def _version() -> str:
    """Names the contents of all files: another release, another cache."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update(name.encode())
        digest.update(_content(name))
    return digest.hexdigest()[:12]


def _content(name: str) -> bytes:
    path = finders.find(name)
    if path:
        return Path(str(path)).read_bytes()
    with staticfiles_storage.open(name) as file:
        return bytes(file.read())
