"""Basket to order, in one transaction."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from shared_apps.core.codes import readable_code, unguessable_secret
from shared_apps.core.database_errors import retrying
from shared_apps.core.errors import Busy, DomainError, FieldError, SoldOut
from tenant_apps.events.models import Event
from tenant_apps.orders import errors, lifecycle, pricing, waiting_offers
from tenant_apps.orders.answers import answers_of
from tenant_apps.orders.models import Order, OrderLine, WaitingEntry
from tenant_apps.orders.person_limits import refuse_too_many
from tenant_apps.orders.selection import Prices, types_on_sale
from tenant_apps.orders.services import give_back_overdue
from tenant_apps.staff.actors import person_of
from tenant_apps.ticketing.models import Quota, QuotaTicketType, TicketType
from tenant_apps.ticketing.prices import Portion, includes_tax
from tenants.context import current_tenant
from tenants.database import connection
from tenants.preferences import preference

# How often a claim is tried while each refusal finds places that were given back meanwhile.
MOST_CLAIMS = 5


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who will come with one ticket; empty means the buyer."""

    name: str = ""
    email: str = ""
    # What the event asks, by the question's id as text.
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """So many tickets of one type (its id). `price`, in major units, is what the buyer wants to pay for each: taken
    only where the type leaves that to them."""

    ticket_type: int
    quantity: int = 1
    attendees: Sequence[Attendee] = ()
    price: str | Decimal | None = None


@dataclass(frozen=True, slots=True)
class Basket:
    """What somebody wants to buy. Clients set no price but where they are asked for one (M6).

    `unlocked` are the hidden ticket types that the buyer's vouchers open.
    """

    email: str
    lines: Sequence[BasketLine]
    name: str = ""
    provider: str = ""
    language: str = ""
    channel: str = "web"
    options: Mapping[str, Any] = field(default_factory=dict)
    unlocked: Collection[int] = ()


class _TypeChanged(Exception):
    """A ticket type was changed while the order was being made."""


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
    is up are given back and the claim is tried again, so no job needs to have run (M3). With `offer`, what the waiting
    list holds becomes the order's; raises OfferOver.
    """
    now = now or timezone.now()
    sold_out: DomainError = Busy()
    for _attempt in range(MOST_CLAIMS):
        try:
            return _place_under_unused_code(basket, user, actor, offer, now)
        except _TypeChanged:
            continue
        except SoldOut as refusal:
            # The last ticket of a price tier may have gone to somebody else: then there is room, at the next price.
            # None given back may mean that another buyer, or the sweep, was faster: then there may be room as well.
            sold_out = refusal
            if not give_back_overdue(_quotas_of(basket), now=now) and not _has_room(basket):
                break
    raise sold_out


def _has_room(basket: Basket) -> bool:
    """True if every quota has the places that the basket wants of it, by what is committed now."""
    wanted: Counter[int] = Counter()
    quantities: Counter[int] = Counter()
    for line in basket.lines:
        quantities[line.ticket_type] += line.quantity
    pairs = QuotaTicketType.objects.filter(ticket_type__in=quantities).values_list("ticket_type_id", "quota_id")
    for type_id, quota_id in pairs:
        wanted[quota_id] += quantities[type_id]
    quotas = list(Quota.objects.filter(pk__in=wanted))
    return bool(quotas) and all(quota.free is None or quota.free >= wanted[quota.pk] for quota in quotas)


def _place_under_unused_code(
    basket: Basket, user: Any, actor: Any, offer: WaitingEntry | None, now: datetime
) -> Order:
    # A code has 36 random bits: among a million orders of a tenant one clash is to be expected some day.
    for _attempt in range(3):
        try:
            return _place(basket, user, actor, offer, now)
        except IntegrityError as error:
            if "orders_order_code" not in str(error):
                raise
    raise Busy


@retrying
@transaction.atomic
def _place(basket: Basket, user: Any, actor: Any, offer: WaitingEntry | None, now: datetime) -> Order:
    types = types_on_sale(basket.lines, basket.unlocked, now)
    _refuse_wrong_answers(basket, types)
    lines, totals = _lines(basket, types, now)
    tenant = current_tenant()
    person = person_of(user)
    if person is None and not preference(tenant, "guest_checkout") and basket.channel == "web":
        raise errors.ConfirmedAccountRequired
    # Staff at the box office sell to one address many times over.
    if basket.channel == "web":
        wanted = Counter(line.ticket_type_id for line in lines if line.ticket_type_id)
        refuse_too_many(basket.email, person, wanted, types, unpaid=totals.total_minor > 0, now=now)
    order = Order(
        code=readable_code(),
        secret=unguessable_secret(),
        email=basket.email,
        name=basket.name,
        language=basket.language or tenant.language,
        user=person,
        channel=basket.channel,
        currency=next(iter(types.values())).event.currency,
        created_at=now,
        expires_at=now + timedelta(minutes=preference(tenant, "hold_minutes")) if totals.total_minor else None,
        **{name: getattr(totals, name) for name in totals.__slots__},
    )
    for line in lines:
        line.order = order
    lifecycle.begin(order, lines, actor=actor)
    _refuse_changed(order, types)
    if offer is None:
        lifecycle.claim_places(order, lines)
    else:
        waiting_offers.turn_into(offer, order, lines)
    return order


def _refuse_changed(order: Order, types: Mapping[int, TicketType]) -> None:
    """Refuse if an event was called off, or given another currency, since it was read (M6); begin anew if a ticket
    type was changed: it may draw from other quotas now, whose places would not be counted (M1).

    Events and types are kept as they are until the commit: their writers lock the rows for themselves. The lines'
    foreign keys would do so at the commit only, since they are checked there.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id, t.modified_at, e.title, e.status, e.currency"
            " FROM ticketing_tickettype t JOIN events_event e ON e.id = t.event_id"
            " WHERE t.id = ANY(%s) ORDER BY e.id, t.id FOR KEY SHARE",
            [list(types)],
        )
        found = cursor.fetchall()
    for _pk, _modified_at, title, status, currency in found:
        if status != Event.Status.PUBLISHED or currency != order.currency:
            raise errors.NotOnSale(field="lines", what=title)
    if {pk: modified_at for pk, modified_at, *_rest in found} != {pk: one.modified_at for pk, one in types.items()}:
        raise _TypeChanged


