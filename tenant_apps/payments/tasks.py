"""What payments do by themselves."""

from celery import shared_task

from tenant_apps.payments import callbacks, mass, polling, reconciling, statements
from tenant_apps.payments.models import MassRefund, Payment, ProviderAccount, ProviderEvent, Refund, Statement
from tenants import due
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="payments.poll_due")
def poll_due() -> None:
    """Every half minute: ask about what is open, and try again what a provider told us without effect (O8, O9)."""
    callbacks.apply_open()
    polling.poll_due()


@shared_task(base=TenantTask, name="payments.book_statement", lasting=True, soft_time_limit=280, time_limit=300)
def book_statement(statement: str) -> None:
    """Book a statement that staff accepted. Twice is once (G2)."""
    found = Statement.objects.filter(pk=statement, status=Statement.Status.BOOKING).first()
    if found is not None:
        statements.book(found)


@shared_task(base=TenantTask, name="payments.mass_refund", lasting=True, soft_time_limit=280, time_limit=300)
def mass_refund(run: str) -> None:
    """Work on a mass refund for a while, and hand over to the next if that was not enough. Twice is once (G2)."""
    found = MassRefund.objects.filter(pk=run, status=MassRefund.Status.RUNNING).first()
    if found is not None and not mass.work(found):
        mass_refund.apply_async(args=[run], retry=False)


@shared_task(base=TenantTask, name="payments.resume")
def resume() -> None:
    """Every minute: take up statements and mass refunds whose worker died."""
    for run in mass.unfinished():
        mass_refund.apply_async(args=[str(run.pk)], retry=False)
    for found in statements.unfinished():
        book_statement.apply_async(args=[str(found.pk)], retry=False)


@shared_task(base=TenantTask, name="payments.reconcile", soft_time_limit=280, time_limit=300)
def reconcile() -> None:
    """Every night: compare our ledger with the providers' own books. Reads, and tells of each difference once (G2)."""
    reconciling.reconcile_lately()


@shared_task(base=TenantTask, name="payments.ask_provider")
def ask_provider(payment: str) -> None:
    """Ask about one payment now. Running it twice changes nothing (G2); if it is lost, the poll does it."""
    found = Payment.objects.select_related("order", "account").filter(pk=payment).first()
    if found is not None:
        polling.ask(found)


# Asks others' servers: each tenant by itself.
due.soonest(
    "payments.poll_due",
    lambda: [
        (ProviderEvent.objects.filter(done_at=None, tries__lt=callbacks.MOST_TRIES), "received_at"),
        (Payment.objects.filter(poll_at__isnull=False), "poll_at"),
        (Refund.objects.filter(poll_at__isnull=False), "poll_at"),
    ],
    alone=True,
)
due.soonest("payments.reconcile", lambda: [(ProviderAccount.objects.all(), "created_at")], alone=True)
due.soonest(
    "payments.resume",
    lambda: [
        (MassRefund.objects.filter(status=MassRefund.Status.RUNNING), "modified_at", mass.RESUME_AFTER),
        (Statement.objects.filter(status=Statement.Status.BOOKING), "modified_at", statements.RESUME_AFTER),
    ],
)
