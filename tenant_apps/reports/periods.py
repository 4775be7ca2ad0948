"""Stretches of days that people have names for, reckoned from today where the tenant is (B3)."""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

Days = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Period:
    """A name, and the first and last day of it, both included, as seen from a day."""

    label: Any
    days: Callable[[date], Days]


def _month(day: date) -> Days:
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def _quarter(day: date) -> Days:
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return first, _month((first + timedelta(days=75)).replace(day=1))[1]


def _back(count: int) -> Callable[[date], Days]:
    """So many days, the last of them yesterday: days that are over and will not change any more."""
    return lambda today: (today - timedelta(days=count), today - timedelta(days=1))


PERIODS: Mapping[str, Period] = {
    "today": Period(_("Today"), lambda today: (today, today)),
    "yesterday": Period(_("Yesterday"), _back(1)),
    "last_7_days": Period(_("Last 7 days"), _back(7)),
    "last_30_days": Period(_("Last 30 days"), _back(30)),
    "last_week": Period(
        _("Last week"), lambda today: (today - timedelta(today.weekday() + 7), today - timedelta(today.weekday() + 1))
    ),
    "this_month": Period(_("This month"), lambda today: (today.replace(day=1), today)),
    "last_month": Period(_("Last month"), lambda today: _month(today.replace(day=1) - timedelta(days=1))),
    "last_quarter": Period(
        _("Last quarter"), lambda today: _quarter(_quarter(today)[0] - timedelta(days=1))
    ),
    "this_year": Period(_("This year"), lambda today: (today.replace(month=1, day=1), today)),
    "last_year": Period(
        _("Last year"), lambda today: (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))
    ),
}  # fmt: skip


def days_of(name: str, today: date) -> Days:
    """Return the first and the last day. Raises KeyError for what is no period."""
    return PERIODS[name].days(today)
