"""What a buyer sees first: the tenant's events."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from shared_apps.core.access import anyone
from shared_apps.core.clock import day_bounds
from tenant_apps.events.models import Category, Event
from tenant_apps.ticketing.offers import event_offer
from tenant_apps.ticketing.querysets import with_ticket_types
from tenants.context import current_tenant

PAGE = 24
WHEN = {
    "": _("Any date"),
    "today": _("Today"),
    "weekend": _("This weekend"),
    "week": _("Next 7 days"),
    "month": _("Next 30 days"),
}


@anyone
def events(request: HttpRequest, *, home: bool = False) -> HttpResponse:
    """The list, with filters that stand in the address. Three statements."""
    past = request.GET.get("show") == "past"
    chosen = {
        "search": request.GET.get("search", "").strip()[:100],
        "category": request.GET.get("category", "")[:60],
        "when": request.GET.get("when", "") if request.GET.get("when", "") in WHEN else "",
        "date": _day(request.GET.get("date", "")),
    }
    page = _page(request.GET.get("page", ""))
    found = _filtered(chosen, past=past)
    # One more than fits tells whether there is a next page, without counting.
    rows = list(found[(page - 1) * PAGE : page * PAGE + 1])
    shown = rows[:PAGE]
    for event in shown:
        event.offer = event_offer(event)
    context = {
        "nav": "events",
        "home": home,
        "heading": "h3" if home else "h2",
        "events": shown,
        "featured": shown[0] if home and shown and not past and not any(chosen.values()) and page == 1 else None,
        "categories": Category.objects.filter(events__in=Event.objects.public()).distinct(),
        "when_choices": list(WHEN.items()),
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "past": past,
        "page": page,
        "more": len(rows) > PAGE,
    }
    response = render(request, "storefront/events/list.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@anyone
def home(request: HttpRequest) -> HttpResponse:
    return events(request, home=True)


def _filtered(chosen: dict[str, Any], *, past: bool) -> Any:
    found = Event.objects.public().select_related("category", "venue").with_pictures()
    now = timezone.now()
    if past:
        found = found.exclude(pk__in=Event.objects.upcoming(now).values("pk")).order_by("-starts_at", "-pk")
    else:
        found = found.upcoming(now).exclude(status="finished").order_by("starts_at", "pk")
    if chosen["search"]:
        words = chosen["search"]
        found = found.filter(
            Q(title__icontains=words) | Q(summary__icontains=words) | Q(venue__name__icontains=words)
            | Q(venue__city__icontains=words) | Q(search=words)
        )  # fmt: skip
    if chosen["category"]:
        found = found.filter(category__slug=chosen["category"])
    first, last = _span(chosen)
    if first and last:
        zone = current_tenant().timezone
        found = found.filter(starts_at__gte=day_bounds(first, zone)[0], starts_at__lt=day_bounds(last, zone)[1])
    return with_ticket_types(found)


def _span(chosen: dict[str, Any]) -> tuple[date | None, date | None]:
    """The first and last day that are asked for, in the tenant's calendar."""
    if chosen["date"]:
        return chosen["date"], chosen["date"]
    today = timezone.now().astimezone(ZoneInfo(current_tenant().timezone)).date()
    match chosen["when"]:
        case "today":
            return today, today
        case "weekend":
            # From Friday to Sunday; on a Saturday what is left of it.
            friday = today + timedelta(days=(4 - today.weekday()) if today.weekday() < 5 else 0)
            return max(today, friday), today + timedelta(days=6 - today.weekday())
        case "week":
            return today, today + timedelta(days=6)
        case "month":
            return today, today + timedelta(days=29)
    return None, None


def _day(text: str) -> date | None:
    try:
        day = parse_date(text[:10]) if text else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2100 else None


def _page(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 1000 and len(text) < 5 else 1
