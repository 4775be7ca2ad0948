"""The cart of a browser: its token in a cookie that scripts cannot read and other hosts never get (I6)."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenant_apps.orders.cart_holds import KEPT
from tenant_apps.orders.cart_models import Cart
from tenant_apps.orders.cart_tokens import id_of, token_of
from tenant_apps.orders.carts import Visitor


def cookie() -> str:
    return "__Host-cart" if settings.SESSION_COOKIE_SECURE else "cart"


def visitor_of(request: HttpRequest) -> Visitor:
    """Who looks at a page, and with which cart; a cookie that means nothing here is no cart."""
    given = request.COOKIES.get(cookie(), "")
    person: Any = request.user if request.user.is_authenticated else None
    return Visitor(person, id_of(given) if given else None)


def remember(request: HttpRequest, response: HttpResponse, cart: Cart | None) -> HttpResponse:
    """Note in the browser which cart it has, or that it has none any more."""
    if cart is not None:
        secure = settings.SESSION_COOKIE_SECURE
        age = int(KEPT.total_seconds())
        response.set_cookie(
            cookie(), token_of(cart.pk), max_age=age, path="/", secure=secure, httponly=True, samesite="Lax"
        )
    elif cookie() in request.COOKIES:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(cookie(), "", max_age=0, path="/", secure=secure, httponly=True, samesite="Lax")
    return response
