"""Basket to order, in one transaction."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from shared_apps.core.attempts import Again, last, whole
from shared_apps.core.codes import readable_code, unguessable_secret
from shared_apps.core.errors import Busy, FieldError, SoldOut
from shared_apps.core.faults import point
from shared_apps.core.templatetags.money import written
from tenant_apps.catalog.models import ProductVariant
from tenant_apps.orders import cart_holds, errors, lifecycle, pricing, waiting_offers
from tenant_apps.orders.answers import answers_of
from tenant_apps.orders.cart_holds import Held
from tenant_apps.orders.cart_models import Cart
from tenant_apps.orders.goods import (
    Delivery,
    delivered,
    price_of,
    tax_of_goods,
    title_of,
    variants_on_sale,
    written_down,
)
from tenant_apps.orders.models import Order, OrderLine, WaitingEntry
from tenant_apps.orders.person_limits import refuse_too_many
from tenant_apps.orders.selection import Prices, types_on_sale, wanted_types
from tenant_apps.orders.services import give_back_overdue
from tenant_apps.orders.writing import Kept
from tenant_apps.staff.actors import person_of
from tenant_apps.ticketing.models import Quota, QuotaTicketType, TicketType
from tenant_apps.ticketing.prices import Portion, includes_tax
from tenants.context import current_tenant
from tenants.database import connection
from tenants.preferences import preference


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who will come with one ticket; empty means the buyer."""

    name: str = ""
    email: str = ""
    # What the event asks, by the question's id as text.
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """So many tickets of one type, or pieces of one variant of goods (their ids). `price`, in major units, is what the
    buyer wants to pay for each ticket: taken only where the type leaves that to them."""

    ticket_type: int | None = None
    quantity: int = 1
    attendees: Sequence[Attendee] = ()
    price: str | Decimal | None = None
    variant: int | None = None


@dataclass(frozen=True, slots=True)
class Basket:
    """What somebody wants to buy. Clients set no price but where they are asked for one (M6).

    `unlocked` are the hidden ticket types that the buyer's vouchers open; `delivery` is where its goods go. `cart` is
    what the lines were read from: what it holds becomes the order's, and it is gone. `told_minor` is the total that
    the buyer was shown; another one is refused.
    """

    email: str
    lines: Sequence[BasketLine]
    name: str = ""
    provider: str = ""
    language: str = ""
    channel: str = "web"
    options: Mapping[str, Any] = field(default_factory=dict)
    unlocked: Collection[int] = ()
    delivery: Delivery | None = None
    cart: Cart | None = None
    told_minor: int | None = None


def place_order(
    basket: Basket,
    *,
    user: Any = None,
    actor: Any = None,
    offer: WaitingEntry | None = None,
    now: datetime | None = None,
) -> Order:
    """Price the basket, claim its places, write the order. A free order is paid at once, with its tickets (O4).

    Raises the refusals of `orders.errors` and SoldOut. If a claim finds no room, the places of orders whose time
    is up are given back and all is tried again, so no job needs to have run (M3). Inside somebody else's `whole`
    the claim, and with it SoldOut, comes at the end of that. With `offer`, what the waiting list holds becomes the
    order's; raises OfferOver.
    """
    now = now or timezone.now()
    return whole(lambda: _place(basket, user, actor, offer, now))


def make_room(basket: Basket, now: datetime) -> bool:
    """Give back what others hold beyond their time of what the basket wants; tell whether to try again (M3).

    The last ticket of a price tier may have gone to somebody else: then there is room, at the next price. None given
    back may mean that another buyer, or the sweep, was faster: then there may be room as well.
    """
    given_back = give_back_overdue(_quotas_of(basket), variants=_variants_of(basket), now=now)
    return bool(given_back) or _has_room(basket)


def _has_room(basket: Basket) -> bool:
    """True if every quota, and every variant of goods, has what the basket wants of it beside what its cart holds, by
    what is committed now."""
    mine = Held.by_cart_lines(basket.cart.lines.all()) if basket.cart else Held()
    wanted: Counter[int] = Counter()
    quantities = wanted_types(basket.lines)
    pairs = QuotaTicketType.objects.filter(ticket_type__in=quantities).values_list("ticket_type_id", "quota_id")
    for type_id, quota_id in pairs:
        wanted[quota_id] += quantities[type_id]
    quotas = list(Quota.objects.filter(pk__in=wanted))
    goods: Counter[int] = Counter()
    for line in basket.lines:
        if line.variant is not None:
            goods[line.variant] += line.quantity
    variants = list(ProductVariant.objects.filter(pk__in=goods)) if goods else []
    if quantities and not quotas:
        return False
    return all(one.free is None or one.free + mine.places[one.pk] >= wanted[one.pk] for one in quotas) and all(
        one.free is None or one.free + mine.pieces[one.pk] >= goods[one.pk] for one in variants
    )


