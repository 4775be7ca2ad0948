"""One set-up for many dates: making a series, changing its rule or its dates, taking it away.

Each date is an event of its own, with its own places, tickets and orders. Stands here and not in `events`, as a date
is copied with what it sells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.core.clock import from_local, local
from shared_apps.core.errors import DomainError, FieldError, InvalidInput, NotFound
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.events import recurrence
from tenant_apps.events import services as events
from tenant_apps.events.errors import IsTemplate, SeriesDatesSold
from tenant_apps.events.models import Event, EventSeries
from tenant_apps.events.slugs import free_slug
from tenant_apps.events.times import BadTime, moment
from tenant_apps.ticketing.services import duplicate_event

# What a change of several dates cannot carry: it means something for a single date only.
SINGLE = frozenset({"timezone", "currency", "external_id", "cancel_until"})
OPEN = (Event.Status.DRAFT, Event.Status.PUBLISHED, Event.Status.POSTPONED)


@dataclass(slots=True)
class Changed:
    """What became of the dates: those that were changed, and those that were left as they are because they are sold."""

    changed: list[Event] = field(default_factory=list)
    left: list[Event] = field(default_factory=list)


def preview(event: Event, *, rule: str = "", rdates: Iterable[str] = (), exdates: Iterable[str] = ()) -> Any:
    """Return the dates that a series made of the event would have. Raises InvalidInput."""
    return recurrence.dates(
        rule, _wall(event.starts_at, event.timezone), event.timezone, rdates=rdates, exdates=exdates
    )


@transaction.atomic
def create_series(
    event: Event,
    *,
    actor: Any,
    title: str = "",
    rule: str = "",
    rdates: Iterable[str] = (),
    exdates: Iterable[str] = (),
    publish: bool = False,
) -> EventSeries:
    """Make a series of what the event is: its set-up is copied, and from it one event for each date.

    The event itself becomes the date on which it starts, if there is one. Raises InvalidInput for the rule.
    """
    event = events.locked(event)
    if events.is_template(event):
        raise IsTemplate
    if event.series_id:
        raise InvalidInput(errors=[FieldError("event", "in_series", _("This event belongs to a series already."))])
    rdates, exdates = list(rdates), list(exdates)
    wanted = preview(event, rule=rule, rdates=rdates, exdates=exdates)
    template = duplicate_event(event, actor=actor)
    series = EventSeries(
        title=_title(title or event.title),
        template=template,
        timezone=event.timezone,
        rule=recurrence.cleaned(rule),
        rdates=rdates,
        exdates=exdates,
    )
    series.slug = free_slug(EventSeries, series.title, fallback="series")
    try:
        with transaction.atomic():
            series.save(force_insert=True)
    except IntegrityError:
        raise InvalidInput(errors=[FieldError("title", "taken", _("Please choose another name."))]) from None
    first = event.starts_at.replace(second=0, microsecond=0)
    new = _make_dates(series, [date.at for date in wanted if date.at != first], actor, publish=publish)
    if first in {date.at for date in wanted}:
        _join(event, series, first)
        if publish and event.status == Event.Status.DRAFT:
            events.publish(event, actor=actor)
    told = made(title=series.title, rule=series.rule, rdates=series.rdates, exdates=series.exdates)
    record("series.created", series, actor=actor, details={"dates": len(new), **told})
    return series


@transaction.atomic
def change_series(
    series: EventSeries, *, actor: Any, leave_sold: bool = False, publish: bool = False, **fields: Any
) -> EventSeries:
    """Change title or rule. New dates are made; dates that the rule no longer gives are deleted if nobody ordered.

    Raises SeriesDatesSold for dates with orders, unless `leave_sold`: then they stay, as added dates of the series.
    """
    series = _locked(series)
    names = ("title", "rule", "rdates", "exdates")
    before = {name: getattr(series, name) for name in names}
    if "title" in fields:
        series.title = _title(fields["title"])
    if "rule" in fields:
        series.rule = recurrence.cleaned(fields["rule"])
    for name in ("rdates", "exdates"):
        if name in fields:
            setattr(series, name, list(fields[name] or ()))
    if {"rule", "rdates", "exdates"} & set(fields):
        _follow_rule(series, actor, leave_sold=leave_sold, publish=publish)
    series.save()
    details = before_and_after(before, {name: getattr(series, name) for name in names})
    record("series.updated", series, actor=actor, details=details)
    return series


@transaction.atomic
def delete_series(series: EventSeries, *, actor: Any) -> None:
    """Delete the series with all its dates. Raises SeriesDatesSold if anything was ever ordered for one of them."""
    series = _locked(series)
    dates = list(series.dates.select_for_update(of=("self",)).order_by("series_start"))
    if sold := _sold(dates):
        raise SeriesDatesSold(dates=_days(sold))
    told = gone(title=series.title, rule=series.rule)
    record("series.deleted", series, actor=actor, details={"dates": len(dates), **told})
    Event.objects.filter(pk__in=[date.pk for date in dates]).update(series=None)
    template = series.template
    series.delete()
    for event in [*dates, template]:
        events.delete_event(event, actor=actor)


@transaction.atomic
def change_dates(
    event: Event, scope: str, *, actor: Any, leave_sold: bool = False, **fields: Any
) -> Changed:  # fmt: skip
    """Change this date, this and the following ones, or all (`this`, `following`, `all`) of the event's series.

    A new start moves the others by as much on the clock of the zone; "all" also changes what later dates are copied
    from. Cancelled, finished and archived dates stay as they are. Time and place of dates with orders are not changed
    silently: raises SeriesDatesSold, or with `leave_sold` leaves those as they are and changes the rest of them.
    """
    if scope == "this" or event.series is None or event.series_start is None:
        return Changed([events.update_event(event, actor=actor, **_with_its_end(event, fields))])
    if scope not in ("following", "all"):
        raise InvalidInput(errors=[FieldError("scope", "invalid_choice", _("One of this, following, all."))])
    if single := sorted(SINGLE & set(fields)):
        message = _("This can be changed for one date at a time only.")
        raise InvalidInput(errors=[FieldError(name, "single_date_only", message) for name in single])
    series = _locked(event.series)
    dates = list(series.dates.select_for_update(of=("self",)).order_by("series_start", "pk"))
    if scope == "following":
        dates = [date for date in dates if _place(date) >= event.series_start]
    dates = [date for date in dates if date.status in OPEN]
    sold = {date.pk for date in _sold(dates)} if events.PROMISED & set(fields) else set()
    if sold and not leave_sold:
        raise SeriesDatesSold(dates=_days([date for date in dates if date.pk in sold]))
    done = Changed()
    times = _Times.of(event, fields)
    rest = {name: value for name, value in fields.items() if name not in ("starts_at", "ends_at")}
    for date in dates:
        if date.pk in sold:
            mine = {name: value for name, value in rest.items() if name not in events.PROMISED}
            done.left.append(date)
        else:
            mine = {**rest, **times.for_date(date)}
        if mine:
            date = events.update_event(date, actor=actor, **mine)
        if date.pk not in sold:
            done.changed.append(date)
    if scope == "all":
        series.template = events.update_event(
            series.template, actor=actor, **{**rest, **times.for_date(series.template)}
        )
        if times.shift:
            _move_rule(series, times.shift)
    told = before_and_after({name: getattr(event, name, None) for name in fields}, fields)
    counts = {"scope": scope, "changed": len(done.changed), "left": len(done.left)}
    record("series.dates_changed", series, actor=actor, details={**counts, **told})
    return done


def wall_text(at: datetime, zone: str) -> str:
    """Return the moment as the series keeps its dates: local time to the minute."""
    return _wall(at, zone).strftime(recurrence.MINUTES)


# --- Inside ------------------------------------------------------------------------------------------------------


def _with_its_end(event: Event, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of one date; with a new start, and no word on the end, the end moves along."""
    if not fields.get("starts_at") or "ends_at" in fields or "timezone" in fields:
        return dict(fields)
    return {**fields, **_Times.of(event, fields).for_date(event)}


