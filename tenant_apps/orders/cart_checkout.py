"""A cart as checkout takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tenant_apps.orders import errors
from tenant_apps.orders.cart_models import Cart
from tenant_apps.orders.carts import as_wish
from tenant_apps.orders.checkout import Attendee, Basket
from tenant_apps.orders.goods import Delivery


def basket_of(
    cart: Cart,
    *,
    email: str,
    attendees: Mapping[str, Sequence[Attendee]] | None = None,
    delivery: Delivery | None = None,
    voucher: str = "",
    **more: Any,
) -> Basket:
    """Return the basket of a cart that was read just now; `attendees` by the id of their line as text.

    The way of delivery and the voucher are the cart's unless another is given. Raises CartEmpty.
    """
    lines = list(cart.lines.select_related("ticket_type__event"))
    if not lines:
        raise errors.CartEmpty(field="cart")
    named = attendees or {}
    if cart.delivery_method_id and (delivery is None or delivery.method is None):
        delivery = replace(delivery or Delivery(), method=cart.delivery_method_id)
    wishes = [replace(as_wish(line), attendees=named.get(str(line.pk), ())) for line in lines]
    return Basket(email=email, lines=wishes, delivery=delivery, voucher=voucher or cart.voucher, cart=cart, **more)
