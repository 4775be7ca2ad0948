"""The staff's pages about goods on their way: the steps, many orders at once, the pick list."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from tenant_apps.orders import picking, shipping
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.views.dashboard import for_change, visible_lines
from tenant_apps.staff.permissions import allowed
from tenants.context import current_tenant

# As many as one page of the list shows.
MOST_AT_ONCE = 50


@staff("change_orders")
@require_POST
def step(request: HttpRequest, code: str, step: str) -> HttpResponse:
    """Move the ticked goods of an order one step on; without ticks all that can."""
    found = for_change(request.user, code)
    if step not in shipping.STEPS or not allowed(request.user, "change_orders"):
        raise Http404
    ticked = set(request.POST.getlist("line"))
    lines = [line.pk for line in found.lines.all() if str(line.pk) in ticked]
    try:
        shipping.move(found, step, lines=lines or None, actor=request.user, **_facts(request, step))
        messages.success(request, str(shipping.STEPS[step].done))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-order", code=found.code)


def _facts(request: HttpRequest, step: str) -> dict[str, Any]:
    if step == "ship":
        return {name: _line(request.POST.get(name, "")) for name in ("carrier", "tracking_number")}
    if step == "return":
        return {"restock": request.POST.get("restock") != "no"}
    return {}


def _line(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()[:60]


@staff("change_orders")
@require_POST
def many(request: HttpRequest) -> HttpResponse:
    """Pack or ship the goods of the ticked orders. Comes back to the list as it was."""
    back = request.POST.get("back", "")
    to = redirect("dashboard-orders")
    if back.startswith("?") and back.isprintable():
        to["Location"] += back[:2000]
    name = request.POST.get("step", "")
    if name not in ("pack", "ship", "deliver") or not allowed(request.user, "change_orders"):
        raise Http404
    codes = request.POST.getlist("order")[:MOST_AT_ONCE]
    orders = list(Order.objects.filter(code__in=codes).order_by("created_at"))
    moved, refused = shipping.move_many(orders, name, actor=request.user, **_facts(request, name))
    if moved:
        text = ngettext("%(count)s order moved on.", "%(count)s orders moved on.", moved)
        messages.success(request, text % {"count": moved})
    if refused:
        messages.error(request, _("Nothing to move in: %s") % ", ".join(refused))
    if not orders:
        messages.error(request, _("Choose some orders first."))
    return to


def _goods(request: HttpRequest) -> Any:
    """Goods belong to no event, so who has a right on events only sees none."""
    return visible_lines(request.user).filter(kind=OrderLine.Kind.PRODUCT)


def _picked(request: HttpRequest) -> picking.PickList:
    return picking.pick_list(_goods(request), codes=[code.upper() for code in request.GET.getlist("order")[:500]])


@staff("view_orders")
@never_cache
@require_safe
def pick_list(request: HttpRequest) -> HttpResponse:
    """What is to be packed, by shelf and by order."""
    context = {"nav": "orders", "picked": _picked(request)}
    return render(request, "dashboard/orders/pick_list.html", context)


@staff("view_orders")
@never_cache
@require_safe
def pick_list_csv(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(picking.as_csv(_picked(request)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="pick-list.csv"'
    return response


@staff("view_orders")
@never_cache
@require_safe
def pick_list_pdf(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(picking.as_pdf(_picked(request), current_tenant()), content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="pick-list.pdf"'
    response["Cache-Control"] = "no-store, private"
    return response
