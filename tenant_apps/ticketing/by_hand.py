"""Letting somebody in whose code cannot be read: the ticket is found by name, and a person says why."""

import uuid
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.errors import Busy, FieldError, InvalidInput
from tenant_apps.activity.services import made, record
from tenant_apps.ticketing.doors import admissions_before
from tenant_apps.ticketing.models import CheckIn, CheckInList, CheckInListType, Ticket
from tenant_apps.ticketing.scanning import (
    MOST_LOOKS,
    Scan,
    ScanAnswer,
    check_shape,
    first_again,
    is_written,
    judge,
    scan_answer,
)

FEWEST_LETTERS = 2
MOST_FOUND = 30
LONGEST_REASON = 200


def look_up(entrance: CheckInList, text: str) -> list[Any]:
    """Return the tickets of the entrance's event that fit what was typed: all words in the holder's name, or the
    address, the short code or the seat. Valid ones come first, at most MOST_FOUND.

    Each has `accepted` (the list takes its type) and `standing_since` (it stands inside by this list, or zone).
    """
    text = " ".join(text.split())[:100]
    if len(text) < FEWEST_LETTERS:
        return []
    named = Q()
    for word in text.split()[:6]:
        named &= Q(holder_name__icontains=word)
    short = text.upper().replace(" ", "").replace("-", "")
    fits = named | Q(holder_email__istartswith=text) | Q(short_code__in=(text.upper(), short)) | Q(seat__iexact=text)
    here = Q(check_in_list=entrance)
    if entrance.zone_id is not None:
        here |= Q(zone=entrance.zone_id)
    standing = CheckIn.objects.standing().filter(here, ticket=OuterRef("pk")).order_by("-scanned_at")
    found = (
        _judged(entrance)
        .filter(fits)
        .annotate(
            standing_since=Subquery(standing.values("scanned_at")[:1]),
            ended=~Q(status__in=("active", "used")),
        )
        .order_by("ended", "holder_name", "pk")
    )
    return list(found[:MOST_FOUND])


def check_in_by_hand(
    entrance: CheckInList, ticket_id: UUID, *, reason: str, by: Any, direction: str = "in", scan_id: str | None = None
) -> ScanAnswer:
    """Admit a ticket, or let its holder out, without its code. `reason` is why, in words; all rules hold as for a scan.

    The same scan id gets the first answer again (T3); without one the answer has an id of its own. Raises InvalidInput
    for a ticket of another event and for no reason.
    """
    scan_id = uuid.uuid4().hex if scan_id is None else scan_id
    check_shape(Scan("", scan_id, direction=direction))
    reason = " ".join(str(reason or "").split())
    if not reason:
        raise InvalidInput(errors=[FieldError("reason", "required", _("Say why the code is not scanned."))])
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(errors=[FieldError("reason", "too_long", _("At most %d characters.") % LONGEST_REASON)])
    now = timezone.now()
    for _look in range(MOST_LOOKS):
        ticket = _judged(entrance).filter(pk=ticket_id).first()
        if ticket is None:
            raise InvalidInput(errors=[FieldError("ticket", "does_not_exist", _("This does not exist."))])
        why = judge(entrance, ticket, direction, now)
        row = CheckIn(
            check_in_list_id=entrance.pk,
            ticket_id=ticket.pk,
            scan_id=scan_id,
            result=CheckIn.Result.REFUSED if why else CheckIn.Result.ADMITTED,
            reason=why,
            direction=direction,
            scanned_at=now,
            received_at=now,
            scanned_by=getattr(by, "pk", None),
            note=reason,
        )
        with transaction.atomic():
            if is_written(row, ticket, entrance):
                told = {"ticket": str(ticket.pk), "list": entrance.pk, "why": reason, "direction": direction}
                outcome = made(result=row.result, reason=row.reason)
                record("check_in.by_hand", row, actor=by, details={**told, **outcome}, deliver=False)
                return scan_answer(row, ticket, entrance)
        if first := CheckIn.objects.filter(check_in_list=entrance, scan_id=scan_id).first():
            return first_again(first, ticket, entrance)
    raise Busy


def _judged(entrance: CheckInList) -> Any:
    """The tickets of the entrance's event with what they are judged by, as `doors` reads it."""
    limited = CheckInListType.objects.filter(check_in_list=entrance)
    standing = CheckIn.objects.standing().filter(check_in_list=entrance, ticket=OuterRef("pk"))
    return (
        Ticket.objects.filter(event=entrance.event_id)
        .select_related("ticket_type")
        .annotate(
            accepted=~Exists(limited) | Exists(limited.filter(ticket_type_id=OuterRef("ticket_type_id"))),
            inside_since=Subquery(standing.values("scanned_at")[:1]),
            **admissions_before(entrance.pk),
        )
    )
