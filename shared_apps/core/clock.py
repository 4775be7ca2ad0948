"""Time: UTC in the database, an event's own zone towards people (B3)."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

EARLIEST, LATEST = 2000, 2100


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA zone name that this machine's tz database knows."""
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})


def validate_zone(value: str) -> None:
    """Refuse what is no IANA zone name."""
    if value not in zone_names():
        raise ValidationError(_("%(value)s is no IANA time zone."), code="timezone", params={"value": value})


def local(moment: datetime, zone: str) -> datetime:
    """Return the moment as the clock on the wall shows it in the zone."""
    return moment.astimezone(ZoneInfo(zone))


def from_local(naive: datetime, zone: str) -> datetime:
    """Return the moment that a wall clock in the zone shows.

    Raises ValueError if the clock never shows that time (spring) or shows it twice (autumn): then the caller
    must give an offset (B3).
    """
    there = ZoneInfo(zone)
    first, second = naive.replace(tzinfo=there, fold=0), naive.replace(tzinfo=there, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(ZoneInfo("UTC")).astimezone(there).replace(tzinfo=None) != naive:
        raise ValueError(f"{naive:%Y-%m-%d %H:%M} does not exist in {zone}: the clock jumps over it.")
    raise ValueError(f"{naive:%Y-%m-%d %H:%M} comes twice in {zone}: give an offset such as +01:00.")


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the first moment of a day in the zone and the first of the next: a half-open interval."""
    there = ZoneInfo(zone)
    return (
        datetime.combine(day, time.min, there),
        datetime.combine(day + timedelta(days=1), time.min, there),
    )
