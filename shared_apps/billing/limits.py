"""What a tenant's plan allows: the one place where it is asked (N7).

    limits.require("events")                     # refuses the event that would be one too many

What a plan allows rides on the Tenant row that every process keeps (`Tenant.limits`), so that a limit which is not
there costs nothing. Only where there is one is counted, by the app that knows: `counted_by("events", how_many)`.
Counts are taken under a lock of this tenant and limit until the transaction ends: two at once are not both the last.
"""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.billing import plans
from shared_apps.billing.models import LIMITS, Plan
from shared_apps.core.errors import Conflict, DomainError
from tenants import links, restoring
from tenants.context import current_tenant, in_public, in_tenant
from tenants.database import connection
from tenants.models import Domain, Tenant

logger = logging.getLogger(__name__)

# What holds for a plan that says nothing of it, and for a tenant whose row was not written yet.
DEFAULTS: dict[str, int | None] = {
    "events": None, "staff": None, "tickets_month": None, "storage_bytes": 1_000_000_000, "domains": 0,
}  # fmt: skip
# First keys of the advisory locks, one for each limit from here on; the second is the tenant's id.
LOCKS = 7200
PAGE = "/dashboard/billing/"
# Of who has not paid for long: what there is stays and sells, nothing is added.
RESTRICTED = {"events": 0, "staff": 0}

# How many there are now in the present tenant.
Counter = Callable[[], int]
_counters: dict[str, list[Counter]] = {}

REFUSALS = {
    "events": gettext_lazy("Events at a time: your plan allows {limit}, and you have {used}."),
    "staff": gettext_lazy("People on the staff: your plan allows {limit}, and you have {used}, invitations included."),
    "tickets_month": gettext_lazy("Paid tickets a month: your plan allows {limit}, and {used} were sold."),
    "storage_bytes": gettext_lazy("Storage: your plan allows {limit}, and you use {used}."),
    "domains": gettext_lazy("Domains of your own: your plan allows {limit}, and you have {used}."),
}
NAMES = {
    "events": gettext_lazy("Events at a time"),
    "staff": gettext_lazy("People on the staff"),
    "tickets_month": gettext_lazy("Paid tickets this month"),
    "api_rate": gettext_lazy("API requests a minute and caller"),
    "storage_bytes": gettext_lazy("Storage"),
    "domains": gettext_lazy("Domains of your own"),
}


class LimitReached(Conflict):
    """What the plan does not allow. `upgrade_url` leads to the page where a larger one is chosen."""

    code = "limit_reached"
    message = gettext_lazy("Your plan does not allow this.")

    def __init__(self, name: str, *, limit: int, used: int, upgrade_url: str):
        super().__init__(
            REFUSALS.get(name), limit=shown(name, limit), used=shown(name, used), name=name, upgrade_url=upgrade_url
        )
        self.name, self.limit, self.used, self.upgrade_url = name, limit, used, upgrade_url

    @property
    def room(self) -> int:
        """How many more there may be."""
        return max(0, self.limit - self.used)

    @property
    def members(self) -> dict[str, Any]:
        return {"name": self.name, "limit": self.limit, "used": self.used, "upgrade_url": self.upgrade_url}


class PaymentMissing(LimitReached):
    """Nothing can be added while a payment is missing; what there is goes on."""

    code = "payment_missing"

    def __str__(self) -> str:
        return _("A payment for your plan is missing, so nothing can be added here until it is paid. Sales go on.")


class PlanTooSmall(DomainError):
    """A plan that does not hold what is there; `over` says by name what is too much."""

    code, status = "plan_too_small", 409
    message = gettext_lazy("The plan {plan} does not hold what you have: {over}.")

    def __init__(self, plan: Plan, over: "Iterable[Figure]"):
        self.over = list(over)
        told = ", ".join(f"{one.label}: {one.shown_used} > {one.shown_limit}" for one in self.over)
        super().__init__(plan=plans.shown_name(plan), over=told, field="plan")

    @property
    def members(self) -> dict[str, Any]:
        return {"over": [{"name": one.name, "limit": one.limit, "used": one.used} for one in self.over]}


