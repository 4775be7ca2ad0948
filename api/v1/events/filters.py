"""By what the list of events can be narrowed and ordered: closed lists (B2)."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import Case, DecimalField, F, Q, When
from django.forms import CharField as CharFormField
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from api.filters import modified_since, moment
from shared_apps.core import money
from shared_apps.core.clock import EARLIEST, LATEST, day_bounds
from shared_apps.core.errors import InvalidInput
from tenant_apps.events.models import Event, EventTag
from tenant_apps.events.places import BadPoint, near_of
from tenant_apps.ticketing.querysets import with_a_free_place, with_prices, without_a_free_place
from tenants.context import current_tenant

# `distance` is there beside `near`.
ORDERS = {
    "starts_at": "starts_at",
    "price": "price",
    "rating": "standing__score",
    "created_at": "created_at",
    "title": "title",
    "distance": "distance_km",
}
PUBLIC_PARAMETERS = frozenset(
    "search category tag venue city date_from date_to price_min price_max available status level rating_min"
    " near radius_km facets".split()
)


class BadDate(InvalidInput):
    code = "date_invalid"
    message = _("Give a day as 2026-05-31, or a time as 2026-05-31T19:30:00+02:00.")


def _words(value: str) -> list[str]:
    return [word for word in (part.strip() for part in value.split(",")) if word][:20]


class _TextFilter(django_filters.CharFilter):
    field_class = CharFormField

    def __init__(self, **kwargs: Any):
        super().__init__(max_length=200, **kwargs)


class EventFilter(django_filters.FilterSet):
    """Several values of category, tag, venue and status are given with commas: any of them will do."""

    search = _TextFilter(method="by_text", help_text="Words that title, summary or description have, or begin with.")
    category = _TextFilter(method="by_slug")
    tag = _TextFilter(method="by_slug")
    venue = _TextFilter(method="by_slug")
    city = _TextFilter(field_name="venue__city", lookup_expr="iexact")
    level = _TextFilter(field_name="level", lookup_expr="iexact")
    date_from = _TextFilter(method="by_start", help_text="A day in the tenant's time zone, or a time with offset.")
    date_to = _TextFilter(method="by_start", help_text="The last day, or a time with offset.")
    price_min = django_filters.NumberFilter(method="by_price", min_value=0, max_value=10**9)
    price_max = django_filters.NumberFilter(method="by_price", min_value=0, max_value=10**9)
    available = django_filters.TypedChoiceFilter(
        choices=[("true", "true"), ("false", "false")],
        coerce=lambda text: text == "true",
        method="by_availability",
        help_text="Whether a place can be bought now.",
    )
    status = _TextFilter(method="by_status")
    rating_min = django_filters.NumberFilter(method="by_rating", min_value=1, max_value=5)

    class Meta:
        model = Event
        fields: list[str] = []

    def by_text(self, events: Any, name: str, value: str) -> Any:
        return events.matching(value)

    def by_slug(self, events: Any, name: str, value: str) -> Any:
        slugs = _words(value)
        if name == "tag":
            return events.filter(pk__in=EventTag.objects.filter(tag__slug__in=slugs).values("event_id"))
        ids = [int(slug) for slug in slugs if slug.isascii() and slug.isdigit() and len(slug) <= 18]
        return events.filter(Q(**{f"{name}__slug__in": slugs}) | Q(**{f"{name}__in": ids}))

    def by_start(self, events: Any, name: str, value: str) -> Any:
        first, after = _bounds(value, name)
        return events.filter(starts_at__gte=first) if name == "date_from" else events.filter(starts_at__lt=after)

    def by_price(self, events: Any, name: str, value: Decimal) -> Any:
        """Events with a visible ticket type in the range; each event's price counts in its own currency."""
        edge = "price_to_minor__gte" if name == "price_min" else "price_from_minor__lte"
        known = Q()
        for digits, currencies in _BY_DIGITS.items():
            known |= Q(currency__in=currencies, **{edge: _whole(value, digits, up=name == "price_min")})
        return with_prices(events).filter(known)

    def by_availability(self, events: Any, name: str, value: bool) -> Any:
        return with_a_free_place(events) if value else without_a_free_place(events)

    def by_rating(self, events: Any, name: str, value: Decimal) -> Any:
        """Nothing that nobody has rated has this rating."""
        return events.filter(standing__rating__gte=value)

    def by_status(self, events: Any, name: str, value: str) -> Any:
        wanted = _words(value)
        if not wanted or not set(wanted) <= set(Event.Status.values):
            raise InvalidInput(_("There is no such status."), field="status")
        return events.filter(status__in=wanted)


def narrowed(request: Any, events: Any) -> Any:
    """Return the events that the query asks for, in its order, ties by id. Raises InvalidInput."""
    return in_order(request, chosen(request, events))


def chosen(request: Any, events: Any, *, but: Collection[str] = ()) -> Any:
    """Return the events that the query asks for, in no order, as if it named none of the filters in `but`."""
    asked = {name: value for name, value in _known(request).items() if name not in but}
    filters = EventFilter(asked, queryset=events, request=request)
    if not filters.is_valid():
        raise django_filters.utils.translate_validation(filters.errors)
    found: Any = modified_since(request, filters.qs)
    near = near_of(request.query_params)
    return found if near is None else found.near(*near)


def in_order(request: Any, events: Any) -> Any:
    """Order by `?ordering=`; events without a price or a rating come last, in either direction.

    By rating means: by the mean as far as it may be believed (`EventStanding.score`), along its index.
    """
    from api.filters import UnknownSortKey

    given = request.query_params.get("ordering") or "starts_at"
    keys = []
    for name in given.split(",")[:5]:
        key = name.strip()
        if key.removeprefix("-") not in ORDERS:
            raise UnknownSortKey(field="ordering", keys=", ".join(ORDERS))
        column = F(ORDERS[key.removeprefix("-")])
        if key.endswith("distance") and near_of(request.query_params) is None:
            raise BadPoint(field="near")
        keys.append(column.desc(nulls_last=True) if key.startswith("-") else column.asc(nulls_last=True))
    if "price" in given:
        power = Case(
            *(When(currency__in=names, then=Decimal(10) ** digits) for digits, names in _BY_DIGITS.items()),
            output_field=DecimalField(max_digits=20, decimal_places=6),
        )
        events = with_prices(events).annotate(price=F("price_from_minor") / power)
    if "rating" in given:
        events = events.with_standing()
    return events.order_by(*keys, "pk")


def _known(request: Any) -> dict[str, str]:
    return {name: request.query_params[name] for name in EventFilter.base_filters if name in request.query_params}


_BY_DIGITS: dict[int, list[str]] = {}
for _currency in sorted(money.CURRENCIES):
    _BY_DIGITS.setdefault(money.exponent(_currency), []).append(_currency)


def _whole(value: Decimal, digits: int, *, up: bool) -> int:
    """The amount in minor units; rounded so that the range is not widened by half a cent."""
    scaled = value.scaleb(digits)
    whole = int(scaled)
    return whole + 1 if up and scaled > whole else whole


def _bounds(value: str, name: str) -> tuple[datetime, datetime]:
    """The first moment that the text means and the first after it: a day in the tenant's zone, or one moment."""
    try:
        day: date | None = parse_date(value.strip())
    except ValueError:
        day = None
    if day is not None:
        if not EARLIEST <= day.year < LATEST:
            raise BadDate(field=name)
        return day_bounds(day, current_tenant().timezone)
    try:
        at = moment(value, name).astimezone(UTC)
    except (InvalidInput, OverflowError):
        raise BadDate(field=name) from None
    return at, at + timedelta(microseconds=1)
