"""A signed-in buyer's own pages here: their orders, and the addresses that goods are sent to."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shared_apps.accounts.models import User
from shared_apps.core.access import signed_in
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.orders import addresses, claiming
from tenant_apps.orders.forms import AddressForm
from tenant_apps.orders.models import Order, OrderLine, SavedAddress

PAGE = 20
FULFILMENT = OrderLine.Fulfilment
# From the first step to the last: an order is as far as its goods that are furthest behind.
STEPS = {
    str(step): number
    for number, step in enumerate((FULFILMENT.UNPACKED, FULFILMENT.PACKED, FULFILMENT.SHIPPED, FULFILMENT.DELIVERED))
}


@signed_in
@never_cache
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """What the person ordered here, newest first, with its state and how far its goods are."""
    given = request.GET.get("page", "")
    number = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given) else 1
    person = _person(request)
    found = Order.objects.of_person(person.pk).order_by("-created_at", "-id").prefetch_related("lines__event")
    rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
    context = {
        "nav": "orders",
        "tab": "orders",
        "orders": [_row(order) for order in rows[:PAGE]],
        "more": len(rows) > PAGE,
        "page": number,
        "claimable": claiming.claimable(person).count() if number == 1 else 0,
        "unconfirmed": person.email_verified_at is None,
    }
    return render(request, "storefront/orders/mine.html", context)


@signed_in
@never_cache
@require_safe
def order(request: HttpRequest, code: str) -> HttpResponse:
    """Leads to the person's own order by the code that they read somewhere."""
    found = Order.objects.of_person(_person(request).pk).filter(code=code.upper()).first()
    if found is None:
        raise Http404
    return redirect("storefront-order", code=found.code, secret=found.secret)


@signed_in
@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """Take what was ordered as a guest with this address into the account."""
    count = claiming.claim(_person(request))
    messages.success(
        request,
        ngettext("%(count)d order is in your account now.", "%(count)d orders are in your account now.", count)
        % {"count": count},
    )
    return redirect("my-orders")


@signed_in
@never_cache
def saved_addresses(request: HttpRequest) -> HttpResponse:
    """The saved addresses, and a form for another one."""
    form = AddressForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            addresses.save_address(_person(request), form.cleaned_data)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("The address is saved."))
            return redirect("my-addresses")
    return _addresses(request, form, None)


@signed_in
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def saved_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Change or delete one of them."""
    found = get_object_or_404(addresses.addresses_of(_person(request)), pk=pk)
    if request.method != "POST":
        return _addresses(
            request, AddressForm(initial={name: getattr(found, name) for name in addresses.FIELDS}), found
        )
    if "delete" in request.POST:
        addresses.forget_address(found)
        messages.success(request, _("The address is deleted."))
        return redirect("my-addresses")
    form = AddressForm(request.POST)
    if form.is_valid():
        try:
            addresses.change_address(found, form.cleaned_data)
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("The address is saved."))
            return redirect("my-addresses")
    return _addresses(request, form, found)


def _addresses(request: HttpRequest, form: AddressForm, chosen: SavedAddress | None) -> HttpResponse:
    known = list(addresses.addresses_of(_person(request)))
    context = {
        "tab": "addresses",
        "form": form,
        "chosen": chosen,
        "addresses": known,
        "room": len(known) < addresses.MOST,
        "most": addresses.MOST,
    }
    return render(request, "storefront/orders/addresses.html", context, status=400 if form.is_bound else 200)


def _row(order: Order) -> dict[str, Any]:
    lines = list(order.lines.all())
    titles = dict.fromkeys(line.event.title if line.event else line.title for line in lines)
    return {
        "order": order,
        "titles": list(titles)[:3],
        "more": max(0, len(titles) - 3),
        "progress": _progress(order, lines),
    }


def _progress(order: Order, lines: list[OrderLine]) -> Any:
    """How far the goods are, in words; None where there are none on their way."""
    if order.status != Order.Status.PAID:
        return None
    on_their_way = [line for line in lines if line.status == "active" and line.fulfilment in STEPS]
    last = min(on_their_way, key=lambda line: STEPS[line.fulfilment], default=None)
    return last.get_fulfilment_display() if last else None


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
