"""The cart's page, and what its buttons do. Everything works by plain forms."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import anyone, own
from shared_apps.core.errors import DomainError
from tenant_apps.activity.once import once
from tenant_apps.catalog.models import Product
from tenant_apps.orders import carts
from tenant_apps.orders.cart_cookies import remember, visitor_of
from tenant_apps.orders.cart_models import Cart
from tenant_apps.orders.cart_tokens import id_of, token_of
from tenant_apps.orders.cart_view import show
from tenant_apps.orders.checkout import BasketLine
from tenant_apps.orders.forms import GoodsForm
from tenant_apps.promotions.guessing import guarded


@anyone
@never_cache
@require_safe
def cart(request: HttpRequest) -> HttpResponse:
    """Everything that is chosen, held until when, what it costs and why."""
    found = carts.find(visitor_of(request))
    response = render(request, "storefront/cart/cart.html", {"nav": "cart", "cart": show(found)})
    return remember(request, response, found)


@anyone
@require_POST
def add_goods(request: HttpRequest, slug: str) -> HttpResponse:
    """Put pieces of a product's variants into the cart, from its page."""
    product = Product.objects.public().filter(slug=slug).first()
    if product is None:
        raise Http404
    form = GoodsForm(request.POST, variants=list(product.variants.values_list("pk", flat=True)))
    here = redirect("storefront-product", slug)
    if not form.is_valid():
        messages.error(request, _("Please say how many with a whole number."))
        return here
    wishes = form.wishes()
    if not wishes:
        messages.error(request, _("Choose how many first."))
        return here
    try:
        filled = add_once(request, form.cleaned_data["key"], form.once_key(), wishes)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return here
    messages.success(request, _("It is in your cart."))
    return remember(request, redirect("storefront-cart"), filled)


def add_once(request: HttpRequest, key: str, once_key: str, wishes: list[BasketLine]) -> Cart | None:
    """Put the wishes into the visitor's cart; the same form sent again adds nothing. Raises as `carts.add`."""
    visitor = visitor_of(request)

    def add() -> str:
        return token_of(carts.add(visitor, wishes).pk)

    token = once("page:cart", once_key, add) if key else add()
    return carts.find(carts.Visitor(visitor.user, id_of(token)))


@own
@require_POST
def line(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Another quantity, or none."""
    typed = request.POST.get("quantity", "")
    # Python refuses to read a number of thousands of digits.
    quantity = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 6 else None
    if "remove" in request.POST or quantity == 0:
        return _done(request, lambda visitor: carts.remove(visitor, pk))
    if quantity is None:
        messages.error(request, _("Please say how many with a whole number."))
        return redirect("storefront-cart")
    return _done(request, lambda visitor: carts.change(visitor, pk, quantity))


@anyone
@require_POST
def hold(request: HttpRequest) -> HttpResponse:
    """Hold everything once more."""
    return _done(request, carts.hold_again)


@anyone
@require_POST
def voucher(request: HttpRequest) -> HttpResponse:
    """Put a code on the cart or take it off."""
    visitor = visitor_of(request)
    here = redirect("storefront-cart")
    if "remove" in request.POST:
        carts.drop_voucher(visitor)
        return here
    try:
        return remember(request, here, apply_code(request, visitor))
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return here


def apply_code(request: HttpRequest, visitor: carts.Visitor) -> Cart:
    """Put the code of the form on the visitor's cart, and say so. Raises as `carts.use_voucher`, TooManyRequests."""
    code = request.POST.get("voucher", "").strip()[:40]
    with guarded(request, code):
        cart = carts.use_voucher(visitor, code)
    messages.success(request, _("The code is on your cart."))
    return cart


@anyone
@require_POST
def empty(request: HttpRequest) -> HttpResponse:
    """Take everything out."""
    carts.empty(visitor_of(request))
    return remember(request, redirect("storefront-cart"), None)


def _done(request: HttpRequest, act: Callable[[carts.Visitor], Any]) -> HttpResponse:
    """Do it and go back to where one was; a refusal is said there."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/")
    try:
        act(visitor_of(request))
    except DomainError as refusal:
        if refusal.status == 404:
            raise Http404 from None
        messages.error(request, str(refusal))
    return redirect(wanted if safe else "storefront-cart")