@dataclass(frozen=True, slots=True)
class _Times:
    """How far the start moves on the clock of the zone, and how long a date takes then; None: as it is."""

    shift: timedelta | None
    length: timedelta | None
    endless: bool = False

    @classmethod
    def of(cls, event: Event, fields: Mapping[str, Any]) -> "_Times":
        start, shift, length = event.starts_at, None, None
        try:
            if fields.get("starts_at"):
                start = moment(fields["starts_at"], event.timezone, "starts_at") or start
                shift = _wall(start, event.timezone) - _wall(event.starts_at, event.timezone)
            end = moment(fields.get("ends_at"), event.timezone, "ends_at")
        except BadTime as bad:
            raise InvalidInput(errors=[bad.error]) from None
        if end is not None:
            length = end - start
            if length < timedelta(0):
                message = _("The event cannot end before it starts.")
                raise InvalidInput(errors=[FieldError("ends_at", "before_start", message)])
        return cls(shift, length, "ends_at" in fields and end is None)

    def for_date(self, date: Event) -> dict[str, Any]:
        if self.shift is None and self.length is None and not self.endless:
            return {}
        start = date.starts_at
        if self.shift:
            try:
                start = from_local(_wall(start, date.timezone) + self.shift, date.timezone).astimezone(UTC)
            except ValueError as error:
                code = "ambiguous_time" if "twice" in str(error) else "nonexistent_time"
                raise InvalidInput(errors=[FieldError("starts_at", code, str(error))]) from None
        length = self.length
        if length is None and date.ends_at and not self.endless:
            length = date.ends_at - date.starts_at
        return {"starts_at": start, "ends_at": None if length is None else start + length}


