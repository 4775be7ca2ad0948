"""One scan at an entrance and its answer. The database decides (T1-T4).

A scan is two statements: one reads all that it needs (`doors`), one writes the answer with its effect (`answering`).
The second locks the ticket's row, which must still be as it was read, and two unique constraints have the last word:
an id is answered once (`check_in_scan_once`), and one admission stands per ticket and list
(`check_in_one_admission`). What meanwhile became otherwise is read again. No answer depends on having looked first,
so it holds with any number of gates. What an entrance asks besides is in `admission`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.clock import EARLIEST
from shared_apps.core.errors import Busy, FieldError, InvalidInput, NotFound
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.ticketing import admission, answering, attention, lifecycle
from tenant_apps.ticketing.codes import TicketCode, read
from tenant_apps.ticketing.doors import Seen, see, see_again
from tenant_apps.ticketing.errors import NothingToUndo
from tenant_apps.ticketing.models import CheckIn, CheckInList, Ticket

MOST_SCANS = 500
# A scanner's clock may run ahead; a time further in the future than this is the moment we got it instead.
CLOCK_SKEW = timedelta(minutes=5)
# A clock that is further off than this is put right by what it says as it sends, and its people are told.
CLOCK_IS_RIGHT = timedelta(seconds=60)
# Beyond that it is no clock. One whose battery was empty says 1970.
_MOST_OFF = timedelta(days=36500)
_EARLIEST = datetime(EARLIEST, 1, 1, tzinfo=UTC)
# So often a scan is looked at again because others changed what it had seen; each time one of them came through.
MOST_LOOKS = 20
_SCAN_ID = re.compile(r"[!-~]{1,64}")
_ADMITTED, _REFUSED = CheckIn.Result.ADMITTED, CheckIn.Result.REFUSED
_IN, _OUT = CheckIn.Direction.IN, CheckIn.Direction.OUT
_DIRECTIONS, _DECISIONS = frozenset(CheckIn.Direction.values), frozenset({"", *CheckIn.Result.values})
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
    "wrong_direction": gettext_lazy("Nobody goes this way at this entrance."),
    "zone_full": gettext_lazy("It is full inside. Wait until somebody leaves."),
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
    # What people at the door look at besides: "check the student card".
    attention: tuple[str, ...] = ()
    # How far the scanner's clock is behind ours, in seconds; None while it is right or unknown.
    clock_off: int | None = None

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
    # What the scanner told people by itself while it was offline; empty where it asks.
    decided: str = ""


def scan_at(
    check_in_list_id: int, wanted: Scan, *, by: Any, sent_at: datetime | None = None, seen: Seen | None = None
) -> ScanAnswer:
    """`scan` for a caller who has only the list's number: rights, list and ticket are read in one statement.

    `seen` is what was read already, for the very same list, code and caller. Raises NotFound where there is no such
    list or the actor may not scan there.
    """
    check_shape(wanted)
    code = read(wanted.code)
    seen = seen or see(check_in_list_id, code, actor=by)
    if seen is None:
        raise NotFound
    return _answer(seen, wanted, code, by, timezone.now(), sent_at)


def scan(
    check_in_list: CheckInList,
    code: str,
    scan_id: str,
    *,
    by: Any,
    scanned_at: datetime | None = None,
    direction: str = "in",
    decided: str = "",
    sent_at: datetime | None = None,
) -> ScanAnswer:
    """Admit the ticket, let its holder out, or say why not. The same scan id gets the first answer again (T3).

    `by` is the user at the scanner, whose right was asked before. `scanned_at` is when the code was read, for scans
    sent later; `sent_at` what the scanner's clock says as it sends, by which a wrong clock is put right.
    """
    wanted = Scan(code, scan_id, scanned_at, direction, decided)
    check_shape(wanted)
    read_code = read(code)
    return _answer(see_again(check_in_list, read_code), wanted, read_code, by, timezone.now(), sent_at)


def scan_many(
    check_in_list: CheckInList, scans: Iterable[Scan], *, by: Any, sent_at: datetime | None = None
) -> list[ScanAnswer]:
    """Answer a scanner that was offline, in the order in which it read; each scan is decided by itself (T3)."""
    sent_by_our_clock = timezone.now()
    answers = []
    for each in scans:
        check_shape(each)
        code = read(each.code)
        seen = see_again(check_in_list, code)
        answers.append(_answer(seen, each, code, by, sent_by_our_clock, sent_at))
    return answers


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
    if admission.take_back(check_in, at=now, by=by):
        elsewhere = CheckIn.objects.admissions().filter(ticket=ticket)
        lifecycle.move_all(Ticket.objects.filter(~Exists(elsewhere), pk=ticket.pk, status="used"), "active", now=now)
        told = before_and_after({"standing": True}, {"standing": False})
        record("check_in.undone", check_in, actor=by, details={"ticket": str(ticket.pk), "scan": scan_id, **told})
    check_in.refresh_from_db()
    return check_in


# --- Inside ------------------------------------------------------------------------------------------------------


def check_shape(wanted: Scan) -> None:
    """Raise InvalidInput for what is no scan id, direction or decision."""
    errors = []
    if not isinstance(wanted.scan_id, str) or not _SCAN_ID.fullmatch(wanted.scan_id):
        errors.append(FieldError("scan_id", "invalid", _("1 to 64 visible ASCII characters.")))
    if wanted.direction not in _DIRECTIONS:
        errors.append(FieldError("direction", "invalid", _("Either in or out.")))
    if wanted.decided not in _DECISIONS:
        errors.append(FieldError("decided", "invalid", _("Either admitted or refused.")))
    if errors:
        raise InvalidInput(errors=errors)


def moment_of(scanned_at: datetime | None, now: datetime, sent_at: datetime | None) -> datetime:
    """Return when a code was read, by our clock, as far as the scanner's can be trusted."""
    return _moment(scanned_at, now, _clock_off(sent_at, now))


