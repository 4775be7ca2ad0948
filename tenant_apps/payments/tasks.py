"""What payments do by themselves."""

from celery import shared_task

from tenant_apps.payments import callbacks, polling
from tenant_apps.payments.models import Payment
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="payments.poll_due")
def poll_due() -> None:
    """Every half minute: ask about what is open, and try again what a provider told us without effect (O8, O9)."""
    callbacks.apply_open()
    polling.poll_due()


@shared_task(base=TenantTask, name="payments.ask_provider")
def ask_provider(payment: str) -> None:
    """Ask about one payment now. Running it twice changes nothing (G2); if it is lost, the poll does it."""
    found = Payment.objects.select_related("order", "account").filter(pk=payment).first()
    if found is not None:
        polling.ask(found)
