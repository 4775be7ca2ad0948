"""What a person likes, keeps and follows here: handed out, and deleted with their account (P3)."""

from collections import Counter
from typing import Any

from django.db import transaction
from django.db.models import F

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.catalog import standing as goods
from tenant_apps.customers.models import Favourite, Follow, Like
from tenant_apps.events import standing as events


def _likes(person: Person) -> Rows:
    return _of(person, Like).values("created_at", event_title=F("event__title"), product_name=F("product__name"))


def _favourites(person: Person) -> Rows:
    return _of(person, Favourite).values("created_at", event_title=F("event__title"), product_name=F("product__name"))


def _follows(person: Person) -> Rows:
    return _of(person, Follow).values("created_at", series_title=F("series__title"))


def _end_likes(person: Person) -> int:
    return _end(person, Like, "likes")


def _end_favourites(person: Person) -> int:
    return _end(person, Favourite, "favourites")


def _end_follows(person: Person) -> int:
    return _of(person, Follow).delete()[0]


@transaction.atomic
def _end(person: Person, model: Any, counter: str) -> int:
    """Delete them, and count them no longer."""
    rows = list(_of(person, model).select_for_update(of=("self",)).values_list("pk", "event_id", "product_id"))
    for tally, column in ((events.STANDINGS, 1), (goods.STANDINGS, 2)):
        gone = Counter(row[column] for row in rows if row[column] is not None)
        tally.add_all({pk: {counter: -number} for pk, number in gone.items()})
    deleted: int = model.objects.filter(pk__in=[row[0] for row in rows]).delete()[0]
    return deleted


def _of(person: Person, model: Any) -> Any:
    return model.objects.filter(user_id=person.user_id).order_by("pk")


hold("likes", "customers.Like", {"user"}, export=_likes, erase=_end_likes)
hold("favourites", "customers.Favourite", {"user"}, export=_favourites, erase=_end_favourites)
hold("follows", "customers.Follow", {"user"}, export=_follows, erase=_end_follows)
harmless("customers.Favourite", {"told_status", "told_price_minor"}, "the state and price of an event or product")
