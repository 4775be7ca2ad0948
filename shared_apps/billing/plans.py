"""Which plans there are, which one a tenant has, and whether it is paid for.

Who has subscribed to what is told by one source (`told_by`), which the subscriptions register; a tenant that it knows
nothing of has the free plan.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext, gettext_noop

from shared_apps.billing.models import Plan
from tenants.context import in_public
from tenants.models import Tenant

FREE = "free"
# Names of the plans that every platform begins with; operators may name theirs as they like.
NAMES = (gettext_noop("Free"), gettext_noop("House"), gettext_noop("Chain"))


@dataclass(frozen=True)
class Standing:
    """What a tenant has: the plan, and whether it is restricted because a payment has been missing for too long.

    `told` is what pages say of it without asking again; it rides on the tenant's row as `limits["standing"]`.
    """

    plan: Plan
    restricted: bool = False
    told: Mapping[str, Any] = field(default_factory=dict)


Source = Callable[[Tenant], Standing | None]
_sources: list[Source] = []


def told_by(source: Source) -> None:
    """Name the function that knows tenants' subscriptions; it answers None for who has none. Once, from `ready()`."""
    if source not in _sources:
        _sources.append(source)


def standing_of(tenant: Tenant) -> Standing:
    """Return what the tenant has now. The free plan for who has subscribed to nothing."""
    with in_public():
        for source in _sources:
            if (found := source(tenant)) is not None:
                return found
        return Standing(free())


def plan_of(tenant: Tenant) -> Plan:
    """Return the tenant's plan."""
    return standing_of(tenant).plan


def free() -> Plan:
    """Return the plan of who pays nothing fixed. Where operators took it away, one that is as the code has it."""
    with in_public():
        return Plan.objects.filter(slug=FREE).first() or Plan(slug=FREE, name="Free")


def offered() -> list[Plan]:
    """Return the plans of the price list, in its order."""
    with in_public():
        return list(Plan.objects.offered())


def named(slug: str) -> Plan | None:
    """Return an offered plan by its slug; None if there is none."""
    with in_public():
        return Plan.objects.offered().filter(slug=slug).first()


def shown_name(plan: Plan) -> str:
    """Return the plan's name in the reader's language, where it is one of ours."""
    return gettext(plan.name) if plan.name in NAMES else plan.name
