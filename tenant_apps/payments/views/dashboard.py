"""Money that staff took in by hand, and money that goes back with a cancelled order."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.money import to_minor
from tenant_apps.activity.once import once
from tenant_apps.orders.models import Order
from tenant_apps.orders.views.dashboard import for_change
from tenant_apps.payments import line_refunds, refunds, services
from tenant_apps.payments.models import Refund


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


@staff("refund_orders")
@require_POST
def refund(request: HttpRequest, code: str) -> HttpResponse:
    """Send money back: an amount, or the ticked lines with all that hangs on them. A second tap sends nothing more."""
    found = for_change(request.user, code, "refund_orders")
    ticked = sorted(set(request.POST.getlist("line")))
    lines = [line.pk for line in found.lines.all() if str(line.pk) in ticked]
    amount = request.POST.get("amount", "").strip().replace(",", ".")[:30]
    reason = request.POST.get("reason", "")[:300]
    try:
        minor = None if lines else to_minor(amount, found.currency)
    except ValueError:
        messages.error(request, _("Write the amount as 12.50, or tick lines."))
        return redirect("dashboard-order", code=found.code)

    def intend() -> str:
        return ",".join(str(each.pk) for each in _intend(request, found, lines, minor, reason))

    key = f"{found.code}:{request.POST.get('key', '')[:64]}:{amount}:{ticked}"
    try:
        made = once("page:refund", key, intend)
        for each in Refund.objects.filter(pk__in=[pk for pk in made.split(",") if pk]).select_related("payment__order"):
            refunds.carry_out(each)
        messages.success(request, _("The money is on its way back."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-order", code=found.code)


def _intend(request: HttpRequest, found: Order, lines: list[UUID], minor: int | None, reason: str) -> list[Refund]:
    if lines:
        return line_refunds.intend_line_refund(found, lines, actor=request.user, reason=reason)[1]
    return refunds.intend_order_refund(found, minor, reason=reason, actor=request.user)
