"""Plans for tests: what a tenant may have, written as its plan would."""

from typing import Any

from shared_apps.billing import limits
from shared_apps.billing.models import Plan
from shared_apps.billing.plans import Standing
from tenants.models import Tenant


def make_plan(slug: str = "small", *, price_minor: int = 900, interval: str = "month", **fields: Any) -> Plan:
    """A plan that is offered, behind the others."""
    fields.setdefault("name", slug.title())
    return Plan.objects.create(slug=slug, price_minor=price_minor, interval=interval, position=99, **fields)


def allow(tenant: Tenant, *, restricted: bool = False, **most: int | None) -> None:
    """Give the tenant a plan with these limits, as `limits.refresh` writes them."""
    row = limits._row(Standing(Plan(slug="small", limits=most), restricted))
    Tenant.objects.filter(pk=tenant.pk).update(limits=row)
    tenant.limits = row