def _moment(scanned_at: datetime | None, now: datetime, off: timedelta | None) -> datetime:
    if scanned_at is None:
        return now
    if off is not None:
        try:
            scanned_at = min(scanned_at + off, now)
        except OverflowError:
            return now
    # Compared and not subtracted: the calendar ends within reach of a broken clock.
    return now if scanned_at > now + CLOCK_SKEW else max(scanned_at, _EARLIEST)


def _clock_off(sent_at: datetime | None, now: datetime) -> timedelta | None:
    """How far the scanner's clock is behind ours; None where it is right, or does not say."""
    off = timedelta(0) if sent_at is None else now - sent_at
    return off if CLOCK_IS_RIGHT < abs(off) < _MOST_OFF else None


def _answer(
    seen: Seen, wanted: Scan, code: TicketCode | None, by: Any, now: datetime, sent_at: datetime | None
) -> ScanAnswer:
    """Decide by what was seen and write it down; look again where the database says that it is no longer so."""
    entrance, off = seen.check_in_list, _clock_off(sent_at, now)
    at = _moment(wanted.scanned_at, now, off)
    seconds = None if off is None else round(off.total_seconds())
    for _look in range(MOST_LOOKS):
        ticket = seen.ticket
        reason = _refusal(entrance, ticket, code, wanted.direction, at)
        answer = CheckIn(
            check_in_list_id=entrance.pk,
            ticket_id=None if reason == "unknown" else ticket.pk,
            scan_id=wanted.scan_id,
            result=_REFUSED if reason else _ADMITTED,
            reason=reason,
            direction=wanted.direction,
            decided_offline=wanted.decided,
            scanned_at=at,
            received_at=now,
            scanned_by=getattr(by, "pk", None),
        )
        if is_written(answer, ticket, entrance):
            return scan_answer(answer, ticket, entrance, seconds)
        first = CheckIn.objects.filter(check_in_list_id=entrance.pk, scan_id=wanted.scan_id).first()
        if first is not None:
            return first_again(first, ticket, entrance, seconds)
        seen = see_again(entrance, code)
    raise Busy