def _refuse_wrong_answers(basket: Basket, types: Mapping[int, Any]) -> None:
    """Raise WrongAnswers naming each question that is not answered as it must be."""
    faults: list[FieldError] = []
    for index, line in enumerate(basket.lines):
        for number in range(line.quantity):
            given = line.attendees[number].answers if number < len(line.attendees) else {}
            wrong = answers_of(types[line.ticket_type].asked, given, strict=basket.channel == "web")[1]
            where = f"lines.{index}.attendees.{number}.answers"
            faults += [FieldError(f"{where}.{each.field}", each.code, each.message) for each in wrong]
    if faults:
        raise errors.WrongAnswers(errors=faults[:100])


def _quotas_of(basket: Basket) -> list[int]:
    types = {line.ticket_type for line in basket.lines}
    return list(QuotaTicketType.objects.filter(ticket_type__in=types).values_list("quota_id", flat=True))


def _lines(basket: Basket, types: Mapping[int, TicketType], now: datetime) -> tuple[list[OrderLine], pricing.Totals]:
    """Return the order's lines, an admission each, with their prices fixed, and what they come to."""
    if len({ticket_type.event.currency for ticket_type in types.values()}) > 1:
        raise errors.MixedCurrencies(field="lines")
    by_default = preference(current_tenant(), "prices_include_tax")
    prices = Prices(types, basket.lines, now)
    lines: list[OrderLine] = []
    amounts: list[pricing.PricedLine] = []
    for number, wanted in enumerate(basket.lines):
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
                    event_id=ticket_type.event_id,
                    ticket_type_id=ticket_type.pk,
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
    return lines, pricing.add_up(amounts)


def _claimed(ticket_type: TicketType, portion: Portion) -> list[int]:
    """The quotas that an admission claims from: the type's, and that of the tier which gives the price."""
    quotas: list[int] = list(ticket_type.quota_ids)  # type: ignore[attr-defined]  # annotated
    if portion.tier and portion.tier.quota is not None:
        quotas.append(portion.tier.quota)
    return quotas
