"""What a tenant may set beyond its columns: each key with its default and its bounds, kept in Tenant.preferences."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenants.models import Tenant

MOST_REMINDERS = 5
MOST_ORIGINS = 20
_RATE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
_AMOUNT = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?")
_PREFIX = re.compile(r"(?:[\w/.-]{0,19}(?:[^\W\d]|[/.-]))?")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(rf"(?P<scheme>https?)://(?P<host>{_LABEL}(\.{_LABEL})*)(:(?P<port>[1-9][0-9]{{0,4}}))?")


@dataclass(frozen=True)
class Preference:
    """One key: what it means when nobody set it, and which values it takes."""

    default: Any
    check: Callable[[Any], bool]
    hint: Any


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    # bool is an int in Python, and true is no number of minutes.
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _providers(value: Any) -> bool:
    known = {"manual", "bank_transfer", "cash", "stripe", "paypal", "freedompay"} | (
        {"test"} if settings.DEVELOPMENT else set()
    )
    return isinstance(value, list) and len(set(map(str, value))) == len(value) and set(map(str, value)) <= known


def _offsets(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_REMINDERS
        and all(map(_whole(5, 60 * 24 * 30), value))
        and len(set(value)) == len(value)
    )


def _percentage(value: Any) -> bool:
    return isinstance(value, str) and bool(_RATE.fullmatch(value)) and float(value) <= 100


def _sum(value: Any) -> bool:
    """An amount of money in major units, as text; whether the currency has so many digits, the tenant's row says."""
    return isinstance(value, str) and bool(_AMOUNT.fullmatch(value))


