"""Waiting lists: who joins, and who leaves. What is offered to whom is in `waiting_offers`."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from shared_apps.core.codes import unguessable_secret
from tenant_apps.activity.services import made, record
from tenant_apps.events.models import Event
from tenant_apps.orders import errors, waiting_offers
from tenant_apps.orders.models import WaitingEntry
from tenant_apps.orders.selection import refuse_off_sale
from tenant_apps.orders.services import give_back_overdue
from tenant_apps.staff.actors import person_of
from tenant_apps.ticketing.models import QuotaTicketType, TicketType
from tenants.context import current_tenant
from tenants.preferences import preference

MOST_WAITING = 10_000
# Who joins again is told again by mail that they are on the list; not oftener than this.
TELL_AGAIN = timedelta(hours=1)

Status = WaitingEntry.Status


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
