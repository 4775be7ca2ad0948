"""What payments do when something happened elsewhere."""

from django.utils import timezone

from shared_apps.accounts.models import User
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.payments import mass
from tenant_apps.payments.models import Payment, Refund
from tenant_apps.payments.refunds import carry_out


@subscribe("refund.requested")
def send_money_back(message: OutboxMessage) -> None:
    """Carry out a refund that was intended, if the process that intended it did not live to do it (O3, O5)."""
    carry_out(
        Refund.objects.select_related("payment__order", "payment__account").get(pk=message.aggregate.partition(":")[2])
    )


@subscribe("event.cancelled")
def refund_all(message: OutboxMessage) -> None:
    """Send everybody's money back, if whoever called the event off said so. Twice is once."""
    if not message.payload.get("refund"):
        return
    event = Event.objects.filter(pk=message.aggregate.partition(":")[2]).first()
    if event is None or event.status != Event.Status.CANCELLED or event.mass_refunds.exists():
        return
    actor = User.objects.filter(pk=message.payload.get("by")).first()
    mass.start(event, actor=actor, reason=message.payload.get("reason", ""))


@subscribe("mass_refund.started")
@subscribe("mass_refund.repeated")
def work_on_mass_refund(message: OutboxMessage) -> None:
    """Queue the work; the broker may lose it, then `payments.resume` finds it."""
    from tenant_apps.payments import tasks

    tasks.mass_refund.apply_async(args=[message.aggregate.partition(":")[2]], retry=False)


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
