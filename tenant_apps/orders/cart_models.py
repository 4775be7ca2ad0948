"""What a buyer is choosing, before it is an order. Written by `orders.carts` alone; `orders.models` names it.

A line that is held says itself what it holds, as an order's line does: what is given back is what was claimed, even
if the ticket type draws from other quotas by then (M3).
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now

from shared_apps.core.codes import uuid7
from tenant_apps.catalog.models import DeliveryMethod, ProductVariant
from tenant_apps.ticketing.models import TicketType


class Cart(models.Model):
    """Tickets of several events, and goods, that somebody may order together. Its places are held for a time.

    A guest's is opened by its token, which `orders.cart_tokens` makes of the id; a person's by their sign-in alone.
    """

    # Random throughout: it may stand in the trail, and the token cannot be made of it without the server's key.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    voucher = models.CharField(max_length=40, blank=True, default="", db_default="")
    delivery_method = models.ForeignKey(DeliveryMethod, models.SET_NULL, null=True, related_name="+", db_index=False)
    # Until when its places are held; NULL: nothing of it is held.
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(user__isnull=False), name="cart_one_a_person")
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="cart_overdue"),
            models.Index(fields=["modified_at"], name="cart_modified"),
            models.Index(
                fields=["delivery_method"], condition=Q(delivery_method__isnull=False), name="cart_delivery_method"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class CartLine(models.Model):
    """So many tickets of one type, or pieces of one variant of goods, with what they hold of the stock.

    Both are NULL where the type or the variant is no more: what the line holds is still given back, and the buyer is
    told. `price_minor` is what the buyer wants to pay for each ticket, where the type leaves that to them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="lines")
    ticket_type = models.ForeignKey(TicketType, models.SET_NULL, null=True, related_name="cart_lines", db_index=False)
    variant = models.ForeignKey(ProductVariant, models.SET_NULL, null=True, related_name="cart_lines", db_index=False)
    quantity = models.IntegerField()
    price_minor = models.BigIntegerField(null=True)
    # What it was called when it was chosen, for when it is no more.
    title = models.CharField(max_length=320)
    # {"12": 2}: two places of quota 12; zero where the cart's voucher keeps them. Empty: nothing is held.
    places = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    # Held of the variant.
    pieces = models.IntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cart", "ticket_type", "price_minor"],
                condition=Q(ticket_type__isnull=False),
                nulls_distinct=False,
                name="cart_line_type_once",
            ),
            models.UniqueConstraint(
                fields=["cart", "variant"], condition=Q(variant__isnull=False), name="cart_line_variant_once"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, pieces__gte=0) & (Q(ticket_type__isnull=True) | Q(variant__isnull=True)),
                name="cart_line_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(price_minor__isnull=True) | Q(price_minor__gte=0), name="cart_line_price_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["ticket_type"], condition=Q(ticket_type__isnull=False), name="cart_line_type"),
            models.Index(fields=["variant"], condition=Q(variant__isnull=False), name="cart_line_variant"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_held(self) -> bool:
        return bool(self.places) or self.pieces > 0
