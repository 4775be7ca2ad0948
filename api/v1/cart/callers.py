"""Whose cart a request is about: the token's that came with it, or the caller's own."""

from typing import Any

from shared_apps.core.errors import NotFound
from tenant_apps.orders.cart_models import Cart
from tenant_apps.orders.cart_tokens import id_of
from tenant_apps.orders.carts import Visitor, find
from tenant_apps.staff.actors import person_of

HEADER = "X-Cart-Token"


def visitor_of(request: Any, token: str | None = None) -> Visitor:
    """Return who comes, and with which cart. Raises NotFound for a token that this tenant did not give, and for one
    that opens another person's cart: both look alike (N2)."""
    given = request.headers.get(HEADER, "") if token is None else token
    person = person_of(request.user)
    if not given:
        return Visitor(person)
    cart_id = id_of(given)
    if cart_id is None:
        raise NotFound
    owner = Cart.objects.filter(pk=cart_id).values_list("user_id", flat=True).first()
    if owner is not None and (person is None or owner != person.pk):
        raise NotFound
    return Visitor(person, cart_id)


def cart_of(request: Any, token: str) -> Cart | None:
    """Return the cart that a token opens for the caller, None where there is none."""
    try:
        return find(visitor_of(request, token))
    except NotFound:
        return None
