"""What staff fill in about webhooks. Which addresses and topics there may be, services decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenant_apps.events.forms import LocalTime
from tenant_apps.webhooks.models import WebhookEndpoint
from tenant_apps.webhooks.services import LONGEST_URL
from tenant_apps.webhooks.topics import EVERYTHING, TOPICS, area

AREAS: dict[str, Any] = {
    "order": _("Orders"),
    "payment": _("Payments"),
    "refund": _("Refunds"),
    "dispute": _("Disputes"),
    "ticket": _("Tickets"),
    "check_in": _("Check-in"),
    "waiting": _("Waiting lists"),
    "event": _("Events"),
    "review": _("Reviews"),
    "ticket_type": _("Ticket types"),
    "quota": _("Quotas"),
    "series": _("Series"),
    "product": _("Products"),
    "product_variant": _("Variants"),
}


class EndpointForm(forms.Form):
    """An endpoint's address and what it is told."""

    url = forms.CharField(
        label=_("Address"),
        max_length=LONGEST_URL,
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/hook", "autocomplete": "off"}),
        help_text=_("It begins with https:// and is on the public internet."),
    )
    description = forms.CharField(label=_("What it is for"), max_length=100, required=False)
    everything = forms.BooleanField(
        label=_("Everything that happens"), required=False, help_text=_("Also topics that there will be later.")
    )
    topics = forms.MultipleChoiceField(
        label=_("Topics"), required=False, choices=[(name, name) for name in TOPICS],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    @classmethod
    def of(cls, endpoint: WebhookEndpoint | None, data: Any = None) -> "EndpointForm":
        """Return the form for an endpoint as it is, or for a new one."""
        if endpoint is None:
            return cls(data)
        everything = EVERYTHING in endpoint.topics
        initial = {
            "url": endpoint.url, "description": endpoint.description, "everything": everything,
            "topics": [] if everything else endpoint.topics,
        }  # fmt: skip
        return cls(data, initial=initial)

    def fields_for_service(self) -> dict[str, Any]:
        typed = self.cleaned_data
        topics = [EVERYTHING] if typed["everything"] else typed["topics"]
        return {"url": typed["url"], "description": typed["description"], "topics": topics}

    def groups(self) -> list[tuple[Any, list[dict[str, Any]]]]:
        """The topics to tick, by what they are about."""
        ticked = set(self["topics"].value() or ())
        found: dict[str, list[dict[str, Any]]] = {}
        for name, when in TOPICS.items():
            box = {"name": name, "label": when, "hint": name, "ticked": name in ticked}
            found.setdefault(area(name), []).append(box)
        return [(AREAS[each], rows) for each, rows in found.items()]


class SinceForm(forms.Form):
    """From when on everything is sent again. The time is what the tenant's clocks show."""

    since = LocalTime(label=_("Since"))
    failed_only = forms.BooleanField(label=_("Only what did not arrive"), required=False, initial=True)
