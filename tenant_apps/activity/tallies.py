"""Counters that many people move at once and nobody waits for: likes, favourites, stars.

A counter on a row is one lock for everybody who touches it. Here a writer adds a row of its own that says by how much
(`add`), in the transaction of what is counted, and locks nothing. After the commit the waiting rows of one thing are
folded into its counters by one statement (`fold`): whoever finds the counters locked by another leaves, and that other
looks again before it goes. What a crash left waiting is folded by a due job (`settle`). So the counters and what waits
make up what there is, at every committed moment, and the counters alone a moment later.

    STANDINGS = Tally(EventStanding, StandingChange, ("likes", "favourites"))
    STANDINGS.add(event.pk, likes=1)
"""

# ruff: noqa: S608  (the names in the statements are those of our own models)

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, models

from tenants import due
from tenants.context import on_commit

# Who folds goes on while others add, but not for ever: a request is somebody's who waits.
MOST_ROUNDS = 20
# The one who added folds; after this time nobody is at it any more.
LEFT_AFTER = timedelta(seconds=10)


class Tally:
    """The counters of one table, and the table of the changes that wait for them.

    The counters' primary key is the thing counted; the changes have a foreign key of the same name, and columns named
    like the counters.
    """

    def __init__(self, counters: type[models.Model], changes: type[models.Model], columns: Iterable[str]):
        self.counters, self.changes, self.columns = counters, changes, tuple(columns)
        self.key = str(counters._meta.pk.attname)
        of: Any = counters._meta.pk.related_model
        own, waiting, thing = counters._meta.db_table, changes._meta.db_table, of._meta.db_table
        sums = ", ".join(f"sum({name}) AS {name}" for name in self.columns)
        added = ", ".join(f"{name} = s.{name} + sums.{name}" for name in self.columns)
        # SKIP LOCKED gives the newest row, whoever changed it since the statement began, and DELETE leaves alone what
        # is gone by then: nothing is added twice.
        self._fold = (
            f"WITH mine AS (SELECT {self.key} FROM {own} WHERE {self.key} = %s FOR UPDATE SKIP LOCKED),"
            f" gone AS (DELETE FROM {waiting} c USING mine WHERE c.{self.key} = mine.{self.key} RETURNING c.*),"
            f" sums AS (SELECT {self.key}, {sums} FROM gone GROUP BY {self.key})"
            f" UPDATE {own} s SET {added} FROM sums WHERE s.{self.key} = sums.{self.key}"
        )
        self._add_missing = (
            f"INSERT INTO {own} ({self.key}) SELECT t.id FROM {thing} t"
            f" WHERE NOT EXISTS (SELECT FROM {own} s WHERE s.{self.key} = t.id) ON CONFLICT DO NOTHING"
        )

    def add(self, pk: int, **amounts: int) -> None:
        """Let so much be added to the counters of a thing, in the transaction of what is counted."""
        self.add_all({pk: amounts})

    def add_all(self, amounts: Mapping[int, Mapping[str, int]]) -> None:
        """The same for several things at once; `amounts` are by the thing's id."""
        rows = [self.changes(**{self.key: pk}, **some) for pk, some in sorted(amounts.items()) if any(some.values())]
        if not rows:
            return
        self.changes._default_manager.bulk_create(rows, batch_size=1000)
        touched = [getattr(row, self.key) for row in rows]
        on_commit(lambda: [self.fold(pk) for pk in touched], robust=True)

    def fold(self, pk: int) -> bool:
        """Add what waits to the counters; False if there was nothing, or somebody else is at it. Not in a transaction:
        the counters are locked until it ends."""
        folded = False
        with connection.cursor() as cursor:
            for _round in range(MOST_ROUNDS):
                cursor.execute(self._fold, [pk])
                if not cursor.rowcount:
                    break
                folded = True
        return folded

    def settle(self) -> None:
        """Give counters to what has none, and fold what was left. Running it twice changes nothing."""
        self.add_missing()
        waiting: Any = self.changes._default_manager.order_by(self.key).values_list(self.key, flat=True).distinct()
        for pk in list(waiting):
            self.fold(pk)

    def add_missing(self) -> None:
        """Give counters to everything that has none, such as what was written set-wise."""
        with connection.cursor() as cursor:
            cursor.execute(self._add_missing)

    def waiting(self, pk: int) -> dict[str, int]:
        """Return what waits for the counters of a thing."""
        sums = {name: models.Sum(name, default=0) for name in self.columns}
        return dict(self.changes._default_manager.filter(**{self.key: pk}).aggregate(**sums))

    def due_columns(self) -> list[due.Column]:
        """Return when something is left to fold, for `due.soonest`."""
        return [(self.changes._default_manager.all(), "created_at", LEFT_AFTER)]

    def lacking_columns(self) -> list[due.Column]:
        """Return when something has no counters, such as what a release before them wrote, for `due.soonest`."""
        of: Any = self.counters._meta.pk.related_model
        relation: Any = self.counters._meta.pk.remote_field
        name = relation.get_accessor_name()
        return [(of._default_manager.filter(**{f"{name}__isnull": True}), "created_at", LEFT_AFTER)]
