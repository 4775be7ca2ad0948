"""What follows from a missing payment, and when. Pure rules: no database, no network.

Past due for 7 days: everything works, the owner is told. Then restricted: nothing can be added, sales and scans go on.
After 21 days suspended. What is paid ends all of it at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from shared_apps.billing.gateway import Bill, Sold, Told
from shared_apps.billing.models import Subscription

GRACE = timedelta(days=7)
SUSPENDED_AFTER = timedelta(days=21)
# So long before something gets worse the owner is told that it will.
WARNED_BEFORE = {"trial": timedelta(days=3), "grace": timedelta(days=2), "suspension": timedelta(days=3)}
# A renewal is settled at Stripe about an hour after it is due.
SETTLES = timedelta(hours=1, minutes=5)
# While money is missing or a page for a card is open, Stripe is asked so often whatever it says (O9).
SOON, SLOWLY = timedelta(minutes=10), timedelta(days=1)

# Stands where the id of a page for a card stood, once that page is known to be closed.
USED = "-"

Status = Subscription.Status
# Stripe's words that say that a plan runs.
_RUNNING = ("trialing", "active", "past_due", "unpaid", "paused")


def moment() -> datetime:
    """Return the present time; tests that move Stripe's clock move this one."""
    return timezone.now()


@dataclass(frozen=True)
class Picture:
    """What all that Stripe said comes to: the subscription that counts, those that are one too many, what is owed and
    when the next open invoice will be. `unpaid`: something should have been paid and was not, be it of a subscription
    that ended."""

    running: Sold | None
    surplus: tuple[Sold, ...]
    last: Sold | None
    owed: tuple[Bill, ...]
    owed_since: datetime | None
    falls_due: datetime | None
    unpaid: bool


def picture(told: Told, now: datetime) -> Picture:
    """Sort what Stripe said. Of several running subscriptions the first that was made counts."""
    rows = sorted(told.subscriptions, key=lambda sold: (sold.created, sold.id))
    alive = [sold for sold in rows if sold.status in _RUNNING]
    waiting = [sold for sold in rows if sold.status == "incomplete"]
    running = next(iter([*alive, *waiting]), None)
    over = [sold for sold in rows if sold.is_over]
    # What a subscription that ended left unpaid bars the way back, and does not restrict who has the free plan.
    mine = ("", running.id) if running is not None else ("",)
    owed = [bill for bill in told.invoices if bill.subscription in mine and bill.owed_since(now) is not None]
    open_ones = [bill for bill in told.invoices if bill.status == "open" and bill.left_minor and not bill.by_card]
    owed.sort(key=lambda bill: (bill.owed_since(now) or now, bill.id))
    return Picture(
        running=running,
        surplus=tuple(alive[1:]),
        last=over[-1] if over else None,
        owed=tuple(owed),
        owed_since=owed[0].owed_since(now) if owed else None,
        falls_due=min((bill.due_at for bill in open_ones if bill.due_at and bill.due_at > now), default=None),
        unpaid=any(bill.owed_since(now) is not None for bill in told.invoices),
    )


def status_of(running: Sold | None, last: Sold | None, owed_since: datetime | None, now: datetime) -> Status:
    """Return the standing that this comes to at this moment."""
    if owed_since is not None:
        return owing(owed_since, now)
    if running is None:
        return Status.CANCELLED if last is not None else Status.FREE
    if running.status == "incomplete":
        return Status.INCOMPLETE
    return Status.TRIALING if running.status == "trialing" else Status.ACTIVE


def owing(since: datetime, now: datetime) -> Status:
    """Return what somebody is who owes since then."""
    if now < since + GRACE:
        return Status.PAST_DUE
    return Status.RESTRICTED if now < since + SUSPENDED_AFTER else Status.SUSPENDED


def worse_at(row: Subscription) -> datetime | None:
    """Return when a missing payment has its next effect; None if none is missing or it cannot get worse."""
    return {Status.PAST_DUE: row.grace_until, Status.RESTRICTED: row.suspended_from}.get(Status(row.status))


def next_look(row: Subscription, now: datetime, *, waits: bool, falls_due: datetime | None = None) -> datetime | None:
    """Return when a row has to be looked at again: when something happens by the clock, and now and then without.

    `waits` says that an answer of somebody's bank, or a payment, may come any moment; `falls_due` when an open
    invoice should have been paid.
    """
    if not row.stripe_customer:
        return None
    steps: list[datetime | None] = [now + (SOON if waits or row.is_owing else SLOWLY)]
    if row.current_period_end is not None and row.plan_id is not None:
        steps.append(row.current_period_end + SETTLES)
    if row.status == Status.TRIALING and row.trial_ends_at is not None:
        steps.append(row.trial_ends_at - WARNED_BEFORE["trial"])
    if row.is_owing:
        steps += _owing_steps(row)
    elif row.plan_id is None and not waits:
        # Who has nothing, and of whom nothing is expected, is looked at when Stripe says something.
        steps = []
    steps.append(falls_due)
    return min((step for step in steps if step is not None and step > now), default=None)


def _owing_steps(row: Subscription) -> Iterable[datetime]:
    if row.grace_until is not None:
        yield row.grace_until - WARNED_BEFORE["grace"]
        yield row.grace_until
    if row.suspended_from is not None:
        yield row.suspended_from - WARNED_BEFORE["suspension"]
        yield row.suspended_from
