"""Writing a ticket type's price tiers: the rows given are all that it has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import MAX_MINOR
from tenant_apps.events.times import BadTime, moment
from tenant_apps.ticketing.errors import CapacityBelowSold, TierInUse
from tenant_apps.ticketing.models import Quota, TicketPriceTier, TicketType

MOST_TIERS = 20
MOST_TICKETS = 10_000_000


@dataclass(frozen=True, slots=True)
class TierWish:
    """A tier as somebody wants it. `id` names one that is there; `until` without an offset is the event's time."""

    name: str
    price_minor: int
    until: datetime | str | None = None
    quantity: int | None = None
    id: int | None = None

    @classmethod
    def like(cls, tier: TicketPriceTier, shift: timedelta = timedelta()) -> "TierWish":
        """The same tier for another type, its time moved; nothing of it is sold."""
        quota = getattr(tier, "quota", None)
        until = tier.until + shift if tier.until else None
        return cls(tier.name, tier.price_minor, until, quota.capacity if quota else None)


def set_tiers(ticket_type: TicketType, wishes: Iterable[TierWish]) -> tuple[list[str], list[str]]:
    """Make the type's tiers those given, in this order; returns before and after for the audit.

    Runs in the caller's transaction, with the type locked. Raises InvalidInput naming each row that does not fit
    (`tiers.0.price`), CapacityBelowSold for fewer tickets than went at that price, and TierInUse for taking away a
    tier that orders count in.
    """
    wishes = list(wishes)
    there = {tier.pk: tier for tier in ticket_type.tiers.select_related("quota")}
    before = []
    for place, tier in enumerate(there.values(), 1):
        quota = getattr(tier, "quota", None)
        before.append(_told(place, tier.name, tier.price_minor, tier.until, quota.capacity if quota else None))
    times = _judged(ticket_type, wishes, there)
    kept = {wish.id for wish in wishes}
    for tier in there.values():
        if tier.pk not in kept:
            _take_away(tier)
    after = []
    for position, (wish, until) in enumerate(zip(wishes, times, strict=True)):
        tier = there.get(wish.id or 0) or TicketPriceTier(ticket_type=ticket_type)
        tier.name, tier.price_minor, tier.until = _name(wish), wish.price_minor, until
        tier.position = position
        tier.save()
        _count(tier, wish.quantity, position)
        after.append(_told(position + 1, tier.name, tier.price_minor, until, wish.quantity))
    return before, after


def _told(place: int, name: str, price_minor: int, until: datetime | None, quantity: int | None) -> str:
    """A tier as the audit trail shows it; the trail sorts, so its place among the others stands first."""
    ends = f", until {until.isoformat()}" if until else ""
    return f"{place:02}. {name}: {price_minor}{ends}" + (f", {quantity} tickets" if quantity is not None else "")


def _name(wish: TierWish) -> str:
    return " ".join(wish.name.split())


def _judged(
    ticket_type: TicketType, wishes: list[TierWish], there: dict[int, TicketPriceTier]
) -> list[datetime | None]:
    """Return each row's time in UTC."""
    if wishes and ticket_type.price_kind != TicketType.PriceKind.FIXED:
        message = _("Only a fixed price has tiers.")
        raise InvalidInput(errors=[FieldError("tiers", "not_fixed", message)])
    if len(wishes) > MOST_TIERS:
        raise InvalidInput(errors=[FieldError("tiers", "too_many", _("At most %d tiers.") % MOST_TIERS)])
    errors: list[FieldError] = []
    times: list[datetime | None] = []
    seen: set[int] = set()
    for index, wish in enumerate(wishes):

        def bad(field: str, code: str, message: str, at: int = index) -> None:
            errors.append(FieldError(f"tiers.{at}.{field}", code, message))

        if wish.id is not None and (wish.id not in there or wish.id in seen):
            bad("id", "does_not_exist", _("This does not exist."))
        seen.add(wish.id or 0)
        if not _name(wish):
            bad("name", "required", _("Give it a name."))
        elif len(_name(wish)) > 100:
            bad("name", "too_long", _("At most %d characters.") % 100)
        if not 0 <= wish.price_minor <= MAX_MINOR:
            bad("price", "out_of_range", _("A price cannot be negative or this large."))
        if wish.quantity is not None and not 1 <= wish.quantity <= MOST_TICKETS:
            bad("quantity", "out_of_range", _("A whole number of tickets, or nothing."))
        until = None
        try:
            until = moment(wish.until, ticket_type.event.timezone, "until")
        except BadTime as wrong:
            bad("until", wrong.error.code, str(wrong.error.message))
        else:
            if until is None and wish.quantity is None:
                bad("until", "tier_without_end", _("A tier ends at a time, after so many tickets, or both."))
        times.append(until)
    if errors:
        raise InvalidInput(errors=errors)
    return times


def _count(tier: TicketPriceTier, quantity: int | None, position: int) -> None:
    """Let the tier's quota have this many tickets; without a number it has none to count."""
    quota = getattr(tier, "quota", None)
    if quota is None:
        if quantity is not None:
            tier.quota = Quota.objects.create(tier=tier, name=tier.name, capacity=quantity)
        return
    enough = Q() if quantity is None else Q(held__lte=quantity - F("sold"))
    # One conditional UPDATE, as for every counter: whoever buys at this moment is counted (M1). A tier that only time
    # ends from now on goes on counting, without a limit, so that what is held of it can be given back (M3).
    if not Quota.objects.filter(enough, pk=quota.pk).update(name=tier.name, capacity=quantity):
        quota.refresh_from_db()
        raise CapacityBelowSold(field=f"tiers.{position}.quantity", taken=quota.held + quota.sold)


def _take_away(tier: TicketPriceTier) -> None:
    quota = getattr(tier, "quota", None)
    # Locked: an order that claims from it at this moment is counted, or finds it gone and is priced anew.
    if quota and (counted := Quota.objects.select_for_update().get(pk=quota.pk)) and (counted.held or counted.sold):
        raise TierInUse(field="tiers", what=tier.name)
    tier.delete()
