"""Basket to order, in one transaction."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from shared_apps.billing import limits
from shared_apps.core.attempts import Again, last, whole
from shared_apps.core.codes import readable_code, unguessable_secret
from shared_apps.core.errors import Busy, FieldError, SoldOut
from shared_apps.core.faults import point
from shared_apps.core.templatetags.money import written
from tenant_apps.catalog.models import ProductVariant
from tenant_apps.consents import texts
from tenant_apps.consents.models import Consent
from tenant_apps.orders import cart_holds, counter, errors, lifecycle, waiting_offers
from tenant_apps.orders.answers import answers_of
from tenant_apps.orders.cart_holds import Held
from tenant_apps.orders.cart_models import Cart
from tenant_apps.orders.fulfilment import places
from tenant_apps.orders.goods import Delivery, title_of, variants_on_sale, written_down
from tenant_apps.orders.models import Order, OrderLine, WaitingEntry
from tenant_apps.orders.person_limits import refuse_too_many
from tenant_apps.orders.quote import NO_WAY, Quote, QuotedLine, Way, quote, unlocked_by, voucher_of
from tenant_apps.orders.selection import lacking_room, types_on_sale, wanted_types
from tenant_apps.orders.services import give_back_overdue
from tenant_apps.orders.writing import Kept
from tenant_apps.promotions import uses
from tenant_apps.promotions.errors import VoucherNotApplicable, VoucherUsedByYou, VoucherUsedUp
from tenant_apps.promotions.models import Voucher
from tenant_apps.promotions.querysets import spelled
from tenant_apps.staff.actors import person_of
from tenant_apps.ticketing.models import Quota, QuotaTicketType, TicketType
from tenant_apps.ticketing.prices import Portion
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

    `voucher` is a code as it was typed; `unlocked` are hidden ticket types that may be bought besides those which it
    opens; `delivery` is where its goods go. `cart` is what the lines were read from: what it holds becomes the order's,
    and it is gone. `told_minor` is the total that the buyer was shown; another one is refused.
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
    voucher: str = ""
    cart: Cart | None = None
    told_minor: int | None = None
    # The ids of the texts that the buyer agrees to (`consents.texts.asked`).
    agreed: Collection[int] = ()
    # At the counter only: nothing is charged.
    complimentary: bool = False


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


@contextmanager
def _begun_anew(basket: Basket, now: datetime) -> Iterator[None]:
    """Begin the order anew where that may help: others may have held beyond their time what was refused (M3)."""
    try:
        yield
    except uses.VoucherChanged:
        raise Again(Busy()) from None
    except (VoucherUsedUp, VoucherUsedByYou) as refusal:
        # Orders whose time is up have uses as well.
        raise Again(refusal, lambda: bool(give_back_overdue(voucher=spelled(basket.voucher), now=now))) from None
    except SoldOut as refusal:
        raise Again(refusal, lambda: make_room(basket, now)) from None
    except IntegrityError as error:
        # A code has 36 random bits: among a million orders of a tenant one clash is to be expected some day.
        if "orders_order_code" not in str(error):
            raise
        raise Again(Busy()) from None


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
    with _begun_anew(basket, now):
        return _made(basket, user, actor, offer, now)


def _made(basket: Basket, user: Any, actor: Any, offer: WaitingEntry | None, now: datetime) -> Order:
    if not basket.lines:
        raise errors.EmptyOrder(field="lines")
    held = cart_holds.taken(basket.cart) if basket.cart else None
    voucher = voucher_of(basket, now)
    by_hand = basket.channel == counter.CHANNEL
    types = types_on_sale(basket.lines, unlocked_by(basket, voucher), now, at_counter=by_hand)
    if offer is None:  # whether an offer still stands is for itself to say, and in its own words
        _refuse_sold_out(basket, types, uses_holds=held is not None or voucher is not None)
    variants = variants_on_sale(basket.lines)
    if held is not None:
        cart_holds.lend(held, types.values())
    _refuse_wrong_answers(basket, types)
    quoted = quote(basket, types, variants, now, voucher=voucher, delivery=NO_WAY if by_hand else None)
    if by_hand:
        quoted = counter.at_counter(quoted, complimentary=basket.complimentary)
    if voucher and not quoted.voucher_works:
        raise VoucherNotApplicable(field="voucher")
    lines, totals = _lines(basket, quoted), quoted.totals
    if by_hand:
        counter.hand_over(lines)
    if basket.told_minor is not None and basket.told_minor != totals.total_minor:
        raise errors.TotalChanged(total=written(totals.total_minor, quoted.currency))
    _refuse_beyond_plan(lines, by_staff=by_hand)
    tenant = current_tenant()
    person = person_of(user)
    if person is None and not preference(tenant, "guest_checkout") and basket.channel == "web":
        raise errors.ConfirmedAccountRequired
    # Staff at the box office sell to one address many times over.
    if basket.channel == "web":
        wanted = Counter(line.ticket_type_id for line in lines if line.ticket_type_id)
        unpaid = totals.total_minor > 0
        refuse_too_many(basket.email, person, wanted, types, unpaid=unpaid, goods=bool(variants), now=now)
    waits = totals.total_minor > 0 and not by_hand
    expires_at = now + timedelta(minutes=preference(tenant, "hold_minutes")) if waits else None
    order = Order(
        code=readable_code(),
        secret=unguessable_secret(),
        email=basket.email,
        name=basket.name,
        language=basket.language or tenant.language,
        user=person,
        channel=basket.channel,
        currency=quoted.currency,
        voucher=voucher.code if voucher else "",
        fees=[fee.as_json() for fee in quoted.fees],
        rules=quoted.rules,
        delivery=written_down(basket.delivery, quoted.method),
        delivery_method=quoted.method,
        created_at=now,
        expires_at=expires_at,
        **{name: getattr(totals, name) for name in totals.__slots__},
    )
    for line in lines:
        line.order = order
    # Nobody ticks boxes at a counter: what is agreed to there is said there.
    consents = _consents(basket, order, now) if basket.channel == "web" else []
    lifecycle.begin(order, lines, actor=actor, kept=Kept(types), paid=by_hand, consents=consents)
    if variants:
        _refuse_changed_goods(order, variants)
    point("order.written")

    def claim() -> None:
        with _begun_anew(basket, now):
            kept = _from_kept(quoted, lines, held, offer)
            if offer is not None:
                waiting_offers.turn_into(offer, order, lines)
            elif held is not None:
                held.places.update(kept)
                cart_holds.hand_on(held, order, lines)
            else:
                lifecycle.claim_places(order, lines, kept)
            if voucher:
                uses.claim(
                    voucher,
                    order_id=order.pk,
                    buyer=order.email,
                    user=person,
                    amount_minor=quoted.voucher_minor,
                    currency=order.currency,
                    reserved=sum(kept.values()),
                    now=now,
                )
            point("order.claimed")

    last(claim)
    return order


def _consents(basket: Basket, order: Order, now: datetime) -> list[Consent]:
    return texts.agreed(
        basket.agreed, order_id=order.pk, order_code=order.code, user_id=order.user_id, email=order.email, now=now
    )


def _refuse_sold_out(basket: Basket, types: Mapping[int, TicketType], *, uses_holds: bool) -> None:
    """Refuse before anything is written what no claim can get: most of a rush comes after the last place is gone.

    What is sold comes back by nobody's time running out, so then nothing is given back and nothing tried again. What is
    only held may be `uses_holds`: this buyer's own; the claim knows.
    """
    wanted = wanted_types(basket.lines)
    gone = lacking_room(types, wanted, beyond_holds=True)
    if gone is not None:
        raise Again(SoldOut(what=_title(gone)), lambda: False)
    taken = None if uses_holds else lacking_room(types, wanted, beyond_holds=False)
    if taken is not None:
        raise SoldOut(what=_title(taken))


def _title(ticket_type: TicketType) -> str:
    return f"{ticket_type.event.title}: {ticket_type.name}"


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


def _from_kept(
    quoted: Quote, lines: Collection[OrderLine], held: Held | None, offer: WaitingEntry | None
) -> dict[int, int]:
    """How many places, by quota, come from those that the voucher keeps: what is not held already."""
    if not quoted.reserved or offer is not None:
        return {}
    wanted, mine = places(lines), held.places if held else Counter[int]()
    kept = {quota: min(count, wanted[quota] - mine[quota]) for quota, count in quoted.reserved.items()}
    return {quota: count for quota, count in kept.items() if count > 0}


def order_lines(
    basket: Basket,
    types: Mapping[int, TicketType],
    variants: Mapping[int, ProductVariant],
    now: datetime,
    *,
    voucher: Voucher | None = None,
    delivery: Way = NO_WAY,
) -> tuple[list[list[OrderLine]], Quote]:
    """Return what each line of the basket would be in an order made now, and all amounts; nothing is written.

    For a cart: `delivery` is the way that is chosen so far with its price, and a voucher that does nothing is no error.
    """
    quoted = quote(basket, types, variants, now, voucher=voucher, delivery=delivery)
    rest = iter(_lines(basket, quoted))
    found = []
    for wish in basket.lines:
        found.append([next(rest) for _each in range(1 if wish.ticket_type is None else wish.quantity)])
    return found, quoted


def _refuse_beyond_plan(lines: Sequence[OrderLine], *, by_staff: bool) -> None:
    """Refuse paid tickets for which the month has no room by the tenant's plan (N7). Without a limit, no statement."""
    paid = sum(1 for line in lines if line.kind == OrderLine.Kind.TICKET and line.total_minor)
    if paid and (refusal := limits.refused("tickets_month", paid)) is not None:
        raise refusal if by_staff else errors.SalesPaused


