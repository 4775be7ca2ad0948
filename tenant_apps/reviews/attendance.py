"""Who was there: the one question that decides whether somebody may review an event.

A ticket speaks for who holds it: by the address that stands on it and that the person has confirmed, or, where the
buyer kept it for themselves, by the account it was bought with. Whoever was given it after the end has seen nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from tenant_apps.events.models import Event
from tenant_apps.events.services import WITHOUT_END
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.reviews.errors import EventCalledOff, NotOver
from tenant_apps.reviews.models import Review
from tenant_apps.ticketing.models import CheckIn, Ticket
from tenants.context import current_tenant
from tenants.preferences import preference

Status = Ticket.Status
# An expired ticket is one whose event is over and that nobody scanned.
HELD = (Status.ACTIVE, Status.USED, Status.EXPIRED)
PUBLISHED, POSTPONED, FINISHED = Event.Status.PUBLISHED, Event.Status.POSTPONED, Event.Status.FINISHED
# Longer ago nobody is reminded that they could still say how it was.
REMINDED_FOR = timedelta(days=365)


def ended_at(event: Any) -> datetime:
    """Return when the event is over: at its end, or two hours after a start without known end."""
    end: datetime = event.ends_at or event.starts_at + WITHOUT_END
    return end


def is_over(event: Any, now: datetime | None = None) -> bool:
    """Tell whether the event took place: its end has passed, and it was not called off."""
    return event.status in (PUBLISHED, POSTPONED, FINISHED) and ended_at(event) <= (now or timezone.now())


def require_over(event: Any, now: datetime | None = None) -> None:
    """Raise EventCalledOff or NotOver unless the event took place."""
    if event.status == Event.Status.CANCELLED:
        raise EventCalledOff
    if not is_over(event, now):
        raise NotOver


def scans(event: Any) -> bool:
    """Tell whether being scanned is what counts at this event, by the tenant's setting."""
    rule = preference(current_tenant(), "reviews_by")
    return rule == "checked_in" or (rule == "auto" and _anybody_was_scanned(event))


def ticket_of(user: Any, event: Any) -> Ticket | None:
    """Return a ticket by which the person was at the event and that carries no review yet; None if there is none.

    At most three statements.
    """
    if user.email_verified_at is None:
        return None
    in_time = Q(received__isnull=True) | Q(received__at__lt=ended_at(event))
    tickets = Ticket.objects.filter(in_time, event=event, review__isnull=True)
    tickets = tickets.filter(status=Status.USED) if scans(event) else tickets.filter(status__in=HELD)
    # By their orders first, which an index finds; a ticket in their name on another's order after that.
    bought = tickets.filter(_kept(user))
    return bought.order_by("-status", "pk").first() or (
        tickets.filter(holder_email__iexact=user.email).order_by("-status", "pk").first()
    )


def may_review(user: Any, event: Any) -> bool:
    """Tell whether the person was at the event, as far as they or their tickets have said nothing about it yet."""
    return Review.objects.filter(event=event, user_id=user.pk, status="withdrawn").exists() or (
        ticket_of(user, event) is not None
    )


def proof_of(ticket: Ticket) -> str:
    """Return by what the ticket shows that its holder was there."""
    return Review.Proof.CHECKED_IN if ticket.status == Status.USED else Review.Proof.TICKET


def to_review(user: Any, now: datetime | None = None) -> Any:
    """Return the events that the person was at within a year and has not reviewed, the last one first.

    By what they bought here; one statement. A ticket that somebody else bought for them opens the event's own page.
    """
    now = now or timezone.now()
    if user.email_verified_at is None:
        return Event.objects.none()
    rule = preference(current_tenant(), "reviews_by")
    mine = Ticket.objects.filter(_kept(user), event=OuterRef("pk"), status__in=HELD, review__isnull=True)
    scanned = _scans_of(OuterRef("pk"))
    came = Q(Exists(mine.filter(status=Status.USED)))
    if rule == "holders":
        came = Q(Exists(mine))
    elif rule == "auto":
        came |= Q(Exists(mine)) & ~Q(Exists(scanned))
    over = Event.objects.annotate(ended_at=Coalesce("ends_at", F("starts_at") + WITHOUT_END)).filter(
        status__in=(PUBLISHED, POSTPONED, FINISHED), ended_at__lte=now, ended_at__gt=now - REMINDED_FOR
    )
    written = Review.objects.own(user).filter(event=OuterRef("pk"))
    bought = OrderLine.objects.filter(order__in=_orders(user).values("pk"), event__isnull=False).values("event_id")
    return over.filter(came, ~Exists(written), pk__in=bought).order_by("-ended_at", "pk")


def _orders(user: Any) -> Any:
    return Order.objects.filter(Q(user_id=user.pk) | Q(user__isnull=True, email__iexact=user.email))


def _kept(user: Any) -> Q:
    """Tickets that the person bought and did not put into somebody else's name."""
    own = OrderLine.objects.annotate(to=Lower("ticket__holder_email"), buyer=Lower("order__email")).filter(
        Q(to="") | Q(to=F("buyer")), order__in=_orders(user).values("pk"), ticket__isnull=False
    )
    return Q(pk__in=own.values("ticket_id"))


def _anybody_was_scanned(event: Any) -> bool:
    return bool(_scans_of(event.pk).exists())


def _scans_of(event: Any) -> Any:
    return CheckIn.objects.filter(
        check_in_list__event=event, result=CheckIn.Result.ADMITTED, direction=CheckIn.Direction.IN, undone_at=None
    )
