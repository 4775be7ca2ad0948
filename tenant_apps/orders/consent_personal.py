"""What a person agreed to with their orders: handed out to them; erased, the consent stays and names nobody (P3)."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.consents.models import Consent
from tenant_apps.orders.personal import own_orders


def own_consents(person: Person) -> "QuerySet[Consent]":
    """Return what was agreed to with the person's orders in this tenant."""
    return Consent.objects.filter(order_id__in=own_orders(person).values("pk")).order_by("agreed_at", "pk")


def _consents(person: Person) -> Rows:
    for row in own_consents(person).select_related("text"):
        yield {
            "text": row.text.code,
            "version": row.text.version,
            "title": row.text.title,
            "sha256": row.text.sha256,
            "order": row.order_code,
            "email": row.email,
            "address": row.address,
            "agreed_at": row.agreed_at,
            "withdrawn_at": row.withdrawn_at,
        }


def _end_consents(person: Person) -> int:
    """That somebody agreed, with which order and when, stays with the order."""
    gone: dict[str, Any] = {"email": person.alias, "user_id": None, "address": None}
    return own_consents(person).order_by().update(**gone)


def forget_consents_addresses(before: datetime) -> int:
    """Erase the network addresses of what was agreed to before; returns how many."""
    return Consent.objects.filter(agreed_at__lt=before, address__isnull=False).update(address=None)


# Before the orders cease to be theirs.
hold(
    "consents", "consents.Consent", {"email", "user_id", "address"}, export=_consents, erase=_end_consents, order=10,
)  # fmt: skip
harmless("consents.LegalText", {"title", "body"}, "the organizer's own words, the same for everybody")
