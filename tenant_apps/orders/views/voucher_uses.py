"""The orders that have a voucher. Stands with orders, since vouchers know no orders but by their ids."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shared_apps.core.access import staff
from tenant_apps.orders.models import Order
from tenant_apps.promotions.models import Voucher
from tenant_apps.staff.permissions import allowed

PAGE = 50


@staff("change_promotions")
@require_safe
def voucher_uses(request: HttpRequest, code: str) -> HttpResponse:
    """Newest first. Whose orders they are, only those see who see orders."""
    voucher = Voucher.objects.coded(code).first() if len(code) <= 40 else None
    if voucher is None:
        raise Http404
    given = request.GET.get("page", "")
    page = min(max(int(given), 1), 1000) if given.isascii() and given.isdigit() and len(given) < 5 else 1
    uses = list(voucher.uses.all()[(page - 1) * PAGE : page * PAGE + 1])
    orders = Order.objects.filter(pk__in=[use.order_id for use in uses]).in_bulk()
    context = {
        "nav": "promotions",
        "voucher": voucher,
        "uses": [(use, orders.get(use.order_id)) for use in uses[:PAGE]],
        "more": len(uses) > PAGE,
        "page": page,
        "sees_orders": allowed(request.user, "view_orders"),
    }
    return render(request, "dashboard/promotions/uses.html", context)
