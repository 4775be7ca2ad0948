"""What staff fill in about an event's details, and about categories, tags and venues."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import local, zone_names
from tenant_apps.events.models import BringItem, Event, ProgramItem, Question

LOCAL = "%Y-%m-%dT%H:%M"


class LocalTime(forms.DateTimeField):
    """What the clock on the wall shows: naive on purpose, the event's zone makes it an instant (B3)."""

    def __init__(self, **kwargs: Any):
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)
        super().__init__(widget=widget, input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        # Not DateTimeField's own: that would make it aware in the present zone.
        return super(forms.DateTimeField, self).to_python(value)

    def strptime(self, value: str, format: str) -> datetime:
        return datetime.strptime(value, format)  # noqa: DTZ007  (a local time; the zone of the event is added later)


class DetailForm(forms.Form):
    """One row of an event's details; what fits, the service decides."""

    position = forms.IntegerField(label=_("Place in the list"), min_value=0, max_value=10_000, required=False)

    def __init__(self, *args: Any, event: Event, row: Any = None, **kwargs: Any):
        self.event = event
        kwargs.setdefault("initial", self.shown(row) if row else {})
        super().__init__(*args, **kwargs)
        self.order_fields([name for name in self.fields if name != "position"] + ["position"])
        if row is None:
            del self.fields["position"]

    def shown(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, name) for name in self.base_fields}

    def changes(self) -> dict[str, Any]:
        """Return what the service takes; an empty place in the list stays as it is."""
        return {name: value for name, value in self.cleaned_data.items() if name != "position" or value is not None}


class ProgramItemForm(DetailForm):
    title = forms.CharField(label=_("Title"), max_length=200)
    starts_at = LocalTime(label=_("Starts"), required=False)
    ends_at = LocalTime(label=_("Ends"), required=False)
    speaker = forms.CharField(label=_("Speaker"), max_length=150, required=False)
    room = forms.CharField(label=_("Room"), max_length=100, required=False)
    description = forms.CharField(
        label=_("Description"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def shown(self, row: Any) -> dict[str, Any]:
        zone = row.event.timezone
        times = {
            name: local(at, zone).replace(tzinfo=None) if (at := getattr(row, name)) else None
            for name in ("starts_at", "ends_at")
        }
        return {**super().shown(row), **times}


class BringItemForm(DetailForm):
    name = forms.CharField(label=_("What"), max_length=150)
    amount = forms.CharField(
        label=_("How much"), max_length=12, required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    unit = forms.CharField(label=_("Unit"), max_length=30, required=False, help_text=_("kg, pieces, litres"))

    def shown(self, row: Any) -> dict[str, Any]:
        amount = None if row.amount is None else f"{row.amount.normalize():f}"
        return {**super().shown(row), "amount": amount}


class QuestionForm(DetailForm):
    text = forms.CharField(label=_("Question"), max_length=300)
    help = forms.CharField(label=_("Hint"), max_length=300, required=False)
    kind = forms.ChoiceField(label=_("Kind of answer"), choices=Question.Kind.choices)
    choices = forms.CharField(
        label=_("Answers to choose from"),
        max_length=8000,
        required=False,
        help_text=_("One on each line, for questions with a choice."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    required = forms.BooleanField(label=_("Must be answered"), required=False)
    ticket_types = forms.TypedMultipleChoiceField(
        label=_("Ask holders of"),
        coerce=int,
        required=False,
        help_text=_("None chosen: everybody is asked."),
        widget=forms.CheckboxSelectMultiple,
    )
    at_door = forms.BooleanField(label=_("Show the answer when the ticket is scanned"), required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        field = self.fields["ticket_types"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = list(self.event.ticket_types.values_list("pk", "name"))

    def shown(self, row: Any) -> dict[str, Any]:
        return {**super().shown(row), "choices": "\n".join(row.choices)}

    def changes(self) -> dict[str, Any]:
        return {**super().changes(), "choices": self.cleaned_data["choices"].splitlines()}


FORMS: dict[Any, type[DetailForm]] = {
    ProgramItem: ProgramItemForm,
    BringItem: BringItemForm,
    Question: QuestionForm,
}


class NamedForm(forms.Form):
    """A category or tag."""

    name = forms.CharField(label=_("Name"), max_length=60)


class VenueForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=150)
    address = forms.CharField(label=_("Address"), max_length=300, required=False)
    city = forms.CharField(label=_("City"), max_length=80, required=False)
    capacity = forms.IntegerField(
        label=_("How many people it takes"), min_value=0, max_value=10_000_000, required=False
    )  # fmt: skip
    accessibility = forms.CharField(
        label=_("Accessibility"),
        max_length=2000,
        required=False,
        help_text=_("Steps, lifts, toilets, hearing loops: buyers see it on the event's page."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    latitude = forms.DecimalField(label=_("Latitude"), min_value=-90, max_value=90, required=False)
    longitude = forms.DecimalField(label=_("Longitude"), min_value=-180, max_value=180, required=False)
    timezone = forms.ChoiceField(label=_("Time zone"), required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        zone = self.fields["timezone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = [("", "–"), *((name, name.replace("_", " ")) for name in sorted(zone_names()))]
