"""Our picture of a customer, painted anew from what Stripe answers: the only writer of subscriptions and invoices.

A message of Stripe is a hint that something changed. Whatever it says of that is not used: everything about the
customer is asked for and kept as a whole, so that messages may come in any order, twice, or not at all (O8). Two that
ask at once could keep their answers in the wrong order; so each takes a number before it asks, and an answer with a
number below one that was kept is thrown away. That loses nothing: who took the higher number asked later than
everybody with a lower one was told what it was to look for (docs/decisions/0047-subscriptions.md).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from shared_apps.accounts import trail
from shared_apps.billing import gateway, letters, limits, standing
from shared_apps.billing.errors import BillingUnavailable, StripeRefused
from shared_apps.billing.gateway import Bill, Sold, Told
from shared_apps.billing.models import BillingEvent, Plan, PlatformInvoice, Subscription
from shared_apps.billing.standing import Picture, Status
from shared_apps.core.errors import WrongState
from shared_apps.core.faults import point
from tenants import provisioning
from tenants.context import in_public
from tenants.models import Tenant

logger = logging.getLogger(__name__)

# So soon somebody looks again who finds that what follows from a picture was not done.
UNTIL_SETTLED = timedelta(minutes=1)


@dataclass(frozen=True)
class Looked:
    """The row after a look, and the subscription at Stripe that counts, if one does."""

    row: Subscription
    running: Sold | None


def look(tenant_id: int, *, events: Sequence[int] = (), now: datetime | None = None) -> Looked:
    """Ask Stripe about a tenant's customer and keep what it says; the messages named are done with the same commit.

    Must not run inside a transaction (O3). Raises Subscription.DoesNotExist, and BillingUnavailable or StripeRefused
    after the clock alone was followed.
    """
    now = now or standing.moment()
    with in_public():
        number, customer = _take_number(tenant_id)
        try:
            told = gateway.told_of(customer) if customer else Told([], [])
            point("billing.asked")
        except (BillingUnavailable, StripeRefused):
            _follow_clock(tenant_id, now)
            raise
        found = standing.picture(told, now)
        row, next_look = _keep(tenant_id, number, told, found, events, now)
        point("billing.kept")
        settle(row)
        _put_right(row, found)
        # All that follows is done. Who looked again meanwhile says when the next time is.
        if Subscription.objects.filter(pk=row.pk, answered=number).update(look_at=next_look):
            row.look_at = next_look
        return Looked(row, found.running)


def settle(row: Subscription) -> None:
    """Let the tenant have what follows from its standing, as it is now: who looked later may have kept another picture
    and done what follows from that. The row is held until it is done, so the last word is that of the newest picture.

    Twice is once: what was broken off is done at the next look.
    """
    with transaction.atomic():
        present = _locked(row.tenant_id)
        row.tenant = tenant = present.tenant
        limits.refresh(tenant)
        try:
            if present.status == Status.SUSPENDED:
                provisioning.suspend(tenant, cause=Tenant.Cause.BILLING, reason="unpaid")
            elif Tenant.Cause.BILLING in tenant.suspensions:
                provisioning.resume(tenant, cause=Tenant.Cause.BILLING)
        except WrongState:
            # It is being opened, or closed: there is nothing to suspend.
            logger.info("standing_without_tenant", extra={"tenant": tenant.pk, "status": tenant.status})


def _take_number(tenant_id: int) -> tuple[int, str]:
    with transaction.atomic():
        row = Subscription.objects.select_for_update().get(tenant_id=tenant_id)
        row.asked += 1
        row.save(update_fields=["asked"])
    return row.asked, row.stripe_customer


def _keep(
    tenant_id: int, number: int, told: Told, found: Picture, events: Sequence[int], now: datetime
) -> tuple[Subscription, datetime | None]:
    """Write the whole picture, and that the messages are done, in one transaction; return also when to look next.

    Until what follows from it is done, that is soon: whoever dies in between is followed by another look.
    """
    with transaction.atomic():
        row = _locked(tenant_id)
        BillingEvent.objects.filter(pk__in=list(events), done_at=None).update(done_at=now)
        if number <= row.answered:
            return row, row.look_at
        before = _said(row)
        owed_before = row.past_due_since
        row.answered = number
        _paint(row, told, found, now)
        next_look, row.look_at = row.look_at, now + UNTIL_SETTLED
        row.save()
        _keep_invoices(row, told.invoices)
        letters.write(row, found, owed_before=owed_before, now=now)
        _note(row, before, now)
    return row, next_look


def _locked(tenant_id: int) -> Subscription:
    rows = Subscription.objects.select_related("tenant", "tenant__owner", "plan")
    return rows.select_for_update(of=("self",)).get(tenant_id=tenant_id)


def _paint(row: Subscription, told: Told, found: Picture, now: datetime) -> None:
    running = found.running
    if told.is_gone:
        # Somebody deleted the customer at Stripe: the next purchase makes another.
        row.stripe_customer = row.checkout_session = ""
    row.had_trial = row.had_trial or any(sold.trial_end for sold in told.subscriptions)
    row.stripe_subscription = running.id if running else ""
    row.plan = _plan_of(running, row.plan) if running and running.status != "incomplete" else None
    row.current_period_start = running.period_start if running else None
    row.current_period_end = running.period_end if running else None
    row.trial_ends_at = running.trial_end if running and running.status == "trialing" else None
    row.cancel_at_period_end = running.cancel_at_period_end if running else False
    over = running or found.last
    row.cancelled_at = over.cancelled_at if over else None
    if running is not None:
        row.checkout_plan, row.checkout_session, row.checkout_coupon, row.checkout_at = None, "", "", None
    status = standing.status_of(running, found.last, found.owed_since, now)
    _stand(row, found.owed_since, status, now, found.falls_due)


def _stand(
    row: Subscription, owed_since: datetime | None, status: Status, now: datetime, falls_due: datetime | None = None
) -> None:
    row.past_due_since = owed_since
    row.grace_until = owed_since + standing.GRACE if owed_since else None
    row.suspended_from = owed_since + standing.SUSPENDED_AFTER if owed_since else None
    row.status = status
    waits = row.checkout_session not in ("", standing.USED) or status == Status.INCOMPLETE
    row.look_at = standing.next_look(row, now, waits=waits, falls_due=falls_due)


def _follow_clock(tenant_id: int, now: datetime) -> None:
    """While Stripe does not answer, what was known to be owed goes on being owed: the days pass all the same."""
    with transaction.atomic():
        row = _locked(tenant_id)
        before = _said(row)
        if row.past_due_since is not None:
            _stand(row, row.past_due_since, standing.owing(row.past_due_since, now), now)
        row.look_at = now + standing.SOON
        row.save(update_fields=["status", "grace_until", "suspended_from", "look_at"])
        _note(row, before, now)
    settle(row)


def _plan_of(running: Sold, before: Plan | None) -> Plan | None:
    """Return our plan by the price's own word for it, else by its id; what nobody knows leaves the plan as it was."""
    plan = Plan.objects.filter(slug=running.plan_slug).first() if running.plan_slug else None
    plan = plan or Plan.objects.filter(stripe_price=running.price).first()
    if plan is None:
        logger.error("price_without_plan", extra={"price": running.price, "subscription": running.id})
    return plan or before


