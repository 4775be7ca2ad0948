"""LimitedCapacity: the one counter for scarce things (M1).

Places are claimed by one conditional UPDATE; that and the check constraint are the whole promise. No code may
read the counter first and write it afterwards.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connections, models
from django.db.models import F, Q


class LimitedCapacityQuerySet(models.QuerySet[Any]):
    """Claims and returns places. Every method is one UPDATE and returns whether it found a row that allowed it.

    Written as SQL: while a rush waits for the row, and for nothing else, it is not the moment to compose a statement.
    """

    def hold(self, pk: Any, places: int) -> bool:
        """Claim places for a cart or an unpaid order; False if fewer are free."""
        return self._change("held = held + %(places)s", _ROOM, pk, places)

    def sell(self, pk: Any, places: int) -> bool:
        """Claim places for good at once (free orders, the box office); False if fewer are free."""
        return self._change("sold = sold + %(places)s", _ROOM, pk, places)

    def sell_held(self, pk: Any, places: int) -> bool:
        """Turn held places into sold ones."""
        return self._change("held = held - %(places)s, sold = sold + %(places)s", "held >= %(places)s", pk, places)

    def release(self, pk: Any, places: int) -> bool:
        """Give held places back."""
        return self._change("held = held - %(places)s", "held >= %(places)s", pk, places)

    def take_back(self, pk: Any, places: int) -> bool:
        """Give sold places back after a cancellation."""
        return self._change("sold = sold - %(places)s", "sold >= %(places)s", pk, places)

    def _change(self, change: str, condition: str, pk: Any, places: int) -> bool:
        connection = connections[self.db]
        table = connection.ops.quote_name(self.model._meta.db_table)
        statement = f"UPDATE {table} SET {change} WHERE id = %(pk)s AND {condition}"  # noqa: S608  (our own words)
        with connection.cursor() as cursor:
            cursor.execute(statement, {"pk": pk, "places": places})
            return bool(cursor.rowcount == 1)


_ROOM = "(capacity IS NULL OR capacity >= held + sold + %(places)s)"


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
