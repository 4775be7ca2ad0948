"""Asking providers about what is open, so that a lost webhook or a kill heals by itself (O3, O9)."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shared_apps.core.faults import point
from tenant_apps.orders.models import Order
from tenant_apps.payments import providers
from tenant_apps.payments.callbacks import apply_notice
from tenant_apps.payments.models import Payment, Refund
from tenant_apps.payments.providers.base import Notice, ProviderFailed
from tenant_apps.payments.refunds import carry_out
from tenant_apps.payments.services import POLL_AFTER, settle

logger = logging.getLogger(__name__)

# A claim on a row for asking about it: another worker that sweeps meanwhile passes it by.
# Longer than a task may run; with one sweep behind it all is asked again within 120 s of a crash (G4).
ASKING = timedelta(seconds=60)
# After so long without an answer about a payment, nothing will come of it any more.
GIVEN_UP_AFTER = timedelta(days=7)
# Providers' pages are open for a day at most; an intent that no page was made for is closed much sooner.
UNREACHED_AFTER = timedelta(minutes=10)


def poll_due(*, limit: int = 200, now: datetime | None = None) -> int:
    """Ask about every open payment and refund whose time has come; returns how many came to their end."""
    now = now or timezone.now()
    ended = 0
    for payment in _claim(Payment, limit, now):
        point("poll.claimed")
        try:
            ended += ask(payment, now=now).status not in ("pending", "requires_action", "failed")
        except Exception:
            # One that cannot be asked must not keep the others from it.
            logger.exception("payment %s cannot be asked about", payment.pk)
    for refund in _claim(Refund, limit, now):
        point("poll.refund_claimed")
        try:
            ended += carry_out(refund).status != Refund.Status.PENDING
        except Exception:
            logger.exception("refund %s cannot be asked about", refund.pk)
    return ended


@transaction.atomic
def _claim(model: type[Payment | Refund], limit: int, now: datetime) -> list[Any]:
    """Rows whose time has come, put off a little so that nobody else asks at the same time."""
    rows_of: Any = model._default_manager
    due = rows_of.filter(poll_at__lte=now).order_by("poll_at")
    keys = list(due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:limit])
    rows = rows_of.filter(pk__in=keys)
    rows.update(poll_at=now + ASKING)
    related = ("order", "account") if model is Payment else ("payment__order", "payment__account")
    return list(rows.select_related(*related))


def ask(payment: Payment, *, now: datetime | None = None) -> Payment:
    """Ask the provider how a payment stands and bring it there. Must not run inside a transaction (O3).

    A payment of an order that ended is closed at the provider first, so that nobody pays for nothing.
    """
    now = now or timezone.now()
    provider = providers.by_name(payment.provider)
    try:
        if not payment.reference and not payment.session:
            if now - payment.created_at < UNREACHED_AFTER:
                return _later(payment, now)
            # Nobody was ever sent to a page for it: the provider may know of it, but no buyer does.
            return settle(payment, Payment.Status.CANCELLED, reference="")
        if not _wanted(payment):
            provider.give_up(payment)
            point("poll.closed")
        notice = provider.ask(payment) or Notice(outcome="pending")
    except ProviderFailed:
        return _later(payment, now)
    point("poll.answered")
    live = payment.account.live if payment.account else notice.live
    if notice.outcome == "succeeded" and notice.live != live:
        logger.error("payment %s: the provider's answer is of the other mode", payment.pk)
        return _later(payment, now)
    if notice.outcome != "succeeded" and now - payment.created_at > GIVEN_UP_AFTER:
        notice = Notice(outcome="cancelled", reference=payment.reference or "")
    apply_notice(payment, notice)
    payment = Payment.objects.select_related("order", "account").get(pk=payment.pk)
    return _later(payment, now) if payment.poll_at else payment


def _wanted(payment: Payment) -> bool:
    return Order.objects.filter(pk=payment.order_id, status=Order.Status.PENDING).exists()


def _later(payment: Payment, now: datetime) -> Payment:
    payment.polls += 1
    pause = POLL_AFTER[min(payment.polls, len(POLL_AFTER) - 1)]
    if not _wanted(payment):
        # The order is over; what is still open at the provider is looked at for a while and then left.
        pause = max(pause, timedelta(minutes=15))
    payment.poll_at = now + pause
    Payment.objects.filter(pk=payment.pk, poll_at__isnull=False).update(poll_at=payment.poll_at, polls=payment.polls)
    return payment
