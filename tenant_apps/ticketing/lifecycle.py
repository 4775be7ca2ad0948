"""The life of a ticket. Nothing else writes Ticket.status or Ticket.token, so what the door refuses is decided here.

    active ──scan──> used ──undo──> active          revoked ──reinstate──> active or used
    active, used, revoked, expired ──order or line ends──> cancelled ──its money goes back──> refunded
    active ──passed on──> transferred               active, used ──staff──> revoked
    active ──its time is over──> expired ──read at the door before that, sent later──> used

A scan locks the ticket's row, and so does every move here: whoever is at the door at the same moment comes before or
after it, never beside it (T4). Orders are locked before their tickets (M2); what needs the order is in
`orders.passing_on`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.codes import unguessable_secret
from shared_apps.core.errors import FieldError, InvalidInput, WrongState
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.events.models import Event
from tenant_apps.events.services import WITHOUT_END
from tenant_apps.ticketing.codes import new_short_code, new_token
from tenant_apps.ticketing.errors import TicketUsed
from tenant_apps.ticketing.models import CheckIn, Handover, RetiredCode, Ticket

Status = Ticket.Status
ACTIVE, USED, CANCELLED, REFUNDED, TRANSFERRED, REVOKED, EXPIRED = (
    Status.ACTIVE,
    Status.USED,
    Status.CANCELLED,
    Status.REFUNDED,
    Status.TRANSFERRED,
    Status.REVOKED,
    Status.EXPIRED,
)
# What admits, or did.
GOOD = (ACTIVE, USED)
# Each state, and those that a ticket may come from.
MOVES: Mapping[str, Collection[str]] = MappingProxyType(
    {
        ACTIVE: (USED, REVOKED),
        USED: (ACTIVE, REVOKED, EXPIRED),
        CANCELLED: (ACTIVE, USED, REVOKED, EXPIRED),
        REFUNDED: (ACTIVE, USED, REVOKED, EXPIRED, CANCELLED),
        TRANSFERRED: (ACTIVE,),
        REVOKED: (ACTIVE, USED),
        EXPIRED: (ACTIVE,),
    }
)
# After the end of an event: doors close late, and programmes run over.
GRACE = timedelta(hours=12)
BATCH = 1000


def move_all(tickets: "QuerySet[Ticket]", status: str, *, now: datetime | None = None) -> int:
    """Move those of the tickets that may move to `status`; return how many. One statement.

    For moves that belong to something larger (a scan, an order that ends), which is what the audit trail tells.
    """
    movable = tickets.filter(status__in=MOVES[status])
    return movable.update(status=status, modified_at=now or timezone.now())


def lock(ticket: Ticket) -> Ticket:
    """Return the ticket as it is now, locked: nobody is admitted with it until the transaction ends."""
    rows = Ticket.objects.select_related("event", "ticket_type").select_for_update(of=("self",), no_key=True)
    return rows.get(pk=ticket.pk)


@transaction.atomic
def revoke(ticket: Ticket, *, reason: str, actor: Any) -> Ticket:
    """Withdraw a ticket: it admits nobody from the commit on. Its place stays taken, and its order as it is.

    Repeating it changes nothing. Raises WrongState for a ticket that has ended, InvalidInput without a reason.
    """
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise InvalidInput(errors=[FieldError("reason", "required", _("Say why."))])
    ticket = lock(ticket)
    if ticket.status != REVOKED:
        _move(ticket, REVOKED, "ticket.revoked", actor, reason=reason)
    return ticket


@transaction.atomic
def reinstate(ticket: Ticket, *, actor: Any) -> Ticket:
    """Make a revoked ticket good again: used, if an admission with it counts, else active.

    Repeating it changes nothing. Raises WrongState for a ticket that ended otherwise.
    """
    ticket = lock(ticket)
    if ticket.status in GOOD:
        return ticket
    if ticket.status != REVOKED:
        raise WrongState(now=ticket.get_status_display())
    was_in = CheckIn.objects.admissions().filter(ticket=ticket).exists()
    ticket.reinstated_at = timezone.now()
    _move(ticket, USED if was_in else ACTIVE, "ticket.reinstated", actor)
    return ticket


@transaction.atomic
def reissue(ticket: Ticket, *, actor: Any = None, by_staff: bool = False) -> Ticket:
    """Give the ticket another code, because somebody else may have the one it has; that one is dead at commit.

    A holder may as long as it was not used; staff may always while it is good. Raises WrongState, TicketUsed.
    """
    ticket = lock(ticket)
    if ticket.status == USED and not by_staff:
        raise TicketUsed
    if ticket.status not in GOOD:
        raise WrongState(now=ticket.get_status_display())
    now = timezone.now()
    RetiredCode.objects.create(token=ticket.token, ticket=ticket, event_id=ticket.event_id, retired_at=now)
    before = {"short_code": ticket.short_code}
    # The short code as well: whoever looks a ticket up by what is printed on the lost paper finds nothing.
    ticket.token, ticket.short_code = new_token(), new_short_code()
    ticket.save(update_fields=["token", "short_code", "modified_at"])
    told = before_and_after(before, {"short_code": ticket.short_code})
    record("ticket.reissued", ticket, actor=actor, details=told)
    return ticket


def hand_over(ticket: Ticket, *, name: str, email: str, actor: Any = None) -> Ticket:
    """End the ticket and return the one that takes its place, for another holder, with a code and a link of its own.

    The caller holds the ticket's lock, and has judged whether it may be. Raises WrongState.
    """
    new = Ticket.objects.create(
        event=ticket.event,
        ticket_type=ticket.ticket_type,
        token=new_token(),
        short_code=new_short_code(),
        holder_name=name,
        holder_email=email,
        price_minor=ticket.price_minor,
        currency=ticket.currency,
        seat=ticket.seat,
        valid_from=ticket.valid_from,
        valid_until=ticket.valid_until,
        secret=unguessable_secret(),
    )
    came = Handover.objects.filter(new=ticket).first()
    by = actor.pk if actor is not None and actor.is_authenticated else None
    Handover.objects.create(old=ticket, new=new, first_id=came.first_id if came else ticket.pk, by=by)
    # Each person's name stands at their own ticket: so it is found when they ask for their data (P3).
    _move(ticket, TRANSFERRED, "ticket.transferred", actor)
    record("ticket.received", new, actor=actor, details=made(holder_name=name, holder_email=email))
    return new


def handovers_of(ticket: Ticket) -> "QuerySet[Handover]":
    """Return how the ticket went from hand to hand, before this row and after it, in order."""
    came = Handover.objects.filter(new=ticket).first()
    return Handover.objects.filter(first=came.first_id if came else ticket.pk).order_by("at", "pk")


@transaction.atomic
def resend(ticket: Ticket, *, actor: Any = None) -> Ticket:
    """Have the ticket mailed to its holder again. Raises WrongState for one that has ended."""
    ticket = lock(ticket)
    if ticket.status not in GOOD:
        raise WrongState(now=ticket.get_status_display())
    record("ticket.resent", ticket, actor=actor)
    return ticket


def over(now: datetime) -> "QuerySet[Ticket]":
    """Return the tickets that nobody used and whose time is over: their own, or their event's with the grace."""
    ended = Coalesce(F("event__ends_at"), F("event__starts_at") + WITHOUT_END)
    finished = Q(event__status__in=(Event.Status.FINISHED, Event.Status.ARCHIVED), ended_at__lte=now - GRACE)
    return Ticket.objects.alias(ended_at=ended).filter(finished | Q(valid_until__lt=now), status=ACTIVE)


