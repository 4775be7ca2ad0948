"""One scan at an entrance and its answer. The database decides (T1-T4).

A scan is one transaction of at most five statements. The ticket's row is locked first, so that scans of one
ticket follow each other; the answer is then inserted, and two unique constraints have the last word: an id is
answered once (`check_in_scan_once`), and one admission stands per ticket and list (`check_in_one_admission`).
No answer depends on having looked first, so it holds with any number of gates.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.clock import EARLIEST
from shared_apps.core.errors import FieldError, InvalidInput, NotFound
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.ticketing import lifecycle
from tenant_apps.ticketing.codes import TicketCode, read
from tenant_apps.ticketing.errors import NothingToUndo
from tenant_apps.ticketing.models import CheckIn, CheckInList, CheckInListType, EventKey, RetiredCode, Ticket

MOST_SCANS = 500
# A scanner's clock may run ahead; a time further in the future than this is the moment we got it instead.
CLOCK_SKEW = timedelta(minutes=5)
_SCAN_ID = re.compile(r"[!-~]{1,64}")
_ADMITTED, _REFUSED = CheckIn.Result.ADMITTED, CheckIn.Result.REFUSED
_IN, _OUT = CheckIn.Direction.IN, CheckIn.Direction.OUT
# Tickets that are refused for what became of them, each with a reason of its own.
_ENDED = frozenset({"cancelled", "refunded", "transferred", "revoked", "expired"})

REASONS: dict[str, Any] = {
    "unknown": gettext_lazy("This is no ticket of ours."),
    "unpaid": gettext_lazy("This ticket is not paid."),
    "cancelled": gettext_lazy("This ticket was cancelled."),
    "refunded": gettext_lazy("This ticket was refunded."),
    "transferred": gettext_lazy("This ticket was passed on; only the new one counts."),
    "already_used": gettext_lazy("This ticket was used already."),
    "wrong_event": gettext_lazy("This ticket is for another event."),
    "wrong_ticket_type": gettext_lazy("This ticket is not accepted at this entrance."),
    "not_yet_valid": gettext_lazy("This ticket is not valid yet."),
    "expired": gettext_lazy("This ticket is no longer valid."),
    "revoked": gettext_lazy("This ticket was withdrawn."),
}
# The other event's ticket is another team's business: its holder is not shown (I2).
_HIDES_TICKET = frozenset({"unknown", "wrong_event"})


@dataclass(frozen=True, slots=True)
class ScanAnswer:
    """What the entrance is told. `ticket` is None where the entrance may not see it; `repeated` for a known id."""

    check_in: CheckIn
    ticket: Ticket | None
    repeated: bool = False
    # When the admission that still stands was given, for `already_used`.
    admitted_at: datetime | None = None

    @property
    def admitted(self) -> bool:
        return self.check_in.result == _ADMITTED

    @property
    def reason(self) -> str:
        return self.check_in.reason

    @property
    def message(self) -> Any:
        """A sentence for the person at the door."""
        if self.admitted:
            return _("Goodbye.") if self.check_in.direction == _OUT else _("Welcome.")
        return REASONS[self.reason]


@dataclass(frozen=True, slots=True)
class Scan:
    """One reading of a code, as a scanner sends it."""

    code: str
    scan_id: str
    scanned_at: datetime | None = None
    direction: str = "in"


def scan(
    check_in_list: CheckInList,
    code: str,
    scan_id: str,
    *,
    by: Any,
    scanned_at: datetime | None = None,
    direction: str = "in",
) -> ScanAnswer:
    """Admit the ticket, let its holder out, or say why not. The same scan id gets the first answer again (T3).

    `by` is the user at the scanner. `scanned_at` is when the code was read, for scans sent later.
    """
    _check(scan_id, direction)
    now = timezone.now()
    read_code = read(code)
    with transaction.atomic():
        ticket = _lock_ticket(check_in_list, read_code) if read_code else None
        reason = _refusal(check_in_list, ticket, read_code, direction, _moment(scanned_at, now))
        answer = CheckIn(
            check_in_list=check_in_list,
            ticket=None if reason == "unknown" else ticket,
            scan_id=scan_id,
            result=_REFUSED if reason else _ADMITTED,
            reason=reason,
            direction=direction,
            scanned_at=_moment(scanned_at, now),
            received_at=now,
            scanned_by=getattr(by, "pk", None),
        )
        if not CheckIn.objects.insert_unless_there(answer):
            return _second(answer, ticket)
        if answer.result == _ADMITTED and ticket is not None:
            _effect(answer, ticket)
        return ScanAnswer(answer, _visible(ticket, reason))


def scan_many(check_in_list: CheckInList, scans: Iterable[Scan], *, by: Any) -> list[ScanAnswer]:
    """Answer a scanner that was offline, in the order in which it read; each scan is a transaction of its own (T3)."""
    return [
        scan(check_in_list, each.code, each.scan_id, by=by, scanned_at=each.scanned_at, direction=each.direction)
        for each in scans
    ]


@transaction.atomic
def undo(check_in_list: CheckInList, scan_id: str, *, by: Any) -> CheckIn:
    """Take an admission back, for a ticket scanned by mistake; the ticket is good again. Repeating changes nothing."""
    check_in = CheckIn.objects.filter(check_in_list=check_in_list, scan_id=scan_id).first()
    if check_in is None:
        raise NotFound
    if check_in.result != _ADMITTED or check_in.direction != _IN:
        raise NothingToUndo
    ticket = Ticket.objects.select_for_update(of=("self",)).get(check_ins=check_in)
    now = timezone.now()
    undone = CheckIn.objects.filter(pk=check_in.pk, undone_at__isnull=True).update(undone_at=now, undone_by=by.pk)
    if undone:
        elsewhere = CheckIn.objects.admissions().filter(ticket=ticket)
        lifecycle.move_all(Ticket.objects.filter(~Exists(elsewhere), pk=ticket.pk, status="used"), "active", now=now)
        told = before_and_after({"standing": True}, {"standing": False})
        record("check_in.undone", check_in, actor=by, details={"ticket": str(ticket.pk), "scan": scan_id, **told})
    check_in.refresh_from_db()
    return check_in


# --- Inside ------------------------------------------------------------------------------------------------------


def _check(scan_id: str, direction: str) -> None:
    errors = []
    if not isinstance(scan_id, str) or not _SCAN_ID.fullmatch(scan_id):
        errors.append(FieldError("scan_id", "invalid", _("1 to 64 visible ASCII characters.")))
    if direction not in CheckIn.Direction.values:
        errors.append(FieldError("direction", "invalid", _("Either in or out.")))
    if errors:
        raise InvalidInput(errors=errors)


def _moment(scanned_at: datetime | None, now: datetime) -> datetime:
    if scanned_at is None or scanned_at > now + CLOCK_SKEW:
        return now
    return max(scanned_at, datetime(EARLIEST, 1, 1, tzinfo=UTC))


def _lock_ticket(check_in_list: CheckInList, code: TicketCode) -> Ticket | None:
    """The ticket with the code's token, locked until we have answered, with what is needed to judge it.

    `retired` tells that the token was its own once: the ticket has another code now.
    """
    key = EventKey.objects.filter(event_id=OuterRef("event_id"), key_id=code.key_id)
    limited = CheckInListType.objects.filter(check_in_list_id=check_in_list.pk)
    tickets = (
        Ticket.objects.select_for_update(of=("self",))
        .select_related("ticket_type", "event")
        .annotate(
            public_key=Subquery(key.values("public_key")),
            key_revoked_at=Subquery(key.values("revoked_at")),
            accepted=~Exists(limited) | Exists(limited.filter(ticket_type_id=OuterRef("ticket_type_id"))),
        )
    )
    # By the id, which the token leads to: a row that gets another token while we wait for its lock is still found, and
    # known by it.
    now_or_before = Coalesce(
        Subquery(Ticket.objects.filter(token=code.token).values("pk")),
        Subquery(RetiredCode.objects.filter(token=code.token).values("ticket_id")),
    )
    found: Any = tickets.filter(pk=now_or_before).first()
    if found is not None:
        found.retired = found.token != code.token
    return found  # type: ignore[no-any-return]  # annotated rows are Any to the stubs


def _refusal(check_in_list: CheckInList, ticket: Any, code: TicketCode | None, direction: str, at: datetime) -> str:
    """Why the ticket is refused; "" if nothing but the constraint can still refuse it."""
    if ticket is None or code is None or ticket.public_key is None or not code.signed_by(ticket.public_key):
        return "unknown"
    if ticket.event_id != check_in_list.event_id:
        return "wrong_event"
    if direction == _OUT:
        return ""  # whoever is inside may leave, whatever became of the ticket
    if ticket.retired or ticket.key_revoked_at is not None:
        return "revoked"
    if ticket.status in _ENDED and not lifecycle.was_good_at(ticket, at):
        return str(ticket.status)
    if ticket.event.status == Event.Status.CANCELLED:
        return "cancelled"
    if not ticket.accepted:
        return "wrong_ticket_type"
    if ticket.valid_from and at < ticket.valid_from:
        return "not_yet_valid"
    if ticket.valid_until and at > ticket.valid_until:
        return "expired"
    return ""


def _second(answer: CheckIn, ticket: Ticket | None) -> ScanAnswer:
    """A constraint turned the answer down: this id was answered before, or an admission stands in the way."""
    rows = CheckIn.objects.filter(check_in_list_id=answer.check_in_list_id).select_related("ticket__ticket_type")
    in_the_way = Q(scan_id=answer.scan_id)
    if ticket is not None:
        in_the_way |= Q(ticket=ticket, pk__in=CheckIn.objects.standing().values("pk"))
    found = list(rows.filter(in_the_way))
    first = next((row for row in found if row.scan_id == answer.scan_id), None)
    if first is None:
        answer.result, answer.reason = _REFUSED, "already_used"
        if CheckIn.objects.insert_unless_there(answer):
            return ScanAnswer(answer, ticket, admitted_at=found[0].scanned_at)
        # Another ticket was scanned under this very id between our look and our insert: it was first.
        first = rows.get(scan_id=answer.scan_id)
    return ScanAnswer(first, _visible(first.ticket, first.reason), repeated=True)


def _effect(answer: CheckIn, ticket: Ticket) -> None:
    if answer.direction == _OUT:
        CheckIn.objects.standing().filter(check_in_list_id=answer.check_in_list_id, ticket=ticket).update(
            left_at=answer.scanned_at
        )
    elif ticket.status != Ticket.Status.USED:
        lifecycle.move_all(Ticket.objects.filter(pk=ticket.pk), "used")
        ticket.status = Ticket.Status.USED


def _visible(ticket: Ticket | None, reason: str) -> Ticket | None:
    return None if reason in _HIDES_TICKET else ticket
