"""Tickets and scans as JSON."""

from typing import Any

from shared_apps.core.money import to_text
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.late import Settled
from tenant_apps.ticketing.models import CheckInList, Ticket
from tenant_apps.ticketing.scanning import ScanAnswer


def ticket_json(ticket: Ticket, order_code: str | None) -> dict[str, Any]:
    """A ticket with its code, for whoever may show it at the door."""
    return {
        **scanned_json(ticket),
        "code": code_text(ticket),
        "event": ticket.event.slug,
        "event_title": ticket.event.title,
        "starts_at": ticket.event.starts_at,
        "timezone": ticket.event.timezone,
        "price": to_text(ticket.price_minor, ticket.currency),
        "currency": ticket.currency,
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
        "ticket": scanned_json(answer.ticket) if answer.ticket else None,
    }
    if answer.reason:
        shown["reason"] = answer.reason
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
