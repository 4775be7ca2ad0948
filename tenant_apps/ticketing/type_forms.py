"""What the staff fill in about one ticket type, its tiers, and a quota. What fits what, services decide."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import local
from shared_apps.core.money import to_minor, to_text
from tenant_apps.events.models import Event
from tenant_apps.ticketing.forms import LocalTime
from tenant_apps.ticketing.models import Quota, TicketType
from tenant_apps.ticketing.price_tiers import MOST_TIERS, TierWish
from tenant_apps.ticketing.type_fields import MOST_PER_ORDER, MOST_PER_PERSON, MOST_STOCK_SHOWN, TYPE_TIMES

# The form's names of what the services call otherwise.
AMOUNTS = {"price": "price_minor", "suggested_price": "suggested_price_minor"}


class Amount(forms.CharField):
    """An amount in major units, as people write it; whole minor units of `currency` once cleaned (M5)."""

    currency = "EUR"

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(max_length=20, **kwargs)

    def clean(self, value: Any) -> Any:
        text = re.sub(r"[\s\u00a0\u202f]", "", super().clean(value)).replace(",", ".")
        if not text:
            return None
        try:
            return to_minor(text, self.currency)
        except ValueError:
            raise forms.ValidationError(_("Write the price as 12.50."), code="invalid") from None


def _in(currency: str, form: forms.Form) -> None:
    for field in form.fields.values():
        if isinstance(field, Amount):
            field.currency = currency


class TypeForm(forms.Form):
    """One ticket type. Times are what the event's clocks show."""

    name = forms.CharField(label=_("Ticket"), max_length=100)
    description = forms.CharField(label=_("Description"), max_length=500, required=False)
    price_kind = forms.ChoiceField(label=_("Who says the price?"), choices=TicketType.PriceKind.choices)
    price = Amount(label=_("Price"), required=False, help_text=_("Where buyers say it: the least. Nothing means free."))
    suggested_price = Amount(label=_("Suggested price"), required=False, help_text=_("Only where buyers say it."))
    tax_rate = forms.DecimalField(
        label=_("Tax rate, %"), min_value=0, max_value=100, decimal_places=2, max_digits=5, required=False
    )
    tax_included = forms.ChoiceField(
        label=_("Tax"),
        required=False,
        choices=[
            ("", _("as for all tickets (see settings)")),
            ("yes", _("is in the price")),
            ("no", _("is added to the price")),
        ],
    )
    sale_starts_at = LocalTime(label=_("On sale from"), required=False)
    sale_ends_at = LocalTime(label=_("On sale until"), required=False)
    min_per_order = forms.IntegerField(label=_("At least per order"), min_value=1, max_value=MOST_PER_ORDER)
    max_per_order = forms.IntegerField(label=_("At most per order"), min_value=1, max_value=MOST_PER_ORDER)
    max_per_person = forms.IntegerField(
        label=_("At most per person"),
        min_value=1,
        max_value=MOST_PER_PERSON,
        required=False,
        help_text=_("Over all orders of one address or account."),
    )
    show_stock_below = forms.IntegerField(
        label=_("Say how many are left from"),
        min_value=0,
        max_value=MOST_STOCK_SHOWN,
        required=False,
        help_text=_("5 says “Only 5 left” and nothing before; 0 says nothing."),
    )
    position = forms.IntegerField(label=_("Place in the list"), min_value=0, max_value=10_000)
    hidden = forms.BooleanField(label=_("Hidden: only a voucher opens it"), required=False)
    cancel_allowed = forms.BooleanField(label=_("Buyers may cancel by themselves"), required=False)
    cancel_until = LocalTime(label=_("Cancel until"), required=False)
    transfer_allowed = forms.BooleanField(label=_("Holders may pass it on"), required=False)
    transfer_until = LocalTime(label=_("Pass on until"), required=False)
    waiting_list = forms.BooleanField(label=_("People may wait for it when it is sold out"), required=False)
    door_note = forms.CharField(
        label=_("Tell the door"),
        max_length=100,
        required=False,
        help_text=_("Shown when a ticket of this type is scanned, such as “Check the student card”."),
    )
    # New types only: what exists draws from quotas, which are edited by themselves.
    capacity = forms.IntegerField(
        label=_("Places"),
        min_value=0,
        max_value=10_000_000,
        required=False,
        help_text=_("Makes a quota of this name. Leave it empty where it draws from quotas below."),
    )
    quotas = forms.MultipleChoiceField(
        label=_("Draws from"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Each must have a place."),
    )

    def __init__(self, *args: Any, event: Event, ticket_type: TicketType | None, rate: str = "0", **kwargs: Any):
        self.event, self.ticket_type = event, ticket_type
        self.known = {str(quota.pk): quota for quota in event.quotas.order_by("name", "pk")}
        kwargs.setdefault("initial", self._initial(rate))
        super().__init__(*args, **kwargs)
        _in(event.currency, self)
        quotas: Any = self.fields["quotas"]
        quotas.choices = [(pk, quota.name) for pk, quota in self.known.items()]
        if ticket_type is not None:
            del self.fields["capacity"]
        if not self.known:
            del self.fields["quotas"]

    def _initial(self, rate: str) -> dict[str, Any]:
        one = self.ticket_type or TicketType(event=self.event, position=self.event.ticket_types.count())
        plain = (
            "name description price_kind min_per_order max_per_order max_per_person show_stock_below position hidden"
            " cancel_allowed transfer_allowed waiting_list tax_rate door_note"
        )
        start = {name: getattr(one, name) for name in plain.split()}
        for name in TYPE_TIMES:
            moment = getattr(one, name)
            start[name] = local(moment, self.event.timezone).replace(tzinfo=None) if moment else None
        start["tax_included"] = {None: "", True: "yes", False: "no"}[one.tax_included]
        if self.ticket_type is None:
            return {**start, "tax_rate": rate}
        start["price"] = to_text(one.price_minor, self.event.currency)
        if one.suggested_price_minor is not None:
            start["suggested_price"] = to_text(one.suggested_price_minor, self.event.currency)
        start["quotas"] = [str(pk) for pk in one.quotas.values_list("pk", flat=True)]
        return start

    def type_fields(self) -> dict[str, Any]:
        """Return what the services take."""
        data = dict(self.cleaned_data)
        data.pop("capacity", None)
        for name, field in AMOUNTS.items():
            data[field] = data.pop(name)
        data["price_minor"] = data["price_minor"] or 0
        if data["price_kind"] != TicketType.PriceKind.OPEN:
            data["suggested_price_minor"] = None
        data["tax_rate"] = data["tax_rate"] or 0
        data["tax_included"] = {"": None, "yes": True, "no": False}[data["tax_included"]]
        data["quotas"] = [self.known[pk] for pk in data.get("quotas", ())]
        return data


class TierForm(forms.Form):
    """One row: a price until a time, for so many tickets, or both."""

    id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=100, required=False)
    price = Amount(label=_("Price"), required=False)
    until = LocalTime(label=_("Until"), required=False)
    quantity = forms.IntegerField(label=_("Tickets"), min_value=1, max_value=10_000_000, required=False)
    remove = forms.BooleanField(label=_("Remove"), required=False)

    def is_left_out(self) -> bool:
        data = self.cleaned_data
        empty = not (data.get("name") or data.get("price") is not None or data.get("until") or data.get("quantity"))
        return bool(data.get("remove")) or empty

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.is_left_out() and data.get("price") is None and "price" not in self.errors:
            self.add_error("price", _("Write the price as 12.50."))
        return data