def _follow_rule(series: EventSeries, actor: Any, *, leave_sold: bool, publish: bool) -> None:
    """Make the dates what the rule says."""
    start = _wall(series.template.starts_at, series.timezone)
    wanted = recurrence.dates(
        series.rule, start, series.timezone, rdates=series.rdates, exdates=series.exdates
    )  # fmt: skip
    at = {date.at for date in wanted}
    there = list(series.dates.select_for_update(of=("self",)).order_by("series_start"))
    gone = [date for date in there if date.series_start not in at]
    sold = _sold(gone)
    if sold and not leave_sold:
        raise SeriesDatesSold(dates=_days(sold))
    kept = {date.pk for date in sold}
    now = timezone.now()
    for date in gone:
        if date.pk in kept or date.starts_at < now:
            series.rdates = [*series.rdates, _place(date).astimezone(UTC).strftime("%Y-%m-%dT%H:%M+00:00")]
        else:
            Event.objects.filter(pk=date.pk).update(series=None)
            events.delete_event(date, actor=actor)
    has = {date.series_start for date in there}
    _make_dates(series, [date.at for date in wanted if date.at not in has], actor, publish=publish)


def _move_rule(series: EventSeries, shift: timedelta) -> None:
    """Have the rule give the dates where they are now, or the next change of the rule would take them for others."""

    def moved(at: datetime) -> datetime:
        try:
            return from_local(_wall(at, series.timezone) + shift, series.timezone).astimezone(UTC)
        except ValueError as error:
            raise InvalidInput(errors=[FieldError("starts_at", "nonexistent_time", str(error))]) from None

    def told(text: str) -> str:
        at = moment(text, series.timezone, "rdates")
        assert at is not None
        return moved(at).strftime("%Y-%m-%dT%H:%M+00:00")

    series.rdates = [told(text) for text in series.rdates]
    walls = (recurrence.wall_of(text, series.timezone) for text in series.exdates)
    series.exdates = [(wall + shift).strftime(recurrence.MINUTES) for wall in walls]
    # From the far end, so that no date takes the place of the next one before that has moved.
    dates = list(series.dates.order_by("-series_start" if shift > timedelta(0) else "series_start"))
    for date in dates:
        Event.objects.filter(pk=date.pk).update(series_start=moved(_place(date)))
    by_rule = recurrence.dates(
        series.rule,
        _wall(series.template.starts_at, series.timezone),
        series.timezone,
        rdates=series.rdates,
        exdates=series.exdates,
    )
    if {date.at for date in by_rule} != {moved(_place(date)) for date in dates}:
        message = _("By its rule the series would have other dates then. Change the rule instead.")
        raise InvalidInput(errors=[FieldError("starts_at", "rule_differs", message)])
    series.save()


def _make_dates(series: EventSeries, starts: Iterable[datetime], actor: Any, *, publish: bool) -> list[Event]:
    new = []
    for at in starts:
        try:
            date = duplicate_event(series.template, actor=actor, starts_at=at)
        except DomainError as refusal:
            for error in refusal.errors:
                error_at = FieldError("rule", error.code, f"{wall_text(at, series.timezone)}: {error.message}")
                raise InvalidInput(errors=[error_at]) from None
            raise
        _join(date, series, at)
        if publish:
            date = events.publish(date, actor=actor)
        new.append(date)
    return new


def _join(event: Event, series: EventSeries, at: datetime) -> None:
    event.series, event.series_start = series, at
    event.save(update_fields=["series", "series_start", "modified_at"])


def _locked(series: EventSeries) -> EventSeries:
    found = EventSeries.objects.select_for_update(of=("self",)).select_related("template").filter(pk=series.pk).first()
    if found is None:
        raise NotFound
    return found


def _sold(dates: list[Event]) -> list[Event]:
    """Those of the dates for which anything was ever ordered; one statement."""
    # A reverse name, not an import: orders stand above.
    ordered = Event.objects.filter(pk__in=[date.pk for date in dates], order_lines__isnull=False)
    pks = set(ordered.values_list("pk", flat=True))
    return [date for date in dates if date.pk in pks]


def _days(dates: list[Event]) -> str:
    shown = [f"{_wall(date.starts_at, date.timezone):%Y-%m-%d %H:%M}" for date in dates[:5]]
    return ", ".join(shown) + (" …" if len(dates) > 5 else "")


def _place(date: Event) -> datetime:
    """The start that the rule gave a date of a series."""
    assert date.series_start is not None
    return date.series_start


def _wall(at: datetime, zone: str) -> datetime:
    return local(at, zone).replace(tzinfo=None)


def _title(value: Any) -> str:
    text = " ".join(str(value or "").split())
    if not text or len(text) > 200:
        raise InvalidInput(errors=[FieldError("title", "required", _("Give it a name."))])
    return text
