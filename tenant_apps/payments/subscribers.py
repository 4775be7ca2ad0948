"""What payments do when something happened elsewhere."""

from django.utils import timezone

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.payments.models import Payment, Refund
from tenant_apps.payments.refunds import carry_out


@subscribe("refund.requested")
def send_money_back(message: OutboxMessage) -> None:
    """Carry out a refund that was intended, if the process that intended it did not live to do it (O3, O5)."""
    carry_out(
        Refund.objects.select_related("payment__order", "payment__account").get(pk=message.aggregate.partition(":")[2])
    )


@subscribe("statement.accepted")
def book_statement(message: OutboxMessage) -> None:
    """Queue the booking; the broker may lose it, then `payments.resume` finds it."""
    from tenant_apps.payments import tasks

    tasks.book_statement.apply_async(args=[message.aggregate.partition(":")[2]], retry=False)


@subscribe("order.expired")
@subscribe("order.cancelled")
def close_at_providers(message: OutboxMessage) -> None:
    """An ended order's open payments are asked about at once: closed at the provider, or settled if it was too late."""
    order = message.aggregate.partition(":")[2]
    Payment.objects.filter(order_id=order, poll_at__isnull=False).update(poll_at=timezone.now())
