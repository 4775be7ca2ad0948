"""A tenant's subscription, for its owner: buy, change, cancel, take back, look after. And what it comes to for limits.

Each verb notes what is meant, calls Stripe outside of any transaction, and then looks (`mirror.look`) at what came of
it: what is kept here is always what Stripe says, never what we hoped.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shared_apps.billing import gateway, limits, mirror, plans, standing
from shared_apps.billing.errors import (
    BillingUnavailable,
    CheckoutReplaced,
    CouponUnknown,
    InvoiceUnpaid,
    NothingSubscribed,
    PlanAlready,
    PlanIsFree,
    PlanUnknown,
    StripeRefused,
    TenantOver,
)
from shared_apps.billing.gateway import Sold
from shared_apps.billing.models import Plan, PlatformInvoice, Subscription
from shared_apps.billing.plans import Standing
from shared_apps.core.faults import point
from tenants import links
from tenants.context import in_public
from tenants.models import Tenant

logger = logging.getLogger(__name__)

PAGE = "/dashboard/billing/"
# A page of Stripe's for a card is good for a day; ours is given up a little before.
PAGE_LIVES = timedelta(hours=23)
_MONTHS = {"month": 1, "year": 12}


def of(tenant: Tenant) -> Subscription | None:
    """Return the tenant's row; None if it never subscribed to anything."""
    with in_public():
        return Subscription.objects.select_related("plan", "checkout_plan").filter(tenant=tenant).first()


def invoices_of(tenant: Tenant) -> list[PlatformInvoice]:
    """Return the platform's invoices to the tenant, newest first."""
    with in_public():
        return list(PlatformInvoice.objects.filter(tenant=tenant).order_by("-issued_at", "-pk")[:100])


def tell_standing(tenant: Tenant) -> Standing | None:
    """What the plans' module is told of a tenant (`plans.told_by`): None for who has nothing subscribed and owes
    nothing."""
    row = of(tenant)
    if row is None or (row.plan is None and not row.is_owing):
        return None
    return Standing(
        plan=row.plan or plans.free(),
        restricted=row.status in (standing.Status.RESTRICTED, standing.Status.SUSPENDED),
        told=_told(row) if row.is_owing else {},
    )


def _told(row: Subscription) -> dict[str, Any]:
    """What every page of the dashboard says while a payment is missing, without asking anybody."""
    until = standing.worse_at(row)
    return {"status": str(row.status), "until": until.isoformat() if until else None}


# --- Buying ----------------------------------------------------------------------------------------------------------


def start(tenant: Tenant, slug: str, *, coupon: str = "") -> str:
    """Begin to buy a plan and return the address of the page that asks for a card.

    Asked again, for the same plan, it is the same page: two owners who buy at once stand before one page. Raises
    PlanUnknown, PlanIsFree, PlanAlready, InvoiceUnpaid, CouponUnknown, CheckoutReplaced, BillingOff,
    BillingUnavailable. Who has a running plan changes it instead (`change`).
    """
    plan = _plan(slug)
    with in_public():
        row = row_with_customer(tenant)
        row = mirror.look(tenant.pk).row
        if row.plan is not None:
            raise PlanAlready
        _require_paid(row)
        promotion = gateway.promotion_of(coupon) if coupon else ""
        if coupon and not promotion:
            raise CouponUnknown(field="coupon")
        number, old = _mean(row, plan, coupon)
        if old:
            gateway.close_checkout(old)
        return _page(tenant, number, plan, promotion)


def _page(tenant: Tenant, number: int, plan: Plan, promotion: str) -> str:
    """Open the page that was meant, or find the one that is open already."""
    row = Subscription.objects.get(tenant=tenant)
    if row.checkouts == number and row.checkout_session:
        state, address = gateway.checkout_state(row.checkout_session)
        if state == "open":
            return address
        raise CheckoutReplaced
    session, address = gateway.open_checkout(
        customer=row.stripe_customer, price=_price(plan), trial_days=0 if row.had_trial else plan.trial_days,
        promotion=promotion, back=links.url(tenant, PAGE), key=f"tenant:{tenant.pk}:checkout:{number}", tenant=tenant,
    )  # fmt: skip
    point("billing.checkout")
    with transaction.atomic():
        row = Subscription.objects.select_for_update().get(tenant=tenant)
        ours = row.checkouts == number
        if ours:
            row.checkout_session, row.look_at = session, timezone.now() + standing.SOON
            row.save(update_fields=["checkout_session", "look_at"])
    if not ours:
        # Somebody else chose another plan in this moment: only one page may be paid on.
        gateway.close_checkout(session)
        raise CheckoutReplaced
    return address


