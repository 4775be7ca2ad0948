"""A cart becomes an order: one page with who, where and how, then the provider's page, then thanks."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shared_apps.core.access import anyone, own
from shared_apps.core.errors import DomainError
from tenant_apps.activity.once import once
from tenant_apps.consents.boxes import agreed_in, boxes
from tenant_apps.orders import addresses, carts
from tenant_apps.orders.cart_checkout import basket_of
from tenant_apps.orders.cart_cookies import remember, visitor_of
from tenant_apps.orders.cart_view import Shown, show
from tenant_apps.orders.checkout_form import CheckoutForm
from tenant_apps.orders.errors import CartEmpty
from tenant_apps.orders.goods import ADDRESS
from tenant_apps.orders.models import Order
from tenant_apps.orders.views.cart import apply_code
from tenant_apps.payments import providers, services
from tenant_apps.payments.models import Payment
from tenant_apps.payments.views.storefront import find_order, private
from tenant_apps.promotions.querysets import spelled
from tenants.context import current_tenant
from tenants.preferences import preference


@anyone
@never_cache
def checkout(request: HttpRequest) -> HttpResponse:
    """The page in steps; a POST orders. What was typed stays when something is refused."""
    visitor = visitor_of(request)
    cart = show(carts.find(visitor))
    person = visitor.user
    if request.method != "POST":
        if cart.lines and not cart.can_be_ordered:
            return redirect("storefront-cart")
        return _page(request, cart, CheckoutForm(cart=cart, person=person, initial=_known(person)))
    form = CheckoutForm(request.POST, cart=cart, person=person, initial=_known(person))
    if {"apply", "drop"} & request.POST.keys() or _is_new(form, cart):
        return _with_code(request, visitor, form)
    if form.is_valid():
        # Also where the cart is gone: then it was this very form that ordered it, and it leads to the same order.
        try:
            placed = _place_once(form, person)
        except DomainError as refusal:
            if not cart.lines:
                return redirect("storefront-cart")
            form.show(refusal)
            return _page(request, show(carts.find(visitor)), form, status=refusal.status)
        return _go_on(request, Order.objects.get(pk=placed), form)
    return _page(request, cart, form, status=400)


def _is_new(form: CheckoutForm, cart: Shown) -> bool:
    """Whether a code was typed that is not on the cart: first one sees what it makes of the total, then one orders."""
    typed = spelled(str(form.data.get("voucher", "")))
    return bool(typed and cart.cart is not None and typed != spelled(cart.cart.voucher))


def _with_code(request: HttpRequest, visitor: carts.Visitor, form: CheckoutForm) -> HttpResponse:
    """Put a code on the cart or take it off, and show the page again with all that was typed."""
    status = 200
    form.is_valid()
    form.errors.clear()  # nothing was ordered: what is still missing is no fault
    try:
        if "drop" in request.POST:
            carts.drop_voucher(visitor)
        else:
            apply_code(request, visitor)
    except DomainError as refusal:
        form.add_error("voucher", str(refusal))
        status = refusal.status
    return _page(request, show(carts.find(visitor)), form, status=status)


def _place_once(form: CheckoutForm, person: Any) -> str:
    """Order, and return the order's id; the same form sent again leads to the same order."""
    if not form.cleaned_data["key"]:
        return _place(form, person)
    return once("page:checkout", form.once_key(), lambda: _place(form, person))


def _place(form: CheckoutForm, person: Any) -> str:
    """Order the form's cart and return the order's id. Runs in one transaction; nothing outside is called (O3)."""
    cart = form.cart.cart
    if cart is None:
        raise CartEmpty
    data = form.cleaned_data
    basket = basket_of(
        cart,
        email=data["email"],
        name=data["name"],
        provider=data["provider"],
        language=get_language() or "en",
        attendees=form.attendees(),
        delivery=form.delivery(),
        told_minor=form.told_minor(),
        agreed=agreed_in(form.data),
    )
    order, _payment = services.place(basket, user=person)
    if (kept := form.address_to_keep()) is not None:
        try:
            addresses.save_address(person, kept)
        except DomainError as refusal:
            # The order stands; that five addresses are kept already is no reason to refuse it.
            form.notes.append(str(refusal))
    return str(order.pk)


