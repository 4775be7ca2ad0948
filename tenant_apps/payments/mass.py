"""Everybody's money back for one event that is called off, or that was put off and is given up.

A run has a row for each order. A worker takes row after row: in one transaction the event's lines are cancelled, their
money's way back is written down (M7) and the row says so; the provider is called after the commit (O3). A kill at any
point leaves rows that are taken up again, and refunds that the outbox carries out (G4). Goods and other events of the
same order stay as they are.
"""

import logging
import time
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from shared_apps.accounts.models import User
from shared_apps.core.database_errors import DEADLOCK, SERIALIZATION_FAILURE, broke, retrying, sqlstate
from shared_apps.core.errors import DomainError
from shared_apps.core.faults import point
from tenant_apps.activity.services import record
from tenant_apps.events.models import Event
from tenant_apps.orders import lifecycle
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.payments.errors import EventStillOn
from tenant_apps.payments.line_refunds import intend_line_cancellation
from tenant_apps.payments.models import MassRefund, MassRefundRow, Refund
from tenant_apps.payments.refunds import carry_out, intend_order_refund, refundable_minor
from tenant_apps.staff.actors import person_of

logger = logging.getLogger(__name__)

CALLED_OFF = (Event.Status.CANCELLED, Event.Status.POSTPONED)
LIVE = (Order.Status.PENDING, Order.Status.PAID)
# How long one task works before it hands over to the next; well within its own limit and the broker's.
WORK_SECONDS = 120.0
RESUME_AFTER = timedelta(minutes=1)
Row = MassRefundRow.Status


@transaction.atomic
def _begin(event: Event, actor: Any, reason: str) -> MassRefund:
    event = Event.objects.select_for_update(no_key=True).get(pk=event.pk)
    if event.status not in CALLED_OFF:
        raise EventStillOn
    person = person_of(actor)
    run = MassRefund.objects.create(event=event, reason=reason[:300], started_by=person.pk if person else None)
    count = _list_orders(run)
    record("mass_refund.started", run, actor=actor, details={"event": event.title, "orders": count, "reason": reason})
    return run


def start(event: Event, *, actor: Any = None, reason: str = "") -> MassRefund:
    """Begin to send everybody's money back; one that is running already is returned. Raises EventStillOn."""
    try:
        return _begin(event, actor, reason)
    except IntegrityError as error:
        if not broke(error, "massrefund_one_running"):
            raise
        return MassRefund.objects.get(event=event, status=MassRefund.Status.RUNNING)


def _list_orders(run: MassRefund) -> int:
    """A row for each live order with places at the event that has none yet; returns how many are new. None if the event
    is on again: whoever buys now wants to come."""
    if not Event.objects.filter(pk=run.event_id, status__in=CALLED_OFF).exists():
        return 0
    lines = OrderLine.objects.filter(order=OuterRef("pk"), event=run.event_id, status=OrderLine.Status.ACTIVE)
    missing = Order.objects.filter(Exists(lines), status__in=LIVE).exclude(mass_refund_rows__mass=run)
    rows = [
        MassRefundRow(mass=run, order_id=pk, currency=currency)
        for pk, currency in missing.order_by("created_at").values_list("pk", "currency").iterator(2000)
    ]
    MassRefundRow.objects.bulk_create(rows, batch_size=2000, ignore_conflicts=True)
    return len(rows)


