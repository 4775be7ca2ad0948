"""The price list of the front page: one card for each thing on sale, with its price by the month and by the year."""

from dataclasses import dataclass

from shared_apps.billing import plans
from shared_apps.billing.models import Plan
from shared_apps.billing.price_list import Shown, shown


@dataclass
class Offer:
    """What is sold under one name; `yearly` is the same by the year."""

    plan: Plan
    yearly: Plan | None = None

    @property
    def words(self) -> Shown:
        return shown(self.plan)

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
            found[plan.name] = Offer(plan)
        elif plan.interval == Plan.Interval.YEAR and card.yearly is None:
            card.yearly = plan
    return list(found.values())
