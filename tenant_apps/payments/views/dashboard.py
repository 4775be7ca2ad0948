"""Money that staff took in by hand, and money that goes back with a cancelled order."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.orders.views.dashboard import for_change
from tenant_apps.payments import refunds, services


@staff("change_orders")
@require_POST
def mark_paid(request: HttpRequest, code: str) -> HttpResponse:
    """The money is there: the order is paid and its tickets go out."""
    found = for_change(request.user, code)
    try:
        services.mark_paid(found, actor=request.user)
        messages.success(request, _("The order is paid; the tickets are on their way."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-order", code=found.code)


@staff("change_orders")
@require_POST
def cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Cancel for the buyer, whose money goes back; staff may at any time."""
    found = for_change(request.user, code)
    try:
        refunds.cancel_order(found, actor=request.user, by_staff=True, reason=request.POST.get("reason", "")[:300])
        messages.success(request, _("The order is cancelled."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-order", code=found.code)
