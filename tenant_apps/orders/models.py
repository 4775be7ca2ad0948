"""One purchase's life. `lifecycle.py` is the only writer of an order's status."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from shared_apps.core.models import Stamped
from tenant_apps.catalog.models import DeliveryMethod, ProductVariant
from tenant_apps.events.models import Event
from tenant_apps.orders.cart_models import Cart, CartLine
from tenant_apps.orders.invoice_models import DocumentCounter, Invoice
from tenant_apps.orders.parcel_models import Parcel
from tenant_apps.orders.querysets import OrderQuerySet
from tenant_apps.orders.waiting_models import WaitingEntry as WaitingEntry
from tenant_apps.ticketing.models import Ticket, TicketType

__all__ = ["Cart", "CartLine", "DocumentCounter", "Invoice", "Order", "OrderLine", "Parcel"]


class Order(models.Model):
    """One purchase. Its status changes only in `orders.lifecycle`; its prices never (M6).

    Reached by its `code` and login, or by its `secret`, which nobody guesses (T5).
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Awaiting payment")
        PAID = "paid", _("Paid")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=12, unique=True)
    secret = models.CharField(max_length=43)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    email = models.EmailField(_("email"), max_length=254)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(max_length=10, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    channel = models.CharField(max_length=12, default="web")
    currency = models.CharField(max_length=3)
    subtotal_minor = models.BigIntegerField(default=0)
    discount_minor = models.BigIntegerField(default=0)
    fees_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    delivery_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    # What the fees are: [{"kind", "name", "amount_minor", "tax_minor"}], as they were told then.
    fees = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    # The voucher's code as it was typed; empty for none.
    voucher = models.CharField(max_length=40, blank=True, default="", db_default="")
    # The rules that its price was made by, as they were then (M6): {"discounts", "voucher", "fees",
    # "delivery_tax_rate"}, for reckoning it again when a line is cancelled. Empty: none.
    rules = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    # Where the goods go, as it was then: the fields of `goods.Delivery` and the method's name and kind. Empty: nowhere.
    delivery = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    delivery_method = models.ForeignKey(
        DeliveryMethod, models.SET_NULL, null=True, related_name="orders", db_index=False
    )
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())
    expires_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("total_minor")),
                name="order_refund_within_total",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="pending"), name="order_overdue"),
            models.Index(fields=["-created_at"], name="order_newest"),
            models.Index(fields=["user", "-created_at"], condition=Q(user__isnull=False), name="order_user"),
            models.Index(fields=["email"], name="order_email"),
            # Addresses are compared without regard to case: a buyer's orders are found by this one.
            models.Index(Upper("email"), name="order_email_any_case"),
            models.Index(
                fields=["delivery_method"], condition=Q(delivery_method__isnull=False), name="order_delivery_method"
            ),
        ]

    # The lines of an order that was made a moment ago, with their events and tickets: they need not be read.
    made: "tuple[OrderLine, ...] | None" = None

    def __str__(self) -> str:
        return self.code


class OrderLine(models.Model):
    """One admission, or one kind of goods, in an order. Only goods have a quantity above 1."""

    class Kind(models.TextChoices):
        TICKET = "ticket", _("Ticket")
        PRODUCT = "product", _("Product")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        CANCELLED = "cancelled", _("Cancelled")

    class Fulfilment(models.TextChoices):
        """How far goods are on their way; tickets have none."""

        UNPACKED = "unpacked", _("To be packed")
        PACKED = "packed", _("Packed")
        SHIPPED = "shipped", _("Shipped")
        DELIVERED = "delivered", _("Delivered")
        RETURNED = "returned", _("Returned")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    position = models.IntegerField()
    kind = models.CharField(max_length=7, choices=Kind.choices)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACTIVE)
    event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="order_lines")
    ticket_type = models.ForeignKey(TicketType, models.PROTECT, null=True, related_name="order_lines")
    # Few lines are goods: an index of those alone, below.
    variant = models.ForeignKey(ProductVariant, models.PROTECT, null=True, related_name="order_lines", db_index=False)
    fulfilment = models.CharField(max_length=9, choices=Fulfilment.choices, blank=True, default="", db_default="")
    ticket = models.OneToOneField(Ticket, models.PROTECT, null=True, related_name="order_line")
    # The quotas that this line claimed its places from, by id, when it was ordered.
    quotas = ArrayField(models.BigIntegerField(), default=list)
    title = models.CharField(max_length=320)
    quantity = models.IntegerField(default=1)
    unit_price_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    # What the discount is made of: [{"kind", "name", "amount_minor"}], as it was told then.
    applied = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    # Whether the unit price contained the tax, or it was added to it (M6). The total contains it in either case.
    tax_included = models.BooleanField(default=True, db_default=True)
    tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField()
    # The name of the price tier that gave the price, as it was then; empty for the type's own price.
    tier_name = models.CharField(max_length=100, blank=True, default="", db_default="")
    attendee_name = models.CharField(max_length=150, blank=True)
    attendee_email = models.EmailField(max_length=254, blank=True)
    # [{"question": id, "text": …, "answer": …}] as it was asked then: questions may change or go.
    answers = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    # False: cancelled before anything was paid, so it is no part of what the order costs.
    charged = models.BooleanField(default=True, db_default=True)
    # Of a line that was cancelled by itself: when, by how much the order's price fell with it (less than its own total
    # where the others lost a discount), and how much of that is owed back by the event's rule.
    cancelled_at = models.DateTimeField(null=True, blank=True)
    released_minor = models.BigIntegerField(null=True, blank=True)
    returned_minor = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_line_position"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1) & (Q(kind="product") | Q(quantity=1)), name="order_line_quantity"
            ),
            models.CheckConstraint(
                condition=Q(unit_price_minor__gte=0, total_minor__gte=0), name="order_line_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["ticket_type", "status"], name="order_line_type"),
            models.Index(fields=["variant"], condition=Q(variant__isnull=False), name="order_line_variant"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def said(self) -> list[tuple[str, str]]:
        """Questions and answers of this attendee, in words."""
        from tenant_apps.orders.answers import in_words

        return in_words(self.answers)


class SavedAddress(Stamped):
    """Where a person has goods sent to, kept for their next order here."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    # At most five a person, however many requests come at once: each takes one of five places.
    slot = models.SmallIntegerField()
    name = models.CharField(_("recipient"), max_length=150)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    country = models.CharField(_("country"), max_length=80, blank=True)
    city = models.CharField(_("city"), max_length=100)
    street = models.CharField(_("street"), max_length=150)
    house = models.CharField(_("house"), max_length=20, blank=True)
    apartment = models.CharField(_("apartment"), max_length=20, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    comment = models.CharField(_("for the courier"), max_length=300, blank=True)

    class Meta:
        db_table = "orders_address"
        ordering = ["-modified_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "slot"], name="address_slot"),
            models.CheckConstraint(condition=Q(slot__gte=1, slot__lte=5), name="address_at_most_five"),
        ]

    def __str__(self) -> str:
        return ", ".join(part for part in (self.name, self.street, self.house, self.city) if part)


class OrderNote(models.Model):
    """What one of the staff wrote down about an order, for the others. Buyers never see it."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="notes")
    text = models.CharField(_("note"), max_length=2000)
    # Who wrote it, as they were called then; `actor_id` as in the audit trail.
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "orders_note"
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.text[:50]
