"""{% load carts %}{% cart_count as count %}: how many things are in the cart of who looks at the page."""

from typing import Any

from django import template

from tenant_apps.orders.cart_cookies import visitor_of
from tenant_apps.orders.carts import count_of

register = template.Library()


@register.simple_tag(takes_context=True)
def cart_count(context: Any) -> int:
    """One statement for who is signed in or has a cart, none for anybody else."""
    request = context.get("request")
    if request is None or not hasattr(request, "user"):
        return 0
    return count_of(visitor_of(request))
