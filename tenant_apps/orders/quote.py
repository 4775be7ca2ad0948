"""What a basket costs, line by line, with every discount, fee and tax: the one function behind cart and checkout.

What the cart shows and what the order charges are the same `Quote`, so they cannot differ. Reads what prices depend on
and leaves the arithmetic to `orders.pricing`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

from django.utils.translation import gettext

from shared_apps.billing.limits import ticket_fee
from shared_apps.core.money import MAX_MINOR, exponent
from tenant_apps.catalog.models import DeliveryMethod, ProductVariant
from tenant_apps.orders import errors, pricing
from tenant_apps.orders.goods import Delivery, GoodsWish, delivered, price_of, tax_of_goods
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.platform_fees import KIND
from tenant_apps.orders.selection import Prices, Wish
from tenant_apps.promotions import rules, uses
from tenant_apps.promotions.errors import VoucherNotApplicable
from tenant_apps.promotions.models import Discount, Voucher
from tenant_apps.promotions.querysets import rules_of
from tenant_apps.ticketing.models import TicketType
from tenant_apps.ticketing.prices import Portion, includes_tax
from tenants.context import current_tenant
from tenants.preferences import preference


class QuotedWish(Wish, GoodsWish, Protocol):
    """A line as the buyer sent it: tickets of a type, or pieces of a variant."""

    @property
    def quantity(self) -> int: ...


class QuotedBasket(Protocol):
    """What `quote` asks of a basket; `checkout.Basket` has it."""

    @property
    def lines(self) -> Sequence[QuotedWish]: ...
    @property
    def delivery(self) -> Delivery | None: ...
    @property
    def voucher(self) -> str: ...


# A way of delivery, and its price in minor units before tax that is added.
Way = tuple[DeliveryMethod | None, int]
NO_WAY: Way = (None, 0)


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """One admission, or one kind of goods, with its price. `wish` is its place in the basket's lines, `admission` which
    of that line's tickets it is; `portion` tells a ticket's price tier."""

    wish: int
    admission: int
    priced: pricing.PricedLine
    ticket_type: TicketType | None = None
    variant: ProductVariant | None = None
    portion: Portion | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A priced basket.

    `voucher_works`: the voucher makes something cheaper, opens a type that is in the basket, or gives it places that
    are kept; otherwise it is not to be used up. `reserved` are the places that come from those kept, by quota.
    """

    lines: tuple[QuotedLine, ...]
    fees: tuple[pricing.Fee, ...]
    absorbed: tuple[pricing.Fee, ...]
    totals: pricing.Totals
    currency: str
    method: DeliveryMethod | None = None
    voucher: Voucher | None = None
    voucher_works: bool = False
    voucher_minor: int = 0
    reserved: Mapping[int, int] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def discounts(self) -> list[pricing.Applied]:
        """What took how much off the whole order, the voucher last: for showing."""
        by_name: dict[tuple[str, str], int] = {}
        for line in self.lines:
            for one in line.priced.applied:
                by_name[one.kind, one.name] = by_name.get((one.kind, one.name), 0) + one.amount_minor
        found = [pricing.Applied(kind, name, amount) for (kind, name), amount in by_name.items()]
        return sorted(found, key=lambda one: (one.kind == "voucher", one.name))


def voucher_of(basket: QuotedBasket, now: datetime) -> Voucher | None:
    """Return the basket's voucher, fit to be used now; None if it names none. Raises what `uses.find` does."""
    return uses.find(basket.voucher, now) if basket.voucher.strip() else None


def unlocked_by(basket: Any, voucher: Voucher | None) -> Collection[int]:
    """Return the hidden ticket types that may be bought: those that the basket says, and those the voucher opens."""
    opened = uses.opened_by(voucher)
    return {*basket.unlocked, *opened} if opened else basket.unlocked


def currency_of(types: Mapping[int, TicketType], variants: Mapping[int, ProductVariant]) -> str:
    """Return the one currency of all that is in the basket. Raises MixedCurrencies."""
    found = {one.event.currency for one in types.values()} | {one.product.currency for one in variants.values()}
    if len(found) > 1:
        raise errors.MixedCurrencies(field="lines")
    return found.pop() if found else current_tenant().currency


