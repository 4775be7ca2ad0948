"""Tickets and scans as JSON."""

from collections.abc import Iterable
from typing import Any

from shared_apps.core.money import to_text
from tenant_apps.activity.models import AuditEntry
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.key_life import Revocations, packed
from tenant_apps.ticketing.late import Settled
from tenant_apps.ticketing.models import CheckIn, CheckInList, EventKey, Ticket
from tenant_apps.ticketing.rules import transfer_until
from tenant_apps.ticketing.scanning import ScanAnswer


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