def _go_on(request: HttpRequest, order: Order, form: CheckoutForm) -> HttpResponse:
    """Ask the provider, now that the order is committed, and lead the buyer to where it is paid."""
    for note in form.notes:
        messages.warning(request, note)
    payment = order.payments.order_by("-created_at").first() if order.status == Order.Status.PENDING else None
    thanks = redirect("storefront-thanks", order.code, order.secret)
    page = redirect("storefront-order", order.code, order.secret)
    if payment is None or payment.provider in services.BY_HAND:
        return remember(request, thanks, None)
    if not providers.by_name(payment.provider).needs_account:
        return remember(request, page, None)
    try:
        payment, started = services.ask(payment)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return remember(request, page, None)
    if payment.status == Payment.Status.FAILED:
        messages.error(request, _("The payment was declined. You can try again."))
    elif started.redirect_url:
        return remember(request, redirect(started.redirect_url), None)
    return remember(request, page, None)


@own
@never_cache
@require_safe
def thanks(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """What was bought and what comes next; an order that is still to be paid online is led to where that is done."""
    order = find_order(code, secret)
    by_hand = order.payments.filter(provider__in=services.BY_HAND, status=Payment.Status.PENDING).first()
    if order.status != Order.Status.PAID and (order.status != Order.Status.PENDING or by_hand is None):
        return redirect("storefront-order", order.code, order.secret)
    lines = list(order.lines.select_related("event", "ticket_type", "variant__product"))
    context = {
        "order": order,
        "lines": lines,
        "tickets": sum(1 for line in lines if line.ticket_id),
        "goods": [line for line in lines if line.variant_id],
        "by_hand": by_hand,
        "is_guest": order.user_id is None,
    }
    return private(render(request, "storefront/orders/thanks.html", context))


def _page(request: HttpRequest, cart: Shown, form: CheckoutForm, status: int = 200) -> HttpResponse:
    form.cart = cart
    for part in ADDRESS:
        # For the label: where no address is needed, the field is not shown. What is missing, checkout says.
        form.fields[f"to_{part}"].required = True
    needs_account = not preference(current_tenant(), "guest_checkout") and not request.user.is_authenticated
    offered = providers.offered() if cart.lines else []
    chosen = form.chosen_method
    typed = form.data if form.is_bound else {}
    context = {
        "nav": "cart",
        "cart": cart,
        "form": form,
        "sheets": form.sheets() if cart.lines else [],
        "asks": any(each.thing.asked for each in cart.good if each.line.ticket_type_id),
        "named": any(name.startswith("name_") and value for name, value in typed.items()),
        "providers": offered,
        "by_card": any(one.card for one in offered),
        "provider": typed.get("provider") or (offered[0].name if offered else ""),
        "ways": [
            {"method": one, "totals": None if price is None else cart.with_way(one)} for one, price in cart.methods
        ],
        "method": chosen,
        "total_minor": (totals := cart.with_way(chosen)).total_minor,
        "delivery_minor": totals.delivery_minor,
        "tax_minor": totals.tax_minor,
        "address": typed.get("address") or (str(form.saved[0].pk) if form.saved else "new"),
        "prices": form.prices(),
        "agreements": boxes(form.data if form.is_bound else None, form.faults),
        "needs_account": needs_account,
    }
    response = render(request, "storefront/cart/checkout.html", context, status=status)
    # The form ends on the provider's own page.
    response._csp_update = {"form-action": [page for each in offered for page in each.pages]}  # type: ignore[attr-defined]  # django-csp's own attribute
    return remember(request, response, cart.cart)


def _known(person: Any) -> dict[str, str]:
    return {"email": person.email, "name": person.name, "to_name": person.name} if person is not None else {}
