"""How background work stands, for who sets up the site: is mail leaving, how late is it, what was given up and why."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from tenant_apps.activity import standing

PAGE = 50
MAY = ("manage_settings", "manage_integrations")


@staff(*MAY)
@never_cache
@require_safe
def background(request: HttpRequest) -> HttpResponse:
    """The figures, and below them what is parked."""
    number = request.GET.get("page", "")
    page = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 and int(number) else 1
    found = list(standing.parked()[(page - 1) * PAGE : page * PAGE + 1])
    context = {
        "nav": "background",
        "standing": standing.standing(),
        "parked": [{"message": each, "reason": standing.reason(each)} for each in found[:PAGE]],
        "more": len(found) > PAGE,
        "page": page,
    }
    return render(request, "dashboard/background/list.html", context)


@staff(*MAY)
@never_cache
@require_POST
def retry_all(request: HttpRequest) -> HttpResponse:
    """Try everything again that was given up."""
    count = standing.retry_all(actor=request.user)
    said = ngettext("%(count)s message is tried again.", "%(count)s messages are tried again.", count)
    messages.success(request, said % {"count": count})
    return redirect("dashboard-background")


@staff(*MAY)
@never_cache
@require_POST
def retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Try one again. If somebody was faster, that is said."""
    try:
        standing.retry(pk, actor=request.user)
    except standing.NotParked as late:
        messages.info(request, str(late))
    else:
        messages.success(request, _("The message is tried again."))
    return redirect("dashboard-background")
