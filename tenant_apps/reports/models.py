"""What reports are read from: narrow rows that follow from orders and the ledger and can be made anew at any time.

`Part` is what one order gives to the figures; `DayFigure` is the sum of all parts, per day. Both have ids without
constraints: they are copies, and no row of an event waits for them. `figures.py` alone writes them.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenant_apps.reports.log_models import LogEntry as LogEntry
from tenant_apps.reports.schedule_models import ReportSchedule as ReportSchedule


class Figures(models.Model):
    """What a figure is of, and the figure; amounts in minor units of `currency`.

    `day` is the tenant's day and `event_day` that of the event's own zone (B3); the same where there is no event.
    """

    class Kind(models.TextChoices):
        """What the money was for; the last three tell of tickets and goods once more, by what made them cheaper."""

        TICKET = "ticket", _("Tickets")
        PRODUCT = "product", _("Goods")
        FEE = "fee", _("Fees")
        DELIVERY = "delivery", _("Delivery")
        # Paid on top, too late, or in another currency: it belongs to nothing that was sold, and goes back (O5).
        OTHER = "other", _("Not for an order")
        DISCOUNT = "discount", _("Discount")
        VOUCHER = "voucher", _("Voucher")
        COMPLIMENTARY = "complimentary", _("Complimentary")

    day = models.DateField()
    event_day = models.DateField()
    kind = models.CharField(max_length=13, choices=Kind.choices)
    # 0: none. The item is a ticket type or a variant of goods, by the kind.
    event_id = models.BigIntegerField(default=0)
    item_id = models.BigIntegerField(default=0)
    channel = models.CharField(max_length=12)
    currency = models.CharField(max_length=3)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    # The name of a discount, the code of a voucher.
    name = models.CharField(max_length=150, default="", blank=True)
    # Orders on their day of payment: once each, on the row of their first line; and once for each of their events.
    orders = models.IntegerField(default=0)
    event_orders = models.IntegerField(default=0)
    # Pieces on the order's day of payment, and how many of them are cancelled by now.
    quantity = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)
    # At list prices, and what was taken off; on the order's day of payment.
    list_minor = models.BigIntegerField(default=0)
    discount_minor = models.BigIntegerField(default=0)
    # Movements of money, each on its own day: in, back, kept by provider and platform, disputes (out is negative).
    gross_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    fees_minor = models.BigIntegerField(default=0)
    adjustments_minor = models.BigIntegerField(default=0)
    # The tax that is contained in gross and in refunded.
    tax_minor = models.BigIntegerField(default=0)
    tax_back_minor = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


KEY = ("day", "event_day", "kind", "event_id", "item_id", "channel", "currency", "tax_rate", "name")
MEASURES = (
    "orders", "event_orders", "quantity", "cancelled", "list_minor", "discount_minor", "gross_minor",
    "refunded_minor", "fees_minor", "adjustments_minor", "tax_minor", "tax_back_minor",
)  # fmt: skip


class Part(Figures):
    """What one order gives to one day's figures."""

    id = models.BigAutoField(primary_key=True)
    order_id = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["order_id"], name="report_part_order")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.day} {self.kind}"


class DayFigure(Figures):
    """The sum of all orders' parts with the same key."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        db_table = "reports_day"
        constraints = [models.UniqueConstraint(fields=list(KEY), name="report_day_once")]
        indexes = [models.Index(fields=["event_id", "event_day"], name="report_day_event")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.currency}"


class BuildState(models.Model):
    """How far the figures are built for what was there before; one row a tenant."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    # The last order that the first build has seen, and when it had seen all.
    cursor = models.UUIDField(null=True)
    built_at = models.DateTimeField(null=True)
    # The zone that `day` was reckoned with, and those of events that have another.
    zone = models.CharField(max_length=63, default="", blank=True)
    event_zones = models.JSONField(default=dict)
    # Orders and ledger entries that were written before this moment were looked at by the last catch-up.
    seen_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "reports_state"

    def __str__(self) -> str:
        return f"built {self.built_at}"


class ReportRun(models.Model):
    """A report that is made in the background, with its file. Open to those only whose right is as wide."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Being made")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        PDF = "pdf", "PDF"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    report = models.CharField(max_length=20)
    # What was asked, as in the address: {"from", "to", "group_by", …}.
    params = models.JSONField(default=dict)
    format = models.CharField(max_length=4, choices=Format.choices)
    language = models.CharField(max_length=10, blank=True, default="")
    # The events that who asked could see then; NULL: all.
    events = models.JSONField(null=True)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    # In per cent.
    progress = models.SmallIntegerField(default=0)
    rows = models.IntegerField(null=True)
    error = models.CharField(max_length=300, blank=True, default="")
    content = models.BinaryField(null=True)
    # The id of a user, or of an API key below zero.
    asked_by = models.BigIntegerField(null=True)
    tries = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(default=now, db_default=Now())
    modified_at = models.DateTimeField(auto_now=True, db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "reports_run"
        indexes = [models.Index(fields=["created_at"], name="report_run_age")]

    def __str__(self) -> str:
        return f"{self.report} {self.format} {self.status}"
