"""Sort keys and filters from closed lists (B2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import EARLIEST, LATEST
from shared_apps.core.errors import InvalidInput


class UnknownSortKey(InvalidInput):
    code = "ordering_invalid"
    message = _("This list can be ordered by {keys}.")


class BadMoment(InvalidInput):
    code = "date_invalid"
    message = _("Give a time as 2026-05-31T19:00:00+02:00, between the years 2000 and 2100.")


def ordered(request: Any, queryset: Any, keys: Mapping[str, str], *, default: str) -> Any:
    """Order by `?ordering=-key,other`; `keys` maps the names that clients use to ours. Ties go by id.

    Raises UnknownSortKey.
    """
    given = request.query_params.get("ordering") or default
    order = []
    for name in given.split(",")[:5]:
        key = name.strip()
        if key.removeprefix("-") not in keys:
            raise UnknownSortKey(field="ordering", keys=", ".join(keys))
        order.append(("-" if key.startswith("-") else "") + keys[key.removeprefix("-")])
    return queryset.order_by(*order, "pk")


def modified_since(request: Any, queryset: Any, *, field: str = "modified_at") -> Any:
    """Keep what changed at or after `?modified_since=`; everything if the parameter is not there."""
    given = request.query_params.get("modified_since")
    return queryset if given is None else queryset.filter(**{f"{field}__gte": moment(given, "modified_since")})


def moment(given: str, name: str) -> datetime:
    """Return the moment that a parameter names; without an offset it is UTC. Raises BadMoment."""
    try:
        # A plus sign that nobody escaped arrives as a blank.
        value = parse_datetime(given.strip().replace(" ", "+") if given.count(" ") == 1 and "T" in given else given)
    except ValueError:
        value = None
    if value is None or not EARLIEST <= value.year <= LATEST:
        raise BadMoment(field=name)
    return value if timezone.is_aware(value) else value.replace(tzinfo=timezone.get_fixed_timezone(0))
