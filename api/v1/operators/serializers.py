"""What operators read and send over HTTP."""

from typing import Any

from rest_framework import serializers

from api.fields import MoneyField, PlainTextField
from shared_apps.billing.subscription_models import Subscription
from shared_apps.operators import failed_work, overview
from shared_apps.operators.impersonation import LONGEST_REASON, MINUTES
from shared_apps.operators.models import Impersonation, TenantHealth
from tenants.models import Tenant


class TenantHealthSerializer(serializers.ModelSerializer[TenantHealth]):
    """Figures of the tenant's own rows at `measured_at`; sums are of 30 days."""

    sales = MoneyField(source="sales_minor", currency="tenant.currency", read_only=True, negative=True)
    fees = MoneyField(source="fees_minor", currency="tenant.currency", read_only=True)

    class Meta:
        model = TenantHealth
        fields = read_only_fields = [
            "measured_at", "parked", "waiting", "lag_seconds", "failing_jobs", "webhooks_off", "webhooks_failed",
            "imports_failed", "errors", "warnings", "events", "staff", "sales", "fees", "orders", "paid_tickets",
            "mails", "api_requests", "storage_bytes",
        ]  # fmt: skip


class TenantSuspensionSerializer(serializers.Serializer[Any]):
    cause = serializers.CharField()
    at = serializers.DateTimeField()
    reason = serializers.CharField()


class OperatedSubscriptionSerializer(serializers.ModelSerializer[Subscription]):
    """How a subscribed plan stands; a tenant without a row has the free plan."""

    class Meta:
        model = Subscription
        fields = read_only_fields = [
            "status", "current_period_end", "trial_ends_at", "cancel_at_period_end", "past_due_since", "grace_until",
        ]  # fmt: skip


class OperatedTenantSerializer(serializers.ModelSerializer[Tenant]):
    """A tenant as operators see it. `state` is judged now, `health` is what was measured."""

    host = serializers.CharField(source="primary_host", allow_null=True)
    owner = serializers.EmailField(source="owner.email", allow_null=True, default=None)
    plan = serializers.CharField(source="plan_slug")
    state = serializers.ChoiceField(choices=overview.STATE_NAMES, source="state_now")
    subscription = OperatedSubscriptionSerializer(allow_null=True, default=None)
    health = TenantHealthSerializer(allow_null=True)
    suspensions = serializers.SerializerMethodField()

    class Meta:
        model = Tenant
        fields = read_only_fields = [
            "slug", "name", "kind", "status", "host", "owner", "currency", "timezone", "language", "created_at",
            "plan", "subscription", "state", "health", "suspensions",
        ]  # fmt: skip

    def get_suspensions(self, tenant: Tenant) -> list[dict[str, Any]]:
        rows = [{"cause": cause, **each} for cause, each in tenant.suspensions.items()]
        return list(TenantSuspensionSerializer(rows, many=True).data)


class SuspendReasonInput(serializers.Serializer[Any]):
    """Why; the organizer reads it."""

    reason = PlainTextField(max_length=LONGEST_REASON)


class OperatorVisitInput(serializers.Serializer[Any]):
    """As whom (a user's id; without it an owner), why, for how long, and whether to change anything."""

    person = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    reason = PlainTextField(max_length=LONGEST_REASON)
    minutes = serializers.ChoiceField(choices=MINUTES, default=MINUTES[0])
    writes = serializers.BooleanField(default=False)
    otp = serializers.CharField(
        required=False, max_length=20, help_text="Needed if the session is older than 15 minutes."
    )


class OperatorVisitSerializer(serializers.ModelSerializer[Impersonation]):
    """One visit of an operator to a tenant's site."""

    operator = serializers.SerializerMethodField()
    person = serializers.SerializerMethodField()
    tenant = serializers.CharField(source="tenant.slug")
    running = serializers.BooleanField()

    class Meta:
        model = Impersonation
        fields = read_only_fields = [
            "id", "tenant", "operator", "person", "reason", "writes", "created_at", "entered_at", "expires_at",
            "ended_at", "ended_by", "running", "requests", "changes",
        ]  # fmt: skip

    def get_operator(self, row: Any) -> str | None:
        return None if row.operator is None else str(row.operator)

    def get_person(self, row: Any) -> str | None:
        return None if row.person is None else str(row.person)


class OperatorVisitBegunSerializer(OperatorVisitSerializer):
    """A visit that was just begun, with the address that leads there: good once and for two minutes."""

    url = serializers.CharField()

    class Meta(OperatorVisitSerializer.Meta):
        fields = read_only_fields = [*OperatorVisitSerializer.Meta.fields, "url"]


class FailureSerializer(serializers.Serializer[Any]):
    """What failed in one way in one tenant (null: with the platform). Kind, tenant and `what` name it for a retry."""

    kind = serializers.ChoiceField(choices=failed_work.KIND_NAMES)
    tenant = serializers.CharField(source="tenant.slug", allow_null=True, default=None)
    what = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF takes the field out again
    count = serializers.IntegerField()
    last_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()
    error = serializers.CharField()


class FailuresSerializer(serializers.Serializer[Any]):
    """`tenants_left_out`: so many more tenants have failed work than one answer opens."""

    results = FailureSerializer(many=True)
    tenants_left_out = serializers.IntegerField()


class FailedWorkRetryInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=failed_work.KIND_NAMES)
    tenant = serializers.CharField(max_length=63, required=False, allow_null=True)
    what = serializers.CharField(max_length=100)


class FailedWorkRetriedSerializer(serializers.Serializer[Any]):
    retried = serializers.IntegerField()


class OperatorsSummarySerializer(serializers.Serializer[Any]):
    """Over all tenants that are not closed."""

    tenants = serializers.IntegerField()
    open = serializers.IntegerField()
    suspended = serializers.IntegerField()
    states = serializers.DictField(child=serializers.IntegerField())
    parked = serializers.IntegerField()
    failing_jobs = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF takes the field out again
    paid_tickets = serializers.IntegerField()