def _keep_invoices(row: Subscription, bills: Sequence[Bill]) -> None:
    """Drafts are not shown: they may change, and vanish."""
    rows = [
        PlatformInvoice(
            tenant_id=row.tenant_id, stripe_invoice=bill.id, number=bill.number, status=bill.status,
            reason=bill.reason, currency=bill.currency, total_minor=bill.total_minor, due_minor=bill.due_minor,
            paid_minor=bill.paid_minor, left_minor=bill.left_minor, issued_at=bill.issued_at, due_at=bill.due_at,
            paid_at=bill.paid_at, next_try_at=bill.next_try_at, period_start=bill.period_start,
            period_end=bill.period_end, lines=bill.lines, page_url=bill.page_url[:500], pdf_url=bill.pdf_url[:500],
        )
        for bill in bills
        if bill.status != "draft"
    ]  # fmt: skip
    PlatformInvoice.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["stripe_invoice"],
        update_fields=[
            "number", "status", "reason", "currency", "total_minor", "due_minor", "paid_minor", "left_minor",
            "issued_at", "due_at", "paid_at", "next_try_at", "period_start", "period_end", "lines", "page_url",
            "pdf_url",
        ],
    )  # fmt: skip


def _said(row: Subscription) -> dict[str, str | bool]:
    return {
        "status": str(row.status),
        "plan": row.plan.slug if row.plan else "",
        "cancel_at_period_end": row.cancel_at_period_end,
    }


def _note(row: Subscription, before: dict[str, str | bool], now: datetime) -> None:
    after = _said(row)
    if after == before:
        return
    Subscription.objects.filter(pk=row.pk).update(changed_at=now)
    trail.note(
        "subscription.changed", row.tenant.owner_id, target=f"tenants.tenant:{row.tenant_id}", by_owner=False,
        slug=row.tenant.slug, before=before, after=after,
    )  # fmt: skip
    logger.info("subscription of %s: %s", row.tenant.schema_name, after)


def _put_right(row: Subscription, found: Picture) -> None:
    """End what Stripe has and should not: a second subscription, which is given back, and any of a closed tenant.

    Money first: while the subscription runs, a later look finds it again and repeats both, and both are once only. So
    one whose money cannot be given back yet goes on running until it can.
    """
    over = row.tenant.status == Tenant.Status.CLOSED
    for sold in found.surplus:
        try:
            returned = gateway.give_back(sold.latest_invoice) if sold.latest_invoice else False
        except StripeRefused:
            logger.exception(
                "second_subscription_not_returned", extra={"tenant": row.tenant_id, "subscription": sold.id}
            )
            continue
        gateway.end_now(sold.id)
        letters.returned(row, sold, returned=returned)
        logger.warning("second_subscription_ended", extra={"tenant": row.tenant_id, "subscription": sold.id})
    if over and found.running is not None:
        gateway.end_now(found.running.id)
