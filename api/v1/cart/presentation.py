"""A cart as JSON."""

import uuid
from typing import Any

from shared_apps.core.errors import DomainError
from shared_apps.core.money import to_text
from tenant_apps.orders.cart_tokens import token_of
from tenant_apps.orders.cart_view import Shown, ShownLine


def _line_json(each: ShownLine, currency: str) -> dict[str, Any]:
    line = each.line
    event, product = each.event, each.product
    parts = each.parts
    return {
        "id": line.pk,
        "kind": "product" if line.variant_id else "ticket",
        "ticket_type": line.ticket_type_id,
        "variant": line.variant_id,
        "event": event.slug if event else None,
        "product": product.slug if product else None,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price": to_text(parts[0][1], currency) if parts else None,
        "parts": [
            {"quantity": count, "unit_price": to_text(price, currency), "tier": tier} for count, price, tier in parts
        ],
        "discount": to_text(each.discount_minor, currency),
        "applied": [
            {"kind": one["kind"], "name": one["name"], "amount": to_text(one["amount_minor"], currency)}
            for one in each.applied
        ],
        "tax": to_text(each.tax_minor, currency),
        "total": to_text(each.total_minor, currency),
        "currency": currency,
        "held": each.is_held,
        "problem": _problem(each.problem),
    }


def _problem(refusal: DomainError | None) -> dict[str, str] | None:
    return {"code": refusal.code, "detail": str(refusal)} if refusal else None


def cart_json(shown: Shown, cart_id: uuid.UUID) -> dict[str, Any]:
    """The cart, as `CartSerializer` documents it."""
    currency, totals, cart = shown.currency, shown.totals, shown.cart
    held_until = cart.expires_at if cart else None
    return {
        "token": token_of(cart_id),
        "expires_at": held_until if held_until and held_until > shown.now else None,
        "lines": [_line_json(each, currency) for each in shown.lines],
        "subtotal": to_text(totals.subtotal_minor, currency),
        "discount": to_text(totals.discount_minor, currency),
        "tax": to_text(totals.tax_minor, currency),
        "fees": to_text(totals.fees_minor, currency),
        "fee_lines": [
            {
                "kind": fee["kind"],
                "name": fee["name"],
                "amount": to_text(fee["amount_minor"], currency),
                "tax": to_text(fee["tax_minor"], currency),
            }
            for fee in shown.fees
        ],
        "voucher": (cart.voucher or None) if cart else None,
        "voucher_problem": _problem(shown.voucher_problem),
        "delivery_method": shown.method.pk if shown.method else None,
        "delivery_methods": [
            {
                "id": method.pk,
                "name": method.name,
                "kind": method.kind,
                "price": None if price is None else to_text(price, currency),
                "currency": currency,
            }
            for method, price in shown.methods
        ],
        "delivery_total": to_text(totals.delivery_minor, currency),
        "total": to_text(totals.total_minor, currency),
        "currency": currency,
    }
