"""`near=lat,lon&radius_km`: what is around a point."""

import math
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import InvalidInput

USUAL_KM = 25.0
MOST_KM = 20_040.0  # half way around the earth: everything


class BadPoint(InvalidInput):
    code = "point_invalid"
    message = _("Give a point as latitude,longitude in degrees, such as 51.5074,-0.1278.")


class BadRadius(InvalidInput):
    code = "radius_invalid"
    message = _("Give the radius in kilometres, from 0.1 to 20040, with near=latitude,longitude beside it.")


class Near(NamedTuple):
    """A point in degrees and how far around it one looks."""

    latitude: float
    longitude: float
    radius_km: float


def near_of(query: Any) -> Near | None:
    """Return what the query asks for; None if it names no point. Raises BadPoint or BadRadius."""
    given, radius = query.get("near", "").strip(), query.get("radius_km", "").strip()
    if not given:
        if radius:
            raise BadRadius(field="radius_km")
        return None
    parts = [_number(part) for part in given[:60].split(",")]
    if len(parts) != 2 or parts[0] is None or parts[1] is None or abs(parts[0]) > 90 or abs(parts[1]) > 180:
        raise BadPoint(field="near")
    distance = _number(radius[:30]) if radius else USUAL_KM
    if distance is None or not 0.1 <= distance <= MOST_KM:
        raise BadRadius(field="radius_km")
    return Near(parts[0], parts[1], distance)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
