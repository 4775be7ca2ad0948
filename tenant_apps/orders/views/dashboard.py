"""The staff's pages about orders."""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from shared_apps.core.access import staff
from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders import invoices
from tenant_apps.orders.models import Order
from tenant_apps.staff.permissions import allowed, events_where, permissions_of

PAGE = 50


@staff("view_orders")
def orders(request: HttpRequest) -> HttpResponse:
    """The tenant's orders, or with a grant on some events the orders of those, newest first."""
    found = _seen(request.user)
    status = request.GET.get("status", "")
    if status in Order.Status.values:
        found = found.filter(status=status)
    if search := request.GET.get("search", "").strip()[:100]:
        found = found.filter(Q(code__iexact=search) | Q(email__icontains=search) | Q(name__icontains=search))
    if event := request.GET.get("event", "")[:80]:
        found = found.filter(lines__event__slug=event).distinct()
    page = request.GET.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 5 and int(page) else 1
    rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
    context = {
        "nav": "orders",
        "orders": rows[:PAGE],
        "more": len(rows) > PAGE,
        "page": number,
        "statuses": Order.Status.choices,
        "status": status,
        "search": search,
        "event": event,
    }
    return render(request, "dashboard/orders/list.html", context)


@staff("view_orders")
def order(request: HttpRequest, code: str) -> HttpResponse:
    """One order, with everything that happened to it."""
    return page(request, code)


def page(request: HttpRequest, code: str) -> HttpResponse:
    found = _seen(request.user).filter(code=code.upper()).first()
    if found is None:
        raise Http404
    user = request.user
    lines = found.lines.select_related("event", "ticket_type", "ticket")
    everywhere = allowed(user, "view_orders")
    whole = everywhere or not _hidden_lines(user, found)
    if not everywhere:
        lines = lines.filter(event__in=events_where(user, "view_orders"))
    mine = AuditEntry.objects.filter(target__in=_targets(found)).order_by("at", "pk")
    context = {
        "nav": "orders",
        "order": found,
        "lines": lines,
        "payments": found.payments.order_by("created_at"),
        "timeline": mine,
        "may_change": allowed(user, "change_orders"),
        "papers": (papers := list(found.invoices.all()) if whole else []),
        "may_invoice": whole and not papers and invoices.may_ask(found, by_staff=True),
    }
    return render(request, "dashboard/orders/order.html", context)


def for_change(user: Any, code: str) -> Order:
    """Return an order that the person may act on by their role, or as the grants on all its events allow; else 404."""
    found = _seen(user).filter(code=code.upper()).first()
    if found is None:
        raise Http404
    if "change_orders" not in permissions_of(user):
        here = set(found.lines.exclude(event=None).values_list("event_id", flat=True))
        granted = set(events_where(user, "change_orders").filter(pk__in=here).values_list("pk", flat=True))
        if not here or here != granted:
            raise Http404
    return found


def whole_for(user: Any, code: str) -> Order:
    """Return an order that the person may see all of: by their role, or by grants on all its events; else 404."""
    found = _seen(user).filter(code=code.upper()).first()
    if found is None or (not allowed(user, "view_orders") and _hidden_lines(user, found)):
        raise Http404
    return found  # type: ignore[no-any-return]  # distinct() loses the queryset class


def _hidden_lines(user: Any, found: Order) -> bool:
    return found.lines.exclude(event__in=events_where(user, "view_orders")).exists()


def _seen(user: Any) -> Any:
    found = Order.objects.order_by("-created_at", "-id")
    if allowed(user, "view_orders"):
        return found
    return found.filter(lines__event__in=events_where(user, "view_orders")).distinct()


def _targets(found: Order) -> list[str]:
    payments = [f"{each._meta.label_lower}:{each.pk}" for each in found.payments.all()]
    return [f"{found._meta.label_lower}:{found.pk}", *payments]
