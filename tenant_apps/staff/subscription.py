"""What a tenant's owner does about its plan, with a line in the tenant's own audit trail.

The subscription itself stands in public and is changed there first, by what Stripe says (`billing.mirror`), with a
line in the platform's trail in the same transaction; the line here follows in a transaction of the tenant's
(citus.md, rule 3).
"""

from typing import Any

from django.db import transaction

from shared_apps.billing import subscriptions
from shared_apps.billing.models import Subscription
from tenant_apps.activity.services import record
from tenants.context import in_tenant
from tenants.models import Tenant


def buy(tenant: Tenant, plan: str, *, coupon: str = "", actor: Any) -> str:
    """Begin to buy a plan; returns the address of the page that asks for a card. Raises as `subscriptions.start`."""
    address = subscriptions.start(tenant, plan, coupon=coupon)
    _record("subscription.asked", tenant, actor, {"plan": plan, **({"coupon": coupon} if coupon else {})})
    return address


def change(tenant: Tenant, plan: str, *, actor: Any) -> Subscription:
    """Change to another plan. Raises as `subscriptions.change`."""
    before = _said(subscriptions.of(tenant))
    row = subscriptions.change(tenant, plan)
    _record_change("subscription.changed", tenant, actor, before, row)
    return row


def cancel(tenant: Tenant, *, actor: Any) -> Subscription:
    """Let the plan end. Raises as `subscriptions.cancel`."""
    before = _said(subscriptions.of(tenant))
    row = subscriptions.cancel(tenant)
    _record_change("subscription.cancelled", tenant, actor, before, row)
    return row


def resume(tenant: Tenant, *, actor: Any) -> Subscription:
    """Take a cancellation back. Raises as `subscriptions.resume`."""
    before = _said(subscriptions.of(tenant))
    row = subscriptions.resume(tenant)
    _record_change("subscription.resumed", tenant, actor, before, row)
    return row


def portal(tenant: Tenant, *, actor: Any) -> str:
    """Return the address of Stripe's own page. Raises as `subscriptions.portal`."""
    address = subscriptions.portal(tenant)
    _record("subscription.portal_opened", tenant, actor, {})
    return address


def _said(row: Subscription | None) -> dict[str, Any]:
    if row is None:
        return {"plan": "", "status": "free", "cancel_at_period_end": False}
    return {
        "plan": row.plan.slug if row.plan else "",
        "status": row.status,
        "cancel_at_period_end": row.cancel_at_period_end,
    }


def _record_change(topic: str, tenant: Tenant, actor: Any, before: dict[str, Any], row: Subscription) -> None:
    after = _said(row)
    if after != before:
        _record(topic, tenant, actor, {"before": before, "after": after})


def _record(topic: str, tenant: Tenant, actor: Any, details: dict[str, Any]) -> None:
    with in_tenant(tenant), transaction.atomic():
        record(topic, tenant, actor=actor, details=details, deliver=False)
