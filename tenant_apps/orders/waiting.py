"""Waiting lists: who joins, and who leaves. What is offered to whom is in `waiting_offers`."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, Count, IntegerField, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from shared_apps.accounts.models import small_letters
from shared_apps.core import limits
from shared_apps.core.addresses import network_of
from shared_apps.core.codes import unguessable_secret
from shared_apps.core.database_errors import retrying
from shared_apps.core.errors import TooManyRequests
from shared_apps.core.schemas import present_schema
from tenant_apps.activity.services import made, record
from tenant_apps.events.models import Event
from tenant_apps.orders import errors, waiting_offers
from tenant_apps.orders.checkout import Basket, BasketLine
from tenant_apps.orders.models import WaitingEntry
from tenant_apps.orders.selection import refuse_off_sale
from tenant_apps.orders.services import give_back_overdue
from tenant_apps.orders.waiting_models import IN_LINE, OPEN
from tenant_apps.staff.actors import person_of
from tenant_apps.ticketing.models import QuotaTicketType, TicketType
from tenants.context import current_tenant
from tenants.preferences import preference

MOST_WAITING = 10_000
# Who joins again is told again by mail that they are on the list; not oftener than this.
TELL_AGAIN = timedelta(hours=1)
HOUR = 3600
MOST_OF_ONE_CALLER = 60
MOST_FOR_ONE_ADDRESS = 10

Status = WaitingEntry.Status


@retrying
@transaction.atomic
def join(
    event: Event,
    *,
    ticket_type: int,
    quantity: int,
    email: str,
    user: Any = None,
    language: str = "",
    now: datetime | None = None,
) -> WaitingEntry:
    """Put the address on the list of a sold-out ticket type, for so many places: all of them or none.

    One open entry per address, whatever its case, and type: joining again changes nothing. Tell nobody but the address
    itself, by mail, which of the two happened. Raises NotSoldOut, WaitingListClosed, WaitingListFull, and what an order
    of so many would be refused for.
    """
    now = now or timezone.now()
    person = person_of(user)
    if person is None and not preference(current_tenant(), "guest_checkout"):
        raise errors.ConfirmedAccountRequired
    kind = _awaitable(event, ticket_type, quantity, now)
    open_entries = WaitingEntry.objects.open().filter(ticket_type=kind.pk)
    if (found := open_entries.filter(email__iexact=email).first()) is not None:
        return _tell_again(found, now)
    if open_entries.count() >= MOST_WAITING:
        raise errors.WaitingListFull(field="ticket_type", what=kind.name)
    entry = WaitingEntry(
        ticket_type=kind,
        quantity=quantity,
        email=email,
        user=person,
        language=language or current_tenant().language,
        secret=unguessable_secret(),
        joined_at=now,
        told_at=now,
    )
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError as error:
        # Somebody joined with this address at the same moment.
        if "waiting_once" not in str(error):
            raise
        return open_entries.get(email__iexact=email)
    record("waiting.joined", entry, actor=person, details=made(ticket_type=kind.pk, quantity=quantity))
    return entry


def _awaitable(event: Event, pk: int, quantity: int, now: datetime) -> Any:
    """Return the type if so many of it can be waited for."""
    kind = _visible(event, pk)
    if kind is None:
        raise errors.UnknownTicketType(field="ticket_type")
    refuse_off_sale(kind, "ticket_type", now)
    if not kind.waiting_list:
        raise errors.WaitingListClosed(field="ticket_type", what=kind.name)
    most = min(kind.max_per_order, preference(current_tenant(), "max_tickets_per_order"))
    if kind.max_per_person is not None:
        most = min(most, kind.max_per_person)
    if not kind.min_per_order <= quantity <= most:
        raise errors.WrongQuantity(field="quantity", what=kind.name, least=kind.min_per_order, most=most)
    quotas = list(QuotaTicketType.objects.filter(ticket_type=pk).values_list("quota_id", flat=True))
    # Places of orders whose time is up count as free, whether or not a job has run (M3).
    if kind.places is not None and kind.places < quantity and give_back_overdue(quotas, now=now):
        kind = _visible(event, pk)
    if not quotas or kind.places is None or kind.places >= quantity:
        raise errors.NotSoldOut(field="ticket_type", what=kind.name)
    return kind


def _visible(event: Event, pk: int) -> Any:
    types: Any = TicketType.objects.visible().filter(event=event, pk=pk)
    return types.select_related("event").with_places().first()


def _tell_again(entry: WaitingEntry, now: datetime) -> WaitingEntry:
    due = WaitingEntry.objects.filter(pk=entry.pk, told_at__lte=now - TELL_AGAIN)
    if entry.status != Status.OFFERED and due.update(told_at=now):
        record("waiting.joined_again", entry)
    return entry


def leave(entry: WaitingEntry, *, actor: Any = None) -> WaitingEntry:
    """The person does not want to wait any more, or not what is offered. Leaving twice is leaving once."""
    status = Status.DECLINED if entry.status == Status.OFFERED else Status.LEFT
    return waiting_offers.end(entry, status, actor=actor)


def remove(entry: WaitingEntry, *, actor: Any) -> WaitingEntry:
    """Staff take somebody off the list; what was offered goes to the next."""
    return waiting_offers.end(entry, Status.REMOVED, actor=actor)


def by_secret(secret: str) -> WaitingEntry | None:
    """Return whose secret this is: 256 random bits, which nobody finds by trying (T5)."""
    found = WaitingEntry.objects.filter(secret=secret).select_related("ticket_type__event__venue", "order")
    entry: WaitingEntry | None = found.first()
    return entry


# --- Asking ----------------------------------------------------------------------------------------------------------


def entries_of(event: Event) -> Any:
    """Everybody who waits or waited for an event's tickets: who waits first, in the order in which they are served."""
    open_first = Case(When(status__in=OPEN, then=0), default=1, output_field=IntegerField())
    found = WaitingEntry.objects.filter(ticket_type__event=event)
    return found.select_related("ticket_type__event", "order").order_by(open_first, "joined_at", "pk")