def quote(
    basket: QuotedBasket,
    types: Mapping[int, TicketType],
    variants: Mapping[int, ProductVariant],
    now: datetime,
    *,
    voucher: Voucher | None = None,
    delivery: Way | None = None,
) -> Quote:
    """Price a basket whose ticket types (`selection.types_on_sale`) and variants (`goods.variants_on_sale`) were read.

    `voucher` is what `voucher_of` returned. With `delivery`, for a cart that is still being filled, that is how the
    goods come and what it costs, whether there is an address or not; and a voucher that does nothing here is no error.
    Raises MixedCurrencies, the refusals of prices and of delivery, OrderTooLarge, and VoucherNotApplicable.
    """
    currency = currency_of(types, variants)
    lines, places = _lines(basket, types, variants, now)
    is_cart = delivery is not None
    method, delivery_minor = delivery or delivered(basket.delivery, variants, basket.lines, currency)
    rate, included = tax_of_goods()
    discounts = _discounts(types, variants, now)
    fees = fee_rules(currency)
    rule = voucher.rule() if voucher else None
    priced = pricing.price(
        lines,
        discounts=discounts,
        voucher=rule,
        fees=fees,
        delivery_minor=delivery_minor,
        delivery_tax_rate=rate,
        delivery_tax_included=included,
        currency=currency,
        now=now,
    )
    if priced.totals.subtotal_minor > MAX_MINOR or priced.totals.total_minor > MAX_MINOR:
        raise errors.OrderTooLarge(field="lines")
    reserved = _reserved(voucher, lines, places)
    works = voucher is not None and bool(priced.voucher_minor or reserved or _opens(voucher, places))
    if voucher is not None and not works and not is_cart:
        raise VoucherNotApplicable(field="voucher")
    return Quote(
        lines=tuple(replace(place, priced=one) for place, one in zip(places, priced.lines, strict=True)),
        fees=priced.fees,
        absorbed=priced.absorbed,
        totals=priced.totals,
        currency=currency,
        method=method,
        voucher=voucher,
        voucher_works=works,
        voucher_minor=priced.voucher_minor,
        reserved=reserved,
        rules=_kept(lines, discounts, rule, fees, now) | _kept_of_delivery(priced.totals, rate),
    )


_NOT_YET = pricing.PricedLine(0, 0, 0, Decimal(0), 0, 0)


def _lines(
    basket: QuotedBasket,
    types: Mapping[int, TicketType],
    variants: Mapping[int, ProductVariant],
    now: datetime,
) -> tuple[list[rules.Line], list[QuotedLine]]:
    """Return what is to be priced, at list prices, and beside it what each is."""
    by_default = preference(current_tenant(), "prices_include_tax")
    prices = Prices(types, basket.lines, now)
    lines: list[rules.Line] = []
    places: list[QuotedLine] = []
    for number, wish in enumerate(basket.lines):
        if wish.ticket_type is None:
            if wish.variant is None:
                raise errors.UnknownTicketType(field=f"lines.{number}.ticket_type")
            variant = variants[wish.variant]
            lines.append(_goods(variant, wish.quantity))
            places.append(QuotedLine(number, 0, _NOT_YET, variant=variant))
            continue
        ticket_type = types[wish.ticket_type]
        for admission, portion in enumerate(prices.of(ticket_type, wish, f"lines.{number}.price")):
            lines.append(_ticket(ticket_type, portion, by_default))
            places.append(QuotedLine(number, admission, _NOT_YET, ticket_type=ticket_type, portion=portion))
    return lines, places


def _ticket(ticket_type: TicketType, portion: Portion, by_default: bool) -> rules.Line:
    return rules.Line(
        unit_price_minor=portion.price_minor,
        tax_rate=ticket_type.tax_rate,
        tax_included=includes_tax(ticket_type, by_default),
        event=ticket_type.event_id,
        starts_at=ticket_type.event.starts_at,
        ticket_type=ticket_type.pk,
        event_category=ticket_type.event.category_id,
        open_price=ticket_type.price_kind == TicketType.PriceKind.OPEN,
    )


def _goods(variant: ProductVariant, quantity: int) -> rules.Line:
    rate, included = tax_of_goods()
    category = variant.product.category
    return rules.Line(
        unit_price_minor=price_of(variant),
        quantity=quantity,
        tax_rate=rate,
        tax_included=included,
        kind=rules.PRODUCT,
        product=variant.product_id,
        variant=variant.pk,
        lineage=frozenset(category.lineage) if category else frozenset(),
    )


def _discounts(
    types: Mapping[int, TicketType], variants: Mapping[int, ProductVariant], now: datetime
) -> list[rules.DiscountRule]:
    """The discounts in force. They came with the ticket types, in the statement that read these; for goods alone they
    are read."""
    for one in types.values():
        return rules_of(one.discount_rows)  # type: ignore[attr-defined]  # annotated
    return Discount.objects.rules(now) if variants else []


