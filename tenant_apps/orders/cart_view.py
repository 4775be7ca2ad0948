"""A cart as its buyer sees it: what each thing costs and why, what is held, what cannot be bought any more.

Priced by the very functions that checkout uses, so that what is shown is what is charged.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from shared_apps.core.errors import DomainError
from tenant_apps.catalog.delivery import cost
from tenant_apps.catalog.models import DeliveryMethod
from tenant_apps.orders import errors, pricing
from tenant_apps.orders.cart_holds import Held, lend
from tenant_apps.orders.cart_models import Cart, CartLine
from tenant_apps.orders.carts import as_wish, voucher_in
from tenant_apps.orders.checkout import Basket, order_lines
from tenant_apps.orders.goods import methods_for, variants_on_sale, weigh
from tenant_apps.orders.models import OrderLine
from tenant_apps.orders.quote import Quote, Way
from tenant_apps.orders.selection import types_on_sale
from tenant_apps.promotions.errors import VoucherNotApplicable
from tenant_apps.promotions.models import Voucher
from tenant_apps.promotions.uses import opened_by
from tenants.context import current_tenant


@dataclass
class ShownLine:
    """One line of a cart. `made` is what it would become in an order; empty where there is a problem with it."""

    line: CartLine
    made: list[OrderLine] = field(default_factory=list)
    problem: DomainError | None = None
    is_held: bool = False
    # The ticket type or the variant as checkout reads it, with its event or product.
    thing: Any = None

    @property
    def event(self) -> Any:
        return self.thing.event if self.line.ticket_type_id and self.thing else None

    @property
    def product(self) -> Any:
        return self.thing.product if self.line.variant_id and self.thing else None

    @property
    def total_minor(self) -> int:
        return sum(each.total_minor for each in self.made)

    @property
    def discount_minor(self) -> int:
        return sum(each.discount_minor for each in self.made)

    @property
    def tax_minor(self) -> int:
        return sum(each.tax_minor for each in self.made)

    @property
    def subtotal_minor(self) -> int:
        """Before discounts."""
        return sum(each.unit_price_minor * each.quantity for each in self.made)

    @property
    def parts(self) -> list[tuple[int, int, str]]:
        """How many at which price, and the price tier's name: early birds come first."""
        found: dict[tuple[int, str], int] = {}
        for each in self.made:
            key = each.unit_price_minor, each.tier_name
            found[key] = found.get(key, 0) + each.quantity
        return [(count, price, tier) for (price, tier), count in found.items()]

    @property
    def applied(self) -> list[dict[str, Any]]:
        """What its discount is made of, added up by name."""
        found: dict[tuple[str, str], int] = {}
        for each in self.made:
            for one in each.applied:
                key = str(one["kind"]), str(one["name"])
                found[key] = found.get(key, 0) + int(one["amount_minor"])
        return [{"kind": kind, "name": name, "amount_minor": amount} for (kind, name), amount in found.items()]


@dataclass
class Shown:
    """A whole cart, priced now. `methods` are the ways of delivery with what each would cost; None: too heavy."""

    cart: Cart | None
    lines: list[ShownLine] = field(default_factory=list)
    currency: str = ""
    totals: pricing.Totals = field(default_factory=lambda: pricing.add_up([]))
    methods: list[tuple[DeliveryMethod, int | None]] = field(default_factory=list)
    fees: list[dict[str, Any]] = field(default_factory=list)
    # The cart's voucher, and why it does nothing; None: it works, or there is none.
    voucher: Voucher | None = None
    voucher_problem: DomainError | None = None
    now: datetime = field(default_factory=timezone.now)
    # Prices all of it anew with a way of delivery and its price.
    quoted: Callable[[Way], Quote] | None = None

    @property
    def good(self) -> list[ShownLine]:
        return [each for each in self.lines if each.problem is None]

    @property
    def has_goods(self) -> bool:
        return any(each.line.variant_id for each in self.good)

    @property
    def method(self) -> DeliveryMethod | None:
        """The chosen way of delivery, if it is offered and takes these goods."""
        chosen = self.cart.delivery_method_id if self.cart else None
        return next((one for one, price in self.methods if one.pk == chosen and price is not None), None)

    @property
    def needs_delivery(self) -> bool:
        """Goods are sent, and how they are is still to be said."""
        return bool(self.methods) and self.method is None

    @property
    def is_held(self) -> bool:
        return bool(self.good) and all(each.is_held for each in self.good)

    @property
    def lapsed(self) -> bool:
        """Something of it is not held (any more)."""
        return bool(self.good) and not self.is_held

    @property
    def count(self) -> int:
        return sum(each.line.quantity for each in self.lines)

    @property
    def can_be_ordered(self) -> bool:
        return bool(self.lines) and len(self.good) == len(self.lines)

    @property
    def total_minor(self) -> int:
        return self.totals.total_minor

    @property
    def tax_added_minor(self) -> int:
        """The tax that prices of tickets and goods did not contain; fees and delivery contain theirs."""
        return sum(one.tax_minor for each in self.good for one in each.made if not one.tax_included)

    @property
    def discounts(self) -> list[dict[str, Any]]:
        """What was taken off, by name, over all lines."""
        found: dict[tuple[str, str], int] = {}
        for each in self.good:
            for one in each.applied:
                key = one["kind"], one["name"]
                found[key] = found.get(key, 0) + one["amount_minor"]
        return [{"kind": kind, "name": name, "amount_minor": amount} for (kind, name), amount in found.items()]

    def with_way(self, method: DeliveryMethod | None) -> pricing.Totals:
        """What all would come to with another way of delivery; with none for one that does not take the goods."""
        price = next((price for one, price in self.methods if one is method), None)
        if self.quoted is None or method is self.method or price is None:
            return self.totals
        return self.quoted((method, price)).totals


