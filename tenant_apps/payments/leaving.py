"""A site does not close while buyers' money is on its way back."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict
from shared_apps.departures.hindrances import hinders
from tenant_apps.payments.models import MassRefund, Refund


class RefundsUnderWay(Conflict):
    code = "refunds_under_way"
    message = _(
        "Refunds to buyers are under way: {count}. Nothing is sent any more once the site closes, so please wait until"
        " they have arrived, or look at what keeps them."
    )


def refunds_under_way() -> None:
    """Raise RefundsUnderWay as long as a refund, or everybody's refund for an event, has not come to its end."""
    count = Refund.objects.filter(status=Refund.Status.PENDING).count()
    if count or MassRefund.objects.filter(status=MassRefund.Status.RUNNING).exists():
        raise RefundsUnderWay(count=max(count, 1))


hinders(refunds_under_way)
