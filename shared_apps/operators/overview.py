"""All tenants at a glance, from public tables alone: a page of the list costs the same for ten tenants as for many."""

from datetime import timedelta
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.billing import plans
from shared_apps.billing.models import Plan
from shared_apps.operators.models import TenantHealth
from tenants import schema_state
from tenants.context import in_public
from tenants.models import Domain, DueJob, Tenant

# The hourly measuring of those who rest was missed: what stands there says nothing about now.
STALE = timedelta(minutes=90)
BEHIND, UNKNOWN = "behind", "unknown"
# From the worst to the best, for sorting and for the words on the page.
STATES: dict[str, Any] = {
    BEHIND: _("Waits for migrations"),
    TenantHealth.State.PROBLEM: TenantHealth.State.PROBLEM.label,
    TenantHealth.State.WARNING: TenantHealth.State.WARNING.label,
    UNKNOWN: _("Not measured lately"),
    TenantHealth.State.OK: TenantHealth.State.OK.label,
}
STATE_NAMES = [str(name) for name in STATES]
# What clients and pages may sort by; the best-known first.
ORDERING: dict[str, str] = {
    "name": "name",
    "slug": "slug",
    "created_at": "created_at",
    "state": "state_rank",
    "status": "status",
    "plan": "plan_slug",
    "fees": "health__fees_minor",
    "currency": "currency",
    "sales": "health__sales_minor",
    "orders": "health__orders",
    "paid_tickets": "health__paid_tickets",
    "mails": "health__mails",
    "api_requests": "health__api_requests",
    "storage": "health__storage_bytes",
    "parked": "health__parked",
    "errors": "health__errors",
    "measured_at": "health__measured_at",
}
USUAL_ORDER = "state"
_OURS = ("open", "suspended", "closing")


def tenants() -> QuerySet[Tenant]:
    """Return all tenants with `state_now`, `state_rank` (the worst is 0), `primary_host`, owner and figures.

    Migrations and age are judged when it is asked: a tenant that is behind says so at once, measured or not.
    """
    now = timezone.now()
    behind = Q(status__in=_OURS, migrations_applied__lt=schema_state.current_graph().migrations)
    stale = Q(health=None) | Q(status="open", health__measured_at__lt=now - STALE)
    state = Case(
        When(behind, then=Value(BEHIND)),
        When(stale, then=Value(UNKNOWN)),
        default=F("health__state"),
        output_field=CharField(),
    )
    rank = Case(
        *(When(state_now=name, then=Value(place)) for place, name in enumerate(STATES)),
        default=Value(len(STATES)),
        output_field=IntegerField(),
    )
    rows: QuerySet[Tenant] = Tenant.objects.select_related("owner", "health", "subscription").with_host()
    # The plan rides on the row, where limits are written (decision 0046); nothing there yet: the free plan.
    plan = Coalesce(KeyTextTransform("plan", "limits"), Value(plans.FREE), output_field=CharField())
    return rows.annotate(state_now=state, plan_slug=plan).annotate(state_rank=rank)


def plan_names() -> dict[str, str]:
    """Return every plan's name by its slug, in the order of the price list; one statement."""
    with in_public():
        return {plan.slug: plans.shown_name(plan) for plan in Plan.objects.all()}


def found(*, search: str = "", status: str = "", state: str = "", kind: str = "", plan: str = "") -> QuerySet[Tenant]:
    """Return the tenants that fit. `search` is part of a name, an address (any host that leads there) or of the
    owner's mail address; the others are exact."""
    rows = tenants()
    for word in search.split()[:5]:
        hosts = Domain.objects.filter(tenant=OuterRef("pk"), domain__icontains=word)
        rows = rows.filter(
            Q(name__icontains=word) | Q(slug__icontains=word) | Q(owner__email__icontains=word) | Exists(hosts)
        )
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    if plan:
        rows = rows.filter(plan_slug=plan)
    if state:
        rows = rows.filter(state_now=state)
    return rows


def summary() -> dict[str, Any]:
    """Return how many tenants there are by status and by state, and what failed over all of them: two statements."""
    with in_public():
        rows = tenants().exclude(status="closed")
        counted = rows.aggregate(
            tenants=Count("pk"),
            open=Count("pk", filter=Q(status="open")),
            suspended=Count("pk", filter=Q(status="suspended")),
            parked=Sum("health__parked", default=0),
            errors=Sum("health__errors", default=0),
            paid_tickets=Sum("health__paid_tickets", default=0),
            **{f"state_{name}": Count("pk", filter=Q(state_now=name)) for name in STATES},
        )
        from shared_apps.operators.measuring import FAILING_TRIES

        counted["failing_jobs"] = DueJob.objects.filter(tries__gte=FAILING_TRIES).count()
    counted["states"] = {name: counted.pop(f"state_{name}") for name in STATES}
    return counted
