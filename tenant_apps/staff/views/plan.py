"""The page of the site's plan: what it allows, how much of that is used, and what else there is."""

from datetime import UTC
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from shared_apps.billing import fees, limits, plans
from shared_apps.billing.price_list import price_list, shown
from shared_apps.core.access import staff
from tenants.context import current_tenant


@staff("manage_settings")
@require_safe
def plan(request: HttpRequest) -> HttpResponse:
    """The plan, its limits beside what is used, the fees of this month, and the price list."""
    tenant = current_tenant()
    standing = plans.standing_of(tenant)
    today = timezone.now().astimezone(UTC).date()
    first = today.replace(day=1)
    context: dict[str, Any] = {
        "nav": "plan",
        "plan": shown(standing.plan),
        "restricted": standing.restricted,
        "figures": limits.figures(tenant),
        "fees": fees.totals(fees.fees_of(tenant, first, today)),
        "month": first,
        "price_list": price_list(standing.plan.slug),
        "billing_url": _billing(),
    }
    return render(request, "dashboard/settings/plan.html", context)


def _billing() -> str:
    """Where a plan is chosen and paid; empty where the platform sells none."""
    try:
        return reverse("dashboard-billing")
    except NoReverseMatch:
        return ""
