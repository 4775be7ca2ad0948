"""How a tenant does: reckoned inside it, kept in public, so that the console reads one table and no schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Count, F, Func, Min, Q, Subquery, Sum
from django.utils import timezone

from shared_apps.billing.models import TicketFees, Usage
from shared_apps.operators.models import TenantHealth
from tenant_apps.activity import standing
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.imports.models import ImportJob
from tenant_apps.payments.models import LedgerEntry
from tenant_apps.reports.log_models import LogEntry
from tenant_apps.staff.models import Membership
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenants import due
from tenants.context import current_tenant, in_public
from tenants.models import DueJob

MONTH, WEEK, DAY = timedelta(days=30), timedelta(days=7), timedelta(days=1)
# A job that failed twice in a row is no accident; `due.MOST_TRIES` later it is parked.
FAILING_TRIES = 2
LAG_PROBLEM = timedelta(minutes=10)
USAGE = ("orders", "paid_tickets", "mails", "api_requests")
# When a tenant is measured again: one that does something or is not well, and one that rests. Shorter than the ticks
# are apart, so that none is missed by a second.
OFTEN, RARELY = timedelta(minutes=9), timedelta(minutes=59)
State = TenantHealth.State


@dataclass(frozen=True)
class Figures:
    """What was found; `state` follows from it."""

    values: dict[str, int]

    @property
    def state(self) -> str:
        value = self.values
        if value["parked"] or value["failing_jobs"] or value["lag_seconds"] >= LAG_PROBLEM.total_seconds():
            return State.PROBLEM
        late = value["lag_seconds"] > standing.LATE.total_seconds()
        if late or any(value[name] for name in ("errors", "webhooks_off", "webhooks_failed", "imports_failed")):
            return State.WARNING
        return State.OK


def next_measuring() -> Sequence[due.Column]:
    """Return rows of the present tenant and the times from which on it is to be measured (`due.soonest`): most tenants
    rest at any time, and reckoning a thousand of them anew would be most of a tick."""
    here = Func(function="current_schema", output_field=CharField())
    mine = TenantHealth.objects.filter(tenant__schema_name=here)
    newest = Subquery(AuditEntry.objects.order_by("-pk").values("at")[:1])  # its keys are in order of time
    return [
        (mine, "measured_at", RARELY),
        (mine.exclude(state=State.OK), "measured_at", OFTEN),
        (mine.annotate(newest=newest).filter(newest__gt=F("measured_at")), "measured_at", OFTEN),
    ]


def measure(now: datetime | None = None) -> TenantHealth:
    """Reckon the present tenant's figures and keep them; ten short statements. Twice, or two at once, is once."""
    now = now or timezone.now()
    tenant = current_tenant()
    found = Figures({**_inside(tenant, now), **_outside(tenant, now)})
    with in_public(), transaction.atomic():
        row = TenantHealth(tenant_id=tenant.pk, measured_at=now, state=found.state, **found.values)
        TenantHealth.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["tenant"],
            update_fields=["measured_at", "state", *found.values],
        )
    return row


def _inside(tenant: Any, now: datetime) -> dict[str, int]:
    """What the tenant's own rows say."""
    outbox = OutboxMessage.objects.filter(delivered_at=None).aggregate(
        parked=Count("pk", filter=Q(parked_at__isnull=False)),
        waiting=Count("pk", filter=Q(parked_at=None)),
        oldest=Min("due_at", filter=Q(parked_at=None, due_at__lte=now)),
    )
    log = LogEntry.objects.filter(last_at__gt=now - DAY).aggregate(
        errors=Sum("times", filter=Q(level=LogEntry.Level.ERROR), default=0),
        warnings=Sum("times", filter=Q(level=LogEntry.Level.WARNING), default=0),
    )
    moved = (LedgerEntry.Kind.PAYMENT, LedgerEntry.Kind.REFUND)
    sales = LedgerEntry.objects.filter(at__gt=now - MONTH, kind__in=moved, currency=tenant.currency)
    given_up = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.FAILED, done_at__gt=now - WEEK)
    off = WebhookEndpoint.objects.filter(enabled=False).exclude(disabled_because=WebhookEndpoint.Why.STAFF)
    oldest = outbox["oldest"]
    return {
        "parked": outbox["parked"],
        "waiting": outbox["waiting"],
        "lag_seconds": int((now - oldest).total_seconds()) if oldest else 0,
        "errors": log["errors"],
        "warnings": log["warnings"],
        "webhooks_failed": given_up.count(),
        "webhooks_off": off.count(),
        "imports_failed": ImportJob.objects.filter(status=ImportJob.Status.FAILED, modified_at__gt=now - WEEK).count(),
        "events": Event.objects.count(),
        "staff": Membership.objects.count(),
        "sales_minor": sales.aggregate(sum=Sum("amount_minor", default=0))["sum"],
    }


def _outside(tenant: Any, now: datetime) -> dict[str, int]:
    """What public tables say of the tenant."""
    today = now.astimezone(UTC).date()
    with in_public():
        failing = DueJob.objects.filter(tenant=tenant, tries__gte=FAILING_TRIES).count()
        days = Usage.objects.filter(tenant=tenant, day__gt=today - MONTH)
        sums = days.aggregate(**{name: Sum(name, default=0) for name in USAGE})
        owed = TicketFees.objects.filter(tenant=tenant, day__gt=today - MONTH, currency=tenant.currency)
        fees = owed.aggregate(sum=Sum("fee_minor", default=0))["sum"]
        newest = days.order_by("-day").values_list("storage_bytes", flat=True).first()
    return {"failing_jobs": failing, "fees_minor": fees, "storage_bytes": newest or 0, **sums}