def scan_answer(answer: CheckIn, ticket: Any, entrance: CheckInList, seconds: int | None = None) -> ScanAnswer:
    """Return what the entrance is told of an answer that was written just now."""
    return ScanAnswer(
        answer,
        _visible(ticket, answer.reason),
        admitted_at=ticket.inside_since if answer.reason == "already_used" else None,
        attention=() if answer.reason else attention.of(entrance, ticket),
        clock_off=seconds,
    )


def is_written(answer: CheckIn, ticket: Any, entrance: CheckInList) -> bool:
    """Write the answer with its effect; False for a scan id that is known, and where what it was decided by is no
    longer so.

    What was to be an admission is a refusal afterwards where the zone is full.
    """
    if answer.result == _REFUSED:
        return answering.write_refusal(answer)
    if answer.direction == _OUT:
        written = answering.write_leaving(answer, ticket, entrance.zone_id)
        if written.stands and not written.effects:
            # It may have been given at that very moment, so that the statement did not see it.
            admission.leave(entrance, ticket, answer.scanned_at)
        return written.stands
    if admission.asks_more(entrance):
        return admission.admit(answer, ticket, entrance)
    written = answering.write_admission(answer, ticket)
    if written.stands:
        ticket.status = Ticket.Status.USED
    return written.stands


def first_again(first: CheckIn, ticket: Any, entrance: CheckInList, seconds: int | None = None) -> ScanAnswer:
    """The answer that this scan id got before, to whatever ticket that was (T3)."""
    if first.ticket_id is not None and (ticket is None or ticket.pk != first.ticket_id):
        ticket = Ticket.objects.select_related("ticket_type").get(pk=first.ticket_id)
    told = attention.of(entrance, ticket) if first.result == _ADMITTED else ()
    shown = _visible(ticket, first.reason) if first.ticket_id is not None else None
    return ScanAnswer(first, shown, repeated=True, attention=told, clock_off=seconds)


def _refusal(check_in_list: CheckInList, ticket: Any, code: TicketCode | None, direction: str, at: datetime) -> str:
    """Why the ticket is refused, "" if it is not; the database may still know better when it is written."""
    if ticket is None or code is None or ticket.public_key is None or not code.signed_by(ticket.public_key):
        return "unknown"
    if ticket.event_id != check_in_list.event_id:
        return "wrong_event"
    # It has another code by now, or its key was disowned.
    dead_code = ticket.retired or ticket.key_revoked_at is not None
    return judge(check_in_list, ticket, direction, at, dead_code=dead_code)


def judge(check_in_list: CheckInList, ticket: Any, direction: str, at: datetime, *, dead_code: bool = False) -> str:
    """Why a ticket of the list's event is refused, "" if it is not, as far as it is known before it is written."""
    if admission.wrong_direction(check_in_list, direction):
        return "wrong_direction"
    if direction == _OUT:
        return ""  # whoever is inside may leave, whatever became of the ticket
    if dead_code:
        return "revoked"
    if ticket.status in _ENDED:
        ticket.event = check_in_list.event  # it is the same, and read already
        if not lifecycle.was_good_at(ticket, at):
            return str(ticket.status)
    if check_in_list.event.status == Event.Status.CANCELLED:
        return "cancelled"
    if not ticket.accepted:
        return "wrong_ticket_type"
    if ticket.valid_from and at < ticket.valid_from:
        return "not_yet_valid"
    if ticket.valid_until and at > ticket.valid_until:
        return "expired"
    if reason := admission.closed_at(check_in_list, at):
        return reason
    if not admission.asks_more(check_in_list):
        return "already_used" if ticket.inside_since else ""
    before = admission.earlier(check_in_list, ticket, at)
    if before.reason:
        ticket.inside_since = before.admitted_at
    return before.reason


def _visible(ticket: Ticket | None, reason: str) -> Ticket | None:
    return None if reason in _HIDES_TICKET else ticket
