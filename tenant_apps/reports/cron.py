"""When a schedule is due: five fields as in crontab(5), read on the wall clock of the tenant's zone.

Celery's own crontab reads the fields; which moments they mean across a change of the clock is decided here. A time
that the clock jumps over is due as long after midnight as it would have been (02:30 becomes 03:30); a time that comes
twice is due the first time only. So every line of the calendar has exactly one moment (B3).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import InvalidInput

# One or more of: everything, a value, from one to another; each may have a step. Celery's reader is more lenient.
_ITEM = r"(\*|([0-9]{1,2}|[a-z]{3})(-([0-9]{1,2}|[a-z]{3}))?)(/[1-9][0-9]?)?"
_FIELD = re.compile(rf"{_ITEM}(,{_ITEM}){{0,30}}")
# February 29th may be eight years away (1896, 1904).
LOOKED_AHEAD = timedelta(days=366 * 8 + 2)


class BadCron(InvalidInput):
    code = "cron_invalid"
    message = _("Write five fields: minute hour day month weekday, such as 0 8 * * mon.")


class TooOften(InvalidInput):
    code = "cron_too_often"
    message = _("At most once an hour: name one minute.")


@dataclass(frozen=True, slots=True)
class Cron:
    """Which minutes, hours, days and months; weekdays with Sunday as 0."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def falls_on(self, day: date) -> bool:
        """As crontab(5): where both days and weekdays are named, either suffices."""
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday

    def moments(self, day: date, zone: str) -> Iterator[datetime]:
        """Give the moments of a day, in UTC, earliest first."""
        there = ZoneInfo(zone)
        found = {
            datetime.combine(day, time(hour, minute), there).astimezone(UTC)
            for hour in self.hours
            for minute in self.minutes
        }
        yield from sorted(found)


def parse(text: Any) -> Cron:
    """Read five fields. Raises BadCron, TooOften."""
    fields = str(text).lower().split()
    if len(fields) != 5 or not all(_FIELD.fullmatch(each) for each in fields):
        raise BadCron(field="cron")
    minute, hour, day, month, weekday = fields
    try:
        # The stubs do not name what it has read.
        read: Any = crontab(minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday)
    except (ParseException, ValueError, ZeroDivisionError):
        raise BadCron(field="cron") from None
    if len(read.minute) != 1:
        raise TooOften(field="cron")
    cron = Cron(
        minutes=tuple(sorted(read.minute)), hours=tuple(sorted(read.hour)), days=frozenset(read.day_of_month),
        months=frozenset(read.month_of_year), weekdays=frozenset(read.day_of_week), any_day=day.startswith("*"),
        any_weekday=weekday.startswith("*"),
    )  # fmt: skip
    if next_after(cron, datetime(2026, 1, 1, tzinfo=UTC), "UTC") is None:
        raise BadCron(field="cron")  # February 30th
    return cron


def next_after(cron: Cron, moment: datetime, zone: str) -> datetime | None:
    """Return the first moment after the given one, in UTC; None if there is none within eight years."""
    # The day before too: a time that the clock jumps over at midnight is due on the next day.
    day = moment.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    last = day + LOOKED_AHEAD
    while day <= last:
        if cron.falls_on(day):
            for each in cron.moments(day, zone):
                if each > moment:
                    return each
        day += timedelta(days=1)
    return None