def _mean(row: Subscription, plan: Plan, coupon: str) -> tuple[int, str]:
    """Note which plan is to be bought (O3); returns the number of the try, and the page that this makes void."""
    now = timezone.now()
    with transaction.atomic():
        row = Subscription.objects.select_for_update().get(pk=row.pk)
        same = row.checkout_plan_id == plan.pk and row.checkout_coupon == coupon
        if same and row.checkout_at is not None and row.checkout_at > now - PAGE_LIVES and not _is_used(row):
            return row.checkouts, ""
        old = row.checkout_session
        row.checkouts += 1
        row.checkout_plan, row.checkout_coupon, row.checkout_session, row.checkout_at = plan, coupon, "", now
        row.save(update_fields=["checkouts", "checkout_plan", "checkout_coupon", "checkout_session", "checkout_at"])
    return row.checkouts, old


def _is_used(row: Subscription) -> bool:
    """True for a page that was paid on, or closed, since: it leads nowhere."""
    return row.checkout_session == standing.USED


def row_with_customer(tenant: Tenant) -> Subscription:
    """Return the tenant's row with a customer at Stripe, both made once."""
    if tenant.status in (Tenant.Status.CLOSED, Tenant.Status.OPENING):
        raise TenantOver
    known = Subscription.objects.filter(tenant=tenant).first()
    if known is not None and known.stripe_customer:
        return known
    # First: while Stripe does not answer nothing is written.
    customer = gateway.make_customer(tenant)
    point("billing.customer")
    with transaction.atomic():
        Subscription.objects.get_or_create(tenant=tenant)
        row = Subscription.objects.select_for_update().get(tenant=tenant)
        if not row.stripe_customer:
            row.stripe_customer = customer
            row.save(update_fields=["stripe_customer"])
    return row


def _plan(slug: str) -> Plan:
    plan = plans.named(slug)
    if plan is None:
        raise PlanUnknown(field="plan")
    if plan.is_free:
        raise PlanIsFree(field="plan")
    return plan


def _price(plan: Plan) -> str:
    """Return the plan's price at Stripe, and keep its id."""
    price = gateway.price_of(plan)
    if plan.stripe_price != price:
        Plan.objects.filter(pk=plan.pk).update(stripe_price=price)
    return price


def _require_paid(row: Subscription) -> None:
    open_ones = PlatformInvoice.objects.filter(tenant_id=row.tenant_id, status="open", left_minor__gt=0)
    first = open_ones.order_by("issued_at").first()
    if first is not None:
        raise InvoiceUnpaid(pay_url=first.page_url)


# --- Changing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """What a change would come to if it were made now; money in minor units."""

    plan: Plan
    total_minor: int
    due_minor: int
    currency: str
    is_larger: bool


def preview(tenant: Tenant, slug: str) -> Preview:
    """Reckon, at Stripe, what a change to this plan would cost now. Raises as `change` does, and changes nothing."""
    plan, running = _change_to(tenant, slug)
    row = of(tenant)
    assert row is not None
    with in_public():
        total, due, currency = gateway.preview(row.stripe_customer, running, _price(plan))
    return Preview(plan, total, due, currency, is_larger(plan, row.plan))


def change(tenant: Tenant, slug: str) -> Subscription:
    """Change to another plan now. The rest of the period is reckoned out to the second: a larger plan is charged at
    once, what a smaller one leaves over lessens the next invoices.

    Raises PlanTooSmall for a plan that does not hold what there is, CardDeclined (nothing changed), PlanAlready,
    InvoiceUnpaid, NothingSubscribed.
    """
    plan, running = _change_to(tenant, slug)
    with in_public():
        row = of(tenant)
        gateway.change_price(running, _price(plan), at_once=is_larger(plan, row.plan if row else None))
        point("billing.changed")
        if running.cancel_at_period_end:
            # Who chooses a plan means to have it.
            gateway.end_with_period(running, yes=False)
        return mirror.look(tenant.pk).row


