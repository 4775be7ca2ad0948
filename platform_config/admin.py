"""The schedule as operators see and change it, on the platform's host only (I3).

How often an entry runs and whether it runs is theirs; what it does is the code's. What they change survives a deploy
(`schedule.sync_schedule`), and "as delivered" takes it back.
"""

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)

from platform_config import schedule
from platform_config.schedule_words import WORDS
from shared_apps.accounts import trail

LONGEST_PAUSE = timedelta(days=31)
# Something runs every half minute: after so long without anything, beat or its database is away.
SILENCE = timedelta(minutes=5)
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}

# Rows that entries share: whoever changed one would change the others' schedule.
# Groups of the whole platform give nobody any right (I3), so there is nothing to put into them.
for _model in (Group, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule, PeriodicTask):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


class EntryForm(forms.ModelForm):
    """How often: every so many seconds, minutes, hours or days, or once a day at a time of UTC."""

    every = forms.IntegerField(label=_("Every"), min_value=1, required=False)
    unit = forms.ChoiceField(
        label=_("Unit"),
        required=False,
        choices=[("seconds", _("seconds")), ("minutes", _("minutes")), ("hours", _("hours")), ("days", _("days"))],
    )
    at = forms.TimeField(label=_("Or daily at (UTC)"), required=False)

    class Meta:
        model = PeriodicTask
        fields = ("enabled",)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        row = self.instance
        if row.interval is not None:
            seconds = int(row.interval.schedule.run_every.total_seconds())
            unit = next(name for name in ("days", "hours", "minutes", "seconds") if seconds % UNITS[name] == 0)
            self.initial.update(every=seconds // UNITS[unit], unit=unit)
        elif row.crontab is not None and row.crontab.hour.isdigit() and row.crontab.minute.isdigit():
            self.initial["at"] = time(int(row.crontab.hour), int(row.crontab.minute))

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        every, at = given.get("every"), given.get("at")
        if self.errors:
            return given
        if (every is None) == (at is None):
            raise forms.ValidationError(_("Say either how often, or at which time of the day."))
        if every is not None:
            unit = UNITS[given.get("unit") or "seconds"]
            if every > LONGEST_PAUSE.total_seconds() // unit:
                raise forms.ValidationError({"every": gettext("At most 31 days.")})
            given["pause"] = timedelta(seconds=every * unit)
        return given

    def timing(self) -> dict[str, Any]:
        """The rows that say what was typed."""
        pause, at = self.cleaned_data.get("pause"), self.cleaned_data.get("at")
        return schedule.timing(every=pause, at=None if at is None else (at.hour, at.minute))


@admin.register(PeriodicTask)
class EntryAdmin(admin.ModelAdmin):
    form = EntryForm
    list_display = ["name", "what_it_does", "how_often", "is_on", "ran_last", "runs_next"]
    search_fields = ["name"]
    ordering = ["name"]
    list_select_related = ["interval", "crontab"]
    actions = ["run_now", "as_delivered", "switch_on", "switch_off"]
    readonly_fields = ["name", "what_it_does", "delivered_as", "ran_last", "runs_next", "runs", "task", "kwargs"]
    fieldsets = [
        (None, {"fields": ["name", "what_it_does", "enabled", ("every", "unit"), "at", "delivered_as"]}),
        (_("Runs"), {"fields": ["ran_last", "runs_next", "runs"]}),
        (_("For developers"), {"fields": ["task", "kwargs"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the next deploy would bring it back: switch it off instead

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if request.method == "GET":
            self._say_if_silent(request)
        with trail.acting(request.user):
            return super().changelist_view(request, {"title": _("Schedule"), **(extra_context or {})})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with trail.acting(request.user):
            return super().changeform_view(request, *args, **kwargs)

    def _say_if_silent(self, request: HttpRequest) -> None:
        rows = PeriodicTask.objects.filter(enabled=True)
        newest = rows.exclude(last_run_at=None).order_by("-last_run_at").values_list("last_run_at", flat=True).first()
        if rows.exists() and (newest is None or newest < timezone.now() - SILENCE):
            messages.warning(request, _("Nothing was started in the last five minutes. Does beat run?"))

    # --- What is shown -----------------------------------------------------------------------------------------------

    @admin.display(description=_("What the entry does"))
    def what_it_does(self, row: PeriodicTask) -> str:
        return str(WORDS.get(row.name, _("An entry of your own")))

    @admin.display(description=_("How often"))
    def how_often(self, row: PeriodicTask) -> str:
        now = said(row)
        delivered = self.delivered_as(row)
        if not delivered or delivered == now:
            return now
        return format_html("<strong>{}</strong><br>{}", now, _("as delivered: %s") % delivered)

    @admin.display(description=_("On"), boolean=True, ordering="enabled")
    def is_on(self, row: PeriodicTask) -> bool:
        return row.enabled

    @admin.display(description=_("As delivered"))
    def delivered_as(self, row: PeriodicTask) -> str:
        entry = _entry_of(row)
        return "" if entry is None else said_of(entry.every, entry.at)

    @admin.display(description=_("Started last"), ordering="last_run_at")
    def ran_last(self, row: PeriodicTask) -> Any:
        return _("never") if row.last_run_at is None else _when(row.last_run_at)

    @admin.display(description=_("Starts next"))
    def runs_next(self, row: PeriodicTask) -> Any:
        if not row.enabled:
            return "—"
        due = next_run(row)
        if due is None:
            return _("when beat looks next")
        return _("%s, overdue") % _when(due) if due < timezone.now() else _when(due)

    @admin.display(description=_("How often it was started"))
    def runs(self, row: PeriodicTask) -> int:
        return row.total_run_count

    # --- What can be done --------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: PeriodicTask, form: Any, change: bool) -> None:
        before = PeriodicTask.objects.select_related("interval", "crontab").get(pk=obj.pk)
        timing = form.timing()
        if said(before) != said_of(form.cleaned_data.get("pause"), form.cleaned_data.get("at")):
            obj.interval, obj.crontab = timing["interval"], timing["crontab"]
        _save(before, obj)

    @admin.action(description=_("Run now"), permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: Any) -> None:
        """Once more, beside the schedule: everything in it may run at any time (G2)."""
        from platform_config.celery import app

        for row in queryset:
            try:
                app.send_task(row.task, kwargs=json.loads(row.kwargs), retry=False, expires=300)
            except Exception as error:  # whatever the broker's client raises
                messages.error(
                    request, _("%(name)s: the queue does not answer (%(error)s).")
                    % {"name": row.name, "error": type(error).__name__},
                )  # fmt: skip
                return
            trail.note("schedule.run", target=f"schedule:{row.name}")
        messages.success(request, _("Queued."))

    @admin.action(description=_("Back to how it was delivered"), permissions=["change"])
    def as_delivered(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            entry, before = _entry_of(row), PeriodicTask.objects.select_related("interval", "crontab").get(pk=row.pk)
            if entry is not None:
                timing = schedule.timing(every=entry.every, at=entry.at)
                row.interval, row.crontab, row.enabled = timing["interval"], timing["crontab"], True
                _save(before, row)

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: Any) -> None:
        self._switch(queryset, True)

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: Any) -> None:
        self._switch(queryset, False)

    def _switch(self, queryset: Any, enabled: bool) -> None:
        for row in queryset.exclude(enabled=enabled):
            before = PeriodicTask.objects.select_related("interval", "crontab").get(pk=row.pk)
            row.enabled = enabled
            _save(before, row)


@transaction.atomic
def _save(before: PeriodicTask, row: PeriodicTask) -> None:
    """Write the row and who changed it; beat takes it up within seconds."""
    told = [{"runs": said(each), "on": each.enabled} for each in (before, row)]
    if told[0] != told[1]:
        row.save()
        PeriodicTasks.update_changed()
        trail.note("schedule.changed", target=f"schedule:{row.name}", before=told[0], after=told[1])


def said(row: PeriodicTask) -> str:
    """How often the row runs, in words."""
    if row.interval is not None:
        return said_of(row.interval.schedule.run_every, None)
    crontab = row.crontab
    if crontab is not None and crontab.hour.isdigit() and crontab.minute.isdigit():
        return said_of(None, (int(crontab.hour), int(crontab.minute)))
    return str(row.scheduler)


def said_of(every: timedelta | None, at: Any) -> str:
    """A pause or a time of the day in words."""
    if every is None:
        hour, minute = (at.hour, at.minute) if isinstance(at, time) else at
        return gettext("daily at %(time)s UTC") % {"time": f"{hour:02}:{minute:02}"}
    seconds = int(every.total_seconds())
    if seconds % 60:
        return gettext("every %d s") % seconds
    if seconds % 3600:
        return gettext("every %d min") % (seconds // 60)
    return gettext("every %d h") % (seconds // 3600)


def _when(moment: datetime) -> str:
    """To the second, in the zone that the schedule is written in."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def next_run(row: PeriodicTask) -> datetime | None:
    """When beat starts it next; in the past if it should have; None if it has never been started."""
    if row.last_run_at is None:
        return None
    # Reckoned from a moment ago: to the next whole second.
    due: datetime = timezone.now() + row.schedule.remaining_estimate(row.last_run_at) + timedelta(seconds=0.999)
    return due.replace(microsecond=0)


def _entry_of(row: PeriodicTask) -> schedule.Entry | None:
    return next((entry for entry in schedule.SCHEDULE if entry.name == row.name), None)
