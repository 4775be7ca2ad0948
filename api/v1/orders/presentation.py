"""Orders as JSON. Plain functions on rows that were read set-wise: a list costs the same few statements as one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shared_apps.core.money import to_text
from tenant_apps.orders.addresses import FIELDS as ADDRESS_FIELDS
from tenant_apps.orders.models import Order, OrderLine, OrderNote, Parcel, SavedAddress
from tenant_apps.orders.passing_on import as_the_buyer_gave_them
from tenant_apps.payments.line_refunds import Preview
from tenant_apps.payments.models import Dispute, Payment
from tenant_apps.payments.providers.base import Started
from tenant_apps.ticketing.codes import code_texts


def applied_json(one: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """One discount, voucher or fee as an order keeps it."""
    return {"kind": one["kind"], "name": one["name"], "amount": to_text(one["amount_minor"], currency)}


def line_json(line: OrderLine, currency: str) -> dict[str, Any]:
    """One line, as `OrderLineSerializer` documents it."""
    return {
        "id": line.pk,
        "kind": line.kind,
        "title": line.title,
        "event": line.event.slug if line.event else None,
        "ticket_type": line.ticket_type_id,
        "variant": line.variant_id,
        "fulfilment": line.fulfilment or None,
        "unit_price": to_text(line.unit_price_minor, currency),
        "discount": to_text(line.discount_minor, currency),
        "applied": [applied_json(one, currency) for one in line.applied],
        "tax": to_text(line.tax_minor, currency),
        "tax_included": line.tax_included,
        "tier": line.tier_name,
        "total": to_text(line.total_minor, currency),
        "currency": currency,
        "quantity": line.quantity,
        "ticket": line.ticket_id,
        "attendee": {"name": line.attendee_name, "email": line.attendee_email},
        "answers": line.answers,
        "status": line.status,
    }


def ticket_json(line: OrderLine, code: str | None) -> dict[str, Any]:
    """One ticket of an order. The code admits whoever shows it: only its holder's side is given it."""
    ticket = line.ticket
    assert ticket is not None
    return {
        "id": ticket.pk,
        "code": code,
        "status": ticket.status,
        "event": line.event.slug if line.event else None,
        "ticket_type": line.ticket_type_id,
        "holder": {"name": ticket.holder_name, "email": ticket.holder_email},
    }


def parcel_json(parcel: Parcel) -> dict[str, Any]:
    """Goods that were handed to a carrier together."""
    return {
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "shipped_at": parcel.shipped_at,
        "lines": parcel.lines,
    }


def payment_json(payment: Payment, started: Started | None = None) -> dict[str, Any]:
    """One try to pay; the addresses and secrets only where the try was started just now."""
    shown: dict[str, Any] = {
        "id": payment.pk,
        "provider": payment.provider,
        "status": payment.status,
        "amount": to_text(payment.amount_minor, payment.currency),
        "refunded": to_text(payment.refunded_minor, payment.currency),
        "currency": payment.currency,
    }
    if started is not None:
        shown |= {"redirect_url": started.redirect_url or None, "client_secret": started.client_secret or None}
    return shown


def dispute_json(dispute: Dispute) -> dict[str, Any]:
    """What a buyer's bank wants back, for staff."""
    return {
        "id": dispute.pk,
        "payment": dispute.payment_id,
        "status": dispute.status,
        "reason": dispute.reason,
        "amount": to_text(dispute.amount_minor, dispute.currency),
        "currency": dispute.currency,
        "withdrawn": dispute.withdrawn,
        "answer_by": dispute.answer_by,
        "created_at": dispute.created_at,
    }


