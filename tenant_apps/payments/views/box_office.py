"""The counter's pages: choose an event, sell with a few taps or keys, hand out the tickets."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.money import to_minor, to_text
from tenant_apps.activity.once import once
from tenant_apps.events.models import Event
from tenant_apps.orders import box_office
from tenant_apps.orders.forms import TillForm
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.payments.box_office import sell
from tenant_apps.staff.permissions import allowed, events_where
from tenant_apps.ticketing import qr
from tenant_apps.ticketing.codes import code_texts
from tenant_apps.ticketing.lifecycle import GOOD
from tenants.context import current_tenant
from tenants.links import url

MOST_EVENTS = 60
# An event without an end is sold at the counter until so long after its start.
UNENDED = timedelta(hours=12)


@staff("change_orders")
@never_cache
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """The events that tickets can be sold for, what is on now and today first. With only one it is opened at once."""
    now = timezone.now()
    open_ones = box_office.events_at_counter(request.user).filter(
        Q(ends_at__gt=now) | Q(ends_at__isnull=True, starts_at__gt=now - UNENDED)
    )
    found = list(open_ones.select_related("venue")[:MOST_EVENTS])
    if len(found) == 1:
        return redirect("box-office", slug=found[0].slug)
    return render(request, "dashboard/box_office/events.html", {"nav": "till", "events": found})


@staff("change_orders")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def till(request: HttpRequest, slug: str) -> HttpResponse:
    """The till of one event. A POST sells; then the receipt with the tickets' codes is shown at once."""
    event = _event(request, slug)
    tiles = _tiles(request, event)
    if request.method != "POST":
        return _till(request, event, tiles, TillForm(tiles=tiles))
    form = TillForm(request.POST, tiles=tiles)
    if not form.is_valid():
        return _till(request, event, tiles, form, status=400)

    def act() -> str:
        order = sell(
            form.basket(get_language() or "en"), form.cleaned_data["way"] or box_office.CASH, actor=request.user
        )
        return reverse("box-office-receipt", args=[event.slug, order.code])

    try:
        # The same form sent twice, by a second tap or Enter, is one sale (O2).
        place = once(f"page:till {request.user.pk}", form.once_key(), act)
    except DomainError as refusal:
        return _till(request, event, _tiles(request, event), form, refusal=refusal, status=refusal.status)
    given = form.cleaned_data["given"]
    return redirect(f"{place}?given={given}" if given else place)


@staff("change_orders")
@never_cache
@require_http_methods(["POST"])
def total(request: HttpRequest, slug: str) -> HttpResponse:
    """What was chosen comes to, for the till to show while more is being chosen."""
    event = _event(request, slug)
    form = TillForm(request.POST, tiles=_tiles(request, event))
    context: dict[str, Any] = {"event": event, "total_minor": None, "count": 0, "change_minor": None, "words": ""}
    if form.is_valid():
        basket = form.basket("en")
        context["count"] = sum(line.quantity for line in basket.lines)
        try:
            context["total_minor"] = box_office.costs(basket)
            given = _amount(form.cleaned_data["given"], event.currency)
            context["change_minor"] = given - context["total_minor"] if given else None
        except DomainError as refusal:
            context["words"] = str(refusal)
    return render(request, "dashboard/box_office/_total.html", context)


@staff("change_orders")
@never_cache
@require_safe
def receipt(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """What was sold, the change to give, and the codes to scan or print. Only what was sold at a counter is shown."""
    event = _event(request, slug)
    order = box_office.sold_at(event, request.user).filter(code=code.upper()).first()
    if order is None:
        raise Http404
    here = Q(event=event)
    if allowed(request.user, "change_orders"):
        here |= Q(kind=OrderLine.Kind.PRODUCT)  # goods are of no event: a grant on one shows none of them (I2)
    lines: list[Any] = list(order.lines.filter(here).select_related("ticket_type", "ticket__event"))
    texts = code_texts([line.ticket for line in lines if line.ticket])
    for line in lines:
        alive = line.ticket and line.ticket.status in GOOD and not line.ticket.is_passed_on
        line.qr = qr.svg(texts[line.ticket_id], _("QR code of ticket %s") % line.ticket.short_code) if alive else None
    given = _amount(request.GET.get("given", ""), order.currency)
    context = {
        "nav": "till",
        "event": event,
        "order": order,
        "lines": lines,
        "given_minor": given if given >= order.total_minor else None,
        "change_minor": given - order.total_minor,
        # The secret opens the whole order: it is for who may sell all that is in it (I2).
        "buyer_page": _buyer_page(order) if box_office.may_sell(order.lines.all(), request.user) else "",
    }
    response = render(request, "dashboard/box_office/receipt.html", context)
    response["Cache-Control"] = "no-store, private"
    return response


def _buyer_page(order: Order) -> str:
    return url(current_tenant(), f"/orders/{order.code}/{order.secret}/")


def _amount(text: str, currency: str) -> int:
    """What the buyer handed over, in minor units; 0 for what is no amount. For showing the change, nothing else."""
    try:
        return to_minor(text.strip().replace(",", ".")[:20], currency)
    except ValueError:
        return 0


def _tiles(request: HttpRequest, event: Event) -> list[box_office.Tile]:
    return [*box_office.tiles(event), *box_office.goods_tiles(event.currency, request.user)]


def _event(request: HttpRequest, slug: str) -> Event:
    found: Event = get_object_or_404(events_where(request.user, "change_orders"), slug=slug)
    return found


def _till(
    request: HttpRequest,
    event: Event,
    tiles: list[box_office.Tile],
    form: TillForm,
    *,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    tickets: list[dict[str, Any]] = []
    goods: list[dict[str, Any]] = []
    for number, tile in enumerate(tiles, 1):
        name, price = tile.field, tile.price_field
        typed = form.data.get(name, "") if form.is_bound else ""
        (tickets if tile.variant is None else goods).append(
            {
                "tile": tile,
                "key": number if number <= 9 else "",
                "name": name,
                "value": int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 3 else 0,
                "price_name": price,
                "price": form.data.get(price, "")[:20] if form.is_bound else to_text(tile.price_minor, event.currency),
                "errors": [*form.errors.get(name, []), *form.errors.get(price, [])] if form.is_bound else [],
            }
        )
    context = {
        "nav": "till",
        "event": event,
        "groups": [{"title": _("Tickets"), "rows": tickets}, {"title": _("Goods"), "rows": goods}],
        "form": form,
        "refusal": refusal,
        "recent": box_office.sold_at(event, request.user).order_by("-created_at")[:8],
        "several": box_office.events_at_counter(request.user).count() > 1,
    }
    return render(request, "dashboard/box_office/till.html", context, status=status)
