"""The page of a certificate, for whoever has its secret address."""

import json
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import anyone
from shared_apps.departures import erasing
from shared_apps.departures.models import Erasure

STEPS = {
    "counted": _("Counted what was there"),
    "schema": _("Tables removed"),
    "files": _("Files removed"),
    "elsewhere": _("Ended what would go on elsewhere, such as a subscription"),
    "rows": _("Addresses, links and other rows of the platform removed"),
    "caches": _("Caches emptied"),
}


def _found(secret: str) -> Erasure:
    found = erasing.by_secret(secret)
    if found is None:
        raise Http404
    return found


@anyone
@never_cache
@require_safe
def certificate(request: HttpRequest, secret: str) -> HttpResponse:
    """How far it is; at the end, what was removed and what stays."""
    erasure = _found(secret)
    steps: list[dict[str, Any]] = [
        {"name": words, "at": datetime.fromisoformat(erasure.steps[name]["at"]) if name in erasure.steps else None}
        for name, words in STEPS.items()
    ]
    backups = (erasure.certificate or {}).get("backups")
    context = {
        "erasure": erasure,
        "counted": erasure.steps.get("counted", {}),
        "kept": erasure.steps.get("rows", {}).get("kept", {}),
        "steps": steps,
        "backups": backups,
        "backups_until": datetime.fromisoformat(backups["until"]) if backups else None,
        "genuine": erasing.is_genuine(erasure),
    }
    response = render(request, "public/erasure.html", context)
    response["Referrer-Policy"] = "no-referrer"
    return response


@anyone
@never_cache
@require_safe
def certificate_file(request: HttpRequest, secret: str) -> HttpResponse:
    """The certificate as a file to keep."""
    erasure = _found(secret)
    if erasure.certificate is None:
        raise Http404
    text = json.dumps({**erasure.certificate, "signature": erasure.signature}, ensure_ascii=False, indent=1)
    name = f"erasure-{erasure.slug}.json"
    return HttpResponse(
        text, content_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