class BaseTiers(forms.BaseFormSet):
    """The tiers of a type in their order, and empty rows to add more."""

    def __init__(self, *args: Any, event: Event, ticket_type: TicketType | None, **kwargs: Any):
        self.event = event
        tiers = ticket_type.tiers.select_related("quota") if ticket_type else ()
        kwargs.setdefault("initial", [self._row(tier) for tier in tiers])
        kwargs["prefix"] = "tiers"
        super().__init__(*args, **kwargs)

    def _row(self, tier: Any) -> dict[str, Any]:
        quota = getattr(tier, "quota", None)
        until = local(tier.until, self.event.timezone).replace(tzinfo=None) if tier.until else None
        return {
            "id": tier.pk,
            "name": tier.name,
            "price": to_text(tier.price_minor, self.event.currency),
            "until": until,
            "quantity": quota.capacity if quota else None,
            "counted": (quota.held + quota.sold) if quota else 0,
        }

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # the stubs leave it out
        _in(self.event.currency, form)
        return form

    def wishes(self) -> tuple[list[TierWish], list[Any]]:
        """Return what the services take, and the form of each, so that a refusal finds its row."""
        kept = [form for form in self.forms if not form.is_left_out()]
        wishes = []
        for form in kept:
            data = form.cleaned_data
            wishes.append(TierWish(data["name"], data["price"], data["until"], data["quantity"], data["id"]))
        return wishes, kept


TierFormSet: Any = forms.formset_factory(TierForm, formset=BaseTiers, extra=2, max_num=MOST_TIERS)


class QuotaForm(forms.Form):
    """A number of places and who draws from it."""

    name = forms.CharField(label=_("Name"), max_length=100)
    capacity = forms.IntegerField(
        label=_("Places"), min_value=0, max_value=10_000_000, required=False, help_text=_("Nothing means no limit.")
    )
    ticket_types = forms.MultipleChoiceField(
        label=_("Ticket types that draw from it"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, types: dict[str, TicketType], quota: Quota | None = None, **kwargs: Any):
        self.types = types
        if quota is not None:
            drawn = [str(each.pk) for each in quota.ticket_types.all()]
            kwargs.setdefault("initial", {"name": quota.name, "capacity": quota.capacity, "ticket_types": drawn})
        super().__init__(*args, **kwargs)
        field: Any = self.fields["ticket_types"]
        field.choices = [(pk, one.name) for pk, one in types.items()]

    def quota_fields(self) -> dict[str, Any]:
        data = self.cleaned_data
        chosen = [self.types[pk] for pk in data["ticket_types"]]
        return {"name": data["name"], "capacity": data["capacity"], "ticket_types": chosen}
