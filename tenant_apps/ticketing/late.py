"""Scans that a scanner answered by itself, without network, and sends when it is back.

The person at the door has come in or gone away long ago; nothing that we decide now changes that. So each scan is
stored with both answers, the device's and ours, and where they contradict each other somebody is told (T3). What the
device let in is scanned as ever: the database decides whether the admission stands (T2). What it refused is stored as
refused and never admits, however good the ticket: nobody came in on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from shared_apps.core.clock import EARLIEST
from shared_apps.core.errors import NotFound
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.events.models import Event
from tenant_apps.ticketing import scanning
from tenant_apps.ticketing.codes import read
from tenant_apps.ticketing.models import CheckIn, CheckInList, EventKey, OfflineScan, Ticket
from tenant_apps.ticketing.scanning import Scan, ScanAnswer

_ADMITTED, _REFUSED = CheckIn.Result.ADMITTED, CheckIn.Result.REFUSED
# What a device may have told of a ticket that has been good all the time: its list was too old, or wrong.
_MISTAKEN = frozenset({"unknown", "already_used", "cancelled", "refunded", "transferred", "revoked", "expired"})


@dataclass(frozen=True, slots=True)
class Told:
    """What the device told the person at the door, and what it knew."""

    result: str
    reason: str = ""
    device: str = ""
    listed_at: datetime | None = None
    clock_ahead: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """Our answer, and how the device's contradicts it: one of OfflineScan.Conflict, or ""."""

    answer: ScanAnswer
    conflict: str = ""


def settle(check_in_list: CheckInList, scans: Iterable[tuple[Scan, Told | None]], *, by: Any) -> list[Settled]:
    """Answer a scanner that is back, in the order in which it read; each scan is a transaction of its own.

    A scan that was answered online has no `Told` and is scanned as any other. Sending everything again changes nothing.
    """
    return [_settle(check_in_list, each, told, by=by) for each, told in scans]


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
def _settle(check_in_list: CheckInList, each: Scan, told: Told | None, *, by: Any) -> Settled:
    if told is not None and told.result == _REFUSED:
        answer, good = _store_refusal(check_in_list, each, told, by=by)
    else:
        answer, good = _scan(check_in_list, each, by=by), False
    if told is None:
        return Settled(answer)
    if told.result == _ADMITTED:
        conflict = "" if answer.admitted else OfflineScan.Conflict.LET_IN
    else:
        conflict = OfflineScan.Conflict.TURNED_AWAY if good or answer.admitted else ""
    row = OfflineScan(
        check_in=answer.check_in,
        result=told.result,
        reason=told.reason,
        conflict=conflict,
        device=told.device,
        listed_at=told.listed_at,
        clock_ahead=told.clock_ahead,
    )
    if answer.repeated:
        # The connection may have broken after we answered and before the device heard it; then it told by itself too.
        kept, _made = OfflineScan.objects.get_or_create(
            check_in=answer.check_in, defaults={name: getattr(row, name) for name in _TOLD}
        )
        return Settled(answer, kept.conflict)
    row.save(force_insert=True)
    return Settled(answer, conflict)


_TOLD = ("result", "reason", "conflict", "device", "listed_at", "clock_ahead")


def _scan(check_in_list: CheckInList, each: Scan, *, by: Any) -> ScanAnswer:
    return scanning.scan(
        check_in_list, each.code, each.scan_id, by=by, scanned_at=each.scanned_at, direction=each.direction
    )


def _store_refusal(check_in_list: CheckInList, each: Scan, told: Told, *, by: Any) -> tuple[ScanAnswer, bool]:
    """Store what the device refused; tell whether the ticket would have been good."""
    ticket = _ticket_of(check_in_list, each.code)
    now = timezone.now()
    row = CheckIn(
        check_in_list=check_in_list,
        ticket=ticket,
        scan_id=each.scan_id,
        result=_REFUSED,
        reason=told.reason or "unknown",
        direction=each.direction,
        scanned_at=max(min(each.scanned_at or now, now), datetime(EARLIEST, 1, 1, tzinfo=UTC)),
        received_at=now,
        scanned_by=getattr(by, "pk", None),
    )
    if not CheckIn.objects.insert_unless_there(row):
        row = CheckIn.objects.select_related("ticket__ticket_type").get(
            check_in_list=check_in_list, scan_id=each.scan_id
        )
        return ScanAnswer(row, row.ticket, repeated=True), False
    good = (
        ticket is not None
        and ticket.status == Ticket.Status.ACTIVE
        and told.reason in _MISTAKEN
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
