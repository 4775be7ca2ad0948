"""Tickets and scans as JSON."""

from collections.abc import Iterable
from typing import Any

from shared_apps.core.money import to_text
from tenant_apps.activity.models import AuditEntry
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.key_life import Revocations, packed
from tenant_apps.ticketing.late import Settled
from tenant_apps.ticketing.live import Numbers
from tenant_apps.ticketing.models import CheckIn, CheckInList, CheckInZone, EventKey, Ticket
from tenant_apps.ticketing.rules import transfer_until
from tenant_apps.ticketing.scanning import ScanAnswer

NUMBERS = ("expected", "arrived", "inside", "per_minute", "refused", "last_at", "zone", "minutes")


def ticket_json(ticket: Ticket, order_code: str | None, *, with_code: bool = True) -> dict[str, Any]:
    """A ticket with its code for whoever may show it at the door, without it for whoever passed it on."""
    return {
        **scanned_json(ticket),
        "code": code_text(ticket) if with_code else None,
        "event": ticket.event.slug,
        "event_title": ticket.event.title,
        "starts_at": ticket.event.starts_at,
        "timezone": ticket.event.timezone,
        "price": to_text(ticket.price_minor, ticket.currency),
        "currency": ticket.currency,
        "transfer_until": transfer_until(ticket.ticket_type, ticket.event),
        "order": order_code,
        "valid_from": ticket.valid_from,
        "valid_until": ticket.valid_until,
    }


def scanned_json(ticket: Ticket) -> dict[str, Any]:
    """What the door sees: no code, no price, no order."""
    return {
        "id": ticket.pk,
        "short_code": ticket.short_code,
        "status": ticket.status,
        "holder": {"name": ticket.holder_name, "email": ticket.holder_email},
        "ticket_type": ticket.ticket_type_id,
        "ticket_type_name": ticket.ticket_type.name,
        "seat": ticket.seat,
    }


def answer_json(answer: ScanAnswer) -> dict[str, Any]:
    check_in = answer.check_in
    shown: dict[str, Any] = {
        "scan_id": check_in.scan_id,
        "result": check_in.result,
        "message": str(answer.message),
        "direction": check_in.direction,
        "scanned_at": check_in.scanned_at,
        "repeated": answer.repeated,
        "undone_at": check_in.undone_at,
        "conflict": check_in.is_conflict,
        "attention": answer.attention,
        "ticket": scanned_json(answer.ticket) if answer.ticket else None,
    }
    if answer.reason:
        shown["reason"] = answer.reason
    if answer.clock_off is not None:
        shown["clock_off"] = answer.clock_off
    if answer.admitted_at:
        shown["admitted_at"] = answer.admitted_at
    return shown


def late_json(settled: Settled) -> dict[str, Any]:
    """The answer to a device that had answered by itself, and how the two contradict each other."""
    return {
        **answer_json(settled.answer),
        "conflict": bool(settled.conflict),
        "contradiction": settled.conflict,
    }


def list_json(check_in_list: CheckInList) -> dict[str, Any]:
    return {
        "id": check_in_list.pk,
        "event": check_in_list.event.slug,
        "name": check_in_list.name,
        "ticket_types": [row.pk for row in check_in_list.ticket_types.all()],
        "gate": check_in_list.gate,
        "zone": check_in_list.zone_id,
        "day": check_in_list.day,
        "day_starts": check_in_list.day_starts,
        "opens_at": check_in_list.opens_at,
        "closes_at": check_in_list.closes_at,
        "entries": check_in_list.entries,
        "directions": check_in_list.directions,
    }


def numbers_json(numbers: Numbers) -> dict[str, Any]:
    """What is counted at a list, for whoever draws a board of their own."""
    shown = numbers.as_dict()
    return {name: shown[name] for name in NUMBERS}


def zone_json(zone: CheckInZone) -> dict[str, Any]:
    return {
        "id": zone.pk,
        "event": zone.event.slug,
        "name": zone.name,
        "capacity": zone.capacity,
        "inside": zone.inside,
        "free": zone.free,
        "lists": sorted(each.pk for each in zone.lists.all()),
    }


def found_json(ticket: Any) -> dict[str, Any]:
    return {**scanned_json(ticket), "accepted": ticket.accepted, "standing_since": ticket.standing_since}


def check_in_json(row: Any) -> dict[str, Any]:
    """An answer of the history, from `history.with_people`."""
    names = ("scan_id", "result", "reason", "direction", "scanned_at", "received_at", "note", "by", "left_at")
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in names},
        "undone_at": row.undone_at,
        "undone_by": row.taken_back_by,
        "ticket": scanned_json(row.shown) if row.shown else None,
    }


def history_json(chain: Iterable[Ticket], entries: Iterable[AuditEntry], scans: Iterable[CheckIn]) -> dict[str, Any]:
    """Whose a ticket was, what was done to it and where it was scanned, for staff."""
    return {
        "holders": [
            {
                "ticket": ticket.pk,
                "short_code": ticket.short_code,
                "status": ticket.status,
                "holder": {"name": ticket.holder_name, "email": ticket.holder_email},
                "since": ticket.created_at,
            }
            for ticket in chain
        ],
        "acts": [
            {"at": entry.at, "topic": entry.topic, "actor": entry.actor, "reason": entry.details.get("reason", "")}
            for entry in entries
        ],
        "scans": [
            {
                "at": scan.scanned_at,
                "received_at": scan.received_at,
                "check_in_list": scan.check_in_list_id,
                "list_name": scan.check_in_list.name,
                "direction": scan.direction,
                "result": scan.result,
                "reason": scan.reason,
                "undone_at": scan.undone_at,
            }
            for scan in scans
        ],
    }


def key_json(key: EventKey) -> dict[str, Any]:
    """A key of an event, without its private half; `tickets` as `key_life.keys_of_event` counted them."""
    return {
        "key_id": key.key_id,
        "created_at": key.created_at,
        "retired_at": key.retired_at,
        "revoked_at": key.revoked_at,
        "signs": key.retired_at is None,
        "tickets": getattr(key, "tickets", 0),
    }


def revocations_json(found: Revocations) -> dict[str, Any]:
    return {
        "tokens": packed(found.tokens),
        "count": len(found.tokens),
        "restored": packed(found.restored),
        "keys": list(found.keys),
        "until": found.until,
        "more": found.more,
    }
