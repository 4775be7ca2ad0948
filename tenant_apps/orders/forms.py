"""What a buyer chooses on an event's or a product's page; who comes, and where goods are sent."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import unguessable_secret
from tenant_apps.orders import box_office
from tenant_apps.orders.checkout import Basket, BasketLine
from tenant_apps.orders.models import SavedAddress
from tenant_apps.ticketing.offers import Offer


class ChooseForm(forms.Form):
    """Quantities of an event's ticket types. Prices never come from here but where buyers say them (M6)."""

    # Drawn when the form is shown: a second tap on the button, or a reload, puts nothing more into the cart (O2).
    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=unguessable_secret)

    def __init__(self, *args: object, offers: Iterable[Offer] = (), **kwargs: object):
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they come
        self.offers = [offer for offer in offers if offer.state == "on_sale"]
        for offer in self.offers:
            self.fields[self.field_of(offer)] = forms.IntegerField(
                label=offer.ticket_type.name, min_value=0, max_value=offer.ticket_type.max_per_order, required=False
            )
            if offer.is_open:
                self.fields[self.price_field_of(offer)] = forms.CharField(
                    label=_("Your price for each"), max_length=20, required=False
                )

    @staticmethod
    def field_of(offer: Offer) -> str:
        return f"quantity_{offer.ticket_type.pk}"

    @staticmethod
    def price_field_of(offer: Offer) -> str:
        return f"price_{offer.ticket_type.pk}"

    def prices(self) -> dict[int, str]:
        """What the buyer wants to pay for one, by the type's id, where they may say; as the API takes it."""
        said = {
            offer.ticket_type.pk: _typed_price(self.cleaned_data.get(self.price_field_of(offer)))
            for offer in self.offers
            if offer.is_open
        }
        return {pk: text for pk, text in said.items() if text}

    def quantities(self) -> dict[int, int]:
        """How many of each type that is wanted, by its id."""
        typed = {offer.ticket_type.pk: self.cleaned_data.get(self.field_of(offer)) or 0 for offer in self.offers}
        return {pk: quantity for pk, quantity in typed.items() if quantity}

    def wishes(self) -> list[BasketLine]:
        said = self.prices()
        return [BasketLine(pk, quantity, price=said.get(pk)) for pk, quantity in self.quantities().items()]

    def line_fields(self) -> dict[str, str]:
        """Where a refusal of a line is shown: the service's path and our field."""
        found = {}
        for index, pk in enumerate(self.quantities()):
            found[f"lines.{index}.price"] = f"price_{pk}"
            found[f"lines.{index}.quantity"] = f"quantity_{pk}"
            found[f"lines.{index}.ticket_type"] = f"quantity_{pk}"
        return found

    def once_key(self) -> str:
        """The key of this very act: the form's own, with all that was typed."""
        return key_of_act(self.cleaned_data["key"], self.wishes())


class GoodsForm(forms.Form):
    """Quantities of a product's variants, as many fields as its page shows."""

    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=unguessable_secret)

    def __init__(self, *args: object, variants: Sequence[int] = (), **kwargs: object):
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they come
        self.variants = list(variants)
        for pk in self.variants:
            self.fields[f"variant_{pk}"] = forms.IntegerField(min_value=0, max_value=100_000, required=False)

    def wishes(self) -> list[BasketLine]:
        typed = {pk: self.cleaned_data.get(f"variant_{pk}") or 0 for pk in self.variants}
        return [BasketLine(quantity=quantity, variant=pk) for pk, quantity in typed.items() if quantity]

    def once_key(self) -> str:
        return key_of_act(self.cleaned_data["key"], self.wishes())


def key_of_act(key: str, wishes: Iterable[BasketLine]) -> str:
    """What tells one tap on a button from another one, with another content or on another form."""
    told = [[wish.ticket_type, wish.variant, wish.quantity, str(wish.price or "")] for wish in wishes]
    return json.dumps([key, told])


class AttendeeForm(forms.Form):
    """Who comes with a ticket; empty means the buyer."""

    name = forms.CharField(
        label=_("Name on the ticket"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.EmailField(
        label=_("Their email"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


def address_part(label: Any, name: str, autocomplete: str, *, required: bool = False) -> forms.CharField:
    """A field for one part of an address, as long as a saved address keeps it."""
    longest: Any = SavedAddress._meta.get_field(name)
    attributes = {"autocomplete": autocomplete} | ({"inputmode": "tel"} if name == "phone" else {})
    return forms.CharField(
        label=label, max_length=longest.max_length, required=required, widget=forms.TextInput(attrs=attributes)
    )


class AddressForm(forms.Form):
    """Where goods are sent to."""

    name = address_part(_("Recipient"), "name", "name", required=True)
    phone = address_part(_("Phone"), "phone", "tel")
    street = address_part(_("Street"), "street", "address-line1", required=True)
    house = address_part(_("House"), "house", "off")
    apartment = address_part(_("Apartment"), "apartment", "off")
    postcode = address_part(_("Postcode"), "postcode", "postal-code")
    city = address_part(_("City"), "city", "address-level2", required=True)
    country = address_part(_("Country"), "country", "country-name")
    comment = address_part(_("For the courier"), "comment", "off")


class TillForm(forms.Form):
    """What is sold at a counter. `given` is the cash that was handed over, for reckoning the change."""

    key = forms.CharField(max_length=64, widget=forms.HiddenInput, initial=unguessable_secret)
    name = forms.CharField(label=_("Name"), max_length=150, required=False)
    email = forms.EmailField(
        label=_("Email"), max_length=254, required=False, help_text=_("Only if the tickets should go there as well.")
    )
    given = forms.CharField(label=_("Cash given"), max_length=20, required=False)
    # Of two buttons; Enter alone is the first of them.
    way = forms.ChoiceField(choices=[(way, way) for way in box_office.WAYS], required=False)

    def __init__(self, *args: Any, tiles: Iterable[box_office.Tile], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.tiles = list(tiles)
        for tile in self.tiles:
            self.fields[tile.field] = forms.IntegerField(min_value=0, max_value=box_office.MOST, required=False)
            if tile.is_open:
                self.fields[tile.price_field] = forms.CharField(max_length=20, required=False)

    def once_key(self) -> str:
        """The key of this very sale: the form's own, with all that was typed."""
        return json.dumps({name: str(value) for name, value in self.cleaned_data.items()}, sort_keys=True)

    def basket(self, language: str) -> Basket:
        data = self.cleaned_data
        lines = [
            BasketLine(
                ticket_type=tile.ticket_type,
                quantity=data[tile.field],
                price=_typed_price(data.get(tile.price_field)) if tile.is_open else None,
                variant=tile.variant,
            )
            for tile in self.tiles
            if data.get(tile.field)
        ]
        return Basket(email=data["email"], name=data["name"], lines=lines, language=language)


def _typed_price(text: str | None) -> str | None:
    """A price as people type it, as the API takes it."""
    return re.sub(r"[\s\u00a0\u202f]", "", text or "").replace(",", ".") or None


class HandOverForm(forms.Form):
    """To whom a ticket goes."""

    name = forms.CharField(label=_("Their name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label=_("Their email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )


class NameForm(forms.Form):
    """The name on a ticket that somebody was given."""

    name = forms.CharField(
        label=_("Name on the ticket"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
