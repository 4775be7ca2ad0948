"""What a buyer fills in."""

import json
import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import unguessable_secret
from tenant_apps.events.models import Question
from tenant_apps.orders.checkout import Attendee, Basket, BasketLine
from tenant_apps.orders.models import SavedAddress
from tenant_apps.ticketing.models import TicketType
from tenant_apps.ticketing.offers import Offer


class OrderForm(forms.Form):
    """Quantities of an event's ticket types, and who buys. Prices never come from here (M6)."""

    # Drawn when the form is shown: a second tap on the button, or a reload, orders nothing more (O2).
    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=unguessable_secret)
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        help_text=_("Your tickets go to this address."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    name = forms.CharField(
        label=_("Name"), max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    attendees = forms.CharField(
        label=_("Names on the tickets"),
        required=False,
        max_length=8000,
        help_text=_("One name per line, in the order of the tickets above."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    # For how many of which type the answers were typed: with other quantities the form asks once more.
    asked = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, offers: Iterable[Offer] = (), questions: Iterable[Question] = (), **kwargs: Any
    ):  # fmt: skip
        super().__init__(*args, **kwargs)
        self.questions = list(questions)
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
            offer.ticket_type.pk: str(self.cleaned_data.get(self.price_field_of(offer)) or "")
            for offer in self.offers
            if offer.is_open
        }
        return {pk: re.sub(r"[\s\u00a0\u202f]", "", text).replace(",", ".") for pk, text in said.items() if text}

    def line_fields(self) -> dict[str, str]:
        """Where a refusal of a line's price is shown: the service's path and our field."""
        chosen = [pk for pk, quantity in self.quantities().items() if quantity]
        return {f"lines.{index}.price": f"price_{pk}" for index, pk in enumerate(chosen)}

    def quantities(self) -> dict[int, int]:
        """How many of each type, by its id; also for showing again what was typed."""
        return {
            offer.ticket_type.pk: self.cleaned_data.get(self.field_of(offer)) or 0
            for offer in self.offers
        }  # fmt: skip

    def to_ask(self) -> list[tuple[TicketType, int, list[Question]]]:
        """Type, number and questions of each ticket whose holder is asked something, by what is chosen now."""
        asked = []
        for offer in self.offers:
            kind = offer.ticket_type
            mine = [each for each in self.questions if not each.ticket_types or kind.pk in each.ticket_types]
            if mine:
                asked += [(kind, number, mine) for number in range(self._wanted(offer))]
        return asked

    def _wanted(self, offer: Offer) -> int:
        typed = self.data.get(self.field_of(offer), "") if self.is_bound else ""
        return min(int(typed), offer.most) if typed.isascii() and typed.isdigit() and len(typed) <= 4 else 0

    def sheet(self) -> str:
        """What the answers on the page are for, as the page sends it back."""
        return ",".join(f"{kind.pk}.{number}" for kind, number, _questions in self.to_ask())

    def is_answered(self) -> bool:
        """Tell whether the questions were on the page that was sent, for these very tickets."""
        return bool(self.data.get("asked", "") == self.sheet())

    @staticmethod
    def answer_field(kind: TicketType, number: int, question: Question) -> str:
        return f"answer_{kind.pk}_{number}_{question.pk}"

    def answers(self, kind_pk: int, number: int) -> dict[str, Any]:
        """What was typed for one ticket, by the question's id; whether it is an answer, checkout decides."""
        given: dict[str, Any] = {}
        for kind, at, questions in self.to_ask():
            if (kind.pk, at) != (kind_pk, number):
                continue
            for question in questions:
                name = self.answer_field(kind, at, question)
                many = question.kind == Question.Kind.MULTIPLE
                given[str(question.pk)] = self.data.getlist(name) if many else self.data.get(name, "")  # type: ignore[attr-defined]  # a QueryDict
        return given

    def once_key(self) -> str:
        """The key of this very order: the form's own, with all that was typed."""
        typed = {name: str(value) for name, value in self.cleaned_data.items()}
        typed["answers"] = str([self.answers(kind.pk, number) for kind, number, _questions in self.to_ask()])
        return json.dumps(typed, sort_keys=True)

    def basket(self, language: str) -> Basket:
        """Return what is ordered. Names are given out line by line, type after type."""
        names = [" ".join(line.split())[:150] for line in self.cleaned_data["attendees"].splitlines() if line.strip()]
        lines = []
        said = self.prices()
        for pk, quantity in self.quantities().items():
            if quantity:
                mine, names = names[:quantity], names[quantity:]
                mine += [""] * (quantity - len(mine))
                attendees = [
                    Attendee(name, answers=self.answers(pk, number)) for number, name in enumerate(mine[:quantity])
                ]
                lines.append(BasketLine(ticket_type=pk, quantity=quantity, attendees=attendees, price=said.get(pk)))
        return Basket(email=self.cleaned_data["email"], name=self.cleaned_data["name"], lines=lines, language=language)


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


def _part(label: Any, name: str, autocomplete: str, *, required: bool = False) -> forms.CharField:
    longest: Any = SavedAddress._meta.get_field(name)
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=longest.max_length, required=required, widget=widget)


class AddressForm(forms.Form):
    """Where goods are sent to."""

    name = _part(_("Recipient"), "name", "name", required=True)
    phone = _part(_("Phone"), "phone", "tel")
    street = _part(_("Street"), "street", "address-line1", required=True)
    house = _part(_("House"), "house", "off")
    apartment = _part(_("Apartment"), "apartment", "off")
    postcode = _part(_("Postcode"), "postcode", "postal-code")
    city = _part(_("City"), "city", "address-level2", required=True)
    country = _part(_("Country"), "country", "country-name")
    comment = _part(_("For the courier"), "comment", "off")