@dataclass(frozen=True)
class Figure:
    """How much of a limit is used; `limit` None is no limit, `used` None is not counted."""

    name: str
    limit: int | None
    used: int | None

    @property
    def label(self) -> str:
        return str(NAMES[self.name])

    @property
    def shown_limit(self) -> str:
        return "" if self.limit is None else shown(self.name, self.limit)

    @property
    def shown_used(self) -> str:
        return "" if self.used is None else shown(self.name, self.used)

    @property
    def percent(self) -> int | None:
        """How full it is, at most 100; None where nothing is limited or counted."""
        if self.limit is None or self.used is None:
            return None
        return 100 if self.used >= self.limit else self.used * 100 // self.limit


def counted_by(name: str, count: Counter) -> None:
    """Name the function that counts, in the present tenant, what a limit is about. From `ready()` of who knows; where
    several count, as those who keep files, it is added up."""
    if name not in LIMITS:
        raise ValueError(f"{name!r} is no limit; see LIMITS.")
    counters = _counters.setdefault(name, [])
    if count not in counters:
        counters.append(count)


def limit(tenant: Tenant, name: str) -> int | None:
    """Return how much the tenant may have; None if that is not limited. No statement."""
    if name == "api_rate":
        return api_rate(tenant)
    most = tenant.limits.get(name, DEFAULTS[name])
    return most if most is None else int(most)


def api_rate(tenant: Tenant | None) -> int:
    """Return how many requests a minute one caller may send to this tenant's API (N7). No statement."""
    most = None if tenant is None else tenant.limits.get("api_rate")
    return int(most) if most is not None else int(settings.API_RATE_PER_MINUTE)


def is_restricted(tenant: Tenant) -> bool:
    """True while nothing can be added because a payment has been missing for too long."""
    return bool(tenant.limits.get("restricted"))


def ticket_fee(tenant: Tenant, currency: str) -> tuple[Decimal, int]:
    """Return what the platform takes of each paid ticket: per cent of its price, and minor units of the currency.

    The fixed part is only known where tickets are sold in the plan's currency. No statement.
    """
    fee = tenant.limits.get("ticket_fee")
    if fee is None:
        return Decimal(settings.PLATFORM_FEE_PERCENT), 0
    return Decimal(fee["percent"]), int(fee["fixed_minor"]) if fee["currency"] == currency else 0


def require(name: str, adding: int = 1, tenant: Tenant | None = None) -> None:
    """Refuse what would be more than the plan of the present tenant, or of the one named, allows.

    Raises LimitReached, or PaymentMissing where it is only restricted. Without a limit it asks nobody.
    """
    if adding > 0 and (refusal := refused(name, adding, tenant)) is not None:
        raise refusal


def refused(name: str, adding: int = 1, tenant: Tenant | None = None) -> LimitReached | None:
    """Return what `require` would raise, None if there is room."""
    tenant = tenant or current_tenant()
    most = limit(tenant, name)
    if most is None:
        return None
    with in_tenant(tenant):
        _alone(tenant, name)
        used = _count(name)
    if used + adding <= most:
        return None
    kind = PaymentMissing if is_restricted(tenant) and name in RESTRICTED else LimitReached
    return kind(name, limit=most, used=used, upgrade_url=links.url(tenant, PAGE))


def used(tenant: Tenant) -> dict[str, int]:
    """Return how much the tenant has of everything that is counted."""
    with in_tenant(tenant):
        return {name: _count(name) for name in LIMITS if name in _counters}


def figures(tenant: Tenant, plan: Plan | None = None) -> list[Figure]:
    """Return how much is used of each limit, of the tenant's present ones or of a plan's."""
    counts = used(tenant)
    allowed = {name: limit(tenant, name) for name in LIMITS} if plan is None else of_plan(plan)
    return [Figure(name, allowed[name], counts.get(name)) for name in LIMITS]


def counted_figures(tenant: Tenant) -> list[Figure]:
    """Return how much is used of each limit that the tenant has; what is not limited is not counted."""
    with in_tenant(tenant):
        return [
            Figure(name, most, _count(name))
            for name in LIMITS
            if name in _counters and (most := limit(tenant, name)) is not None
        ]


