"""What payments do when something happened elsewhere."""

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.payments.models import Refund
from tenant_apps.payments.refunds import carry_out


@subscribe("refund.requested")
def send_money_back(message: OutboxMessage) -> None:
    """Carry out a refund that was intended, if the process that intended it did not live to do it (O3, O5)."""
    carry_out(Refund.objects.select_related("payment__order").get(pk=message.aggregate.partition(":")[2]))
