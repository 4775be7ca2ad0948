"""Moves what the demo sold just now back to when it is meant to have been sold.

The services write the present, as they must. This is the one place that changes it afterwards, and the only one
that ever updates audit or ledger rows: those of a demo, in the transaction that made them.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import F

from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import LedgerEntry, Payment
from tenant_apps.ticketing.models import CheckIn, Ticket

BATCH = 500


class Moments(NamedTuple):
    """When an order was placed, and when it was paid or otherwise ended."""

    placed: datetime
    settled: datetime


class History:
    """Collects when each order of the demo happened, and writes it into the rows."""

    def __init__(self, now: datetime):
        self.now = now
        self._orders: dict[UUID, Moments] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, order: Order, *, placed: datetime, settled_after: timedelta = timedelta()) -> None:
        self._orders[order.pk] = Moments(placed, min(placed + settled_after, self.now))

    def write(self) -> None:
        """Give all rows of the collected orders their moments: a fixed number of statements for all of them."""
        orders = list(Order.objects.filter(pk__in=self._orders))
        for order in orders:
            order.created_at = self._orders[order.pk].placed
            if order.paid_at is not None:
                order.paid_at = self._orders[order.pk].settled
        Order.objects.bulk_update(orders, ["created_at", "paid_at"], batch_size=BATCH)
        payments = list(Payment.objects.filter(order__in=self._orders))
        for payment in payments:
            payment.created_at = self._orders[payment.order_id].placed
        Payment.objects.bulk_update(payments, ["created_at"], batch_size=BATCH)
        entries = list(LedgerEntry.objects.filter(order__in=self._orders))
        for entry in entries:
            entry.at = self._orders[entry.order_id].settled
        LedgerEntry.objects.bulk_update(entries, ["at"], batch_size=BATCH)
        tickets = list(Ticket.objects.filter(order_line__order__in=self._orders).annotate(of=F("order_line__order_id")))
        for ticket in tickets:
            ticket.created_at = self._orders[ticket.of].settled
        Ticket.objects.bulk_update(tickets, ["created_at"], batch_size=BATCH)
        CheckIn.objects.update(received_at=F("scanned_at"))
        self._write_audit(payments)

    def _write_audit(self, payments: list[Payment]) -> None:
        moments = {f"orders.order:{pk}": moments for pk, moments in self._orders.items()}
        moments |= {f"payments.payment:{payment.pk}": self._orders[payment.order_id] for payment in payments}
        entries = list(AuditEntry.objects.filter(target__in=moments))
        for entry in entries:
            when = moments[entry.target]
            entry.at = when.placed if entry.topic == "order.placed" else when.settled
        AuditEntry.objects.bulk_update(entries, ["at"], batch_size=BATCH)

    def let_rest(self, announced: set[UUID]) -> None:
        """Mark everything as delivered that would mail people now about the past; a few orders are announced."""
        aggregates = [f"orders.order:{pk}" for pk in announced]
        OutboxMessage.objects.filter(delivered_at__isnull=True).exclude(aggregate__in=aggregates).update(
            delivered_at=self.now
        )
