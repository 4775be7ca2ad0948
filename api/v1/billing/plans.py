"""What the platform sells, and what a tenant has of it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import ANYONE
from api.views import APIView
from shared_apps.billing import fees, limits, plans
from shared_apps.billing.models import LIMITS, Plan
from shared_apps.billing.usage import period
from shared_apps.core.money import to_text
from tenants import links
from tenants.context import current_tenant


class TicketFeeSerializer(serializers.Serializer[Any]):
    """Of each paid ticket. The fixed part counts where tickets are sold in the plan's currency."""

    percent = serializers.CharField(help_text="Per cent of what the ticket costs: “2.5”.")
    fixed = serializers.CharField(help_text="In major units of the plan's currency.")
    currency = serializers.CharField()


class LimitsSerializer(serializers.Serializer[Any]):
    """`null` is no limit."""

    events = serializers.IntegerField(allow_null=True, help_text="That are not over, called off or archived.")
    staff = serializers.IntegerField(allow_null=True, help_text="Members and open invitations.")
    tickets_month = serializers.IntegerField(allow_null=True, help_text="Paid tickets in a month of UTC.")
    api_rate = serializers.IntegerField(allow_null=True, help_text="Requests a minute of one person or key.")
    storage_bytes = serializers.IntegerField(allow_null=True, help_text="Of pictures, all sizes together.")
    domains = serializers.IntegerField(allow_null=True, help_text="Of the tenant's own.")


class PlanSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    price = serializers.CharField(help_text="For each interval, in major units.")
    currency = serializers.CharField()
    interval = serializers.ChoiceField(choices=Plan.Interval.choices, help_text="Empty where nothing fixed is paid.")
    trial_days = serializers.IntegerField()
    ticket_fee = TicketFeeSerializer()
    limits = LimitsSerializer()


class PlansSerializer(serializers.Serializer[Any]):
    results = PlanSerializer(many=True)


class LimitUseSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField(choices=LIMITS)
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField(allow_null=True, help_text="`null` for what is not counted, such as a rate.")


class TenantPlanSerializer(serializers.Serializer[Any]):
    plan = PlanSerializer()
    restricted = serializers.BooleanField(help_text="A payment has been missing for too long: nothing can be added.")
    limits = LimitUseSerializer(many=True)
    upgrade_url = serializers.CharField()


class TicketFeesDaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="A day of UTC.")
    currency = serializers.CharField()
    tickets = serializers.IntegerField()
    gross = serializers.CharField(help_text="What the tickets cost.")
    fee = serializers.CharField(help_text="The platform's part of it.")
    collected = serializers.CharField(help_text="What of that was kept back from payments.")
    due = serializers.CharField(help_text="What is invoiced.")


class TicketFeesTotalSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    tickets = serializers.IntegerField()
    gross = serializers.CharField()
    fee = serializers.CharField()
    collected = serializers.CharField()
    due = serializers.CharField()


class TicketFeesSerializer(serializers.Serializer[Any]):
    days = TicketFeesDaySerializer(many=True)
    totals = TicketFeesTotalSerializer(many=True)


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as the API shows it."""
    return {
        "slug": plan.slug,
        "name": plans.shown_name(plan),
        "price": to_text(plan.price_minor, plan.currency),
        "currency": plan.currency,
        "interval": plan.interval,
        "trial_days": plan.trial_days,
        "ticket_fee": {
            "percent": f"{plan.ticket_fee_percent.normalize():f}",
            "fixed": to_text(plan.ticket_fee_minor, plan.currency),
            "currency": plan.currency,
        },
        "limits": limits.of_plan(plan),
    }


class PlansView(APIView):
    """What there is to choose from, in the order of the price list."""

    permissions = {"get": ANYONE}
    parameters = frozenset[str]()

    @extend_schema(operation_id="plans_list", responses=PlansSerializer)
    def get(self, request: Request) -> Response:
        return Response({"results": [plan_json(plan) for plan in plans.offered()]})


class TenantPlanView(APIView):
    """This site's plan, what it allows, and how much of that is used."""

    permissions = {"get": "manage_settings"}
    parameters = frozenset[str]()

    @extend_schema(operation_id="billing_plan_retrieve", responses=TenantPlanSerializer)
    def get(self, request: Request) -> Response:
        tenant = current_tenant()
        standing = plans.standing_of(tenant)
        used = [{"name": one.name, "limit": one.limit, "used": one.used} for one in limits.figures(tenant)]
        return Response(
            {
                "plan": plan_json(standing.plan),
                "restricted": standing.restricted,
                "limits": used,
                "upgrade_url": links.url(tenant, limits.PAGE),
            }
        )


class TicketFeesView(APIView):
    """What the platform has of this site's paid tickets, day by day: 30 days, or from `from` to `to`, at most 366."""

    permissions = {"get": "manage_settings"}
    parameters = frozenset({"from", "to"})

    @extend_schema(operation_id="billing_ticket_fees_retrieve", responses=TicketFeesSerializer)
    def get(self, request: Request) -> Response:
        first, last = period(request.query_params.get("from", ""), request.query_params.get("to", ""))
        rows = fees.fees_of(current_tenant(), first, last)
        days = [{"day": row.day, **_written(vars(row) | {"due_minor": row.due_minor})} for row in rows]
        return Response({"days": days, "totals": [_written(sums) for sums in fees.totals(rows)]})


def _written(sums: dict[str, Any]) -> dict[str, Any]:
    amounts = {name: to_text(sums[f"{name}_minor"], sums["currency"]) for name in ("gross", "fee", "collected", "due")}
    return {"currency": sums["currency"], "tickets": sums["tickets"], **amounts}