def show(cart: Cart | None, *, now: datetime | None = None) -> Shown:
    """Price a cart as it would be ordered now. A line that cannot be bought has its refusal, and costs nothing."""
    now = now or timezone.now()
    if cart is None:
        return Shown(None, currency=current_tenant().currency, now=now)
    lines = [ShownLine(line) for line in cart.lines.select_related("ticket_type__event").order_by("pk")]
    shown = Shown(cart, lines, current_tenant().currency, now=now)
    shown.voucher, shown.voucher_problem = voucher_in(cart, now)
    is_over = cart.expires_at is None or cart.expires_at <= now
    while shown.good and not _priced(shown, shown.good, is_over, now):
        pass
    return shown


def _priced(shown: Shown, lines: Sequence[ShownLine], is_over: bool, now: datetime) -> bool:
    """Price these lines; False if one of them was found to have a problem, which is noted on it."""
    gone = [each for each in lines if not each.line.ticket_type_id and not each.line.variant_id]
    if gone:
        for each in gone:
            each.problem = errors.NotOnSale(what=each.line.title)
        return False
    wishes = [as_wish(each.line) for each in lines]
    basket = Basket(email="", lines=wishes)
    try:
        types = types_on_sale(wishes, opened_by(shown.voucher), now)
        variants = variants_on_sale(wishes)
        _same_currency(shown, lines, types, variants)
        mine = Held.by_cart_lines(each.line for each in lines)
        lend(mine, types.values())
        shown.methods = []
        if variants:
            total, grams = weigh(variants, wishes)
            shown.methods = [(one, cost(one, total, grams)) for one in methods_for(shown.currency)]
        chosen = next((price for one, price in shown.methods if one is shown.method), None)
        way = (shown.method, chosen or 0)

        def quoted_with(way: Way) -> tuple[list[list[OrderLine]], Quote]:
            return order_lines(basket, types, variants, now, voucher=shown.voucher, delivery=way)

        by_line, quoted = quoted_with(way)
        shown.quoted = lambda way: quoted_with(way)[1]
    except DomainError as refusal:
        _blame(lines, refusal)
        return False
    kept = Counter(quoted.reserved)
    for each, made in zip(lines, by_line, strict=True):
        each.made = made
        each.thing = (
            types[each.line.ticket_type_id] if each.line.ticket_type_id else variants[each.line.variant_id or 0]
        )
        claims, have = Held.for_order_lines(made), Held.by_cart_lines([each.line])
        lacking = claims.places - have.places
        # The voucher keeps places for whoever brings it.
        by_voucher = lacking & kept
        kept -= by_voucher
        each.is_held = not is_over and lacking == by_voucher and not (claims.pieces - have.pieces)
    shown.totals = quoted.totals
    shown.fees = [fee.as_json() for fee in quoted.fees]
    if shown.voucher and not quoted.voucher_works:
        shown.voucher_problem = VoucherNotApplicable(field="voucher")
    return True


def _same_currency(shown: Shown, lines: Sequence[ShownLine], types: Any, variants: Any) -> None:
    """The first line's currency is the cart's; others came with a cart that was taken over."""
    for index, each in enumerate(lines):
        line = each.line
        currency = (
            types[line.ticket_type_id].event.currency
            if line.ticket_type_id
            else variants[line.variant_id].product.currency
        )
        if index == 0:
            shown.currency = currency
        elif currency != shown.currency:
            raise errors.MixedCurrencies(field=f"lines.{index}")


def _blame(lines: Sequence[ShownLine], refusal: DomainError) -> None:
    """Note the refusal on the line that it names; one that names none is about all, and the last one goes first."""
    number = refusal.field.split(".")[1] if refusal.field.startswith("lines.") else ""
    index = int(number) if number.isdigit() and int(number) < len(lines) else len(lines) - 1
    lines[index].problem = refusal
