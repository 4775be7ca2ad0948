"""Plans for tests: what a tenant may have, written as its plan would."""

from decimal import Decimal
from typing import Any

from shared_apps.billing import limits
from shared_apps.billing.models import Plan
from shared_apps.billing.plans import Standing
from tenants.models import Tenant


def make_plan(slug: str = "small", *, price_minor: int = 900, interval: str = "month", **fields: Any) -> Plan:
    """A plan that is offered, behind the others."""
    fields.setdefault("name", slug.title())
    return Plan.objects.create(slug=slug, price_minor=price_minor, interval=interval, position=99, **fields)


def allow(tenant: Tenant, *, restricted: bool = False, fee: str = "2.5", **most: int | None) -> None:
    """Give the tenant a plan with these limits, as `limits.refresh` writes them."""
    plan = Plan(slug="small", limits=most, ticket_fee_percent=Decimal(fee))
    row = limits._row(Standing(plan, restricted))
    Tenant.objects.filter(pk=tenant.pk).update(limits=row)
    tenant.limits = row