def _change_to(tenant: Tenant, slug: str) -> tuple[Plan, Sold]:
    plan = _plan(slug)
    with in_public():
        row, running = _running(tenant)
        if row.plan_id == plan.pk:
            raise PlanAlready
        if row.is_owing:
            _require_paid(row)
    limits.require_fits(tenant, plan)
    return plan, running


def is_larger(plan: Plan, than: Plan | None) -> bool:
    """True if a plan costs more by the month."""
    return than is None or _a_year(plan) > _a_year(than)


def _a_year(plan: Plan) -> int:
    return plan.price_minor * 12 // _MONTHS.get(plan.interval, 12)


def cancel(tenant: Tenant) -> Subscription:
    """Let the plan end with what is paid for; while a payment is missing, at once. Nothing is deleted.

    Raises NothingSubscribed.
    """
    with in_public():
        row, running = _running(tenant)
        if row.is_owing:
            gateway.end_now(running.id)
        elif not running.cancel_at_period_end:
            gateway.end_with_period(running, yes=True)
        point("billing.cancelled")
        return mirror.look(tenant.pk).row


def resume(tenant: Tenant) -> Subscription:
    """Take a cancellation back while the plan still runs. Raises NothingSubscribed once it has ended."""
    with in_public():
        _row, running = _running(tenant)
        if running.cancel_at_period_end:
            gateway.end_with_period(running, yes=False)
        return mirror.look(tenant.pk).row


def portal(tenant: Tenant) -> str:
    """Return the address of Stripe's own page for cards, addresses and invoices."""
    with in_public():
        row = row_with_customer(tenant)
        return gateway.open_portal(row.stripe_customer, links.url(tenant, PAGE))


def look(tenant: Tenant) -> Subscription | None:
    """Look at what Stripe says now; None for who has nothing there. While it does not answer: what was known."""
    row = of(tenant)
    if row is None or not row.stripe_customer:
        return row
    try:
        return mirror.look(tenant.pk).row
    except (BillingUnavailable, StripeRefused):
        return of(tenant)


def _running(tenant: Tenant) -> tuple[Subscription, Sold]:
    row = of(tenant)
    if row is None or not row.stripe_customer:
        raise NothingSubscribed
    looked = mirror.look(tenant.pk)
    if looked.running is None or looked.row.plan is None:
        raise NothingSubscribed
    return looked.row, looked.running


# --- By the clock ----------------------------------------------------------------------------------------------------


def sweep(now: datetime | None = None, most: int = 200) -> dict[str, int]:
    """Do what is due: messages that wait, rows whose time has come, letters. Returns how many of each.

    Twice changes nothing, and one tenant's failure is that tenant's.
    """
    from shared_apps.billing import callbacks, letters

    now = now or standing.moment()
    with in_public():
        due = callbacks.BillingEvent.objects.due().order_by("pk").values_list("customer", flat=True)[: most * 5]
        events = sum(_safely(callbacks.take_up, customer) for customer in dict.fromkeys(due))
        rows = list(Subscription.objects.due(now).values_list("tenant_id", flat=True)[:most])
        looked = sum(_safely(_look_at, tenant_id, now) for tenant_id in rows)
    return {"events": events, "looked": looked, "letters": letters.send_waiting()}


def _look_at(tenant_id: int, now: datetime) -> int:
    # Put behind the others first: one that cannot be looked at keeps nobody waiting, however many such there are.
    Subscription.objects.filter(tenant_id=tenant_id).update(look_at=now + mirror.UNTIL_SETTLED)
    try:
        row = mirror.look(tenant_id, now=now).row
    except BillingUnavailable:
        return 0
    except StripeRefused:
        logger.exception("subscription_not_looked_at", extra={"tenant": tenant_id})
        return 0
    _forget_dead_page(row)
    return 1


def _forget_dead_page(row: Subscription) -> None:
    """A page for a card that ran out is waited for no more."""
    if row.checkout_session in ("", standing.USED) or row.plan_id is not None:
        return
    state, _address = gateway.checkout_state(row.checkout_session)
    if state != "open":
        page = Subscription.objects.filter(pk=row.pk, checkout_session=row.checkout_session)
        page.update(checkout_session=standing.USED, look_at=None)


def _safely(act: Any, *arguments: Any) -> int:
    try:
        return int(act(*arguments))
    except Exception:
        logger.exception("billing_step_failed")
        return 0