def ahead_of(entries: Collection[WaitingEntry]) -> dict[Any, int]:
    """How many entries stand before each of these that still wait, by id; one statement."""
    waiting = [entry for entry in entries if entry.status in IN_LINE]
    before = (
        WaitingEntry.objects.filter(ticket_type=OuterRef("ticket_type"), status__in=IN_LINE)
        .filter(Q(joined_at__lt=OuterRef("joined_at")) | Q(joined_at=OuterRef("joined_at"), pk__lt=OuterRef("pk")))
        .order_by()
        .values("ticket_type")
        .annotate(ahead=Count("pk"))
        .values("ahead")
    )
    rows = WaitingEntry.objects.filter(pk__in=[entry.pk for entry in waiting])
    return dict(rows.annotate(ahead=Coalesce(Subquery(before), 0)).values_list("pk", "ahead"))


def basket_of(entry: WaitingEntry, **details: Any) -> Basket:
    """What somebody orders who takes an offer: so many of the type, for the address that waited. The rest (`name`,
    `attendees`, `price`, `provider`, `language`, `options`) is theirs to say."""
    line = BasketLine(
        ticket_type=entry.ticket_type_id,
        quantity=entry.quantity,
        attendees=details.pop("attendees", ()),
        price=details.pop("price", None),
    )
    # A type that was hidden since stays open to those it was offered to.
    return Basket(email=entry.email, lines=[line], unlocked=[entry.ticket_type_id], **details)


def is_own_address(user: Any, email: str) -> bool:
    """Whether the caller has proved that this address is theirs."""
    person = person_of(user)
    return person is not None and bool(person.email_verified_at) and person.email.lower() == email.lower()


def count_try(email: str, source: str | None) -> None:
    """Keep anybody from being written to all the time, and one caller from filling the lists (I8)."""
    kept = [
        limits.hit(f"waiting:{present_schema()}:{network_of(source)}", MOST_OF_ONE_CALLER, HOUR),
        limits.hit(f"waiting:{present_schema()}:{small_letters(email)}", MOST_FOR_ONE_ADDRESS, HOUR),
    ]
    if not all(each.allowed for each in kept):
        raise TooManyRequests(retry_after=max(each.reset_after for each in kept if not each.allowed))
