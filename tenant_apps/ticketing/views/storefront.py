"""What a buyer sees first: the tenant's events, as a list or as a month of a calendar."""

from calendar import Calendar
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from shared_apps.core.access import anyone
from shared_apps.core.clock import local
from shared_apps.core.money import exponent
from shared_apps.core.templatetags.money import written
from tenant_apps.ticketing.facets import Choice, bands
from tenant_apps.ticketing.listing import (
    ORDERS,
    RATINGS,
    WHEN,
    Looking,
    choices,
    in_order,
    looking_of,
    misspelt,
    narrowed,
)
from tenant_apps.ticketing.offers import event_offer
from tenant_apps.ticketing.querysets import with_ticket_types
from tenants.context import current_tenant

PAGE = 24
MOST_IN_MONTH = 1000
MOST_IN_DAY = 4
MONDAY = 0
RADII = (5, 10, 25, 50, 100)


@anyone
def events(request: HttpRequest, *, home: bool = False) -> HttpResponse:
    """The list, with filters that stand in the address. Three statements; with a search up to five."""
    tenant, looking = current_tenant(), looking_of(request.GET)
    page = _page(request.GET.get("page", ""))
    context: dict[str, Any] = {
        "nav": "events",
        "home": home,
        "heading": "h3" if home else "h2",
        "looking": looking,
        "filtered": bool(looking),
        "past": looking.past,
        "when_choices": list(WHEN.items()),
        "orders": list(ORDERS.items()),
        "ratings": list(RATINGS.items()),
        "radii": RADII,
        "facets": _shown(choices(looking, tenant.timezone), looking, tenant.currency),
        "meant": misspelt(looking),
        "month_now": looking.month or local(timezone.now(), tenant.timezone).date().replace(day=1),
    }
    if looking.month is not None:
        context |= _month(looking, looking.month, tenant.timezone)
    else:
        events = narrowed(looking).select_related("category", "venue", "standing").with_pictures()
        found = with_ticket_types(in_order(looking, events))
        # One more than fits tells whether there is a next page, without counting.
        rows = list(found.defer("search", "letters")[(page - 1) * PAGE : page * PAGE + 1])
        shown = rows[:PAGE]
        for event in shown:
            event.offer = event_offer(event)
        first = home and shown and not looking.past and not looking and page == 1
        context |= {
            "events": shown,
            "featured": shown[0] if first else None,
            "page": page,
            "more": len(rows) > PAGE,
        }
    response = render(request, "storefront/events/list.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@anyone
def home(request: HttpRequest) -> HttpResponse:
    return events(request, home=True)


def _month(looking: Looking, first: date, zone: str) -> dict[str, Any]:
    """The weeks of the month with their days, each with its first few events and how many more there are.

    Days are those of the tenant's calendar, as in the filters by date.
    """
    days: dict[date, list[Any]] = defaultdict(list)
    found = narrowed(looking).defer("search", "letters", "description").order_by("starts_at", "pk")
    for event in found[:MOST_IN_MONTH]:
        days[local(event.starts_at, zone).date()].append(event)
    today = local(timezone.now(), zone).date()
    weeks = [
        [
            {
                "date": day,
                "inside": day.month == first.month,
                "today": day == today,
                "events": days[day][:MOST_IN_DAY] if day.month == first.month else [],
                "more": max(0, len(days[day]) - MOST_IN_DAY),
            }
            for day in week
        ]
        for week in Calendar(MONDAY).monthdatescalendar(first.year, first.month)
    ]
    return {
        "weeks": weeks,
        "events": [event for day in days.values() for event in day],
        "before": (first - timedelta(days=1)).replace(day=1),
        "after": (first + timedelta(days=32)).replace(day=1),
    }


def _shown(found: dict[str, list[Choice]], looking: Looking, currency: str) -> dict[str, list[dict[str, Any]]]:
    """The choices as the filters show them; what is chosen stays to be seen where nothing fits it any more."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for name in ("category", "tag", "city", "level"):
        chosen = getattr(looking, name)
        rows = [{"value": each.value, "label": each.label, "count": each.events} for each in found[name]]
        if chosen and chosen.casefold() not in {str(row["value"]).casefold() for row in rows}:
            rows.append({"value": chosen, "label": chosen, "count": 0})
        for row in rows:
            row["chosen"] = str(row["value"]).casefold() == chosen.casefold()
        shown[name] = rows
    counts = {each.value: each.events for each in found["price"]}
    labels = {"0-0": _("Free")} | {f"{a}-{'' if b is None else b}": _label(a, b, currency) for a, b in bands(currency)}
    shown["price"] = [
        {"value": value, "label": label, "count": counts.get(value, 0), "chosen": value == looking.band}
        for value, label in labels.items()
        if value in counts or value == looking.band
    ]
    return shown


def _label(least: int, most: int | None, currency: str) -> str:
    power = 10 ** exponent(currency)
    lower = written(least * power, currency)
    if most is None:
        return _("%s and more") % lower
    upper = written(most * power, currency)
    return _("Below %s") % upper if not least else _("%(from)s to %(to)s") % {"from": lower, "to": upper}


def _page(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 1000 and len(text) < 5 else 1
