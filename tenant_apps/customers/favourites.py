"""Keeping events and goods in mind, and what became of them since: price and state (decision 0054)."""

import uuid
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from shared_apps.accounts.models import User
from shared_apps.core.database_errors import broke
from shared_apps.core.errors import NotFound
from tenant_apps.activity.services import gone, made, record
from tenant_apps.catalog.models import Product
from tenant_apps.customers.errors import TooManyFavourites
from tenant_apps.customers.likes import Thing, count, kind_of
from tenant_apps.customers.models import Favourite
from tenant_apps.events.models import Event
from tenant_apps.ticketing.querysets import with_prices

MOST = 500
# States of goods, as people are told of them; an event's are its own.
AVAILABLE, SOLD_OUT, WITHDRAWN = "available", "sold_out", "withdrawn"
# Rows of one UPDATE.
BATCH = 1000


class State(NamedTuple):
    """What a favourite's owner knows of a thing, or what is true: its state, and what it costs at least."""

    status: str
    price_minor: int | None


class News(NamedTuple):
    """What changed for one person: what they knew, and what is true."""

    user_id: int
    was: State
    now: State


def state_of(thing: Thing) -> State:
    """Return how it is now: one statement for an event, three for a product."""
    if isinstance(thing, Event):
        found = with_prices(Event.objects.filter(pk=thing.pk)).values_list("status", "price_from_minor").first()
        if found is None:
            raise NotFound
        return State(*found)
    product = Product.objects.filter(pk=thing.pk).for_show().first()
    if product is None:
        raise NotFound
    return product_state(product)


def product_state(product: Any) -> State:
    """Return the state of a product that was loaded by `for_show`. Only what is sold counts: a cart that holds the
    last piece and lets it go again is no news."""
    variants = list(product.variants.all())
    prices = [product.price_minor if one.price_minor is None else one.price_minor for one in variants]
    stocked = any(one.capacity is None or one.capacity - one.sold >= one.least for one in variants)
    status = WITHDRAWN if not product.published else AVAILABLE if stocked else SOLD_OUT
    return State(status, min(prices, default=product.price_minor))


def favourites_of(person: User) -> "QuerySet[Favourite]":
    """Return what the person keeps here and may see, the last kept first."""
    seen = Q(event__status__in=("published", "postponed", "cancelled", "finished")) | Q(product__isnull=False)
    return Favourite.objects.filter(seen, user_id=person.pk).order_by("-created_at", "-id")


def keep(thing: Thing, person: User) -> tuple[Favourite, bool]:
    """Keep it in mind; returns the row, and whether it is new. Raises TooManyFavourites, NotFound."""
    found = _mine(thing, person).first()
    if found is not None:
        return found, False
    if Favourite.objects.filter(user_id=person.pk).count() >= MOST:
        raise TooManyFavourites(most=MOST)
    kind, state = kind_of(thing), state_of(thing)
    try:
        with transaction.atomic():
            row = Favourite.objects.create(
                user=person, told_status=state.status, told_price_minor=state.price_minor, **{kind: thing}
            )
            record("favourite.added", row, actor=person, details=made(**{kind: thing.pk}), deliver=False)
            count(thing, favourites=1)
    except IntegrityError as error:
        if not broke(error, f"favourite_{kind}_once"):
            raise NotFound from None
        return _mine(thing, person).get(), False
    return row, True


def forget(person: User, pk: uuid.UUID) -> None:
    """Keep it no longer. Raises NotFound for what is not the person's."""
    with transaction.atomic():
        rows = Favourite.objects.select_for_update(of=("self",)).select_related("event", "product")
        row = rows.filter(pk=pk, user_id=person.pk).first()
        if row is None:
            raise NotFound
        _forget(row, person)


def forget_thing(thing: Thing, person: User) -> bool:
    """Keep it no longer; False if the person did not."""
    with transaction.atomic():
        row = _mine(thing, person).select_for_update(of=("self",)).select_related("event", "product").first()
        if row is None:
            return False
        _forget(row, person)
    return True


def kept_by(person: Any, kind: str, ids: Collection[int]) -> set[int]:
    """Return which of these events or products the person keeps: one statement, none for a guest."""
    if not person.is_authenticated or not ids:
        return set()
    rows = Favourite.objects.filter(user_id=person.pk, **{f"{kind}_id__in": list(ids)})
    return set(rows.values_list(f"{kind}_id", flat=True))


def take_news(thing: Thing) -> Iterator[list[News]]:
    """Note for whom the thing is not what they know, and return them, some at a time; in the caller's transaction.

    Each is returned once: whoever comes second finds that they know it.
    """
    now = state_of(thing)
    rows = Favourite.objects.filter(**{kind_of(thing): thing}).exclude(
        told_status=now.status, told_price_minor__isnull=now.price_minor is None,
        **({} if now.price_minor is None else {"told_price_minor": now.price_minor}),
    )  # fmt: skip
    while batch := list(rows.order_by("pk").select_for_update(of=("self",))[:BATCH]):
        Favourite.objects.filter(pk__in=[row.pk for row in batch]).update(
            told_status=now.status, told_price_minor=now.price_minor
        )
        yield [News(row.user_id, State(row.told_status, row.told_price_minor), now) for row in batch]


def _forget(row: Favourite, person: User) -> None:
    thing: Any = row.event or row.product
    record("favourite.removed", row, actor=person, details=gone(**{kind_of(thing): thing.pk}), deliver=False)
    row.delete()
    count(thing, favourites=-1)


def _mine(thing: Thing, person: User) -> "QuerySet[Favourite]":
    return Favourite.objects.filter(user_id=person.pk, **{kind_of(thing): thing})


def most_kept(limit: int, among: Any = None) -> "QuerySet[Any]":
    """Return the events that most people keep or like, with their standing; of these events only, if they are given."""
    events: Any = Event.objects.all() if among is None else among
    standing = events.filter(Q(standing__favourites__gt=0) | Q(standing__likes__gt=0)).select_related("standing")
    found: QuerySet[Any] = standing.order_by((F("standing__favourites") + F("standing__likes")).desc(), "pk")[:limit]
    return found
