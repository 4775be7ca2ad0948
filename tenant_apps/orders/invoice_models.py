"""Invoices and credit notes, and the counter that numbers them without a gap."""

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7


class DocumentCounter(models.Model):
    """The last number that was given. A row and no sequence: what is rolled back leaves no gap.

    Locked last of all (M2), by the statement that takes the number.
    """

    name = models.CharField(primary_key=True, max_length=20)
    last = models.BigIntegerField()

    class Meta:
        db_table = "orders_counter"

    def __str__(self) -> str:
        return f"{self.name} {self.last}"


class Invoice(models.Model):
    """An invoice, or a credit note that takes part of one back. Never changed, never deleted.

    `data` is all that stands on the paper, as it was when it was issued; the PDF is drawn from it and nothing else.
    """

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice")
        CREDIT_NOTE = "credit_note", _("Credit note")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=11, choices=Kind.choices)
    order = models.ForeignKey("orders.Order", models.PROTECT, related_name="invoices")
    # The invoice that a credit note takes back a part of.
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="credit_notes")
    # What it was issued for, once: "order:…" or "refund:…".
    cause = models.CharField(max_length=60, unique=True)
    # Counted without a gap over invoices and credit notes together.
    sequence = models.BigIntegerField(unique=True)
    number = models.CharField(max_length=40, unique=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    data = models.JSONField()
    issued_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        db_table = "orders_invoice"
        ordering = ["sequence"]
        constraints = [
            models.CheckConstraint(condition=Q(total_minor__gt=0, tax_minor__gte=0), name="invoice_amounts"),
            models.CheckConstraint(
                condition=Q(kind="invoice", corrects__isnull=True) | Q(kind="credit_note", corrects__isnull=False),
                name="invoice_corrects",
            ),
            models.UniqueConstraint(fields=["order"], condition=Q(kind="invoice"), name="invoice_once_each_order"),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write it the one time; raises TypeError for a second."""
        if not self._state.adding:
            raise TypeError("An issued document is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises TypeError: its number would be missing."""
        raise TypeError("An issued document is never deleted.")
