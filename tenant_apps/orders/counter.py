"""What a sale at a counter costs: no fee of the storefront and no delivery; nothing at all where it is given away."""

from collections.abc import Iterable
from dataclasses import replace

from django.utils.translation import gettext as _

from tenant_apps.orders import pricing
from tenant_apps.orders.models import OrderLine
from tenant_apps.orders.quote import Quote

CHANNEL = "box_office"


def at_counter(quoted: Quote, *, complimentary: bool) -> Quote:
    """Return the quote as the counter charges it. What is given away is a discount of the whole price, by that name."""
    lines = tuple(replace(one, priced=_given_away(one.priced)) if complimentary else one for one in quoted.lines)
    kept = {name: value for name, value in quoted.rules.items() if name != "fees" and not complimentary}
    totals = pricing.add_up([one.priced for one in lines])
    return replace(quoted, lines=lines, fees=(), absorbed=(), totals=totals, method=None, rules=kept)


def hand_over(lines: Iterable[OrderLine]) -> None:
    """Goods go over the counter with the sale: nobody has to pack them."""
    for line in lines:
        if line.kind == OrderLine.Kind.PRODUCT:
            line.fulfilment = OrderLine.Fulfilment.DELIVERED


def _given_away(priced: pricing.PricedLine) -> pricing.PricedLine:
    gross = priced.unit_price_minor * priced.quantity
    free = pricing.price_line(
        priced.unit_price_minor,
        priced.tax_rate,
        quantity=priced.quantity,
        discount_minor=gross,
        tax_included=priced.tax_included,
    )
    applied = (pricing.Applied("complimentary", _("Complimentary"), gross),) if gross else ()
    return replace(free, applied=applied)