def _place(basket: Basket, user: Any, actor: Any, offer: WaitingEntry | None, now: datetime) -> Order:
    if not basket.lines:
        raise errors.EmptyOrder(field="lines")
    held = cart_holds.taken(basket.cart) if basket.cart else None
    types = types_on_sale(basket.lines, basket.unlocked, now)
    variants = variants_on_sale(basket.lines)
    if held is not None:
        cart_holds.lend(held, types.values())
    currency = _currency(types, variants)
    _refuse_wrong_answers(basket, types)
    lines, amounts = _lines(basket, types, variants, now)
    method, delivery_minor = delivered(basket.delivery, variants, basket.lines, currency)
    totals = pricing.add_up(amounts, delivery_minor=delivery_minor)
    if basket.told_minor is not None and basket.told_minor != totals.total_minor:
        raise errors.TotalChanged(total=written(totals.total_minor, currency))
    tenant = current_tenant()
    person = person_of(user)
    if person is None and not preference(tenant, "guest_checkout") and basket.channel == "web":
        raise errors.ConfirmedAccountRequired
    # Staff at the box office sell to one address many times over.
    if basket.channel == "web":
        wanted = Counter(line.ticket_type_id for line in lines if line.ticket_type_id)
        unpaid = totals.total_minor > 0
        refuse_too_many(basket.email, person, wanted, types, unpaid=unpaid, goods=bool(variants), now=now)
    order = Order(
        code=readable_code(),
        secret=unguessable_secret(),
        email=basket.email,
        name=basket.name,
        language=basket.language or tenant.language,
        user=person,
        channel=basket.channel,
        currency=currency,
        delivery=written_down(basket.delivery, method),
        delivery_method=method,
        created_at=now,
        expires_at=now + timedelta(minutes=preference(tenant, "hold_minutes")) if totals.total_minor else None,
        **{name: getattr(totals, name) for name in totals.__slots__},
    )
    for line in lines:
        line.order = order
    try:
        lifecycle.begin(order, lines, actor=actor, kept=Kept(types))
    except IntegrityError as error:
        # A code has 36 random bits: among a million orders of a tenant one clash is to be expected some day.
        if "orders_order_code" not in str(error):
            raise
        raise Again(Busy()) from None
    if variants:
        _refuse_changed_goods(order, variants)
    point("order.written")

    def claim() -> None:
        try:
            if offer is not None:
                waiting_offers.turn_into(offer, order, lines)
            elif held is not None:
                cart_holds.hand_on(held, order, lines)
            else:
                lifecycle.claim_places(order, lines)
        except SoldOut as refusal:
            raise Again(refusal, lambda: make_room(basket, now)) from None
        point("order.claimed")

    last(claim)
    return order


