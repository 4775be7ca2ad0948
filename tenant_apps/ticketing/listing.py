"""What a buyer looks for on the storefront, as it stands in the page's address, and the events that fit it.

A page never refuses what somebody typed into its address: what makes no sense counts as not given.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import day_bounds
from shared_apps.core.errors import DomainError
from tenant_apps.events.models import Event, EventTag
from tenant_apps.events.places import Near, near_of
from tenant_apps.ticketing.facets import Choice, facets, in_band
from tenant_apps.ticketing.querysets import with_a_free_place, with_prices
from tenants.context import current_tenant

WHEN = {
    "": _("Any date"),
    "today": _("Today"),
    "weekend": _("This weekend"),
    "week": _("Next 7 days"),
    "month": _("Next 30 days"),
}
ORDERS = {
    "": _("Soonest first"),
    "price": _("Cheapest first"),
    "-rating": _("Best rated first"),
    "title": _("By name"),
    "-created_at": _("Newest first"),
}
RATINGS = {"": _("Any rating"), "4": _("4 stars and more"), "3": _("3 stars and more")}


@dataclass(frozen=True, slots=True)
class Looking:
    """What is chosen; empty values choose nothing. `month` is the first day of the month of the calendar."""

    search: str = ""
    category: str = ""
    tag: str = ""
    city: str = ""
    level: str = ""
    band: str = ""
    when: str = ""
    day: date | None = None
    month: date | None = None
    available: bool = False
    near: Near | None = None
    past: bool = False
    ordering: str = ""
    rating: str = ""

    def __bool__(self) -> bool:
        """Whether anything narrows the list."""
        return any(getattr(self, each.name) for each in fields(self) if each.name not in ("past", "ordering", "month"))

    @property
    def more(self) -> int:
        """How many of the filters are chosen that stand behind "More filters"."""
        return sum(
            bool(each)
            for each in (self.tag, self.city, self.level, self.band, self.available, self.ordering, self.rating)
        )


def looking_of(query: Any) -> Looking:
    """Return what the address says."""
    try:
        near = near_of(query)
    except DomainError:
        near = None
    when, ordering = query.get("when", ""), query.get("ordering", "")
    return Looking(
        search=query.get("search", "").strip()[:100],
        category=query.get("category", "")[:60],
        tag=query.get("tag", "")[:60],
        city=query.get("city", "").strip()[:80],
        level=query.get("level", "").strip().lower()[:20],
        band=query.get("band", "")[:20],
        when=when if when in WHEN else "",
        day=_day(query.get("date", "")),
        month=(_day(f"{query.get('month', '')}-01") or _this_month()) if query.get("view") == "month" else None,
        available=query.get("available") == "true",
        near=near,
        past=query.get("show") == "past",
        ordering=ordering if ordering in ORDERS else "",
        rating=rating if (rating := query.get("rating", "")) in RATINGS else "",
    )


def narrowed(looking: Looking, *, without: Collection[str] = (), now: datetime | None = None) -> Any:
    """Return the events that fit, in no order, as if what stands in `without` were not chosen."""
    found, now = Event.objects.public(), now or timezone.now()
    if looking.month is None or "month" in without:
        found = (
            found.exclude(pk__in=Event.objects.upcoming(now).values("pk"))
            if looking.past
            else found.upcoming(now).exclude(status="finished")
        )
    if looking.search:
        found = found.matching(looking.search)
    for name, lookup in (("category", "category__slug"), ("city", "venue__city__iexact"), ("level", "level__iexact")):
        if (value := getattr(looking, name)) and name not in without:
            found = found.filter(**{lookup: value})
    if looking.tag and "tag" not in without:
        found = found.filter(pk__in=EventTag.objects.filter(tag__slug=looking.tag).values("event"))
    if looking.band and "band" not in without:
        found = in_band(found, looking.band)
    if looking.available:
        found = with_a_free_place(found, now)
    if looking.rating:
        found = found.filter(standing__rating__gte=int(looking.rating))
    if looking.near is not None:
        found = found.near(*looking.near)
    if "when" not in without and (span := _span(looking, now)):
        found = found.filter(starts_at__gte=span[0], starts_at__lt=span[1])
    return found


def in_order(looking: Looking, found: Any) -> Any:
    """Return the events in the order that was chosen; near a point the nearest come first unless one was."""
    if looking.ordering == "price":
        return with_prices(found).order_by("price_from_minor", "starts_at", "pk")
    if looking.ordering == "-rating":
        return found.by_rating()
    if looking.ordering:
        return found.order_by(looking.ordering, "pk")
    if looking.near is not None:
        return found.order_by("distance_km", "starts_at", "pk")
    return found.order_by("-starts_at", "-pk") if looking.past else found.order_by("starts_at", "pk")


def choices(looking: Looking, zone: str) -> dict[str, list[Choice]]:
    """Return the facets with their counts; one statement."""
    chosen = {name for name in ("category", "tag", "city", "level") if getattr(looking, name)}
    chosen |= {"price_min"} if looking.band else set()
    chosen |= {"date_from"} if looking.when or looking.day or looking.month else set()
    names = {"date_from": "when", "price_min": "band"}

    def without(filters: Collection[str]) -> Any:
        given = {names.get(each, each) for each in filters}
        return narrowed(looking, without=given | ({"month"} if "when" in given else set()))

    return facets(without, chosen, zone)


def misspelt(looking: Looking) -> str:
    """Return the title that was perhaps meant, if nothing has the words just as they were typed; else nothing.

    Two statements, asked only where something was searched.
    """
    if not looking.search or Event.objects.public().worded(looking.search).exists():
        return ""
    likest = Event.objects.public().likest(looking.search)
    return likest.title if likest is not None else ""


def _span(looking: Looking, now: datetime) -> tuple[datetime, datetime] | None:
    zone = current_tenant().timezone
    if looking.day is not None:
        return day_bounds(looking.day, zone)
    if looking.month is not None:
        after = (looking.month + timedelta(days=32)).replace(day=1)
        return day_bounds(looking.month, zone)[0], day_bounds(after, zone)[0]
    today = now.astimezone(ZoneInfo(zone)).date()
    first, last = today, today
    match looking.when:
        case "today":
            pass
        case "weekend":
            # From Friday to Sunday; on a Saturday what is left of it.
            friday = today + timedelta(days=(4 - today.weekday()) if today.weekday() < 5 else 0)
            first, last = max(today, friday), today + timedelta(days=6 - today.weekday())
        case "week":
            last = today + timedelta(days=6)
        case "month":
            last = today + timedelta(days=29)
        case _:
            return None
    return day_bounds(first, zone)[0], day_bounds(last, zone)[1]


def _this_month() -> date:
    return timezone.now().astimezone(ZoneInfo(current_tenant().timezone)).date().replace(day=1)


def _day(text: str) -> date | None:
    try:
        day = parse_date(text[:10]) if text else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2100 else None