def order_json(
    order: Order,
    lines: Collection[OrderLine],
    payments: Iterable[Payment],
    *,
    as_buyer: bool,
    with_secret: bool = False,
    codes: dict[Any, str] | None = None,
) -> dict[str, Any]:
    """One order, as `OrderSerializer` documents it. Give the codes where many orders are shown."""
    currency = order.currency
    if codes is None:
        codes = _codes(lines) if as_buyer else {}
    shown = {
        "code": order.code,
        "status": order.status,
        "email": order.email,
        "name": order.name,
        "currency": currency,
        "subtotal": to_text(order.subtotal_minor, currency),
        "discount": to_text(order.discount_minor, currency),
        "tax": to_text(order.tax_minor, currency),
        "fees": to_text(order.fees_minor, currency),
        "fee_lines": [
            {**applied_json(fee, currency), "tax": to_text(fee["tax_minor"], currency)} for fee in order.fees
        ],
        "voucher": order.voucher or None,
        "delivery_total": to_text(order.delivery_minor, currency),
        "total": to_text(order.total_minor, currency),
        "refunded": to_text(order.refunded_minor, currency),
        # For who sees the goods: who has a right on one event needs to know nobody's door.
        "delivery": order.delivery or None if any(line.variant_id for line in lines) else None,
        "created_at": order.created_at,
        "expires_at": order.expires_at,
        "events": sorted({line.event.slug for line in lines if line.event}),
        "lines": [line_json(line, currency) for line in lines],
        "tickets": [ticket_json(line, codes.get(line.ticket_id)) for line in lines if line.ticket_id],
        "payments": [payment_json(payment) for payment in payments],
    }
    if with_secret:
        shown["secret"] = order.secret
    return shown


def cancellation_json(order: Order, told: Preview) -> dict[str, Any]:
    """What cancelling would do, as `CancellationSerializer` documents it."""
    currency, change, refusal = order.currency, told.change, told.refusal
    return {
        "allowed": refusal is None,
        "code": refusal.code if refusal else None,
        "detail": str(refusal) if refusal else None,
        "whole": change.whole,
        "total": to_text(change.before_minor, currency),
        "total_after": to_text(change.after_minor, currency),
        "refund": to_text(told.back_minor, currency),
        "currency": currency,
        "lines": [
            {
                "id": each.line.pk,
                "title": each.line.title,
                "released": to_text(each.released_minor, currency),
                "refund": to_text(0 if refusal else back, currency),
                "currency": currency,
            }
            for each, back in zip(change.lines, told.back_by_line(), strict=True)
        ],
    }


def note_json(note: OrderNote) -> dict[str, Any]:
    return {"id": note.pk, "text": note.text, "author": note.actor, "created_at": note.created_at}


def address_json(address: SavedAddress) -> dict[str, Any]:
    return {"id": address.pk, **{name: getattr(address, name) for name in ADDRESS_FIELDS}}


def _codes(lines: Iterable[OrderLine]) -> dict[Any, str]:
    """The codes of the order's tickets but of those that were passed on: these are for their new holders."""
    return code_texts(line.ticket for line in lines if line.ticket and not line.ticket.is_passed_on)


def orders_json(
    orders: Collection[Order], *, as_buyer: bool, events: Collection[int] | None = None
) -> list[dict[str, Any]]:
    """A page of orders, in three statements (a buyer's in four) whatever its length.

    `events` limits the lines that show; payments are of whole orders, and are left out then.
    """
    lines: dict[Any, list[OrderLine]] = defaultdict(list)
    rows = OrderLine.objects.filter(order__in=orders).select_related("event", "ticket").order_by("order_id", "position")
    for line in rows if events is None else rows.filter(event__in=events):
        lines[line.order_id].append(line)
    payments: dict[Any, list[Payment]] = defaultdict(list)
    for payment in Payment.objects.filter(order__in=orders).order_by("created_at") if events is None else ():
        payments[payment.order_id].append(payment)
    if as_buyer:
        as_the_buyer_gave_them(line for some in lines.values() for line in some)
    codes = _codes(line for some in lines.values() for line in some) if as_buyer else {}
    return [order_json(order, lines[order.pk], payments[order.pk], as_buyer=as_buyer, codes=codes) for order in orders]