def expire_over(now: datetime | None = None) -> int:
    """Mark tickets that nobody used and whose time is over as expired; return how many. Twice changes nothing.

    A ticket that is just being scanned is left for the next time.
    """
    now = now or timezone.now()
    expired = 0
    while batch := _expire_some(now):
        expired += batch
    return expired


@transaction.atomic
def _expire_some(now: datetime) -> int:
    rows = over(now).order_by("pk").select_for_update(of=("self",), skip_locked=True, no_key=True)
    found = list(rows.values_list("pk", "event_id")[:BATCH])
    if not found:
        return 0
    moved = move_all(Ticket.objects.filter(pk__in=[pk for pk, _event in found]), EXPIRED, now=now)
    for event in Event.objects.filter(pk__in={event for _pk, event in found}):
        count = sum(1 for _pk, event_id in found if event_id == event.pk)
        record("event.tickets_expired", event, details={"count": count}, deliver=False)
    return moved


def was_good_at(ticket: Ticket, at: datetime) -> bool:
    """Tell whether a ticket that expired was still good at an earlier moment: a scanner may send late what it read in
    time. The ticket comes with its event."""
    if ticket.status != EXPIRED or at >= ticket.modified_at:
        return False
    if ticket.valid_until and at > ticket.valid_until:
        return False
    event = ticket.event
    return at < (event.ends_at or event.starts_at + WITHOUT_END) + GRACE


def _move(ticket: Ticket, status: str, topic: str, actor: Any, **details: Any) -> None:
    """Move one locked ticket and write down who did it. Raises WrongState."""
    before = ticket.status
    if before not in MOVES[status]:
        raise WrongState(now=ticket.get_status_display())
    ticket.status = status
    ticket.save(update_fields=["status", "reinstated_at", "modified_at"])
    record(topic, ticket, actor=actor, details={**details, **before_and_after({"status": before}, {"status": status})})
