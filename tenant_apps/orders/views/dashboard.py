"""The staff's pages about orders."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import staff
from shared_apps.core.codes import unguessable_secret
from tenant_apps.activity.models import AuditEntry
from tenant_apps.catalog.models import Product
from tenant_apps.orders import invoices, listing, shipping, ticket_files
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.staff.permissions import allowed, events_where, permissions_of
from tenant_apps.ticketing.lifecycle import GOOD
from tenant_apps.ticketing.models import Handover

PAGE = 50
# Events and goods that the filters offer; others are found by their own pages.
MOST_CHOICES = 200


@staff("view_orders")
def orders(request: HttpRequest) -> HttpResponse:
    """The tenant's orders, or with a grant on some events the orders of those, newest first. Filters are in the URL."""
    user = request.user
    filters = listing.read(request.GET)
    lines = visible_lines(user)
    found = listing.filtered(_seen(user), filters, lines=lines)
    page = request.GET.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 5 and int(page) else 1
    rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
    everywhere = allowed(user, "view_orders")
    context = {
        "nav": "orders",
        "orders": _with_goods(rows[:PAGE], lines),
        "more": len(rows) > PAGE,
        "page": number,
        "query": filters.as_query,
        "filtered": any(filters.as_query.values()),
        "refined": any(value for name, value in filters.as_query.items() if name not in ("status", "search")),
        "status": filters.status,
        "statuses": Order.Status.choices,
        "fulfilments": OrderLine.Fulfilment.choices,
        "channels": listing.CHANNELS.items(),
        "providers": listing.PROVIDERS.items(),
        "events": events_where(user, "view_orders").order_by("-starts_at").values_list("slug", "title")[:MOST_CHOICES],
        "products": Product.objects.order_by("name").values_list("slug", "name")[:MOST_CHOICES] if everywhere else [],
        "may_move": everywhere and allowed(user, "change_orders"),
        "may_export": everywhere and allowed(user, "export"),
    }
    return render(request, "dashboard/orders/list.html", context)


def _with_goods(orders: list[Any], lines: Any) -> list[Any]:
    """The orders, each with how far its goods are; one statement for all."""
    goods = lines.filter(order__in=orders, status=OrderLine.Status.ACTIVE).exclude(fulfilment="")
    far: dict[Any, set[str]] = {}
    for order_id, state in goods.values_list("order_id", "fulfilment").distinct():
        far.setdefault(order_id, set()).add(state)
    for order in orders:
        states = far.get(order.pk, set()) if order.status == Order.Status.PAID else set()
        order.goods = [(value, label) for value, label in OrderLine.Fulfilment.choices if value in states]
    return orders


@staff("export")
@never_cache
@require_safe
def orders_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered orders as a file, streamed: those that the person may see."""
    lines = visible_lines(request.user)
    found = listing.filtered(_seen(request.user), listing.read(request.GET), lines=lines)
    response = StreamingHttpResponse(listing.csv_lines(found, lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="orders.csv"'
    return response


@staff("view_orders")
def order(request: HttpRequest, code: str) -> HttpResponse:
    """One order, with everything that happened to it."""
    return page(request, code)


def page(request: HttpRequest, code: str) -> HttpResponse:
    found = _seen(request.user).filter(code=code.upper()).first()
    if found is None:
        raise Http404
    user = request.user
    lines = list(
        visible_lines(user).filter(order=found).order_by("position").select_related("event", "ticket_type", "ticket")
    )
    everywhere = allowed(user, "view_orders")
    whole = everywhere or not _hidden_lines(user, found)
    goods = [line for line in lines if line.variant_id]
    # Money is of the whole order, as in the API (I2).
    payments = list(found.payments.order_by("created_at")) if whole else []
    may_change = allowed(user, "change_orders")
    mine = AuditEntry.objects.filter(target__in=_targets(found, payments, lines)).order_by("at", "pk")
    context = {
        "nav": "orders",
        "order": found,
        "lines": lines,
        "whole": whole,
        "payments": payments,
        "timeline": mine,
        "may_change": may_change,
        "goods": goods,
        "parcels": list(found.parcels.all()) if goods else [],
        "address": invoices.address_lines(found.delivery) if whole else [],
        "steps": shipping.next_steps(found, goods) if may_change else [],
        "left_minor": sum(each.captured_minor - each.refunded_minor - each.refunding_minor for each in payments),
        "may_refund": whole and allowed(user, "refund_orders"),
        "once": unguessable_secret(),
        "notes": list(found.notes.all()) if whole else [],
        "ticket_parts": _ticket_parts(lines) if whole and found.status == Order.Status.PAID else (),
        "papers": (papers := list(found.invoices.all()) if whole else []),
        "may_invoice": whole and not papers and invoices.may_ask(found, by_staff=True),
    }
    return render(request, "dashboard/orders/order.html", context)


def _ticket_parts(lines: list[OrderLine]) -> range:
    """The parts in which the order's tickets come as files, counted from 1."""
    good = [line for line in lines if line.ticket and line.status == "active" and line.ticket.status in GOOD]
    return range(1, ticket_files.parts_of(len(good)) + 1)


def for_change(user: Any, code: str, permission: str = "change_orders") -> Order:
    """Return an order that the person may act on by their role, or as the grants on all its events allow; else 404.
    Goods belong to no event: an order that has some takes the role."""
    found = _seen(user).filter(code=code.upper()).first()
    if found is None:
        raise Http404
    if permission not in permissions_of(user):
        here = set(found.lines.values_list("event_id", flat=True))
        granted = set(events_where(user, permission).filter(pk__in=here).values_list("pk", flat=True))
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
    found = Order.objects.defer("secret").order_by("-created_at", "-id")
    if allowed(user, "view_orders"):
        return found
    return found.filter(Exists(visible_lines(user).filter(order=OuterRef("pk"))))


def visible_lines(user: Any) -> Any:
    """The lines of orders that the person may see: all by their role, else those of the events granted to them."""
    if allowed(user, "view_orders"):
        return OrderLine.objects.all()
    return OrderLine.objects.filter(event__in=events_where(user, "view_orders"))


def _targets(found: Order, payments: list[Any], lines: list[OrderLine]) -> list[str]:
    """What the order's history is made of: the order, its payments, and the tickets of the lines that one may see,
    with those that they were before they were passed on."""
    tickets = [line.ticket_id for line in lines if line.ticket_id]
    hands = Handover.objects.filter(first__in=Handover.objects.filter(new__in=tickets).values("first"))
    held = {*tickets, *hands.values_list("old", flat=True)}
    mine = [f"{each._meta.label_lower}:{each.pk}" for each in (found, *payments)]
    return [*mine, *(f"ticketing.ticket:{pk}" for pk in held)]
