"""LimitedCapacity: the one counter for scarce things (M1).

Places are claimed by one conditional UPDATE; that and the check constraint are the whole promise. No code may
read the counter first and write it afterwards.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.db.models import F, Q


class LimitedCapacityQuerySet(models.QuerySet[Any]):
    """Claims and returns places. Every method is one UPDATE and returns whether it found a row that allowed it."""

    def _change(self, pk: Any, condition: Q, held: int, sold: int) -> bool:
        changes = {name: F(name) + by for name, by in (("held", held), ("sold", sold)) if by}
        return self.filter(condition, pk=pk).update(**changes) == 1

    def hold(self, pk: Any, places: int) -> bool:
        """Claim places for a cart or an unpaid order; False if fewer are free."""
        room = Q(capacity__isnull=True) | Q(capacity__gte=F("held") + F("sold") + places)
        return self._change(pk, room, held=places, sold=0)

    def sell(self, pk: Any, places: int) -> bool:
        """Claim places for good at once (free orders, the box office); False if fewer are free."""
        room = Q(capacity__isnull=True) | Q(capacity__gte=F("held") + F("sold") + places)
        return self._change(pk, room, held=0, sold=places)

    def sell_held(self, pk: Any, places: int) -> bool:
        """Turn held places into sold ones."""
        return self._change(pk, Q(held__gte=places), held=-places, sold=places)

    def release(self, pk: Any, places: int) -> bool:
        """Give held places back."""
        return self._change(pk, Q(held__gte=places), held=-places, sold=0)

    def take_back(self, pk: Any, places: int) -> bool:
        """Give sold places back after a cancellation."""
        return self._change(pk, Q(sold__gte=places), held=0, sold=-places)


class LimitedCapacity(models.Model):
    """Something there is only so much of. `capacity` NULL means no limit."""

    capacity = models.IntegerField(null=True, blank=True)
    held = models.IntegerField(default=0, db_default=0)
    sold = models.IntegerField(default=0, db_default=0)

    objects = LimitedCapacityQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(held__gte=0, sold__gte=0)
                & (Q(capacity__isnull=True) | Q(capacity__gte=F("held") + F("sold"))),
                name="%(class)s_within_capacity",
            )
        ]

    @property
    def free(self) -> int | None:
        """Places left by this row as it was read; None means unlimited. For showing, never for deciding."""
        return None if self.capacity is None else max(0, self.capacity - self.held - self.sold)


def fewest(counters: Iterable[LimitedCapacity]) -> int | None:
    """How many places are left when all counters must have one; None means unlimited."""
    limits = [counter.free for counter in counters if counter.free is not None]
    return min(limits, default=None)


def in_lock_order(places: Mapping[Any, int]) -> list[tuple[Any, int]]:
    """Return (counter id, places) sorted by id: the order in which rows are locked everywhere (M2)."""
    return sorted((pk, count) for pk, count in places.items() if count)
