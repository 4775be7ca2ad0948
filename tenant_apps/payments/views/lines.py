"""The staff's page of one line of an order, and their notes on it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.orders import attendees, notes
from tenant_apps.orders.forms import AttendeeForm
from tenant_apps.orders.models import OrderLine
from tenant_apps.orders.views.dashboard import for_change, visible_lines
from tenant_apps.payments import line_refunds
from tenant_apps.staff.permissions import allowed


@staff("change_orders")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def line(request: HttpRequest, code: str, pk: uuid.UUID) -> HttpResponse:
    """Who comes with a ticket, and what cancelling the line would send back. A POST changes who comes."""
    found = _line(request.user, code, pk)
    initial = {"name": found.attendee_name, "email": found.attendee_email}
    form = AttendeeForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            attendees.change_attendee(found.order, pk, actor=request.user, by_staff=True, **form.cleaned_data)
        except DomainError as refusal:
            return _page(request, found, form, refusal)
        messages.success(request, _("Saved. The ticket carries the new name."))
        return redirect("dashboard-order", code=found.order.code)
    return _page(request, found, form)


@staff("change_orders")
@require_POST
def cancel(request: HttpRequest, code: str, pk: uuid.UUID) -> HttpResponse:
    """Cancel one line for the buyer, whose money for it goes back whole; deadlines do not bind staff."""
    found = _line(request.user, code, pk)
    reason = request.POST.get("reason", "")[:300]
    try:
        line_refunds.cancel_lines(found.order, [pk], actor=request.user, by_staff=True, reason=reason)
        messages.success(request, _("It is cancelled."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-order", code=found.order.code)


@staff("change_orders")
@require_POST
def write_note(request: HttpRequest, code: str) -> HttpResponse:
    """Note something about an order, for the others who work here."""
    found = for_change(request.user, code)
    try:
        notes.write_note(found, request.POST.get("text", ""), actor=request.user)
    except DomainError as refusal:
        messages.error(request, "; ".join(str(error.message) for error in refusal.errors) or str(refusal))
    return redirect("dashboard-order", code=found.code)


@staff("change_orders")
@require_POST
def delete_note(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    found = for_change(request.user, code)
    notes.delete_note(get_object_or_404(found.notes.select_related("order"), pk=pk), actor=request.user)
    return redirect("dashboard-order", code=found.code)


def _line(user: Any, code: str, pk: uuid.UUID) -> OrderLine:
    """A line that the person sees and may change: by role, or by a grant on its event; else 404."""
    seen = visible_lines(user).select_related("order", "event", "ticket_type", "ticket")
    found: OrderLine | None = seen.filter(pk=pk, order__code=code.upper()).first()
    if found is None or not allowed(user, "change_orders", found.event):
        raise Http404
    return found


def _page(
    request: HttpRequest, found: OrderLine, form: AttendeeForm, refusal: DomainError | None = None
) -> HttpResponse:
    context = {
        "nav": "orders",
        "order": found.order,
        "line": found,
        "form": form,
        "refusal": refusal,
        "may_rename": _may_rename(found),
        "preview": line_refunds.preview(found.order, [found.pk], by_staff=True),
    }
    status = refusal.status if refusal else 400 if form.is_bound else 200
    return render(request, "dashboard/orders/line.html", context, status=status)


def _may_rename(found: OrderLine) -> bool:
    try:
        attendees.refuse_late_change(found.order, found, by_staff=True)
    except DomainError:
        return False
    return True
