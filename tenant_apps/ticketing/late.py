"""Scans that a scanner answered by itself, without network, and sends when it is back.

The person at the door has come in or gone away long ago; nothing that we decide now changes that. So each scan is
stored with both answers, the device's and ours, and where they contradict each other somebody is told (T3). What the
device let in is scanned as ever: the database decides whether the admission stands (T2). What it refused is stored as
refused and never admits, however good the ticket: nobody came in on it.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from shared_apps.core.errors import NotFound
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.ticketing import answering, scanning
from tenant_apps.ticketing.codes import read
from tenant_apps.ticketing.models import CheckIn, CheckInList, EventKey, OfflineScan, Ticket
from tenant_apps.ticketing.scanning import Scan, ScanAnswer

_ADMITTED, _REFUSED = CheckIn.Result.ADMITTED, CheckIn.Result.REFUSED
# What a device may have told of a ticket that has been good all the time: its list was too old, or wrong.
_MISTAKEN = frozenset({"unknown", "already_used", "cancelled", "refunded", "transferred", "revoked", "expired"})


@dataclass(frozen=True, slots=True)
class Knew:
    """What a device knew when it decided by itself."""

    reason: str = ""
    device: str = ""
    listed_at: datetime | None = None
    clock_ahead: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """Our answer, and how the device's contradicts it: one of OfflineScan.Conflict, or ""."""

    answer: ScanAnswer
    conflict: str = ""


def settle(
    check_in_list: CheckInList, scans: Iterable[tuple[Scan, Knew]], *, by: Any, sent_at: datetime | None = None
) -> list[Settled]:
    """Answer a scanner that is back, in the order in which it read; each scan is a transaction of its own.

    A scan about which nothing was decided is scanned as any other. Sending everything again changes nothing. `sent_at`
    is the scanner's clock as it sends, by which a wrong one is put right.
    """
    return [_settle(check_in_list, each, knew, by, sent_at) for each, knew in scans]


def conflicts(check_in_lists: Any) -> "QuerySet[OfflineScan]":
    """Return what contradicts itself at these lists, the latest first, with its scan, ticket and list."""
    found = OfflineScan.objects.filter(check_in__check_in_list__in=check_in_lists).exclude(conflict="")
    related = "check_in__ticket__ticket_type", "check_in__check_in_list__event"
    return found.select_related(*related).order_by("-received_at", "-pk")


@transaction.atomic
def mark_seen(conflict: OfflineScan, *, by: Any) -> None:
    """Note that somebody has dealt with it. Repeating changes nothing."""
    now = timezone.now()
    if OfflineScan.objects.filter(pk=conflict.pk, seen_at__isnull=True).update(seen_at=now, seen_by=by.pk):
        told = before_and_after({"seen": False}, {"seen": True})
        record("check_in.conflict_seen", conflict.check_in, actor=by, details=told, deliver=False)


def conflict_at(check_in_list: CheckInList, scan_id: str) -> OfflineScan:
    """Return the conflict about a scan of this list. Raises NotFound."""
    found = conflicts([check_in_list.pk]).filter(check_in__scan_id=scan_id).first()
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def _settle(check_in_list: CheckInList, each: Scan, knew: Knew, by: Any, sent_at: datetime | None) -> Settled:
    if each.decided == _REFUSED:
        answer, good = _store_refusal(check_in_list, each, knew, by, sent_at)
    else:
        answer, good = _scan(check_in_list, each, by, sent_at), False
    if not each.decided:
        return Settled(answer)
    if each.decided == _ADMITTED:
        conflict = "" if answer.admitted else OfflineScan.Conflict.LET_IN
    else:
        conflict = OfflineScan.Conflict.TURNED_AWAY if good or answer.admitted else ""
    told = {"conflict": conflict, **asdict(knew)}
    if not answer.repeated:
        OfflineScan.objects.create(check_in=answer.check_in, **told)
        return Settled(answer, conflict)
    # The connection may have broken after we answered and before the device heard it; then it decided by itself too.
    kept, is_new = OfflineScan.objects.get_or_create(check_in=answer.check_in, defaults=told)
    if is_new:
        CheckIn.objects.filter(pk=answer.check_in.pk, decided_offline="").update(decided_offline=each.decided)
    return Settled(answer, kept.conflict)


def _scan(check_in_list: CheckInList, each: Scan, by: Any, sent_at: datetime | None) -> ScanAnswer:
    (answer,) = scanning.scan_many(check_in_list, [each], by=by, sent_at=sent_at)
    return answer


def _store_refusal(
    check_in_list: CheckInList, each: Scan, knew: Knew, by: Any, sent_at: datetime | None
) -> tuple[ScanAnswer, bool]:
    """Store what the device refused; tell whether the ticket would have been good."""
    ticket = _ticket_of(check_in_list, each.code)
    now = timezone.now()
    row = CheckIn(
        check_in_list=check_in_list,
        ticket=ticket,
        scan_id=each.scan_id,
        result=_REFUSED,
        reason=knew.reason or "unknown",
        direction=each.direction,
        decided_offline=_REFUSED,
        scanned_at=scanning.moment_of(each.scanned_at, now, sent_at),
        received_at=now,
        scanned_by=getattr(by, "pk", None),
    )
    if not answering.write_refusal(row):
        row = CheckIn.objects.select_related("ticket__ticket_type").get(
            check_in_list=check_in_list, scan_id=each.scan_id
        )
        return ScanAnswer(row, row.ticket, repeated=True), False
    good = (
        ticket is not None
        and ticket.status == Ticket.Status.ACTIVE
        and knew.reason in _MISTAKEN
        and ticket.event.status != Event.Status.CANCELLED
        and (ticket.valid_until is None or row.scanned_at <= ticket.valid_until)
    )
    return ScanAnswer(row, ticket), good


def _ticket_of(check_in_list: CheckInList, text: str) -> Ticket | None:
    """The ticket of this list's event that the code names, if one of its keys signed it."""
    code = read(text)
    if code is None:
        return None
    key = EventKey.objects.filter(event_id=check_in_list.event_id, key_id=code.key_id).first()
    if key is None or key.revoked_at is not None or not code.signed_by(key.public_key):
        return None
    found = Ticket.objects.select_related("ticket_type", "event")
    return found.filter(token=code.token, event_id=check_in_list.event_id).first()
