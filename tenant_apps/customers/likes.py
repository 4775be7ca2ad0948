"""Liking: once a person and thing, however often or at once it is pressed. No lock is waited for (decision 0054)."""

from typing import Any

from django.db import IntegrityError, transaction

from shared_apps.accounts.models import User
from shared_apps.core.database_errors import broke
from shared_apps.core.errors import NotFound
from tenant_apps.activity.services import gone, made, record
from tenant_apps.catalog import standing as goods
from tenant_apps.catalog.models import Product
from tenant_apps.customers.models import Like
from tenant_apps.events import standing as events
from tenant_apps.events.models import Event

Thing = Event | Product


def kind_of(thing: Thing) -> str:
    """Return which of the two it is: the name of the foreign key to it."""
    return "event" if isinstance(thing, Event) else "product"


def standings_of(thing: Thing) -> Any:
    """Return the counters of things of its kind, and of the changes that wait for them."""
    return events.STANDINGS if isinstance(thing, Event) else goods.STANDINGS


def count(thing: Thing, **amounts: int) -> None:
    """Let likes or favourites be added to the thing's counters, in the present transaction."""
    standings_of(thing).add(thing.pk, **amounts)


def like(thing: Thing, person: User) -> bool:
    """Like it; False if the person did already. Raises NotFound if it was deleted meanwhile."""
    kind = kind_of(thing)
    try:
        with transaction.atomic():
            row = Like.objects.create(user=person, **{kind: thing})
            record("like.added", row, actor=person, details=made(**{kind: thing.pk}), deliver=False)
            count(thing, likes=1)
    except IntegrityError as error:
        # Two presses at once: the second has waited for the first alone, and finds it done.
        if broke(error, f"like_{kind}_once"):
            return False
        raise NotFound from None
    return True


def toggle(thing: Thing, person: User) -> bool:
    """Like it, or take the like back if there is one; returns whether the person likes it now."""
    return like(thing, person) or not unlike(thing, person)


def likes_it(thing: Thing, person: Any) -> bool:
    """Tell whether the person likes it."""
    return person.is_authenticated and _mine(thing, person).exists()


def likes_of(thing: Thing) -> int:
    """Return how many like it, at this moment: the counter, and what waits for it."""
    tally = standings_of(thing)
    counted = tally.counters.objects.filter(pk=thing.pk).values_list("likes", flat=True).first() or 0
    return int(counted + tally.waiting(thing.pk)["likes"])


def unlike(thing: Thing, person: User) -> bool:
    """Take the like back; False if there was none."""
    with transaction.atomic():
        row = _mine(thing, person).select_for_update().first()
        if row is None:
            return False
        record("like.removed", row, actor=person, details=gone(**{kind_of(thing): thing.pk}), deliver=False)
        row.delete()
        count(thing, likes=-1)
    return True


def _mine(thing: Thing, person: User) -> Any:
    return Like.objects.filter(user_id=person.pk, **{kind_of(thing): thing})
