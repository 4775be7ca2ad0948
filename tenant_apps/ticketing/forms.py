"""What the staff fill in to sell: an event and its ticket types."""

import html
import re
from typing import Any

from django import forms
from django.utils.html import linebreaks, strip_tags
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import local, zone_names
from shared_apps.core.errors import InvalidInput
from shared_apps.core.money import to_minor, to_text
from tenant_apps.events import refunds
from tenant_apps.events.forms import LocalTime
from tenant_apps.events.models import Event, Tag, Venue
from tenant_apps.ticketing.event_setup import TypeRow, own_quota

PARTICULARS = ("online_url", "contact_name", "contact_email", "contact_phone", "contact_url")


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
    level = forms.CharField(
        label=_("Level"), max_length=20, required=False, help_text=_("For whom: beginners, advanced.")
    )
    tags = forms.MultipleChoiceField(label=_("Tags"), required=False, widget=forms.CheckboxSelectMultiple)
    attendance = forms.ChoiceField(label=_("How one takes part"), choices=Event.Attendance.choices, required=False)
    online_url = forms.CharField(
        label=_("Link to take part"), max_length=500, required=False, help_text=_("Only holders of tickets see it.")
    )
    contact_name = forms.CharField(label=_("Whom to ask"), max_length=150, required=False)
    contact_email = forms.CharField(label=_("Their email"), max_length=254, required=False)
    contact_phone = forms.CharField(label=_("Their phone"), max_length=40, required=False)
    contact_url = forms.CharField(label=_("Page for questions"), max_length=500, required=False)
    cancel_until = LocalTime(label=_("Buyers can cancel until"), required=False)
    own_refund_rule = forms.BooleanField(label=_("This event has a refund rule of its own"), required=False)
    refund_tiers = forms.CharField(
        label=_("Refund rule"),
        max_length=500,
        required=False,
        help_text=_("On each line days before the start and per cent: 14: 100. No line: nothing comes back."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, event: Event | None = None, zone: str = "UTC", **kwargs: Any):
        self.event = event
        kwargs.setdefault("initial", self._initial(event, zone))
        super().__init__(*args, **kwargs)
        timezone = self.fields["timezone"]
        assert isinstance(timezone, forms.ChoiceField)
        timezone.choices = [(name, name.replace("_", " ")) for name in sorted(zone_names())]
        self.fields["category"].widget.attrs["list"] = "categories"
        tags = self.fields["tags"]
        assert isinstance(tags, forms.MultipleChoiceField)
        tags.choices = list(Tag.objects.values_list("slug", "name"))
        if not tags.choices:
            del self.fields["tags"]

    def clean_refund_tiers(self) -> list[dict[str, int]]:
        try:
            return refunds.parsed(line for line in self.cleaned_data["refund_tiers"].splitlines() if line.strip())
        except InvalidInput as refused:
            raise forms.ValidationError(str(refused.errors[0].message), code="invalid") from None

    @staticmethod
    def _initial(event: Event | None, zone: str) -> dict[str, Any]:
        if event is None:
            return {"timezone": zone, "attendance": Event.Attendance.ONSITE}
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
            "tags": list(event.tags.values_list("slug", flat=True)),
            "cancel_until": local(event.cancel_until, event.timezone).replace(tzinfo=None)
            if event.cancel_until
            else None,
            "own_refund_rule": event.refund_tiers is not None,
            "refund_tiers": "\n".join(f"{tier['days']}: {tier['percent']}" for tier in event.refund_tiers or ()),
            **{name: getattr(event, name) for name in (*PARTICULARS, "level", "attendance")},
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
        fields |= {name: data[name] for name in (*PARTICULARS, "level", "tags", "attendance") if name in data}
        if {"cancel_until", "timezone"} & set(self.changed_data):
            fields["cancel_until"] = data["cancel_until"]
        fields["refund_tiers"] = data["refund_tiers"] if data["own_refund_rule"] else None
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
