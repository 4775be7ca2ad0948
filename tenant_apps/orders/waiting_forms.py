"""What people fill in who wait for places, or take those that they are offered."""

import json
import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import unguessable_secret
from tenant_apps.consents.boxes import agreed_in
from tenant_apps.events.models import Question
from tenant_apps.orders.checkout import Attendee
from tenant_apps.orders.models import WaitingEntry
from tenant_apps.ticketing.models import TicketType


class JoinForm(forms.Form):
    """For which ticket type, how many, and where to write to. Whether one may wait for it, the service decides."""

    ticket_type = forms.ChoiceField(label=_("Ticket"))
    quantity = forms.IntegerField(
        label=_("How many"),
        min_value=1,
        max_value=1000,
        initial=1,
        help_text=_("You get all of them together, or none."),
    )
    email = forms.EmailField(label=_("Email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    def __init__(self, *args: Any, types: list[TicketType], **kwargs: Any):
        super().__init__(*args, **kwargs)
        field: Any = self.fields["ticket_type"]
        field.choices = [(str(one.pk), one.name) for one in types]

    def wish(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"ticket_type": int(data["ticket_type"]), "quantity": data["quantity"], "email": data["email"]}


class OfferForm(forms.Form):
    """Names, answers and, where buyers say it, the price of what is offered. The rest is fixed."""

    # Drawn when the form is shown: a second tap on the button orders nothing more (O2).
    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=unguessable_secret)
    name = forms.CharField(
        label=_("Name"), max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    price = forms.CharField(label=_("Your price for each"), max_length=20, required=False)
    attendees = forms.CharField(
        label=_("Names on the tickets"),
        required=False,
        max_length=8000,
        help_text=_("One name per line."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, entry: WaitingEntry, questions: list[Question], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.entry = entry
        kind = entry.ticket_type
        self.questions = [each for each in questions if not each.ticket_types or kind.pk in each.ticket_types]
        if kind.price_kind != TicketType.PriceKind.OPEN:
            del self.fields["price"]
        if entry.quantity == 1:
            del self.fields["attendees"]

    def field_of(self, number: int, question: Any) -> str:
        """The page's name of an answer; `question` is its id."""
        return f"answer_{self.entry.ticket_type_id}_{number}_{question}"

    def answers(self, number: int) -> dict[str, Any]:
        """What was typed for one ticket, by the question's id; whether it is an answer, checkout decides."""
        data: Any = self.data
        given: dict[str, Any] = {}
        for question in self.questions:
            name = self.field_of(number, question.pk)
            many = self.is_bound and question.kind == Question.Kind.MULTIPLE
            given[str(question.pk)] = data.getlist(name) if many else data.get(name, "")
        return given

    def sheets(self, faults: dict[str, str]) -> list[dict[str, Any]]:
        """The questions as the page shows them: a sheet for each ticket, with what was typed."""
        if not self.questions:
            return []
        sheets = []
        for number in range(self.entry.quantity):
            given = self.answers(number)
            rows = []
            for question in self.questions:
                name = self.field_of(number, question.pk)
                fault = faults.get(name, "")
                rows.append({"question": question, "name": name, "given": given[str(question.pk)], "fault": fault})
            sheets.append({"kind": self.entry.ticket_type, "number": number + 1, "rows": rows})
        return sheets

    def once_key(self) -> str:
        """The key of this very order: the form's own, with all that was typed."""
        typed = {name: str(value) for name, value in self.cleaned_data.items()}
        typed["agreed"] = str(agreed_in(self.data))
        typed["answers"] = str([self.answers(number) for number in range(self.entry.quantity)])
        return json.dumps({"entry": str(self.entry.pk), **typed}, sort_keys=True)

    def details(self) -> dict[str, Any]:
        """What `waiting.basket_of` takes besides the offer."""
        data = self.cleaned_data
        names = [" ".join(line.split())[:150] for line in data.get("attendees", "").splitlines() if line.strip()]
        count = self.entry.quantity
        names = (names + [""] * count)[:count]
        price = re.sub(r"[\s\u00a0\u202f]", "", data.get("price") or "").replace(",", ".")
        return {
            "name": data["name"],
            "price": price or None,
            "agreed": agreed_in(self.data),
            "attendees": [Attendee(name, answers=self.answers(number)) for number, name in enumerate(names)],
        }
