"""What the staff fill in to sell: an event and its ticket types."""

import html
import re
from datetime import datetime
from typing import Any

from django import forms
from django.utils.html import linebreaks, strip_tags
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import local, zone_names
from shared_apps.core.money import to_minor, to_text
from tenant_apps.events.models import Event, Venue
from tenant_apps.ticketing.event_setup import TypeRow, own_quota

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
        return datetime.strptime(value, format)  # noqa: DTZ007  (a local time; the event's zone is added later)


class EventForm(forms.Form):
    """The event itself. Which values fit each other, the service decides."""

    title = forms.CharField(label=_("Title"), max_length=200)
    summary = forms.CharField(
        label=_("In one sentence"), max_length=300, required=False, help_text=_("Shown in lists and when shared.")
    )
    starts_at = LocalTime(label=_("Starts"))
    ends_at = LocalTime(label=_("Ends"), required=False)
    timezone = forms.ChoiceField(label=_("Time zone"))
    venue_name = forms.CharField(label=_("Venue"), max_length=150, required=False)
    venue_address = forms.CharField(label=_("Address"), max_length=300, required=False)
    category = forms.CharField(
        label=_("Category"),
        max_length=80,
        required=False,
        help_text=_("Buyers filter by it: concert, theatre, workshop."),
    )
    description = forms.CharField(
        label=_("Description"), max_length=20000, required=False, widget=forms.Textarea(attrs={"rows": 8})
    )

    def __init__(self, *args: Any, event: Event | None = None, zone: str = "UTC", **kwargs: Any):
        self.event = event
        kwargs.setdefault("initial", self._initial(event, zone))
        super().__init__(*args, **kwargs)
        timezone = self.fields["timezone"]
        assert isinstance(timezone, forms.ChoiceField)
        timezone.choices = [(name, name.replace("_", " ")) for name in sorted(zone_names())]
        self.fields["category"].widget.attrs["list"] = "categories"

    @staticmethod
    def _initial(event: Event | None, zone: str) -> dict[str, Any]:
        if event is None:
            return {"timezone": zone}
        return {
            "title": event.title,
            "summary": event.summary,
            "starts_at": local(event.starts_at, event.timezone).replace(tzinfo=None),
            "ends_at": local(event.ends_at, event.timezone).replace(tzinfo=None) if event.ends_at else None,
            "timezone": event.timezone,
            "venue_name": event.venue.name if event.venue else "",
            "venue_address": event.venue.address if event.venue else "",
            "category": event.category.name if event.category else "",
            "description": as_text(event.description),
        }

    def event_fields(self) -> dict[str, Any]:
        """Return what `save_event` takes; only what was changed, so that a policy does not refuse the rest."""
        data = self.cleaned_data
        fields = {name: data[name] for name in ("title", "summary", "timezone")}
        if self.event is None or {"starts_at", "ends_at", "timezone"} & set(self.changed_data):
            fields |= {"starts_at": data["starts_at"], "ends_at": data["ends_at"]}
        if self.event is None or "description" in self.changed_data:
            fields["description"] = as_html(data["description"])
        if self.event is None or {"venue_name", "venue_address"} & set(self.changed_data):
            name, address = data["venue_name"], data["venue_address"]
            fields["venue"] = {"name": name, "address": address} if name else None
        return fields


class TicketTypeForm(forms.Form):
    """One row: a kind of admission, its price, how many."""

    id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Ticket"), max_length=100, required=False)
    price = forms.CharField(
        label=_("Price"), max_length=20, required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    capacity = forms.IntegerField(label=_("Places"), min_value=0, required=False)
    remove = forms.BooleanField(label=_("Remove"), required=False)

    currency = "EUR"

    def clean_price(self) -> int:
        text = re.sub(r"[\s\u00a0\u202f]", "", self.cleaned_data["price"]).replace(",", ".") or "0"
        try:
            price = to_minor(text, self.currency)
        except ValueError:
            raise forms.ValidationError(_("Write the price as 12.50."), code="invalid") from None
        if price < 0:
            raise forms.ValidationError(_("A price cannot be negative."), code="negative")
        return price

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if (
            not data.get("name")
            and not data.get("remove")
            and (data.get("price") or data.get("capacity") or data.get("id"))
        ):
            self.add_error("name", _("Give it a name."))
        return data


class BaseTypes(forms.BaseFormSet):
    """The rows of an event: those that are there, and empty ones to add more."""

    def __init__(self, *args: Any, event: Event | None = None, currency: str = "EUR", **kwargs: Any):
        self.currency = event.currency if event else currency
        self.types = {each.pk: each for each in event.ticket_types.prefetch_related("quotas")} if event else {}
        self.quotas = {pk: own_quota(each) for pk, each in self.types.items()}
        kwargs.setdefault("initial", [self._row(pk) for pk in self.types] or [{"name": _("Standard")}])
        kwargs["prefix"] = "types"
        super().__init__(*args, **kwargs)

    def _row(self, pk: int) -> dict[str, Any]:
        each, quota = self.types[pk], self.quotas[pk]
        capacity = quota.capacity if quota else None
        return {"id": pk, "name": each.name, "price": to_text(each.price_minor, self.currency), "capacity": capacity}

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # the stubs leave it out
        form.currency = self.currency
        form.fixed_capacity = form.initial.get("id") in self.types and self.quotas[form.initial["id"]] is None
        return form

    def rows(self) -> tuple[list[TypeRow], list[TicketTypeForm]]:
        """Return what `save_event` takes, and the form of each row, so that a refusal finds its place."""
        rows, places = [], []
        for form in self.forms:
            data = form.cleaned_data
            known = self.types.get(data.get("id"))
            if known is None and (not data.get("name") or data.get("remove")):
                continue
            description = known.description if known else ""
            rows.append(
                TypeRow(known, data.get("name", ""), data["price"], data["capacity"], description, data["remove"])
            )
            places.append(form)
        return rows, places


TypesFormSet: Any = forms.formset_factory(TicketTypeForm, formset=BaseTypes, extra=2, max_num=50)


def as_html(text: str) -> str:
    """Plain text becomes paragraphs; what has markup stays and is cleaned by the service (B8)."""
    text = text.replace("\r\n", "\n").strip()
    return (
        text
        if re.search(r"<(p|br|ul|ol|h[2-4]|strong|em|a)\b", text)
        else linebreaks(text, autoescape=True)
        if text
        else ""
    )


def as_text(markup: str) -> str:
    """Simple paragraphs are shown as plain text again; richer markup as it is."""
    if re.search(r"<(?!/?(p|br)\b)", markup):
        return markup
    text = re.sub(r"<br\s*/?>\s*", "\n", markup)
    return html.unescape(strip_tags(re.sub(r"</p>\s*", "\n\n", text))).strip()


def venue_names() -> Any:
    """Names that the form suggests."""
    return Venue.objects.order_by("name").values_list("name", flat=True)[:200]
