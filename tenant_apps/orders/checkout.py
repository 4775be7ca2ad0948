"""Basket to order, in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from shared_apps.core.codes import readable_code, unguessable_secret
from shared_apps.core.database_errors import retrying
from shared_apps.core.errors import Busy, FieldError, SoldOut
from tenant_apps.events.models import Event
from tenant_apps.orders import errors, lifecycle, pricing
from tenant_apps.orders.answers import answers_of, with_questions
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.services import give_back_overdue
from tenant_apps.staff.actors import person_of
from tenant_apps.ticketing.models import Quota, QuotaTicketType, TicketType
from tenants.context import current_tenant
from tenants.database import connection
from tenants.preferences import preference

# How often a claim is tried while each refusal finds places that were given back meanwhile.
MOST_CLAIMS = 5
# First key of the advisory locks on one buyer's open orders; the second is a hash of tenant and buyer.
BUYER_LOCK = 7104


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who will come with one ticket; empty means the buyer."""

    name: str = ""
    email: str = ""
    # What the event asks, by the question's id as text.
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """So many tickets of one type (its id)."""

    ticket_type: int
    quantity: int = 1
    attendees: Sequence[Attendee] = ()


@dataclass(frozen=True, slots=True)
class Basket:
    """What somebody wants to buy. Prices are not part of it: clients never set one (M6)."""

    email: str
    lines: Sequence[BasketLine]
    name: str = ""
    provider: str = ""
    language: str = ""
    channel: str = "web"
    options: Mapping[str, Any] = field(default_factory=dict)


def place_order(basket: Basket, *, user: Any = None, actor: Any = None, now: datetime | None = None) -> Order:
    """Price the basket, claim its places, write the order. A free order is paid at once, with its tickets (O4).

    Raises the refusals of `orders.errors` and SoldOut. If a claim finds no room, the places of orders whose time
    is up are given back and the claim is tried again, so no job needs to have run (M3).
    """
    now = now or timezone.now()
    for _attempt in range(MOST_CLAIMS):
        try:
            return _place_under_unused_code(basket, user, actor, now)
        except SoldOut as refusal:
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


def _place_under_unused_code(basket: Basket, user: Any, actor: Any, now: datetime) -> Order:
    # A code has 36 random bits: among a million orders of a tenant one clash is to be expected some day.
    for _attempt in range(3):
        try:
            return _place(basket, user, actor, now)
        except IntegrityError as error:
            if "orders_order_code" not in str(error):
                raise
    raise Busy


@retrying
@transaction.atomic
def _place(basket: Basket, user: Any, actor: Any, now: datetime) -> Order:
    types = _types_on_sale(basket, now)
    quotas = _quotas_by_type(types)
    lines, currency = _lines(basket, types, quotas)
    totals = pricing.add_up(
        [pricing.price_line(line.unit_price_minor, line.tax_rate, discount_minor=line.discount_minor) for line in lines]
    )
    tenant = current_tenant()
    person = person_of(user)
    if person is None and not preference(tenant, "guest_checkout") and basket.channel == "web":
        raise errors.ConfirmedAccountRequired
    if totals.total_minor:
        _refuse_too_many_open(basket, person, {line.event_id for line in lines}, now)
    order = Order(
        code=readable_code(),
        secret=unguessable_secret(),
        email=basket.email,
        name=basket.name,
        language=basket.language or tenant.language,
        user=person,
        channel=basket.channel,
        currency=currency,
        created_at=now,
        expires_at=now + timedelta(minutes=preference(tenant, "hold_minutes")) if totals.total_minor else None,
        **{name: getattr(totals, name) for name in totals.__slots__},
    )
    for line in lines:
        line.order = order
    lifecycle.begin(order, lines, actor=actor)
    _refuse_changed(order, lines)
    lifecycle.claim_places(order, lines)
    return order


def _refuse_changed(order: Order, lines: list[OrderLine]) -> None:
    """Refuse if an event was called off, or given another currency, since it was read (M6).

    The lines' foreign keys keep the events as they are until the commit: writers lock the event's row.
    """
    events = Event.objects.filter(pk__in={line.event_id for line in lines})
    changed = events.exclude(status=Event.Status.PUBLISHED, currency=order.currency).first()
    if changed is not None:
        raise errors.NotOnSale(field="lines", what=changed.title)


