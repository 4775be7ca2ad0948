"""What staff fill in to repeat, move and sort events: rules in words, dates, many events at once."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import local
from tenant_apps.events.forms import LocalTime
from tenant_apps.events.models import Category, Event, Tag

DAYS = [
    ("MO", _("Monday")),
    ("TU", _("Tuesday")),
    ("WE", _("Wednesday")),
    ("TH", _("Thursday")),
    ("FR", _("Friday")),
    ("SA", _("Saturday")),
    ("SU", _("Sunday")),
]


def _lines(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=14_000, required=False, help_text=help_text, widget=forms.Textarea(attrs={"rows": 3})
    )


class RuleForm(forms.Form):
    """How often something comes again. What is chosen makes a rule of RFC 5545; one that is written out wins."""

    title = forms.CharField(label=_("Name of the series"), max_length=200)
    frequency = forms.ChoiceField(
        label=_("It comes again"),
        required=False,
        choices=[
            ("WEEKLY", _("weekly")),
            ("DAILY", _("daily")),
            ("MONTHLY", _("monthly")),
            ("YEARLY", _("yearly")),
            ("", _("on single dates only")),
        ],
    )
    interval = forms.IntegerField(
        label=_("Every so many"), min_value=1, max_value=1000, required=False, help_text=_("2: every second week.")
    )
    days = forms.MultipleChoiceField(
        label=_("On these days"), required=False, choices=DAYS, widget=forms.CheckboxSelectMultiple
    )
    count = forms.IntegerField(label=_("How many dates"), min_value=1, max_value=500, required=False)
    until = forms.DateField(
        label=_("Or until this day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    rule = forms.CharField(
        label=_("Or a rule in writing"),
        max_length=500,
        required=False,
        help_text=_("As in calendars: FREQ=MONTHLY;BYDAY=3TH;COUNT=10. If it is filled in, it counts."),
    )
    exdates = _lines(_("Leave out"), _("One date on each line: 2027-12-24T19:30."))
    rdates = _lines(_("Add"), _("One date on each line: 2027-12-23T15:00."))
    publish = forms.BooleanField(label=_("Put the new dates on sale at once"), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("rule") and data.get("frequency") and bool(data.get("count")) == bool(data.get("until")):
            self.add_error("count", _("Say how many dates, or until when."))
        return data

    def wanted(self) -> dict[str, Any]:
        """Return rule and single dates as the service takes them."""
        data = self.cleaned_data
        return {
            "rule": data["rule"] or self._rule(data),
            "exdates": data["exdates"].split(),
            "rdates": data["rdates"].split(),
        }

    @staticmethod
    def _rule(data: dict[str, Any]) -> str:
        if not data["frequency"]:
            return ""
        parts = [f"FREQ={data['frequency']}"]
        if data["interval"] and data["interval"] > 1:
            parts.append(f"INTERVAL={data['interval']}")
        if data["days"]:
            parts.append(f"BYDAY={','.join(data['days'])}")
        parts.append(f"COUNT={data['count']}" if data["count"] else f"UNTIL={data['until']:%Y%m%d}")
        return ";".join(parts)


class SeriesForm(forms.Form):
    """The series itself, as its page shows it."""

    title = forms.CharField(label=_("Name of the series"), max_length=200)
    rule = forms.CharField(label=_("Rule"), max_length=500, required=False)
    exdates = _lines(_("Leave out"), _("One date on each line: 2027-12-24T19:30."))
    rdates = _lines(_("Add"), _("One date on each line: 2027-12-23T15:00."))
    leave_sold = forms.BooleanField(label=_("Leave dates with orders as they are"), required=False)
    publish = forms.BooleanField(label=_("Put the new dates on sale at once"), required=False)

    def wanted(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {**data, "exdates": data["exdates"].split(), "rdates": data["rdates"].split()}


class DatesForm(forms.Form):
    """A change of one date, of it and those after it, or of all. What is left empty stays as it is."""

    event = forms.ChoiceField(label=_("Date"))
    scope = forms.ChoiceField(
        label=_("Change"),
        choices=[
            ("this", _("this date")),
            ("following", _("this and the following dates")),
            ("all", _("all dates")),
        ],
    )
    starts_at = LocalTime(label=_("New start"), required=False)
    ends_at = LocalTime(label=_("New end"), required=False)
    title = forms.CharField(label=_("New title"), max_length=200, required=False)
    summary = forms.CharField(label=_("New words in one sentence"), max_length=300, required=False)
    leave_sold = forms.BooleanField(label=_("Leave dates with orders as they are"), required=False)

    def __init__(self, *args: Any, dates: list[Event], **kwargs: Any):
        super().__init__(*args, **kwargs)
        field = self.fields["event"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (date.slug, f"{local(date.starts_at, date.timezone):%Y-%m-%d %H:%M} · {date.title}") for date in dates
        ]

    def fields_given(self) -> dict[str, Any]:
        names = ("starts_at", "ends_at", "title", "summary")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data[name]}


class MoveForm(forms.Form):
    """Another time: for a copy, or because the event is postponed."""

    starts_at = LocalTime(label=_("Starts"))
    ends_at = LocalTime(label=_("Ends"), required=False)


class QuickForm(forms.Form):
    """What is most often changed, in the list itself."""

    title = forms.CharField(label=_("Title"), max_length=200)
    starts_at = LocalTime(label=_("Starts"))
    capacity = forms.IntegerField(label=_("Places"), min_value=0, max_value=10_000_000, required=False)


class BulkForm(forms.Form):
    """One thing done to many events."""

    action = forms.ChoiceField(
        label=_("What to do"),
        choices=[
            ("publish", _("Publish")),
            ("archive", _("Archive")),
            ("cancel", _("Cancel")),
            ("category", _("Set the category")),
            ("tags", _("Add a tag")),
            ("shift", _("Move by days")),
        ],
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    tag = forms.ChoiceField(label=_("Tag"), required=False)
    days = forms.IntegerField(label=_("Days"), min_value=-3650, max_value=3650, required=False)
    confirm = forms.BooleanField(label=_("Yes, cancel them: their tickets admit nobody"), required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name, model in (("category", Category), ("tag", Tag)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", "–"), *model._default_manager.values_list("slug", "name")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        needs = {"cancel": "confirm", "tags": "tag", "shift": "days"}.get(data.get("action", ""))
        if needs and not data.get(needs):
            said = {"confirm": _("Tick that you mean it."), "tag": _("Choose a tag."), "days": _("By how many days?")}
            self.add_error(needs, said[needs])
        return data
