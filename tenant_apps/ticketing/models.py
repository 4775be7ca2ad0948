"""Admission: what is on sale, how many places there are, the tickets issued, and who came in."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.capacity import LimitedCapacity
from shared_apps.core.codes import uuid7
from shared_apps.core.models import Stamped
from tenant_apps.events.models import Event
from tenant_apps.ticketing.querysets import CheckInQuerySet, TicketTypeQuerySet


class Quota(LimitedCapacity, Stamped):
    """A number of places of one event that one or more ticket types draw from."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="quotas")
    name = models.CharField(_("name"), max_length=100)

    class Meta(LimitedCapacity.Meta):
        pass

    def __str__(self) -> str:
        return self.name


class TicketType(Stamped):
    """A kind of admission on sale, with a price."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="ticket_types")
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=500, blank=True)
    price_minor = models.BigIntegerField(_("price"), default=0)
    tax_rate = models.DecimalField(
        _("tax rate"),
        max_digits=5,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    sale_starts_at = models.DateTimeField(_("on sale from"), null=True, blank=True)
    sale_ends_at = models.DateTimeField(_("on sale until"), null=True, blank=True)
    min_per_order = models.IntegerField(_("at least per order"), default=1)
    max_per_order = models.IntegerField(_("at most per order"), default=20)
    hidden = models.BooleanField(_("hidden"), default=False)
    position = models.IntegerField(default=0)
    quotas = models.ManyToManyField(Quota, related_name="ticket_types", through="QuotaTicketType")

    objects = TicketTypeQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price_minor__gte=0), name="ticket_type_price_not_negative"),
            models.CheckConstraint(
                condition=Q(min_per_order__gte=1, max_per_order__gte=F("min_per_order")),
                name="ticket_type_order_limits",
            ),
            models.CheckConstraint(
                condition=Q(sale_starts_at__isnull=True)
                | Q(sale_ends_at__isnull=True)
                | Q(sale_ends_at__gt=F("sale_starts_at")),
                name="ticket_type_sale_window",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def in_sale_window(self, now: datetime) -> bool:
        """The window is [start, end) (O10): the same as the QuerySet's question for the row at hand."""
        begun = self.sale_starts_at is None or self.sale_starts_at <= now
        return begun and (self.sale_ends_at is None or now < self.sale_ends_at)


class QuotaTicketType(models.Model):
    """That a ticket type draws from a quota. A table of its own for short constraint names."""

    quota = models.ForeignKey(Quota, models.CASCADE)
    ticket_type = models.ForeignKey(TicketType, models.CASCADE)

    class Meta:
        db_table = "ticketing_quota_type"
        constraints = [models.UniqueConstraint(fields=["quota", "ticket_type"], name="quota_type_once")]

    def __str__(self) -> str:
        return f"{self.quota_id}: {self.ticket_type_id}"


class EventKey(models.Model):
    """The key pair (Ed25519, RFC 8032) that signs an event's ticket codes. The one unretired key signs.

    The private half is kept encrypted (`shared_apps.core.secrets`). What a retired key signed still counts: the
    database decides about each ticket, and printed tickets outlive a key.
    """

    event = models.ForeignKey(Event, models.CASCADE, related_name="keys")
    key_id = models.CharField(max_length=8, unique=True)
    private_key = models.BinaryField()
    public_key = models.BinaryField()
    created_at = models.DateTimeField(default=now, db_default=Now())
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event"], condition=Q(retired_at__isnull=True), name="event_key_one_signs")
        ]

    def __str__(self) -> str:
        return self.key_id


class Ticket(models.Model):
    """One admission issued to one holder.

    `token` is 128 random bits (T1); the text of the QR code is made of it by the event's key. A transfer or
    reissue gives the place to a new row or token, so the old code is dead at commit.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Valid")
        USED = "used", _("Used")
        CANCELLED = "cancelled", _("Cancelled")
        REFUNDED = "refunded", _("Refunded")
        TRANSFERRED = "transferred", _("Transferred")
        REVOKED = "revoked", _("Revoked")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(Event, models.PROTECT, related_name="tickets")
    ticket_type = models.ForeignKey(TicketType, models.PROTECT, related_name="tickets")
    token = models.UUIDField(unique=True)
    short_code = models.CharField(max_length=12)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.ACTIVE)
    holder_name = models.CharField(_("name"), max_length=150, blank=True)
    holder_email = models.EmailField(_("email"), max_length=254, blank=True)
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    seat = models.CharField(max_length=40, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["event", "status"], name="ticket_event_status"),
            models.Index(fields=["short_code"], name="ticket_short_code"),
        ]

    def __str__(self) -> str:
        return self.short_code


class CheckInList(Stamped):
    """The tickets that one entrance accepts: of one event, all types or some."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="check_in_lists")
    name = models.CharField(_("name"), max_length=100)
    ticket_types = models.ManyToManyField(TicketType, blank=True, through="CheckInListType")

    def __str__(self) -> str:
        return self.name


class CheckInListType(models.Model):
    """That a list accepts a ticket type. A list without any accepts all of its event."""

    check_in_list = models.ForeignKey(CheckInList, models.CASCADE)
    ticket_type = models.ForeignKey(TicketType, models.CASCADE)

    class Meta:
        db_table = "ticketing_list_type"
        constraints = [models.UniqueConstraint(fields=["check_in_list", "ticket_type"], name="list_type_once")]

    def __str__(self) -> str:
        return f"{self.check_in_list_id}: {self.ticket_type_id}"


class CheckIn(models.Model):
    """One scan and its answer. At most one admission stands per ticket and list (T2).

    An admission stands until it is undone, or until its holder is scanned out and may come in again.
    """

    class Result(models.TextChoices):
        ADMITTED = "admitted", _("Admitted")
        REFUSED = "refused", _("Refused")

    class Direction(models.TextChoices):
        IN = "in", _("In")
        OUT = "out", _("Out")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    check_in_list = models.ForeignKey(CheckInList, models.CASCADE, related_name="check_ins")
    # NULL for a code that is no ticket of ours.
    ticket = models.ForeignKey(Ticket, models.CASCADE, null=True, related_name="check_ins")
    scan_id = models.CharField(max_length=64)
    result = models.CharField(max_length=8, choices=Result.choices)
    reason = models.CharField(max_length=20, blank=True)
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.IN)
    scanned_at = models.DateTimeField(default=now)
    received_at = models.DateTimeField(default=now, db_default=Now())
    scanned_by = models.BigIntegerField(null=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.BigIntegerField(null=True)
    left_at = models.DateTimeField(null=True, blank=True)

    objects = CheckInQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_in_list", "scan_id"], name="check_in_scan_once"),
            models.UniqueConstraint(
                fields=["check_in_list", "ticket"],
                condition=Q(result="admitted", direction="in", undone_at__isnull=True, left_at__isnull=True),
                name="check_in_one_admission",
            ),
        ]
        indexes = [models.Index(fields=["check_in_list", "-received_at"], name="check_in_list_recent")]

    def __str__(self) -> str:
        return f"{self.result} {self.reason}".strip()
