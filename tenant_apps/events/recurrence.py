"""When a series takes place: RFC 5545 rules as local time in a zone, bounded; pure functions, no database (B3)."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil.rrule import rrulestr
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from shared_apps.core.clock import EARLIEST, LATEST, from_local, local
from shared_apps.core.errors import FieldError, InvalidInput

MOST_DATES = 500
# How far ahead a rule may reach: bounds the work that even a rule without any date can cause.
LONGEST = timedelta(days=3653)
MOST_INTERVAL = 1000
PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"})
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
MINUTES = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True, order=True)
class Date:
    """One date of a series: the moment in UTC, and the clock on the wall."""

    at: datetime
    wall: datetime


class BadRule(InvalidInput):
    code = "rule_invalid"


def dates(
    rule: str, start: datetime, zone: str, *, rdates: Iterable[str] = (), exdates: Iterable[str] = ()
) -> list[Date]:
    """Return the dates, in order: what the rule gives from `start` on, with `rdates`, without `exdates`.

    `start` is local and naive; dates are kept to the minute. Without a rule the start itself is its only date. Texts
    without an offset are local times. Raises InvalidInput for what is no rule, for more than 500 dates or none, and
    for local times that the clock skips or shows twice: those are left out by `exdates`, and may come back with an
    offset by `rdates`.
    """
    start = start.replace(second=0, microsecond=0)
    left_out = {_exdate(text, index, zone) for index, text in enumerate(exdates)}
    walls = [wall for wall in _by_rule(rule, start, zone) if wall not in left_out]
    found: dict[datetime, Date] = {}
    faults: list[FieldError] = []
    for wall in walls:
        try:
            at = from_local(wall, zone).astimezone(UTC)
        except ValueError as error:
            code = "ambiguous_time" if "twice" in str(error) else "nonexistent_time"
            faults.append(FieldError("rule", code, str(error)))
        else:
            found[at] = Date(at, wall)
    for index, text in enumerate(rdates):
        try:
            at = _added(text, zone)
        except ValueError as error:
            faults.append(FieldError(f"rdates.{index}", "invalid_time", str(error)))
        else:
            found[at] = Date(at, local(at, zone).replace(tzinfo=None))
    if faults:
        raise InvalidInput(errors=faults[:50])
    if len(found) > MOST_DATES:
        raise _fault("too_many_dates", _("A series has at most %d dates.") % MOST_DATES)
    if not found:
        raise _fault("no_dates", _("There is no date by this rule."))
    return sorted(found.values())


def cleaned(rule: str) -> str:
    """Return the rule as it is kept: capital letters, no "RRULE:", no blanks. Raises BadRule."""
    text = "".join(str(rule or "").split()).upper().removeprefix("RRULE:").strip(";")
    if text:
        _parts(text)
    return text


def _parts(text: str) -> dict[str, str]:
    if len(text) > 500 or not text.isascii():
        raise _fault("rule_invalid", _("This is no rule such as FREQ=WEEKLY;BYDAY=FR;COUNT=10."))
    parts: dict[str, str] = {}
    for each in text.split(";"):
        name, equals, value = each.partition("=")
        if not equals or not value or name in parts:
            raise _fault("rule_invalid", _("This is no rule such as FREQ=WEEKLY;BYDAY=FR;COUNT=10."))
        if name not in PARTS:
            raise _fault("rule_part_unknown", _("A rule cannot have this part: %s") % name)
        parts[name] = value
    if parts.get("FREQ") not in FREQUENCIES:
        raise _fault("rule_frequency", _("FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY."))
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise _fault("rule_unbounded", _("Say how often or until when: COUNT or UNTIL, one of them."))
    for name, most in (("COUNT", MOST_DATES), ("INTERVAL", MOST_INTERVAL)):
        if name in parts and not (parts[name].isdigit() and len(parts[name]) <= 4 and 1 <= int(parts[name]) <= most):
            message = _("%(name)s is a number from 1 to %(most)d.") % {"name": name, "most": most}
            raise _fault("too_many_dates" if name == "COUNT" and parts[name].isdigit() else "rule_invalid", message)
    return parts


def _by_rule(rule: str, start: datetime, zone: str) -> list[datetime]:
    """The rule's dates as the clock on the wall shows them, at most one more than allowed."""
    if not EARLIEST <= start.year < LATEST:
        raise _fault("out_of_range", _("The year must lie between 2000 and 2099."))
    text = cleaned(rule)
    if not text:
        return [start]
    parts = _parts(text)
    count = int(parts.pop("COUNT", MOST_DATES + 1))
    furthest = min(start + LONGEST, datetime(LATEST - 1, 12, 31, 23, 59))  # noqa: DTZ001  (the clock on the wall)
    until = _until(parts.pop("UNTIL"), zone) if "UNTIL" in parts else None
    if until and until > furthest:
        raise _fault("rule_too_far", _("A series reaches at most ten years ahead."))
    # dateutil goes on for thousands of years where a rule has no date (30 February); this end stops it.
    bounded = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        series: Any = rrulestr(bounded, dtstart=start)
        found = list(itertools.islice(series.replace(until=until or furthest), count))
    except (ValueError, TypeError, IndexError, KeyError, AttributeError):
        raise _fault("rule_invalid", _("This is no rule such as FREQ=WEEKLY;BYDAY=FR;COUNT=10.")) from None
    if until is None and len(found) < count:
        raise _fault("rule_too_far", _("A series reaches at most ten years ahead."))
    return found


def _until(text: str, zone: str) -> datetime:
    """The end of a rule on the clock of the zone; a day alone counts to its end."""
    for form in ("%Y%m%d", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ"):
        try:
            end = datetime.strptime(text, form)  # noqa: DTZ007  (made aware below where it says Z)
        except ValueError:
            continue
        if form.endswith("Z"):
            return local(end.replace(tzinfo=UTC), zone).replace(tzinfo=None)
        return end.replace(hour=23, minute=59, second=59) if "T" not in text else end
    raise _fault("rule_invalid", _("UNTIL is a day such as 20271231."))


def _parsed(text: str) -> datetime:
    try:
        value = parse_datetime(str(text).strip())
    except ValueError:
        value = None
    if value is None or not EARLIEST < value.year < LATEST - 1:
        raise ValueError(_("Write the time as 2026-05-31T19:30, or with an offset such as +02:00."))
    return value.replace(second=0, microsecond=0)


def _added(text: str, zone: str) -> datetime:
    value = _parsed(text)
    return (from_local(value, zone) if value.tzinfo is None else value).astimezone(UTC)


def wall_of(text: str, zone: str) -> datetime:
    """Return what the clock of the zone shows at a time that is written with an offset or without."""
    value = _parsed(text)
    return value if value.tzinfo is None else local(value, zone).replace(tzinfo=None)


def _exdate(text: str, index: int, zone: str) -> datetime:
    try:
        return wall_of(text, zone)
    except ValueError as error:
        raise InvalidInput(errors=[FieldError(f"exdates.{index}", "invalid_time", str(error))]) from None


def _fault(code: str, message: str) -> InvalidInput:
    return BadRule(errors=[FieldError("rule", code, message)])