def work(run: MassRefund, *, seconds: float = WORK_SECONDS) -> bool:
    """Do what waits, row by row; True when nothing is left. Many workers at once share the rows; twice is once (G2)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        row = _next(run)
        if row is None:
            # Whoever paid while we worked, for places that they had not lost yet, is there too.
            if _list_orders(run) and time.monotonic() < until:
                continue
            return _finish(run)
        point("mass.intended")
        for refund in row.refunds.filter(status=Refund.Status.PENDING).select_related(
            "payment__order", "payment__account"
        ):
            _send(refund)
    return False


def _send(refund: Refund) -> None:
    try:
        carry_out(refund)
    except Exception:
        # It is written down: the outbox and the poll go on with it. The next order must not wait.
        logger.exception("refund %s of a mass refund is not sent yet", refund.pk)


@retrying
@transaction.atomic
def _next(run: MassRefund) -> MassRefundRow | None:
    """Take the next row that waits and do all of it that is ours; None if there is none. A row that another worker
    holds is passed by."""
    waiting = MassRefundRow.objects.filter(mass=run, status=Row.WAITING).order_by("pk")
    row = waiting.select_for_update(skip_locked=True, of=("self",), no_key=True).select_related("order", "mass").first()
    if row is None:
        return None
    row.tries += 1
    try:
        with transaction.atomic():
            _give_back(row)
            row.code = row.words = ""
    except DomainError as refusal:
        row.status, row.code, row.words = Row.FAILED, refusal.code, str(refusal)[:300]
    except DatabaseError as error:
        if sqlstate(error) in (DEADLOCK, SERIALIZATION_FAILURE):
            raise
        # Such as a lock that was waited for in vain: staff may repeat it.
        logger.exception("order %s of a mass refund fails", row.order_id)
        row.status, row.code, row.words = Row.FAILED, "busy", type(error).__name__
    except Exception:
        logger.exception("order %s of a mass refund fails", row.order_id)
        row.status, row.code, row.words = Row.FAILED, "internal_error", _("Something went wrong on our side.")
    row.save(update_fields=["status", "amount_minor", "code", "words", "tries", "modified_at"])
    MassRefund.objects.filter(pk=run.pk).update(modified_at=timezone.now())
    return row


def _give_back(row: MassRefundRow) -> None:
    """Cancel the order's lines at the event and write down what goes back, once; when repeated, only what did not."""
    refunds: list[Refund] = []
    order = lifecycle.lock(row.order)
    actor = User.objects.filter(pk=row.mass.started_by).first() if row.mass.started_by else None
    reason = row.mass.reason or _("{event} was called off").format(event=row.mass.event.title)[:300]
    if row.amount_minor is None:
        mine = order.lines.filter(event=row.mass.event_id, status=OrderLine.Status.ACTIVE)
        wanted = list(mine.values_list("pk", flat=True)) if order.status in LIVE else []
        if wanted:
            _order, refunds = intend_line_cancellation(order, wanted, actor=actor, by_staff=True, reason=reason)
        row.amount_minor = sum(refund.amount_minor for refund in refunds)
    else:
        gone = row.refunds.exclude(status=Refund.Status.FAILED).aggregate(sum=Sum("amount_minor"))["sum"] or 0
        left = min(row.amount_minor - gone, refundable_minor(order))
        if left > 0:
            refunds = intend_order_refund(order, left, reason=reason, actor=actor)
    Refund.objects.filter(pk__in=[refund.pk for refund in refunds]).update(mass_row=row)
    row.status = Row.SENT if refunds else Row.DONE


@transaction.atomic
def _finish(run: MassRefund) -> bool:
    run = MassRefund.objects.select_for_update(no_key=True).get(pk=run.pk)
    if run.rows.filter(status=Row.WAITING).exists():
        return False
    if run.status == MassRefund.Status.RUNNING:
        run.status, run.finished_at = MassRefund.Status.DONE, timezone.now()
        run.save(update_fields=["status", "finished_at", "modified_at"])
        record("mass_refund.finished", run, details={"event": run.event.title, **progress(run)}, deliver=False)
    return True


@transaction.atomic
def repeat(run: MassRefund, *, actor: Any = None) -> MassRefund:
    """Try again what failed. Nothing is sent twice: of each order only what has not gone back (M7)."""
    run = MassRefund.objects.select_for_update(no_key=True).get(pk=run.pk)
    # One at a time: rows that wait in a run that nobody works on would wait for ever.
    if MassRefund.objects.filter(event=run.event_id, status=MassRefund.Status.RUNNING).exclude(pk=run.pk).exists():
        return run
    again = run.rows.filter(status=Row.FAILED).exclude(refunds__status=Refund.Status.PENDING)
    count = MassRefundRow.objects.filter(pk__in=list(again.values_list("pk", flat=True))).update(
        status=Row.WAITING, modified_at=timezone.now()
    )
    if not count:
        return run
    run.status, run.finished_at = MassRefund.Status.RUNNING, None
    run.save(update_fields=["status", "finished_at", "modified_at"])
    record("mass_refund.repeated", run, actor=actor, details={"event": run.event.title, "orders": count})
    return run


def progress(run: MassRefund) -> dict[str, int]:
    """How many orders there are in each state, by its name, with `total`; one statement."""
    counts = dict(run.rows.values_list("status").annotate(count=Count("pk")))
    states = {str(state): counts.get(state, 0) for state in Row.values}
    return {**states, "total": sum(states.values())}


def sums(run: MassRefund) -> list[tuple[str, int, int]]:
    """(currency, what is to go back, what is back already), in minor units."""
    back = Sum("refunds__amount_minor", filter=Q(refunds__status=Refund.Status.SUCCEEDED))
    promised = dict(run.rows.values_list("currency").annotate(sum=Sum("amount_minor")))
    done = dict(run.rows.values_list("currency").annotate(sum=back))
    return [(currency, promised[currency] or 0, done.get(currency) or 0) for currency in sorted(promised)]


def failures(run: MassRefund) -> QuerySet[MassRefundRow]:
    """The orders that staff have to look at, with them."""
    return run.rows.filter(status=Row.FAILED).select_related("order").order_by("pk")


def affected(event: Event) -> int:
    """How many orders would be cancelled, whole or in part."""
    lines = OrderLine.objects.filter(order=OuterRef("pk"), event=event, status=OrderLine.Status.ACTIVE)
    return Order.objects.filter(Exists(lines), status__in=LIVE).count()


def unfinished() -> list[MassRefund]:
    """Runs that nobody works on: their worker died, or its task was lost."""
    since = timezone.now() - RESUME_AFTER
    return list(MassRefund.objects.filter(status=MassRefund.Status.RUNNING, modified_at__lt=since))