def _lines(basket: Basket, quoted: Quote) -> list[OrderLine]:
    """Return the order's lines, an admission or one kind of goods each, with their prices fixed (M6)."""
    lines: list[OrderLine] = []
    for one in quoted.lines:
        line = _goods_line(one.variant) if one.variant else _ticket_line(one, basket.lines[one.wish])
        priced = one.priced
        line.position = len(lines) + 1
        line.quantity = priced.quantity
        line.unit_price_minor = priced.unit_price_minor
        line.discount_minor = priced.discount_minor
        line.applied = [each.as_json() for each in priced.applied]
        line.tax_rate = priced.tax_rate
        line.tax_included = priced.tax_included
        line.tax_minor = priced.tax_minor
        line.total_minor = priced.total_minor
        lines.append(line)
    return lines


def _ticket_line(one: QuotedLine, wish: BasketLine) -> OrderLine:
    ticket_type, portion = one.ticket_type, one.portion
    assert ticket_type is not None and portion is not None
    attendee = wish.attendees[one.admission] if one.admission < len(wish.attendees) else Attendee()
    return OrderLine(
        kind=OrderLine.Kind.TICKET,
        event=ticket_type.event,
        ticket_type=ticket_type,
        quotas=_claimed(ticket_type, portion),
        title=_title(ticket_type),
        tier_name=portion.tier.name if portion.tier else "",
        attendee_name=attendee.name,
        attendee_email=attendee.email,
        answers=answers_of(ticket_type.asked, attendee.answers)[0],  # type: ignore[attr-defined]  # annotated
    )


def _goods_line(variant: ProductVariant) -> OrderLine:
    return OrderLine(
        kind=OrderLine.Kind.PRODUCT,
        variant=variant,
        fulfilment=OrderLine.Fulfilment.UNPACKED,
        title=title_of(variant)[:320],
    )


def _claimed(ticket_type: TicketType, portion: Portion) -> list[int]:
    """The quotas that an admission claims from: the type's, and that of the tier which gives the price."""
    quotas: list[int] = list(ticket_type.quota_ids)  # type: ignore[attr-defined]  # annotated
    if portion.tier and portion.tier.quota is not None:
        quotas.append(portion.tier.quota)
    return quotas
