"""What changes the figures. Each message is a reason to look at the order again; what it says besides does not matter,
so twice, late and in another order is the same."""

from uuid import UUID

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.payments.models import Dispute, Payment
from tenant_apps.reports import building, figures


def _id_of(message: OutboxMessage) -> str:
    return message.aggregate.partition(":")[2]


@subscribe("order.paid")
@subscribe("order.cancelled")
@subscribe("order.lines_cancelled")
@subscribe("order.refunded")
def order_changed(message: OutboxMessage) -> None:
    """An order was paid, or some of it ended."""
    figures.refresh([UUID(_id_of(message))])


@subscribe("payment.succeeded")
def money_came(message: OutboxMessage) -> None:
    """Money that makes no order paid is in the figures, too."""
    figures.refresh(Payment.objects.filter(pk=_id_of(message)).values_list("order_id", flat=True))


@subscribe("dispute.alert")
@subscribe("dispute.changed")
def dispute_moved(message: OutboxMessage) -> None:
    """A bank has taken money, or given it back."""
    figures.refresh(Dispute.objects.filter(pk=_id_of(message)).values_list("payment__order_id", flat=True))


@subscribe("event.updated")
def event_changed(message: OutboxMessage) -> None:
    """Its days are those of its own zone."""
    building.follow_zone(int(_id_of(message)))


@subscribe("import.applied")
def file_applied(message: OutboxMessage) -> None:
    """A file of orders tells of none of them; they are found by their rows."""
    building.bring_up_to_date(seconds=20)


@subscribe("report.asked")
def take_up(message: OutboxMessage) -> None:
    """Queue the making of a report; the broker may lose it, then `reports.resume` finds it."""
    from tenant_apps.reports.tasks import make

    make.apply_async(args=[_id_of(message)], retry=False)
