"""The shape of what people send on the pages of messages, text messages and pushes."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import unguessable_secret
from tenant_apps.notifications import segments
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, SMS
from tenant_apps.ticketing.models import CheckInList, TicketType

WAYS = {
    EMAIL: _("By mail"),
    FEED: _("In their account here"),
    PUSH: _("On their devices, where they asked for it"),
    SMS: _("As a text message, where we know their number"),
}


class MessageForm(forms.Form):
    """Who gets it, what it says and which way it goes. What the words may hold, the service decides."""

    # Drawn when the form is shown: a second tap on the button sends nothing more (O2).
    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=unguessable_secret)
    order_status = forms.ChoiceField(label=_("To whom"), choices=list(segments.ORDERS.items()), initial=segments.PAID)
    ticket_types = forms.MultipleChoiceField(
        label=_("Ticket types"),
        required=False,
        help_text=_("None ticked: all of them."),
        widget=forms.CheckboxSelectMultiple,
    )
    attendance = forms.ChoiceField(label=_("At the door"), choices=list(segments.ATTENDANCE.items()), required=False)
    check_in_list = forms.ChoiceField(label=_("At which entrance"), required=False)
    subject = forms.CharField(label=_("Subject"), max_length=150)
    message = forms.CharField(
        label=_("Text"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_(
            "These are filled in for each reader: {greeting} {name} {event} {starts} {venue} {ticket_type} {site} {url}"
        ),
    )
    channels = forms.MultipleChoiceField(label=_("How it is sent"), widget=forms.CheckboxSelectMultiple)

    def __init__(
        self,
        *args: Any,
        types: Iterable[TicketType],
        lists: Iterable[CheckInList],
        offered: Iterable[str],
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        offered = list(offered)
        fields["channels"].choices = [(name, WAYS[name]) for name in offered]
        fields["channels"].initial = [name for name in offered if name != SMS]
        kinds = [(str(one.pk), one.name) for one in types]
        if len(kinds) > 1:
            fields["ticket_types"].choices = kinds
        else:
            del fields["ticket_types"]
        places = [(str(one.pk), one.name) for one in lists]
        if places:
            fields["check_in_list"].choices = [("", _("Any")), *places]
        else:
            del fields["check_in_list"]

    def segment(self) -> dict[str, Any]:
        """What was chosen, as `segments.checked` takes it."""
        data = self.cleaned_data
        place = data.get("check_in_list")
        return {
            "order_status": data["order_status"],
            "ticket_types": [int(each) for each in data.get("ticket_types") or ()],
            "attendance": data.get("attendance") or segments.ALL,
            "check_in_list": int(place) if place else None,
        }


class SmsForm(forms.Form):
    """The account for text messages. An empty key keeps the one that is there."""

    sender = forms.CharField(
        label=_("Sender"),
        max_length=16,
        help_text=_("What a telephone shows: 3 to 11 letters and digits, or a number."),
    )
    key = forms.CharField(
        label=_("Key"),
        max_length=300,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("From the service. It is kept encrypted and never shown again. Empty: as it is."),
    )
    daily_parts = forms.IntegerField(
        label=_("Parts a day at most"),
        min_value=0,
        help_text=_("A text of up to 160 plain characters, or 70 of others, is one part. So much may a day cost."),
    )
    enabled = forms.BooleanField(label=_("Send text messages"), required=False, initial=True)


class DeviceForm(forms.Form):
    """What a browser says about itself when somebody wants pushes in it."""

    endpoint = forms.CharField(max_length=1000)
    p256dh = forms.CharField(max_length=100)
    auth = forms.CharField(max_length=40)
    device = forms.CharField(max_length=60, required=False)
