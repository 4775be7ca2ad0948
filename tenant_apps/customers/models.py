"""What people like, keep in mind and follow here. Rows of persons: the counts of them are `events.standing` and
`catalog.standing`, which lock nothing."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now

from shared_apps.core.codes import uuid7
from tenant_apps.catalog.models import Product
from tenant_apps.events.models import Event, EventSeries


def _person() -> Any:
    """Whose row it is. People live in public: no constraint crosses the schemas."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )


_ONE_THING = Q(event__isnull=False, product__isnull=True) | Q(event__isnull=True, product__isnull=False)


class Like(models.Model):
    """Somebody likes an event or a product: once."""

    user = _person()
    event = models.ForeignKey(Event, models.CASCADE, null=True, related_name="+")
    product = models.ForeignKey(Product, models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_ONE_THING, name="like_one_thing"),
            models.UniqueConstraint(fields=["user", "event"], condition=Q(event__isnull=False), name="like_event_once"),
            models.UniqueConstraint(
                fields=["user", "product"], condition=Q(product__isnull=False), name="like_product_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id or self.product_id}"


class Favourite(models.Model):
    """Somebody keeps an event or a product in mind, and is told when its price or state changes.

    `told_status` and `told_price_minor` are what the person knows: as it was when they kept it, or when they were last
    told. A change is news for whom it is not what they know.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = _person()
    event = models.ForeignKey(Event, models.CASCADE, null=True, related_name="+")
    product = models.ForeignKey(Product, models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(default=now, db_default=Now())
    told_status = models.CharField(max_length=12)
    # NULL: nothing of it was on sale.
    told_price_minor = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_ONE_THING, name="favourite_one_thing"),
            models.UniqueConstraint(
                fields=["user", "event"], condition=Q(event__isnull=False), name="favourite_event_once"
            ),
            models.UniqueConstraint(
                fields=["user", "product"], condition=Q(product__isnull=False), name="favourite_product_once"
            ),
        ]
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="favourite_of_person")]

    def __str__(self) -> str:
        return f"{self.event_id or self.product_id}"


class Follow(models.Model):
    """Somebody wants to hear of new events: all of them, or the dates of one series."""

    user = _person()
    # NULL: the organizer itself.
    series = models.ForeignKey(EventSeries, models.CASCADE, null=True, related_name="follow_rows")
    created_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "series"], nulls_distinct=False, name="follow_once"),
        ]

    def __str__(self) -> str:
        return f"{self.series_id or 'all'}"


class FreshEvent(models.Model):
    """An event that was put on sale and that followers have not been told of yet: they are told of several at once."""

    event = models.OneToOneField(Event, models.CASCADE, primary_key=True, related_name="+")
    published_at = models.DateTimeField(default=now, db_default=Now())
    # Those that are told of together. Set once, so that a telling that was broken off goes on as it began.
    round = models.UUIDField(null=True)

    def __str__(self) -> str:
        return f"{self.event_id}"
