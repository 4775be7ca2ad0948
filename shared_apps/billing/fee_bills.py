"""Invoices for the fees of tickets that no connected account kept back, once a month (O3).

What is owed is `fees.owed`. The intent is a row, committed before Stripe is called, and its key is fixed: a crash
between the two is taken up by the next run, which makes the same invoice.
"""

import logging
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from shared_apps.billing import fees, gateway, mirror, subscriptions
from shared_apps.billing.errors import BillingUnavailable, StripeRefused, TenantOver
from shared_apps.billing.models import TicketFeeBill, TicketFees
from shared_apps.core.faults import point
from shared_apps.core.money import exponent
from tenants.context import in_public
from tenants.models import Tenant

logger = logging.getLogger(__name__)

DAYS_TO_PAY = 14
# Less than so many whole units waits for a later month: nobody wants an invoice over cents.
LEAST_UNITS = 5


def bill_months(now: datetime | None = None) -> int:
    """Invoice what is owed of the months that are over; returns how many invoices were made. Twice is once."""
    now = now or timezone.now()
    if not gateway.is_on():
        return 0
    with in_public():
        # The last day of a month is settled some hours after it (billing.usage).
        last = (now - timedelta(days=1)).astimezone(UTC).date().replace(day=1) - timedelta(days=1)
        owing = TicketFees.objects.filter(day__lte=last).values_list("tenant_id", flat=True).distinct()
        for tenant in Tenant.objects.filter(pk__in=owing).exclude(status=Tenant.Status.CLOSED).order_by("pk"):
            try:
                _mean(tenant, last)
            except Exception:  # whatever one tenant's figures do: the others are invoiced all the same
                logger.exception("ticket_fees_not_reckoned", extra={"tenant": tenant.pk})
        made = 0
        for bill in TicketFeeBill.objects.filter(issued_at=None).select_related("tenant").order_by("pk"):
            try:
                made += _issue(bill, now)
            except (BillingUnavailable, StripeRefused, TenantOver) as error:
                # The next day tries again, and operators read of it.
                logger.error("ticket_fees_not_invoiced", extra={"bill": bill.pk, "reason": type(error).__name__})
            except Exception:
                logger.exception("ticket_fees_not_invoiced", extra={"bill": bill.pk})
    return made


def _mean(tenant: Tenant, last: date) -> None:
    """Note what is to be invoiced up to this day, in each currency: all that is owed less all that was invoiced. So
    days that were reckoned after their month was invoiced go with the next invoice."""
    first_day = TicketFees.objects.filter(tenant=tenant).order_by("day").values_list("day", flat=True)[0]
    for sums in fees.owed(tenant, first_day, last):
        currency = sums["currency"]
        bills = TicketFeeBill.objects.filter(tenant=tenant, currency=currency)
        billed = bills.aggregate(amount=Sum("amount_minor", default=0), tickets=Sum("tickets", default=0))
        due = sums["due_minor"] - billed["amount"]
        if due < LEAST_UNITS * 10 ** exponent(currency):
            continue
        with transaction.atomic():
            TicketFeeBill.objects.get_or_create(
                tenant=tenant, month=last.replace(day=1), currency=currency,
                defaults={"tickets": max(0, sums["tickets"] - billed["tickets"]), "amount_minor": due},
            )  # fmt: skip


def _issue(bill: TicketFeeBill, now: datetime) -> int:
    tenant = bill.tenant
    row = subscriptions.row_with_customer(tenant)
    begins = datetime(bill.month.year, bill.month.month, 1, tzinfo=UTC)
    after = _month_after(bill.month)
    with translation.override(tenant.language):
        text = _("Fees of %(tickets)s tickets, up to %(month)s") % {
            "tickets": bill.tickets, "month": f"{bill.month:%Y-%m}",
        }  # fmt: skip
    invoice = gateway.invoice_fees(
        customer=row.stripe_customer, currency=bill.currency, amount_minor=bill.amount_minor, text=text,
        begins=begins, ends=datetime(after.year, after.month, 1, tzinfo=UTC), days=DAYS_TO_PAY,
        key=f"fees:{bill.pk}",
    )  # fmt: skip
    point("billing.fees")
    TicketFeeBill.objects.filter(pk=bill.pk, issued_at=None).update(stripe_invoice=invoice, issued_at=now)
    mirror.look(tenant.pk)
    return 1


def _month_after(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