def _words(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and 0 < len(value.strip()) <= most and value.isprintable()


def _tiers(value: Any) -> bool:
    """Refund tiers as "days:percent", most days first, never more per cent closer to the start."""
    if not isinstance(value, list) or len(value) > 10:
        return False
    if not all(isinstance(each, str) and re.fullmatch(r"[0-9]{1,4}:[0-9]{1,3}", each) for each in value):
        return False
    tiers = [tuple(map(int, each.split(":"))) for each in value]
    fits = all(days <= 3650 and percent <= 100 for days, percent in tiers)
    return fits and all(one[0] > two[0] and one[1] >= two[1] for one, two in pairwise(tiers))


def _origins(value: Any) -> bool:
    """Exact origins as a browser sends them: scheme, host in small letters, a port that is not the usual one (I6)."""
    return (
        isinstance(value, list)
        and len(value) <= MOST_ORIGINS
        and all(isinstance(each, str) and len(each) <= 260 and _is_origin(each) for each in value)
        and len(set(value)) == len(value)
    )


def _text(most: int) -> Callable[[Any], bool]:
    """One line of text."""
    return lambda value: isinstance(value, str) and len(value) <= most and (not value or value.isprintable())


def _lines(count: int, most: int) -> Callable[[Any], bool]:
    """A few lines of text, none of them empty."""
    line = _text(most)
    return lambda value: isinstance(value, list) and len(value) <= count and all(line(each) and each for each in value)


def _number_prefix(value: Any) -> bool:
    """Not ending in a digit: two prefixes could otherwise make one number of two (INV1 + 2, INV + 12)."""
    return isinstance(value, str) and bool(_PREFIX.fullmatch(value))


def _address(value: Any) -> bool:
    """An email address, or nothing."""
    if not isinstance(value, str) or len(value) > 254:
        return False
    try:
        if value:
            validate_email(value)
    except ValidationError:
        return False
    return True


def _is_origin(text: str) -> bool:
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return False
    scheme, host, port = found["scheme"], found["host"], found["port"]
    plain = scheme == "https" or (settings.DEVELOPMENT and (host == "localhost" or host.endswith(".localhost")))
    usual = port == ("443" if scheme == "https" else "80")
    return plain and not usual and (port is None or 0 < int(port) < 65536)


PREFERENCES: Mapping[str, Preference] = {
    "hold_minutes": Preference(15, _whole(1, 24 * 60), _("A whole number of minutes from 1 to 1440.")),
    # Where the money goes, as buyers are shown it: holder, IBAN, bank.
    "bank_transfer_details": Preference([], _lines(8, 100), _("Up to 8 lines of at most 100 characters.")),
    # For orders that are paid by bank transfer; never past the start of what was ordered.
    "bank_transfer_hold_days": Preference(5, _whole(1, 30), _("A whole number of days from 1 to 30.")),
    # How long a place that came free is held for whoever waited for it; how long places are put aside for a group that
    # needs more of them than are free (0: not at all); whether who waits comes before the open sale.
    "waiting_list_hours": Preference(24, _whole(1, 24 * 30), _("A whole number of hours from 1 to 720.")),
    "waiting_list_group_hours": Preference(12, _whole(0, 24 * 30), _("A whole number of hours from 0 to 720.")),
    "waiting_list_first": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    "max_tickets_per_order": Preference(20, _whole(1, 500), _("A whole number from 1 to 500.")),
    "open_orders_per_buyer": Preference(3, _whole(1, 100), _("A whole number from 1 to 100.")),
    # Who works here must have two-step login on: nothing of the staff's opens without.
    "require_2fa_for_staff": Preference(False, lambda value: isinstance(value, bool), _("true or false.")),
    # Off: goods are shown and none are sold for now. Each category and product has a switch of its own besides.
    "goods_accepting_orders": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    "guest_checkout": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    # What a ticket type has that does not say otherwise. The rate is a percentage, as text.
    "prices_include_tax": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    "tax_rate": Preference("0", _percentage, _("A percentage from 0 to 100, such as 20 or 7.5.")),
    # A fee for each paid ticket, or for each order that is not free: a sum in the tenant's currency, a percentage, or
    # both. Paid by the buyer it comes on top; else it is the organizer's own matter and changes no price.
    "service_fee_name": Preference("Service fee", _words(60), _("At most 60 characters.")),
    "service_fee_fixed": Preference("0", _sum, _("An amount such as 1.50.")),
    "service_fee_percent": Preference("0", _percentage, _("A percentage from 0 to 100, such as 20 or 7.5.")),
    "service_fee_per": Preference("ticket", lambda value: value in ("ticket", "order"), _("One of ticket, order.")),
    "service_fee_paid_by": Preference(
        "buyer", lambda value: value in ("buyer", "organizer"), _("One of buyer, organizer.")
    ),
    # What the platform takes (`PLATFORM_FEE_PERCENT`): out of the organizer's money, or from the buyer on top.
    "platform_fee_paid_by": Preference(
        "organizer", lambda value: value in ("buyer", "organizer"), _("One of buyer, organizer.")
    ),
    "payment_providers": Preference(["manual"], _providers, _("A list of payment providers, each once.")),
    "event_edit_policy": Preference(
        "always",
        lambda value: value in ("always", "until_first_sale", "one_hour_after_creation"),
        _("One of always, until_first_sale, one_hour_after_creation."),
    ),
    # Elapsed time before the start. An event may have its own.
    "reminder_offsets_minutes": Preference(
        [24 * 60, 60], _offsets, _("Up to 5 different numbers of minutes, 5 to 43200.")
    ),
    # Who was there is asked how it was, so long after the end.
    "review_requests": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    "review_request_hours": Preference(24, _whole(0, 24 * 30), _("A whole number of hours from 0 to 720.")),
    # Who may review: whoever was scanned, whoever had a ticket, or ("auto") the scanned ones where anybody was scanned.
    "reviews_by": Preference(
        "auto", lambda value: value in ("auto", "checked_in", "holders"), _("One of auto, checked_in, holders.")
    ),
    # Whether every review waits for staff, or only what a rule holds: words, links.
    "review_moderation": Preference("rules", lambda value: value in ("rules", "all"), _("One of rules, all.")),
    "review_words": Preference(
        ["casino*", "viagra", "bitcoin*", "казино", "виагра"],
        _lines(80, 40),
        _("Up to 80 words of at most 40 characters."),
    ),
    "review_links_wait": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    # So long after it was written a review can be changed by its author.
    "review_edit_days": Preference(14, _whole(0, 365), _("A whole number of days from 0 to 365.")),
    # Staff are told when no more is left than this: of an event's places in per cent, of goods in pieces where they
    # have no level of their own. 0: nobody is told.
    "low_places_percent": Preference(10, _whole(0, 100), _("A whole number from 0 to 100.")),
    "low_stock_level": Preference(5, _whole(0, 10_000), _("A whole number from 0 to 10000.")),
    # Whoever opened the site is told what comes next: by a list on the dashboard, and by a few letters.
    "onboarding_checklist": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    "onboarding_mails": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    # Each of the staff gets what they may see of the day before, after this hour of the tenant's day.
    "daily_digest": Preference(True, lambda value: isinstance(value, bool), _("true or false.")),
    "digest_hour": Preference(8, _whole(0, 23), _("A whole number from 0 to 23.")),
    # Each day at this hour of the tenant's day all of it is backed up, and so many of the newest are kept; 0: none.
    "backup_hour": Preference(3, _whole(0, 23), _("A whole number from 0 to 23.")),
    "backups_kept": Preference(7, _whole(0, 30), _("A whole number from 0 to 30.")),
    # So many months after the last that a guest had to do with this tenant, their names and addresses are replaced.
    # The network addresses of the audit trail go after a time of their own. 0: kept.
    "retention_guests_months": Preference(0, _whole(0, 240), _("0, or a whole number of months from 1 to 240.")),
    "retention_addresses_months": Preference(0, _whole(0, 240), _("0, or a whole number of months from 1 to 240.")),
    # Until so many days before an event so many per cent come back; empty: everything, as long as one may cancel.
    "refund_tiers": Preference(
        [], _tiers, _("Lines such as 14:100 and 3:50: days before the start, per cent. Most days first, at most 10.")
    ),
    # Whether the tickets go with their mail as a PDF, or the mail has a link to it only.
    "ticket_mail": Preference("attached", lambda value: value in ("attached", "linked"), _("One of attached, linked.")),
    # Whom a document is from, as the law wants it named; the site's name where nothing is said.
    "seller_name": Preference("", _text(150), _("One line of at most 150 characters.")),
    "seller_address": Preference([], _lines(6, 100), _("Up to 6 lines of at most 100 characters.")),
    "seller_tax_id": Preference("", _text(60), _("One line of at most 60 characters.")),
    # paid: each paid order gets one by itself. on_request: when its buyer or staff ask. off: only staff can.
    "invoices": Preference(
        "paid", lambda value: value in ("paid", "on_request", "off"), _("One of paid, on_request, off.")
    ),
    "invoice_prefix": Preference(
        "INV-", _number_prefix, _("At most 20 letters, digits, hyphens, points or slashes; no digit at the end.")
    ),
    "credit_note_prefix": Preference(
        "CN-", _number_prefix, _("At most 20 letters, digits, hyphens, points or slashes; no digit at the end.")
    ),
    # The counter never goes back: a start that is behind it changes nothing.
    "invoice_start": Preference(1, _whole(1, 10**12), _("A whole number from 1.")),
    "invoice_footer": Preference([], _lines(5, 160), _("Up to 5 lines of at most 160 characters.")),
    # Where word of each order with goods goes, beside the buyer; empty: nowhere.
    "order_email": Preference("", _address, _("An email address.")),
    "cors_origins": Preference([], _origins, _("Up to 20 addresses such as https://www.example.org, without a path.")),
}


def preference(tenant: Tenant, name: str) -> Any:
    """Return what the tenant set, or the default. Raises KeyError for a name that is no preference."""
    known = PREFERENCES[name]
    value = tenant.preferences.get(name, known.default)
    if name == "payment_providers" and name not in tenant.preferences and settings.DEVELOPMENT:
        return ["manual", "test"]
    return list(value) if isinstance(value, list) else value


def all_preferences(tenant: Tenant) -> dict[str, Any]:
    """Return every preference with the value that holds."""
    return {name: preference(tenant, name) for name in PREFERENCES}


def checked(changes: Mapping[str, Any], *, prefix: str = "preferences.") -> dict[str, Any]:
    """Return the changes if all are known keys with allowed values; raises InvalidInput naming each that is not."""
    errors = []
    for name, value in changes.items():
        if name not in PREFERENCES:
            errors.append(FieldError(f"{prefix}{name}", "unknown", _("There is no such setting.")))
        elif not PREFERENCES[name].check(value):
            errors.append(FieldError(f"{prefix}{name}", "invalid", PREFERENCES[name].hint))
    if errors:
        raise InvalidInput(errors=errors)
    return dict(changes)