def of_plan(plan: Plan) -> dict[str, int | None]:
    """Return all limits of a plan, those that it does not name as they are by default."""
    found = {**DEFAULTS, "api_rate": int(settings.API_RATE_PER_MINUTE), **plan.limits}
    return {name: found[name] for name in LIMITS}


def too_much_for(tenant: Tenant, plan: Plan) -> list[Figure]:
    """Return what the tenant has more of than a plan allows."""
    return [
        one for one in figures(tenant, plan)
        if one.limit is not None and one.used is not None and one.used > one.limit and one.name != "tickets_month"
    ]  # fmt: skip


def require_fits(tenant: Tenant, plan: Plan) -> None:
    """Refuse a plan that does not hold what the tenant has. Raises PlanTooSmall with what is over, by name."""
    if over := too_much_for(tenant, plan):
        raise PlanTooSmall(plan, over)


def refresh(tenant: Tenant) -> dict[str, Any]:
    """Write on the tenant's row what its plan and standing allow; every process knows it with its next request.

    Twice changes nothing, and a row that is right is not written. In public, in a transaction of its own.
    """
    standing = plans.standing_of(tenant)
    found = _row(standing)
    if tenant.limits != found:
        with in_public():
            Tenant.objects.filter(pk=tenant.pk).update(limits=found)
        logger.info("limits of %s are those of %s", tenant.schema_name, standing.plan.slug)
        tenant.limits = found
    return found


def refresh_all(plan: Plan) -> int:
    """Give everybody who has this plan what it allows now, in one statement; return how many have it.

    Who is restricted keeps that. For an operator who changed a plan: the hourly metering would come to it as well.
    """
    has_it = Q(limits__plan=plan.slug, limits__restricted=False)
    if plan.slug == plans.FREE:
        has_it |= Q(limits={})
    kept = RawSQL("limits - %s::text[] || %s::jsonb", [list(LIMITS), json.dumps(_row(plans.Standing(plan)))])
    with in_public():
        return Tenant.objects.filter(has_it).update(limits=kept)


def _row(standing: plans.Standing) -> dict[str, Any]:
    plan = standing.plan
    allowed = dict((plans.free() if standing.restricted else plan).limits)
    if standing.restricted:
        allowed |= RESTRICTED
    return {
        **{name: most for name, most in allowed.items() if name in LIMITS},
        "plan": plan.slug,
        "restricted": standing.restricted,
        "ticket_fee": {
            "percent": f"{plan.ticket_fee_percent.normalize():f}",
            "fixed_minor": plan.ticket_fee_minor,
            "currency": plan.currency,
        },
        **({"standing": dict(standing.told)} if standing.told else {}),
    }


def _count(name: str) -> int:
    return sum(count() for count in _counters[name])


def _domains() -> int:
    """Hosts of the tenant's own that lead to it; its subdomain of the platform is not one, nor is a mere claim."""
    tenant = current_tenant()
    with in_public():
        rows = Domain.objects.filter(tenant=tenant)
        return rows.exclude(domain__endswith=f".{settings.PLATFORM_DOMAIN}").count()


def _alone(tenant: Tenant, name: str) -> None:
    """Hold the limit of this tenant until the transaction ends. Outside of one nothing is held together anyway.

    Not for tickets: whoever sells would wait for each other. What is sold in the same moment may exceed them.
    """
    if connection.in_atomic_block and name != "tickets_month":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCKS + LIMITS.index(name), tenant.pk % 2**31])


def shown(name: str, number: int) -> str:
    """Return a figure as people read it: bytes as MB and GB."""
    if name != "storage_bytes":
        return str(number)
    for unit, size in ((_("GB"), 10**9), (_("MB"), 10**6), (_("kB"), 10**3)):
        if number >= size:
            return f"{number / size:.1f}".rstrip("0").rstrip(".") + f"\N{NO-BREAK SPACE}{unit}"
    return f"{number}\N{NO-BREAK SPACE}{_('B')}"


def month_begins(now: datetime | None = None) -> datetime:
    """Return when the present month began, in UTC, by which tickets a month are counted."""
    return (now or timezone.now()).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _after_restore(restored: restoring.Restored) -> list[str]:
    """What comes back has today's plan, not that of then."""
    refresh(restored.tenant)
    return []


counted_by("domains", _domains)
restoring.afterwards("limits", _after_restore, order=60)