def _types_on_sale(basket: Basket, now: datetime) -> dict[int, TicketType]:
    """Return the basket's ticket types by id, each fit to be sold now in this quantity."""
    wanted: Counter[int] = Counter()
    for line in basket.lines:
        wanted[line.ticket_type] += line.quantity
    if not wanted:
        raise errors.EmptyOrder(field="lines")
    limit = preference(current_tenant(), "max_tickets_per_order")
    if sum(wanted.values()) > limit:
        raise errors.TooManyTickets(field="lines", limit=limit)
    found = with_questions(TicketType.objects.select_related("event")).in_bulk(list(wanted))
    for index, line in enumerate(basket.lines):
        ticket_type = found.get(line.ticket_type)
        if ticket_type is None or ticket_type.hidden or ticket_type.event.status in ("draft", "archived"):
            raise errors.UnknownTicketType(field=f"lines.{index}.ticket_type")
        _refuse_off_sale(ticket_type, f"lines.{index}.ticket_type", now)
        least, most = ticket_type.min_per_order, ticket_type.max_per_order
        if not least <= wanted[line.ticket_type] <= most or line.quantity < 1:
            raise errors.WrongQuantity(field=f"lines.{index}.quantity", what=ticket_type.name, least=least, most=most)
    _refuse_wrong_answers(basket, found)
    return dict(found)


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


def _refuse_off_sale(ticket_type: TicketType, where: str, now: datetime) -> None:
    """The sale window is [start, end) (O10); without an end of its own a type is sold until the event is over."""
    event = ticket_type.event
    if event.status != Event.Status.PUBLISHED:
        raise errors.NotOnSale(field=where, what=event.title)
    if ticket_type.sale_starts_at and now < ticket_type.sale_starts_at:
        raise errors.SaleNotStarted(field=where, what=ticket_type.name)
    over = event.ends_at or event.starts_at
    if now >= over or (ticket_type.sale_ends_at and now >= ticket_type.sale_ends_at):
        raise errors.SaleEnded(field=where, what=ticket_type.name)


def _quotas_by_type(types: Mapping[int, TicketType]) -> dict[int, list[int]]:
    quotas: dict[int, list[int]] = {pk: [] for pk in types}
    pairs = QuotaTicketType.objects.filter(ticket_type__in=types).order_by("quota_id")
    for type_id, quota_id in pairs.values_list("ticket_type_id", "quota_id"):
        quotas[type_id].append(quota_id)
    for pk, ticket_type in types.items():
        if not quotas[pk]:
            # A type that draws from no quota has no places: selling it would be selling without a count.
            raise SoldOut(what=ticket_type.name)
    return quotas


def _quotas_of(basket: Basket) -> list[int]:
    types = {line.ticket_type for line in basket.lines}
    return list(QuotaTicketType.objects.filter(ticket_type__in=types).values_list("quota_id", flat=True))


def _lines(
    basket: Basket, types: Mapping[int, TicketType], quotas: Mapping[int, list[int]]
) -> tuple[list[OrderLine], str]:
    """Return the order's lines, an admission each, with their prices fixed, and the one currency."""
    currencies = {ticket_type.event.currency for ticket_type in types.values()}
    if len(currencies) > 1:
        raise errors.MixedCurrencies(field="lines")
    lines: list[OrderLine] = []
    for wanted in basket.lines:
        ticket_type = types[wanted.ticket_type]
        priced = pricing.price_line(ticket_type.price_minor, ticket_type.tax_rate)
        for index in range(wanted.quantity):
            attendee = wanted.attendees[index] if index < len(wanted.attendees) else Attendee()
            lines.append(
                OrderLine(
                    position=len(lines) + 1,
                    kind=OrderLine.Kind.TICKET,
                    event_id=ticket_type.event_id,
                    ticket_type_id=ticket_type.pk,
                    quotas=quotas[ticket_type.pk],
                    title=f"{ticket_type.event.title}: {ticket_type.name}",
                    unit_price_minor=priced.unit_price_minor,
                    tax_rate=priced.tax_rate,
                    tax_minor=priced.tax_minor,
                    total_minor=priced.total_minor,
                    attendee_name=attendee.name,
                    attendee_email=attendee.email,
                    answers=answers_of(ticket_type.asked, attendee.answers)[0],  # type: ignore[attr-defined]  # annotated
                )
            )
    return lines, currencies.pop()


def _refuse_too_many_open(basket: Basket, user: Any, events: set[int | None], now: datetime) -> None:
    limit = preference(current_tenant(), "open_orders_per_buyer")
    # Staff at the box office sell to one address many times over.
    if basket.channel != "web":
        return
    # Orders of one buyer are counted one after the other, or as many as come at once would pass (O10).
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))",
            [BUYER_LOCK, f"{connection.schema_name} {user.pk if user else basket.email.lower()}"],
        )
    buyer = Q(email__iexact=basket.email) if user is None else Q(email__iexact=basket.email) | Q(user=user.pk)
    open_orders = Order.objects.unpaid().filter(buyer, expires_at__gt=now, lines__event__in=events)
    if open_orders.distinct().count() >= limit:
        raise errors.TooManyOpenOrders(limit=limit)
