"""What somebody asks of a report: read from an address, and narrowed to what they may see (I2)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.clock import local
from shared_apps.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from tenant_apps.events.models import Event
from tenant_apps.reports.registry import Report, ReportQuery, reports
from tenant_apps.staff.permissions import allowed, events_where
from tenants.context import current_tenant

PERMISSION = "view_reports"
MOST_DAYS = 732
USUAL_DAYS = 30
MOST_GROUPS = 3
MODES = ("all", "live", "test")
NAMES = ("from", "to", "group_by", "event", "compare", "mode")


def seen_events(actor: Any) -> frozenset[int] | None:
    """Return the ids of the events whose figures the actor sees; None is everything, by the right in the tenant."""
    if allowed(actor, PERMISSION):
        return None
    return frozenset(events_where(actor, PERMISSION).values_list("pk", flat=True))


def may_see(report: Report, events: frozenset[int] | None) -> bool:
    """Tell whether the report has anything for who sees these events' figures."""
    return events is None or (report.by_event and bool(events))


def reports_for(actor: Any) -> list[Report]:
    """Return the reports that the actor may open. Raises Forbidden for who may open none."""
    events = seen_events(actor)
    if events is not None and not events:
        raise Forbidden
    return [report for report in reports() if may_see(report, events)]


def query_for(report: Report, given: Any, actor: Any) -> ReportQuery:
    """Read what is asked of a report, the last 30 days by default, for what the actor may see.

    Raises Forbidden for who has no right, NotFound for who has it on single events only and this report has none of
    theirs, InvalidInput for what is no question.
    """
    events = seen_events(actor)
    if not may_see(report, events):
        # That there are reports is no secret; to who has the right on single events the others are none.
        raise NotFound if events else Forbidden
    return read(report, given, events)


def read(report: Report, given: Any, events: frozenset[int] | None) -> ReportQuery:
    """Read `from`, `to`, `group_by`, `event`, `compare` and `mode`. An event that may not be seen is none (I2).

    Raises InvalidInput with all that is wrong.
    """
    errors: list[FieldError] = []
    event = _event(given.get("event") or "", events, errors) if report.by_event else None
    zone = current_tenant().timezone if event is None else event.timezone
    today = local(timezone.now(), zone).date()
    until = _day(given, "to", today, errors)
    since = _day(given, "from", max(date(2000, 1, 1), until - timedelta(days=USUAL_DAYS - 1)), errors)
    if not errors and not timedelta(0) <= until - since < timedelta(days=MOST_DAYS):
        errors.append(FieldError("to", "invalid_range", _("From the earlier to the later day, at most two years.")))
    query = ReportQuery(
        from_=since,
        to=until,
        group_by=_groups(report, given.get("group_by") or "", errors),
        events=events,
        event=event.pk if event else None,
        compare=_choice(given, "compare", ("0", "1"), errors) == "1",
        mode=_choice(given, "mode", report.modes or ("all",), errors),
    )
    if errors:
        raise InvalidInput(errors=errors)
    return query


def _day(given: Any, name: str, usual: date, errors: list[FieldError]) -> date:
    text = given.get(name) or ""
    if not text:
        return usual
    try:
        found = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2100:
        errors.append(FieldError(name, "invalid_date", _("Write the date as 2026-05-31.")))
        return usual
    return found


def _choice(given: Any, name: str, choices: Sequence[str], errors: list[FieldError]) -> str:
    found = str(given.get(name) or choices[0])
    if found not in choices:
        errors.append(FieldError(name, "invalid_choice", _("Choose one of %s.") % ", ".join(choices)))
    return found


def _groups(report: Report, text: str, errors: list[FieldError]) -> tuple[str, ...]:
    """The dimensions that were named, parted by commas; `total` is none of them."""
    if not text:
        return report.usual
    named = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in named if name not in report.dimensions and name != "total"]
    times = [name for name in named if name in ("day", "week", "month")]
    if unknown or len(named) > MOST_GROUPS or len(times) > 1 or ("total" in named and len(named) > 1):
        choices = ", ".join([*report.dimensions, "total"])
        errors.append(FieldError("group_by", "invalid_choice", _("Choose one of %s.") % choices))
        return report.usual
    return named


def _event(text: str, events: frozenset[int] | None, errors: list[FieldError]) -> Event | None:
    if not text:
        return None
    found = Event.objects.only("pk", "timezone").filter(slug=text[:200]).first() if "\0" not in text else None
    if found is None or (events is not None and found.pk not in events):
        errors.append(FieldError("event", "does_not_exist", _("There is no such event.")))
        return None
    return found
