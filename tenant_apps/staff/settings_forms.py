"""The shape of what staff type on the settings page."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.preferences import PREFERENCES, Preference

LABELS = {
    "hold_minutes": _("Minutes to pay in, while places are held"),
    "bank_transfer_details": _("Bank account for transfers: holder, IBAN, bank, one on each line"),
    "bank_transfer_hold_days": _("Days to pay in by bank transfer, while places are held"),
    "waiting_list_hours": _("Hours to answer an offer of the waiting list"),
    "waiting_list_group_hours": _("Hours in which places are put aside for a group on the waiting list"),
    "waiting_list_first": _("Places that come free go to the waiting list before the open sale"),
    "max_tickets_per_order": _("Most tickets in one order"),
    "open_orders_per_buyer": _("Most unpaid orders of one buyer for an event"),
    "goods_accepting_orders": _("Orders for goods are taken"),
    "guest_checkout": _("People may order without an account"),
    "payment_providers": _("Ways to pay, one on each line"),
    "event_edit_policy": _("Published events can be edited"),
    "reminder_offsets_minutes": _("Minutes before an event when reminders go out, one on each line"),
    "review_requests": _("People who came are asked afterwards how it was"),
    "review_request_hours": _("Hours after an event until they are asked"),
    "reviews_by": _("Events can be reviewed by"),
    "review_moderation": _("Reviews are shown"),
    "review_words": _(
        "Words for which a review waits for you, one on each line; with * at the end for all that begin so"
    ),
    "review_links_wait": _("Reviews with links, addresses or phone numbers wait for you"),
    "review_edit_days": _("Days in which people can change their review"),
    "low_places_percent": _("Tell staff when so many per cent of an event's places are left, 0 for never"),
    "low_stock_level": _("Tell staff when so many pieces are left of goods without a level of their own, 0 for never"),
    "onboarding_checklist": _("The dashboard shows the list of first steps until it is done"),
    "onboarding_mails": _("The owner of a new site gets letters about the first steps"),
    "daily_digest": _("Staff get a daily summary of what they may see"),
    "digest_hour": _("Hour at which the daily summary goes out"),
    "backup_hour": _("Hour at which all of this site is backed up"),
    "backups_kept": _("How many backups are kept, 0 for none by itself"),
    "retention_guests_months": _("Months until the names and addresses of guests are erased, 0 for never"),
    "retention_addresses_months": _("Months until network addresses are erased from the audit trail, 0 for never"),
    "refund_tiers": _("Refund rule: days before the start and per cent, such as 14:100, one on each line"),
    "cors_origins": _("Other sites that may call your API from a browser, one on each line"),
    "prices_include_tax": _("Prices contain the tax"),
    "tax_rate": _("Tax rate of new ticket types, in percent"),
    "service_fee_name": _("What your fee is called"),
    "service_fee_fixed": _("Your fee: a fixed sum, 0 for none"),
    "service_fee_percent": _("Your fee: a percentage, 0 for none"),
    "service_fee_per": _("Your fee is charged"),
    "service_fee_paid_by": _("Your fee is paid"),
    "platform_fee_paid_by": _("The platform's fee is paid"),
    "seller_name": _("Legal name of the seller"),
    "seller_address": _("Address of the seller"),
    "seller_tax_id": _("Tax number of the seller"),
    "invoices": _("Invoices are issued"),
    "invoice_prefix": _("Invoice numbers begin with"),
    "credit_note_prefix": _("Numbers of credit notes begin with"),
    "invoice_start": _("First number, unless a later one was given already"),
    "invoice_footer": _("At the bottom of invoices"),
    "order_email": _("Address that word of orders with goods goes to"),
    "ticket_mail": _("Tickets as a PDF"),
    "require_2fa_for_staff": _("Staff must sign in with a second factor"),
}
_PAID_BY = [("buyer", _("by the buyer, on top")), ("organizer", _("by you, out of the prices"))]
CHOICES = {
    "service_fee_per": [("ticket", _("for each paid ticket")), ("order", _("once for each paid order"))],
    "service_fee_paid_by": _PAID_BY,
    "platform_fee_paid_by": _PAID_BY,
    "event_edit_policy": [
        ("always", _("always")),
        ("until_first_sale", _("until the first ticket is sold")),
        ("one_hour_after_creation", _("for one hour after they were made")),
    ],
    "reviews_by": [
        ("auto", _("who was scanned, or had a ticket where nobody is scanned")),
        ("checked_in", _("who was scanned at the door")),
        ("holders", _("who had a ticket")),
    ],
    "review_moderation": [
        ("rules", _("at once, unless a rule below holds them")),
        ("all", _("after you have looked at them")),
    ],
    "ticket_mail": [("attached", _("go with the mail")), ("linked", _("are behind a link in the mail"))],
    "invoices": [
        ("paid", _("for each paid order, by themselves")),
        ("on_request", _("when a buyer or staff ask")),
        ("off", _("by staff only")),
    ],
}
# What stands on invoices: a section of its own on the page.
PAPERS = (
    "seller_name", "seller_address", "seller_tax_id", "invoices", "invoice_prefix", "credit_note_prefix",
    "invoice_start", "invoice_footer",
)  # fmt: skip
# What happens by itself, and what is forgotten by itself: sections of their own too.
BY_CLOCK = (
    "reminder_offsets_minutes", "review_requests", "review_request_hours", "low_places_percent", "low_stock_level",
    "daily_digest", "digest_hour", "onboarding_checklist", "onboarding_mails", "backup_hour", "backups_kept",
)  # fmt: skip
REVIEWS = ("reviews_by", "review_moderation", "review_words", "review_links_wait", "review_edit_days")
RETENTION = ("retention_guests_months", "retention_addresses_months")


class SettingsForm(forms.Form):
    """The site's looks, and every preference that there is: a new one shows up here by itself."""

    name = forms.CharField(label=_("Name"), max_length=120)
    tagline = forms.CharField(label=_("Tagline"), max_length=200, required=False)
    colour = forms.CharField(label=_("Colour"), max_length=7, widget=forms.TextInput(attrs={"type": "color"}))
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    timezone = forms.ChoiceField(label=_("Time zone"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        zones = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix")))
        zone: Any = self.fields["timezone"]
        zone.choices = [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in zones)]
        present = self.initial.get("timezone")
        if present and present not in dict(zone.choices):
            zone.choices = [(present, present), *zone.choices]
        self.preferences = list(PREFERENCES)
        for name, known in PREFERENCES.items():
            self.fields[name] = _field(name, known)
            if isinstance(known.default, list) and name in self.initial:
                self.initial[name] = "\n".join(map(str, self.initial[name]))

    def preference_fields(self) -> list[Any]:
        apart = {*PAPERS, *BY_CLOCK, *RETENTION, *REVIEWS}
        return [self[name] for name in self.preferences if name not in apart]

    def clock_fields(self) -> list[Any]:
        return [self[name] for name in BY_CLOCK]

    def retention_fields(self) -> list[Any]:
        return [self[name] for name in RETENTION]

    def review_fields(self) -> list[Any]:
        return [self[name] for name in REVIEWS]

    def paper_fields(self) -> list[Any]:
        return [self[name] for name in PAPERS]

    def looks(self) -> list[Any]:
        return [self[name] for name in ("name", "tagline", "colour", "language", "timezone")]

    def changes(self) -> dict[str, Any]:
        """Return what was typed, in the types that the settings have."""
        typed = dict(self.cleaned_data)
        for name in self.preferences:
            if isinstance(PREFERENCES[name].default, list):
                lines = [line.strip() for line in typed[name].splitlines() if line.strip()]
                numbers = any(isinstance(each, int) for each in PREFERENCES[name].default)
                typed[name] = [int(line) if numbers and line.isascii() and line.isdigit() else line for line in lines]
        return typed


def _field(name: str, known: Preference) -> forms.Field:
    label = LABELS.get(name, name.replace("_", " ").capitalize())
    if name in CHOICES:
        return forms.ChoiceField(label=label, choices=CHOICES[name])
    if isinstance(known.default, bool):
        return forms.BooleanField(label=label, required=False)
    if isinstance(known.default, int):
        return forms.IntegerField(label=label, help_text=known.hint)
    if isinstance(known.default, list):
        widget = forms.Textarea(attrs={"rows": 3})
        return forms.CharField(label=label, required=False, max_length=4000, help_text=known.hint, widget=widget)
    return forms.CharField(label=label, required=False, max_length=200, help_text=known.hint)
