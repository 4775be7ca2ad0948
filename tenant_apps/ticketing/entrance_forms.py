"""What staff fill in about an event's entrances and the zones behind them."""

from typing import Any

from django import forms
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import local
from tenant_apps.events.forms import LocalTime
from tenant_apps.events.models import Event
from tenant_apps.ticketing.entrances import LIST_FIELDS, MOST_PEOPLE, days_of
from tenant_apps.ticketing.models import CheckInList, CheckInZone


class EntranceForm(forms.Form):
    """A check-in list: which tickets, where, when and how often."""

    name = forms.CharField(label=_("Name"), max_length=100)
    gate = forms.CharField(
        label=_("Gate"), max_length=60, required=False, help_text=_("Where it stands: North entrance.")
    )
    zone = forms.ChoiceField(
        label=_("Zone"),
        required=False,
        help_text=_("What it leads into. Lists of one zone count together, up to its capacity."),
    )
    ticket_types = forms.MultipleChoiceField(
        label=_("Ticket types that it takes"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all of the event."),
    )
    entries = forms.ChoiceField(label=_("One ticket comes in"), choices=CheckInList.Entries.choices)
    directions = forms.ChoiceField(label=_("People go"), choices=CheckInList.Directions.choices)
    day = forms.ChoiceField(label=_("Day"), required=False)
    day_starts = forms.TypedChoiceField(
        label=_("A day begins at"),
        coerce=int,
        required=False,
        empty_value="0",
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        help_text=_("At 05:00 whoever comes at two in the night belongs to the evening before."),
    )
    opens_at = LocalTime(label=_("Open from"), required=False)
    closes_at = LocalTime(label=_("Open until"), required=False)

    def __init__(self, *args: Any, event: Event, entrance: CheckInList | None = None, **kwargs: Any):
        self.types = {str(one.pk): one for one in event.ticket_types.all()}
        self.zones = {str(one.pk): one for one in event.check_in_zones.all()}
        self.days = {day.isoformat(): day for day in days_of(event)}
        kwargs.setdefault("initial", _shown(entrance) if entrance else {"entries": "after_exit", "directions": "both"})
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["ticket_types"].choices = [(pk, one.name) for pk, one in self.types.items()]
        fields["zone"].choices = [("", _("None"))] + [(pk, one.name) for pk, one in self.zones.items()]
        if entrance is not None and entrance.day is not None:
            self.days.setdefault(entrance.day.isoformat(), entrance.day)
        days = [(key, formats.date_format(day, "l, j E")) for key, day in self.days.items()]
        fields["day"].choices = [("", _("Every day")), *days]

    def list_fields(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            **{name: data[name] for name in ("name", "gate", "opens_at", "closes_at")},
            "day_starts": int(data["day_starts"]),
            **{name: data[name] for name in ("entries", "directions")},
            "zone": self.zones.get(data["zone"]),
            "day": self.days.get(data["day"]),
            "ticket_types": [self.types[pk] for pk in data["ticket_types"]],
        }


class ZoneForm(forms.Form):
    """A hall, a tribune, a ship, and how many people it holds."""

    name = forms.CharField(label=_("Name"), max_length=100)
    capacity = forms.IntegerField(
        label=_("People at most"),
        min_value=0,
        max_value=MOST_PEOPLE,
        required=False,
        help_text=_("Nothing means no limit."),
    )

    def __init__(self, *args: Any, zone: CheckInZone | None = None, **kwargs: Any):
        if zone is not None:
            kwargs.setdefault("initial", {"name": zone.name, "capacity": zone.capacity})
        super().__init__(*args, **kwargs)


def _shown(entrance: CheckInList) -> dict[str, Any]:
    shown = {name: getattr(entrance, name) for name in LIST_FIELDS}
    for name in ("opens_at", "closes_at"):
        if shown[name]:
            shown[name] = local(shown[name], entrance.event.timezone).replace(tzinfo=None)
    return {
        **shown,
        "name": entrance.name,
        "zone": str(entrance.zone_id or ""),
        "day": entrance.day.isoformat() if entrance.day else "",
        "ticket_types": [str(each.pk) for each in entrance.ticket_types.all()],
    }
