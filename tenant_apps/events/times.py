"""Times as people give them: an instant with an offset, or what the clock on the wall of the event shows (B3)."""

from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from shared_apps.core.clock import EARLIEST, LATEST, from_local, validate_zone
from shared_apps.core.errors import FieldError


class BadTime(ValueError):
    """A time that is none; knows which field, and why by a stable code."""

    def __init__(self, field: str, code: str, message: Any):
        super().__init__(str(message))
        self.error = FieldError(field, code, message)


def moment(value: Any, zone: str, field: str) -> datetime | None:
    """Return the value in UTC; one without an offset is local time in the zone.

    Raises BadTime for what is no time, does not exist or comes twice in the zone, or lies outside 2000 to 2100.
    """
    if value in (None, ""):
        return None
    if isinstance(value, str):
        try:
            value = parse_datetime(value.strip())
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise BadTime(field, "invalid_time", _("Write the time as 2026-05-31T19:30, or with an offset such as +02:00."))
    if not EARLIEST <= value.year < LATEST:
        raise BadTime(field, "out_of_range", _("The year must lie between 2000 and 2099."))
    if value.tzinfo is None:
        try:
            value = from_local(value, zone)
        except ValueError as error:
            code = "ambiguous_time" if "twice" in str(error) else "nonexistent_time"
            raise BadTime(field, code, str(error)) from None
    return value.astimezone(UTC)


def zone_or_error(name: Any) -> str:
    """Return the name if it is an IANA zone; raises BadTime otherwise."""
    from django.core.exceptions import ValidationError

    try:
        validate_zone(name)
    except (ValidationError, TypeError):
        raise BadTime("timezone", "timezone", _("This is no IANA time zone, such as Europe/Berlin.")) from None
    return str(name)
