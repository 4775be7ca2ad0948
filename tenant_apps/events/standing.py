"""How an event stands with people: likes, favourites and stars, counted without anybody waiting.

Who likes or rates says so with `change`, in the transaction of the like or the review. What is kept about an event is
`EventStanding`; it is equal to the rows that are counted together with the changes that wait, always, and alone a
moment after. See `activity.tallies` and docs/decisions/0054-likes-favourites-follows.md.
"""

from tenant_apps.activity.tallies import Tally
from tenant_apps.events.models import STARS, EventStanding, StandingChange

STANDINGS = Tally(EventStanding, StandingChange, ("likes", "favourites", *(f"stars_{n}" for n in STARS)))


def change(
    event_id: int, *, likes: int = 0, favourites: int = 0, stars: int | None = None, was: int | None = None
) -> None:
    """Count in the present transaction: so many likes or favourites more, or a rating of `stars` that was `was`.

    `stars` without `was` is a new rating, `was` without `stars` one that no longer counts. The counters follow after
    the commit.
    """
    STANDINGS.add(event_id, **_amounts(likes, favourites, stars, was))


def fold(event_id: int) -> bool:
    """Add what waits to the event's counters; False if nothing did, or another is at it."""
    return STANDINGS.fold(event_id)


def settle() -> None:
    """Fold what a crash has left, and make the standing of events that lack one."""
    STANDINGS.settle()


def _amounts(likes: int, favourites: int, stars: int | None, was: int | None) -> dict[str, int]:
    amounts = {"likes": likes, "favourites": favourites}
    if stars != was:
        for given, by in ((was, -1), (stars, 1)):
            if given is not None:
                amounts[f"stars_{given}"] = by
    return amounts