def fee_rules(currency: str) -> list[pricing.FeeRule]:
    """Return the fees that hold here: the tenant's own, and the platform's, which the tenant bears or passes on.

    A fixed sum counts in the tenant's own currency only.
    """
    tenant = current_tenant()
    rate, included = tax_of_goods()
    percent, fixed = Decimal(preference(tenant, "service_fee_percent")), 0
    if currency == tenant.currency:
        fixed = in_minor(preference(tenant, "service_fee_fixed"), currency)
    found = []
    if fixed or percent:
        found.append(
            pricing.FeeRule(
                kind="service",
                name=preference(tenant, "service_fee_name"),
                fixed_minor=fixed,
                percent=percent,
                per=preference(tenant, "service_fee_per"),
                passed_on=preference(tenant, "service_fee_paid_by") == "buyer",
                tax_rate=rate,
                tax_included=included,
            )
        )
    percent, fixed = ticket_fee(tenant, currency)
    if percent or fixed:
        passed_on = preference(tenant, "platform_fee_paid_by") == "buyer"
        name = gettext("Platform fee")
        found.append(pricing.FeeRule(KIND, name, fixed_minor=fixed, percent=percent, passed_on=passed_on))
    return found


def in_minor(amount: str, currency: str) -> int:
    """Return an amount of the settings in minor units; half up where the currency has fewer digits."""
    return int(Decimal(amount).scaleb(exponent(currency)).to_integral_value(ROUND_HALF_UP))


def _reserved(voucher: Voucher | None, lines: Sequence[rules.Line], places: Sequence[QuotedLine]) -> dict[int, int]:
    """How many places come from those that the voucher keeps."""
    if voucher is None or not voucher.quota_id or not voucher.reserved:
        return {}
    quota: int = voucher.quota_id
    drawn = len(
        [
            line
            for line, place in zip(lines, places, strict=True)
            if place.ticket_type is not None
            and quota in place.ticket_type.quota_ids  # type: ignore[attr-defined]  # annotated
            and voucher.scope.covers(line)
        ]
    )
    count = min(drawn, voucher.reserved)
    return {quota: count} if count else {}


def _opens(voucher: Voucher, places: Iterable[QuotedLine]) -> bool:
    hidden = {place.ticket_type.pk for place in places if place.ticket_type is not None and place.ticket_type.hidden}
    return bool(hidden) and not hidden.isdisjoint(uses.opened_by(voucher))


def _kept(
    lines: Sequence[rules.Line],
    discounts: Iterable[rules.DiscountRule],
    voucher: rules.VoucherRule | None,
    fees: Iterable[pricing.FeeRule],
    now: datetime,
) -> dict[str, Any]:
    """The rules that say something about these lines, as the order keeps them (M6)."""
    about = (rules.discount_as_json(rule, lines, now) for rule in discounts)
    kept: dict[str, Any] = {
        "discounts": [one for one in about if one],
        "voucher": rules.voucher_as_json(voucher, lines) if voucher else None,
        "fees": [rule.as_json() for rule in fees],
    }
    return {name: value for name, value in kept.items() if value}


def _kept_of_delivery(totals: pricing.Totals, rate: Decimal) -> dict[str, str]:
    """The tax rate of what is paid for delivery, as the order keeps it beside its rules (M6)."""
    return {"delivery_tax_rate": str(rate)} if totals.delivery_minor else {}


def priced_again(order: Order, lines: Sequence[OrderLine]) -> pricing.PricedOrder:
    """Price some of an order's lines anew, by the list prices and the rules that the order was made with (M6).

    For a line that is cancelled: a group that is no longer one loses its discount. What is returned is in the order of
    `lines`, which come with their variants. Delivery stays what it was as long as goods are left.
    """
    kept = order.rules
    return pricing.price(
        [_as_ordered(line) for line in lines],
        discounts=[rules.discount_from_json(each) for each in kept.get("discounts", ())],
        voucher=rules.voucher_from_json(kept["voucher"]) if kept.get("voucher") else None,
        fees=[pricing.FeeRule.from_json(each) for each in kept.get("fees", ())],
        # It was charged with its tax: that is contained in it now, whether it was then or was added.
        delivery_minor=order.delivery_minor if any(line.variant_id for line in lines) else 0,
        delivery_tax_rate=Decimal(kept.get("delivery_tax_rate") or tax_of_goods()[0]),
        currency=order.currency,
    )


def _as_ordered(line: OrderLine) -> rules.Line:
    return rules.Line(
        unit_price_minor=line.unit_price_minor,
        quantity=line.quantity,
        tax_rate=line.tax_rate,
        tax_included=line.tax_included,
        kind=line.kind,
        event=line.event_id,
        ticket_type=line.ticket_type_id,
        product=line.variant.product_id if line.variant else None,
        variant=line.variant_id,
    )
