"""The price list as people compare it: one card for each thing on sale, with its price by month and by year."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shared_apps.billing import limits, plans
from shared_apps.billing.models import Plan


@dataclass
class Offer:
    """What is sold under one name. `plan` is the one that the card is about, `yearly` the same by the year."""

    plan: Plan
    yearly: Plan | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return plans.shown_name(self.plan)

    @property
    def months_saved(self) -> int:
        """How many of twelve months the yearly price leaves out."""
        if self.yearly is None or not self.plan.price_minor:
            return 0
        return 12 - -(-self.yearly.price_minor // self.plan.price_minor)


def offers() -> list[Offer]:
    """Return the cards, in the order of the price list."""
    found: dict[str, Offer] = {}
    for plan in plans.offered():
        card = found.get(plan.name)
        if card is None:
            found[plan.name] = Offer(plan, lines=_lines(plan))
        elif plan.interval == Plan.Interval.YEAR and card.yearly is None:
            card.yearly = plan
    return list(found.values())


def _lines(plan: Plan) -> list[str]:
    """What somebody gets for it, each in a few words."""
    allowed = limits.of_plan(plan)
    percent = f"{plan.ticket_fee_percent.normalize():f}"
    lines = [_("{percent} % of each paid ticket").format(percent=percent) if plan.ticket_fee_percent else ""]
    if not plan.ticket_fee_percent and not plan.ticket_fee_minor:
        lines = [_("No fee on tickets, however many you sell")]
    for name, text in (
        ("events", _("{limit} events at a time")),
        ("staff", _("{limit} people on the staff")),
        ("tickets_month", _("{limit} paid tickets a month")),
    ):
        if allowed[name] is not None:
            lines.append(text.format(limit=allowed[name]))
    domains = allowed["domains"]
    if domains is None or domains > 0:
        own = ngettext("{count} address of your own", "{count} addresses of your own", domains or 2)
        lines.append(own.format(count=domains) if domains else _("Any number of addresses of your own"))
    if room := allowed["storage_bytes"]:
        lines.append(_("{size} for pictures and files").format(size=limits.shown("storage_bytes", room)))
    return [line for line in lines if line]
