"""Goods on their way."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now

from shared_apps.core.codes import uuid7


class Parcel(models.Model):
    """Goods of an order that were handed to a carrier together.

    It names its lines itself, so that the lines of the many orders without goods carry nothing for it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey("orders.Order", models.CASCADE, related_name="parcels")
    lines = ArrayField(models.UUIDField())
    carrier = models.CharField(max_length=60, blank=True)
    tracking_number = models.CharField(max_length=60, blank=True)
    shipped_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "orders_parcel"
        ordering = ["shipped_at", "id"]

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_number}".strip()
