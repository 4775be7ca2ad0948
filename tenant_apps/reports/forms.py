"""The form of a report schedule: how often in words people use, or five fields as in crontab(5)."""

import re
from datetime import time
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenant_apps.reports import schedules
from tenant_apps.reports.periods import PERIODS
from tenant_apps.reports.registry import Report
from tenant_apps.reports.schedule_models import ReportSchedule
from tenant_apps.reports.views.choices import groups_of

OFTEN = (
    ("daily", gettext_lazy("Every day")),
    ("weekdays", gettext_lazy("Monday to Friday")),
    ("weekly", gettext_lazy("Every week")),
    ("monthly", gettext_lazy("Every month")),
    ("own", gettext_lazy("As a cron line says")),
)
# The form's fields for the paths in the service's refusals.
NAMES = {
    "params.period": "period", "params.group_by": "group_by", "params.event": "event", "params.compare": "compare",
}  # fmt: skip
_SIMPLE = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|[1-9]|1\d|2[0-8]) \* (\*|[0-6]|1-5)")


def parts_of(cron: str) -> dict[str, Any]:
    """Return what the form's fields say for a cron line; `own` for what has no words."""
    found = _SIMPLE.fullmatch(cron)
    if found is None or int(found[1]) > 59 or int(found[2]) > 23:
        return {"often": "own", "cron": cron}
    at = time(int(found[2]), int(found[1]))
    day, weekday = found[3], found[4]
    if day != "*" and weekday == "*":
        return {"often": "monthly", "at": at, "day": int(day)}
    if day == "*" and weekday == "*":
        return {"often": "daily", "at": at}
    if day == "*" and weekday == "1-5":
        return {"often": "weekdays", "at": at}
    if day == "*":
        return {"often": "weekly", "at": at, "weekday": weekday}
    return {"often": "own", "cron": cron}


def in_words(cron: str) -> str:
    """A cron line as people say it."""
    parts = parts_of(cron)
    at = parts["at"].strftime("%H:%M") if "at" in parts else ""
    if parts["often"] == "daily":
        return _("every day at %s") % at
    if parts["often"] == "weekdays":
        return _("Monday to Friday at %s") % at
    if parts["often"] == "weekly":
        return _("every week, %(day)s at %(at)s") % {"day": _weekday(int(parts["weekday"])), "at": at}
    if parts["often"] == "monthly":
        return _("every month on day %(day)d at %(at)s") % {"day": parts["day"], "at": at}
    return f"cron: {cron}"


def _weekday(number: int) -> str:
    """The name of a weekday as cron counts them, Sunday as 0."""
    return str(WEEKDAYS[(number + 6) % 7])


class ScheduleForm(forms.Form):
    """What of the report, when, to whom."""

    period = forms.ChoiceField(label=gettext_lazy("Which days"))
    group_by = forms.ChoiceField(label=gettext_lazy("One line for each"), required=False)
    event = forms.CharField(required=False, widget=forms.HiddenInput, max_length=200)
    compare = forms.BooleanField(label=gettext_lazy("Compare with the time before"), required=False)
    format = forms.ChoiceField(label=gettext_lazy("File"), choices=ReportSchedule.Format.choices)
    often = forms.ChoiceField(label=gettext_lazy("How often"), choices=OFTEN)
    at = forms.TimeField(
        label=gettext_lazy("At"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    weekday = forms.ChoiceField(label=gettext_lazy("Weekday"), required=False)
    day = forms.TypedChoiceField(
        label=gettext_lazy("Day of the month"), required=False, coerce=int, choices=[(n, n) for n in range(1, 29)]
    )
    cron = forms.CharField(
        label=gettext_lazy("Cron line"), required=False, max_length=100,
        help_text=gettext_lazy("Minute hour day month weekday, at most once an hour: 0 8 * * 1"),
    )  # fmt: skip
    recipients = forms.MultipleChoiceField(
        label=gettext_lazy("Recipients"), widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("People of your team who may see reports. Who loses that right gets no more mails."),
    )  # fmt: skip

    def __init__(self, *args: Any, report: Report, **kwargs: Any):
        super().__init__(*args, **kwargs)
        # A field that is hidden and required would keep the form from being sent.
        self.use_required_attribute = False
        self.report = report
        # Which of them must be there, the choice above them says: none is called optional.
        often = self.data.get("often")
        for name, needed in (
            ("at", often != "own"),
            ("weekday", often == "weekly"),
            ("day", often == "monthly"),
            ("cron", often == "own"),
        ):
            self.fields[name].required = needed or not self.is_bound
        self.fields["period"].choices = [(name, each.label) for name, each in PERIODS.items()]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["group_by"].choices = groups_of(report)  # type: ignore[attr-defined]  # the same
        self.fields["weekday"].choices = [(str((n + 1) % 7), name) for n, name in WEEKDAYS.items()]  # type: ignore[attr-defined]  # the same
        self.fields["recipients"].choices = [  # type: ignore[attr-defined]  # the same
            (person.email, f"{person.name} <{person.email}>" if person.name else person.email)
            for person in schedules.people_with_the_right()
        ]

    def fields_for_service(self) -> dict[str, Any]:
        """What `schedules.create` and `change` take."""
        given = self.cleaned_data
        params = {name: given[name] for name in ("period", "group_by", "event") if given.get(name)}
        return {
            "report": self.report.slug,
            "params": {**params, "compare": "1" if given["compare"] else "0"},
            "format": given["format"],
            "cron": self._cron(given),
            "recipients": given["recipients"],
        }

    def _cron(self, given: dict[str, Any]) -> str:
        if given["often"] == "own":
            return str(given["cron"])
        at = f"{given['at'].minute} {given['at'].hour}"
        return {
            "daily": f"{at} * * *",
            "weekdays": f"{at} * * 1-5",
            "weekly": f"{at} * * {given['weekday'] or 1}",
            "monthly": f"{at} {given['day'] or 1} * *",
        }[given["often"]]
