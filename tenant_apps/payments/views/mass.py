"""Everybody's money back, with its progress."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.events.staff_view import event_for
from tenant_apps.payments import mass

SHOWN = 200


@staff("refund_orders")
@never_cache
def refunds(request: HttpRequest, slug: str) -> HttpResponse:
    """How the last run stands, and the start of one. While it runs the page asks again by itself."""
    event, _rights = event_for(request.user, slug, "refund_orders")
    if request.method == "POST":
        try:
            mass.start(event, actor=request.user, reason=request.POST.get("reason", "").strip()[:300])
        except DomainError as refusal:
            messages.error(request, str(refusal))
        return redirect("dashboard-mass-refund", slug=slug)
    run = event.mass_refunds.order_by("-created_at").first()
    counts = mass.progress(run) if run else {}
    at_work = run is not None and run.status == run.Status.RUNNING
    affected = mass.affected(event)
    called_off = event.status in mass.CALLED_OFF
    context = {
        "nav": "events",
        "event": event,
        "run": run,
        "counts": counts,
        "ended": counts.get("done", 0) + counts.get("failed", 0),
        "sums": mass.sums(run) if run else [],
        "failures": mass.failures(run)[:SHOWN] if run else [],
        "running": at_work or counts.get("sent", 0) > 0,
        "affected": affected,
        "called_off": called_off,
        "may_start": called_off and affected > 0 and not at_work,
    }
    return render(request, "dashboard/money/mass_refund.html", context)


@staff("refund_orders")
@require_POST
def repeat(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Try again what failed."""
    event, _rights = event_for(request.user, slug, "refund_orders")
    run = mass.repeat(get_object_or_404(event.mass_refunds, pk=pk), actor=request.user)
    if run.status == run.Status.RUNNING:
        messages.success(request, _("What failed is tried again."))
    return redirect("dashboard-mass-refund", slug=slug)
