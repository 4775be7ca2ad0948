"""The refund rule of an event: how much of the price comes back, by how many days are left. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.events.models import Event
from tenants.context import current_tenant
from tenants.preferences import preference

MOST_TIERS = 10


@dataclass(frozen=True, slots=True)
class Tier:
    """Until so many days before the start, so many per cent of what was paid come back."""

    days: int
    percent: int


def tiers_of(event: Event) -> list[Tier] | None:
    """Return the event's own tiers or the tenant's, most days first; None where neither has a rule."""
    if event.refund_tiers is not None:
        return [Tier(**tier) for tier in event.refund_tiers]
    texts = preference(current_tenant(), "refund_tiers")
    return [Tier(*map(int, text.split(":"))) for text in texts] or None


def percent_now(event: Event, now: datetime) -> int:
    """Return how many per cent come back to a buyer who cancels now; without a rule all of it.

    A tier counts as long as at least its days are left: the last moment is exactly so many days before the start.
    Whether the buyer may cancel at all is another question (`cancel_until`).
    """
    tiers = tiers_of(event)
    if tiers is None:
        return 100
    left = event.starts_at - now
    return next((tier.percent for tier in tiers if left >= timedelta(days=tier.days)), 0)


def in_words(event: Event) -> list[str]:
    """Return the rule in sentences for buyers; empty where there is none."""
    tiers = tiers_of(event)
    if tiers is None:
        return []
    if not any(tier.percent for tier in tiers):
        return [_("Tickets are not refunded.")]
    said = []
    for tier in tiers:
        if tier.days:
            text = ngettext(
                "Until %(days)d day before the start, %(percent)d %% of the price comes back.",
                "Until %(days)d days before the start, %(percent)d %% of the price comes back.",
                tier.days,
            )
        else:
            text = _("Until the start, %(percent)d %% of the price comes back.")
        said.append(text % {"days": tier.days, "percent": tier.percent})
    if tiers[-1].days:
        said.append(_("After that, nothing comes back."))
    return said


def checked(value: Any) -> list[dict[str, int]] | None:
    """Return the tiers as they are kept, most days first. Raises InvalidInput for what is no rule."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MOST_TIERS:
        raise _fault("invalid", _("At most %d tiers, each with days and percent.") % MOST_TIERS)
    tiers = sorted((_tier(each) for each in value), key=lambda tier: -tier.days)
    if len({tier.days for tier in tiers}) != len(tiers):
        raise _fault("days_twice", _("Two tiers have the same number of days."))
    for earlier, later in pairwise(tiers):
        if later.percent > earlier.percent:
            raise _fault("percent_rises", _("Closer to the start, no more can come back than earlier."))
    return [{"days": tier.days, "percent": tier.percent} for tier in tiers]


def parsed(lines: Iterable[str]) -> list[dict[str, int]]:
    """Return the tiers of lines such as "14: 100". Raises InvalidInput."""
    tiers = []
    for line in lines:
        days, _colon, percent = line.partition(":")
        try:
            tiers.append({"days": int(days), "percent": int(percent.strip().rstrip("%"))})
        except ValueError:
            raise _fault("invalid", _("Write each line as 14: 100, the days and the per cent.")) from None
    return checked(tiers) or []


def _tier(value: Any) -> Tier:
    numbers = [value.get("days"), value.get("percent")] if isinstance(value, dict) else [None, None]
    if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers) or set(value) - {
        "days",
        "percent",
    }:
        raise _fault("invalid", _("At most %d tiers, each with days and percent.") % MOST_TIERS)
    tier = Tier(*numbers)
    if not (0 <= tier.days <= 3650 and 0 <= tier.percent <= 100):
        raise _fault("out_of_range", _("Days lie between 0 and 3650, per cent between 0 and 100."))
    return tier


def _fault(code: str, message: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError("refund_tiers", code, message)])
