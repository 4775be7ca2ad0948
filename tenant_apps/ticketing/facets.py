"""How many events each further choice would leave: the counts beside the filters, of API and storefront alike."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from django.db.models import Case, CharField, Count, F, Func, Q, Value, When
from django.db.models.functions import Lower

from shared_apps.core.money import CURRENCIES, exponent
from tenant_apps.events.models import Event
from tenant_apps.ticketing.querysets import with_prices

# Which filters of the list each facet stands for: it is counted as if these were not chosen, so that one sees what
# else could be.
FILTERS = {
    "category": ("category",),
    "tag": ("tag",),
    "city": ("city",),
    "level": ("level",),
    "month": ("date_from", "date_to"),
    "price": ("price_min", "price_max"),
}
MOST_VALUES = 50
# Upper edges of the bands in major units, the last band being open; what costs nothing is a band of its own.
EDGES = (20, 50, 100)
# Where a coffee costs hundreds the edges are a hundred times as far apart.
_LARGE = frozenset("AMD CLP COP CRC HUF IDR INR ISK JPY KGS KRW KZT LBP NGN PKR RSD RUB THB TZS UGX UZS VND".split())


class Choice(NamedTuple):
    """One choice: what the filter takes, what people read, and how many events it leaves."""

    value: str
    label: str
    events: int


def facets(narrowed: Callable[[Collection[str]], Any], chosen: Collection[str], zone: str) -> dict[str, list[Choice]]:
    """Return the choices of each facet: most frequent first, months and prices by size.

    `narrowed(without)` gives the events that the list shows, as if the filters in `without` were not chosen;
    `chosen` are the filters that are. Months are those of the tenant's `zone`. One statement.
    """
    everything = narrowed(())
    parts = []
    for name, filters in FILTERS.items():
        events = narrowed(filters) if set(filters) & set(chosen) else everything
        parts.append(_rows(name, events.order_by(), zone))
    found: dict[str, list[Choice]] = {name: [] for name in FILTERS}
    for name, value, label, count in parts[0].union(*parts[1:], all=True):
        found[name].append(Choice(value, label, count))
    for name, values in found.items():
        if name == "month":
            values.sort()
        elif name == "price":
            values.sort(key=lambda each: float(each.value.partition("-")[0]))
        else:
            values.sort(key=lambda each: (-each.events, each.label))
        del values[MOST_VALUES:]
    return found


def _rows(name: str, events: Any, zone: str) -> Any:
    # The rows are found once more by their ids, so that annotations of the filters do not part the groups.
    found = Event.objects.filter(pk__in=events.values("pk"))
    if name == "price":
        found = with_prices(found).filter(price_from_minor__isnull=False)
        value: Any = _band()
        label: Any = value
    elif name == "month":
        local = Func(Value(zone), F("starts_at"), function="timezone", output_field=CharField())
        value = label = Func(local, Value("YYYY-MM"), function="to_char", output_field=CharField())
    elif name == "city":
        found = found.exclude(venue__city="").filter(venue__isnull=False)
        value, label = F("venue__city"), F("venue__city")
    elif name == "level":
        found = found.exclude(level="")
        value, label = Lower("level"), Lower("level")
    elif name == "tag":
        found = found.filter(tags__isnull=False)
        value, label = F("tags__slug"), F("tags__name")
    else:
        found = found.filter(category__isnull=False)
        value, label = F("category__slug"), F("category__name")
    rows = found.values(facet=Value(name, output_field=CharField()), value=value, label=label)
    return rows.annotate(count=Count("pk")).order_by().values_list("facet", "value", "label", "count")


def bands(currency: str) -> list[tuple[int, int | None]]:
    """Return the bands of prices in the currency, as (from, to) in major units; the last one is open."""
    edges = [edge * (100 if currency in _LARGE else 1) for edge in EDGES]
    return list(zip([0, *edges], [*edges, None], strict=True))


def in_band(events: Any, band: str) -> Any:
    """Return the events whose lowest price lies in the band, by its name; of none there is, no events."""
    if band == "0-0":
        return with_prices(events).filter(price_from_minor=0)
    known = Q(pk__in=())
    for digits, currencies in _kinds():
        for least, most in bands(currencies[0]):
            if _name(least, most) == band:
                edges = {"price_from_minor__gte": max(1, least * 10**digits)}
                if most is not None:
                    edges["price_from_minor__lt"] = most * 10**digits
                known |= Q(currency__in=currencies, **edges)
    return with_prices(events).filter(known)


def _band() -> Any:
    """The band as `from-to`: "0-0" for what is free, "100-" for the open one; what fits price_min and price_max."""
    cases = [When(price_from_minor=0, then=Value("0-0"))]
    for digits, currencies in _kinds():
        for least, most in bands(currencies[0])[:-1]:
            upper = (most or 0) * 10**digits
            cases.append(When(currency__in=currencies, price_from_minor__lt=upper, then=Value(_name(least, most))))
        cases.append(When(currency__in=currencies, then=Value(_name(bands(currencies[0])[-1][0], None))))
    return Case(*cases, default=Value("0-0"), output_field=CharField())


def _name(least: int, most: int | None) -> str:
    return f"{least}-{'' if most is None else most}"


def _kinds() -> list[tuple[int, list[str]]]:
    kinds: dict[tuple[int, bool], list[str]] = {}
    for currency in sorted(CURRENCIES):
        kinds.setdefault((exponent(currency), currency in _LARGE), []).append(currency)
    return [(digits, names) for (digits, _large), names in kinds.items()]
