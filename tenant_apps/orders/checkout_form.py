"""What a buyer fills in to order a cart: one page, in steps."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import unguessable_secret
from shared_apps.core.errors import DomainError
from tenant_apps.catalog.models import DeliveryMethod
from tenant_apps.orders import addresses
from tenant_apps.orders.cart_view import Shown
from tenant_apps.orders.checkout import Attendee
from tenant_apps.orders.forms import address_part
from tenant_apps.orders.goods import Delivery

NEW_ADDRESS = "new"


@dataclass
class Sheet:
    """One ticket on the page: whose it is, and what its holder is asked."""

    title: str
    number: int
    name_field: str
    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)


class CheckoutForm(forms.Form):
    """Who buys, who comes, where goods go, how it is paid. Prices never come from here (M6)."""

    # Drawn when the form is shown: a second tap on the button, or a reload, orders nothing more (O2).
    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=unguessable_secret)
    # What the page said that it costs without delivery, in minor units, and what each way of delivery would add.
    told = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        help_text=_("Your order goes to this address."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    name = forms.CharField(
        label=_("Name"), max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    provider = forms.CharField(max_length=20, required=False)
    voucher = forms.CharField(
        label=_("Voucher code"), max_length=40, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    method = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    address = forms.CharField(max_length=20, required=False)
    keep_address = forms.BooleanField(label=_("Keep this address for next time"), required=False)
    to_name = address_part(_("Recipient"), "name", "shipping name")
    to_phone = address_part(_("Phone"), "phone", "shipping tel")
    to_country = address_part(_("Country"), "country", "shipping country-name")
    to_city = address_part(_("City"), "city", "shipping address-level2")
    to_street = address_part(_("Street"), "street", "shipping address-line1")
    to_house = address_part(_("House"), "house", "off")
    to_apartment = address_part(_("Apartment"), "apartment", "off")
    to_postcode = address_part(_("Postcode"), "postcode", "shipping postal-code")
    to_comment = address_part(_("Note for the courier"), "comment", "off")

    def __init__(self, *args: Any, cart: Shown, person: Any = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.cart = cart
        self.person = person
        self.saved = list(addresses.addresses_of(person)) if person is not None and cart.methods else []
        self.faults: dict[str, str] = {}
        # What else the buyer is told once the order stands.
        self.notes: list[str] = []

    # --- Tickets -----------------------------------------------------------------------------------------------------

    def sheets(self) -> list[Sheet]:
        """A sheet for each ticket, with what was typed."""
        found = []
        for each in self.cart.good:
            if not each.line.ticket_type_id:
                continue
            for number in range(each.line.quantity):
                name = f"name_{each.line.pk.hex}_{number}"
                typed = str(self.data.get(name, ""))[:150] if self.is_bound else ""
                sheet = Sheet(each.line.title, number + 1, name, typed)
                for question in each.thing.asked:
                    at = self._answer_field(each.line.pk.hex, number, question)
                    sheet.rows.append(
                        {"question": question, "name": at, "given": self._given(at, question),
                         "fault": self.faults.get(at, "")}
                    )  # fmt: skip
                found.append(sheet)
        return found

    @staticmethod
    def _answer_field(line: str, number: int, question: Mapping[str, Any]) -> str:
        return f"answer_{line}_{number}_{question['id']}"

    def _given(self, name: str, question: Mapping[str, Any]) -> Any:
        many = question["kind"] == "multiple"
        if not self.is_bound:
            return [] if many else ""
        return self.data.getlist(name) if many else str(self.data.get(name, ""))  # type: ignore[attr-defined]  # a QueryDict

    def attendees(self) -> dict[str, Sequence[Attendee]]:
        """Who comes with which ticket, by line; whether an answer is one, checkout decides."""
        found: dict[str, Sequence[Attendee]] = {}
        for each in self.cart.good:
            if not each.line.ticket_type_id:
                continue
            line = each.line.pk.hex
            found[str(each.line.pk)] = [
                Attendee(
                    " ".join(str(self.data.get(f"name_{line}_{number}", "")).split())[:150],
                    answers={
                        str(question["id"]): self._given(self._answer_field(line, number, question), question)
                        for question in each.thing.asked
                    },
                )
                for number in range(each.line.quantity)
            ]
        return found

    # --- Delivery ----------------------------------------------------------------------------------------------------

    @property
    def chosen_method(self) -> DeliveryMethod | None:
        """The way of delivery that was chosen, here or in the cart before."""
        typed = self.cleaned_data.get("method") if self.is_bound and hasattr(self, "cleaned_data") else None
        if typed is None:
            only = [method for method, price in self.cart.methods if price is not None]
            return self.cart.method or (only[0] if len(only) == 1 else None)
        return next((method for method, _price in self.cart.methods if method.pk == typed), None)

    def delivery(self) -> Delivery | None:
        """Where the goods go: to a saved address, or to the one that was typed."""
        if not self.cart.methods:
            return None
        method = self.chosen_method
        saved = next((each for each in self.saved if str(each.pk) == self.cleaned_data["address"]), None)
        if saved is not None:
            return Delivery(method=method.pk if method else None, **addresses.as_delivery(saved))
        return Delivery(method=method.pk if method else None, **self._typed_address())

    def _typed_address(self) -> dict[str, str]:
        return {name: self.cleaned_data[f"to_{name}"].strip() for name in addresses.FIELDS}

    def address_to_keep(self) -> dict[str, str] | None:
        """The address that the buyer wants kept, if they typed one."""
        method = self.chosen_method
        typed = self.cleaned_data.get("address", "") in ("", NEW_ADDRESS)
        if self.person is None or not self.cleaned_data.get("keep_address") or not typed or method is None:
            return None
        return None if method.kind == DeliveryMethod.Kind.PICKUP else self._typed_address()

    # --- What it costs -----------------------------------------------------------------------------------------------

    def prices(self) -> str:
        """What the page says now, to be sent back by the form: the goods and tickets, and each way of delivery."""
        ways = [
            [method.pk, self.cart.with_way(method).total_minor]
            for method, price in self.cart.methods
            if price is not None
        ]
        return json.dumps({"total": self.cart.total_minor, "ways": ways})

    def told_minor(self) -> int | None:
        """The total that the buyer saw for what they chose; None if the form does not say."""
        try:
            said = json.loads(self.cleaned_data["told"])
            ways = dict(said["ways"])
            method = self.chosen_method
            total = ways.get(method.pk) if method is not None and self.cart.methods else said["total"]
        except (ValueError, TypeError, KeyError):
            return None
        return total if isinstance(total, int) else None

    def once_key(self) -> str:
        """The key of this very order: the form's own, with all that was typed. Not of the cart: when the form comes a
        second time the first one has ordered it."""
        typed = {name: values for name, values in self.data.lists() if name != "csrfmiddlewaretoken"}  # type: ignore[attr-defined]  # a QueryDict
        return json.dumps(typed, sort_keys=True)

    def show(self, refusal: DomainError) -> None:
        """Put a refusal where the buyer looks for it: at the field, or above the form."""
        lines = [each.line for each in self.cart.good]
        unplaced = []
        for error in refusal.errors:
            found = re.fullmatch(r"lines\.(\d+)\.attendees\.(\d+)\.answers\.(.+)", error.field)
            if found and int(found[1]) < len(lines):
                self.faults[f"answer_{lines[int(found[1])].pk.hex}_{found[2]}_{found[3]}"] = str(error.message)
            elif error.field.startswith("agreed."):
                self.faults[f"agree_{error.field.removeprefix('agreed.')}"] = str(error.message)
            elif error.field.removeprefix("delivery.") in addresses.FIELDS:
                self.add_error(f"to_{error.field.removeprefix('delivery.')}", str(error.message))
            else:
                unplaced.append(str(error.message))
        if any(name.startswith("answer_") for name in self.faults):
            unplaced.append(str(_("Please look at the marked questions.")))
        if any(name.startswith("agree_") for name in self.faults):
            unplaced.append(str(refusal))
        if not refusal.errors:
            where = {"delivery.method": "method", "email": "email", "provider": "provider", "voucher": "voucher"}.get(
                refusal.field
            )
            self.add_error(where, str(refusal))
        for message in unplaced:
            self.add_error(None, message)