def _refuse_changed_goods(order: Order, variants: Mapping[int, ProductVariant]) -> None:
    """Refuse goods that were taken off sale, or given another currency, since they were read (M6)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, currency, published FROM catalog_product WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
            [sorted({variant.product_id for variant in variants.values()})],
        )
        found = cursor.fetchall()
    for name, currency, published in found:
        if currency != order.currency or not published:
            raise errors.NotOnSale(field="lines", what=name)


def _currency(types: Mapping[int, TicketType], variants: Mapping[int, ProductVariant]) -> str:
    found = {one.event.currency for one in types.values()} | {one.product.currency for one in variants.values()}
    if len(found) > 1:
        raise errors.MixedCurrencies(field="lines")
    return found.pop()


def _refuse_wrong_answers(basket: Basket, types: Mapping[int, Any]) -> None:
    """Raise WrongAnswers naming each question that is not answered as it must be."""
    faults: list[FieldError] = []
    for index, line in enumerate(basket.lines):
        if line.ticket_type is None:
            continue
        for number in range(line.quantity):
            given = line.attendees[number].answers if number < len(line.attendees) else {}
            wrong = answers_of(types[line.ticket_type].asked, given, strict=basket.channel == "web")[1]
            where = f"lines.{index}.attendees.{number}.answers"
            faults += [FieldError(f"{where}.{each.field}", each.code, each.message) for each in wrong]
    if faults:
        raise errors.WrongAnswers(errors=faults[:100])


def _quotas_of(basket: Basket) -> list[int]:
    types = wanted_types(basket.lines)
    return list(QuotaTicketType.objects.filter(ticket_type__in=types).values_list("quota_id", flat=True))


def _variants_of(basket: Basket) -> list[int]:
    return [line.variant for line in basket.lines if line.variant is not None]


def order_lines(
    basket: Basket, types: Mapping[int, TicketType], variants: Mapping[int, ProductVariant], now: datetime
) -> tuple[list[list[OrderLine]], list[pricing.PricedLine]]:
    """Return what each line of the basket would be in an order made now, and all amounts; nothing is written."""
    lines, amounts = _lines(basket, types, variants, now)
    rest = iter(lines)
    found = []
    for wish in basket.lines:
        found.append([next(rest) for _each in range(1 if wish.ticket_type is None else wish.quantity)])
    return found, amounts


def _lines(
    basket: Basket, types: Mapping[int, TicketType], variants: Mapping[int, ProductVariant], now: datetime
) -> tuple[list[OrderLine], list[pricing.PricedLine]]:
    """Return the order's lines, an admission or one kind of goods each, with their prices fixed."""
    by_default = preference(current_tenant(), "prices_include_tax")
    prices = Prices(types, basket.lines, now)
    lines: list[OrderLine] = []
    amounts: list[pricing.PricedLine] = []
    for number, wanted in enumerate(basket.lines):
        if wanted.ticket_type is None:
            if wanted.variant is None:
                raise errors.UnknownTicketType(field=f"lines.{number}.ticket_type")
            line, priced = _goods_line(variants[wanted.variant], wanted.quantity)
            line.position = len(lines) + 1
            lines.append(line)
            amounts.append(priced)
            continue
        ticket_type = types[wanted.ticket_type]
        for index, portion in enumerate(prices.of(ticket_type, wanted, f"lines.{number}.price")):
            attendee = wanted.attendees[index] if index < len(wanted.attendees) else Attendee()
            priced = pricing.price_line(
                portion.price_minor, ticket_type.tax_rate, tax_included=includes_tax(ticket_type, by_default)
            )
            amounts.append(priced)
            lines.append(
                OrderLine(
                    position=len(lines) + 1,
                    kind=OrderLine.Kind.TICKET,
                    event=ticket_type.event,
                    ticket_type=ticket_type,
                    quotas=_claimed(ticket_type, portion),
                    title=f"{ticket_type.event.title}: {ticket_type.name}",
                    unit_price_minor=priced.unit_price_minor,
                    tax_rate=priced.tax_rate,
                    tax_included=priced.tax_included,
                    tax_minor=priced.tax_minor,
                    total_minor=priced.total_minor,
                    tier_name=portion.tier.name if portion.tier else "",
                    attendee_name=attendee.name,
                    attendee_email=attendee.email,
                    answers=answers_of(ticket_type.asked, attendee.answers)[0],  # type: ignore[attr-defined]  # annotated
                )
            )
    return lines, amounts


def _goods_line(variant: ProductVariant, quantity: int) -> tuple[OrderLine, pricing.PricedLine]:
    rate, included = tax_of_goods()
    priced = pricing.price_line(price_of(variant), rate, quantity=quantity, tax_included=included)
    line = OrderLine(
        kind=OrderLine.Kind.PRODUCT,
        variant=variant,
        fulfilment=OrderLine.Fulfilment.UNPACKED,
        title=title_of(variant)[:320],
        quantity=quantity,
        unit_price_minor=priced.unit_price_minor,
        tax_rate=priced.tax_rate,
        tax_included=priced.tax_included,
        tax_minor=priced.tax_minor,
        total_minor=priced.total_minor,
    )
    return line, priced


def _claimed(ticket_type: TicketType, portion: Portion) -> list[int]:
    """The quotas that an admission claims from: the type's, and that of the tier which gives the price."""
    quotas: list[int] = list(ticket_type.quota_ids)  # type: ignore[attr-defined]  # annotated
    if portion.tier and portion.tier.quota is not None:
        quotas.append(portion.tier.quota)
    return quotas
