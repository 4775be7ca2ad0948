"""What a storm left: each effect that had to come, and how often it came: by rows, mails and the provider's books."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import outcomes, stories
from bench.crowd import ROWS_OF_A_FILE, Crowd

# Topics of which each message is a mail to the buyer. (Tickets that were taken back before the mail
# left stay here.)
MAILED = ("order.paid", "order.refunded", "order.cancelled")
# What may happen to an order once only.
MOVES = ("order.paid", "order.expired", "order.cancelled")


@dataclass
class Effects:
    """By kind: how many had to come, how many did not, and how many came once more than they should."""

    wanted: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    twice: Counter[str] = field(default_factory=Counter)

    def count(self, kind: str, times: int, should_be: int = 1) -> None:
        """One effect, which came `times` times."""
        self.wanted[kind] += should_be
        self.lost[kind] += max(should_be - times, 0)
        self.twice[kind] += max(times - should_be, 0)


def what_is_left(crowd: Crowd) -> list[str]:
    """What has still to happen, in words; nothing once all is done. Reads only."""
    left: list[str] = []
    for shop in crowd.shops:
        left += [f"{shop.slug}: {each}" for each in _left_of(shop, crowd)]
    return left


def _left_of(shop: stories.Shop, crowd: Crowd) -> list[str]:
    from tenant_apps.imports.models import ImportJob
    from tenant_apps.orders.models import Order
    from tenants.context import in_tenant

    with in_tenant(shop.tenant):
        left = outcomes.undelivered()
        orders = {order.code: order for order in Order.objects.filter(code__in=list(crowd.orders[shop.slug]))}
        for code, words in crowd.orders[shop.slug].items():
            status, *more = words.split()
            order = orders[code]
            if order.status != status:
                left.append(f"order {code} is {order.status}, not {status}")
            elif more and order.refunded_minor != order.total_minor:
                left.append(f"order {code}: {order.refunded_minor} of {order.total_minor} sent back")
        jobs = dict(ImportJob.objects.values_list("pk", "status"))
        for pk in crowd.files[shop.slug]:
            status = next((status for job, status in jobs.items() if str(job) == pk), "missing")
            if status != "applied":
                left.append(f"import {pk} is {status}")
    return left


def count(crowd: Crowd, fake: stories.Provider, mail: Path) -> Effects:
    """Count every effect of what the crowd did."""
    fake.settled()
    posted = outcomes.mails_in(mail)
    effects = Effects()
    for shop in crowd.shops:
        _count_of(shop, crowd, fake, posted, effects)
    return effects


def _count_of(shop: stories.Shop, crowd: Crowd, fake: stories.Provider, posted: Counter[str], effects: Effects) -> None:
    from tenants.context import in_tenant

    with in_tenant(shop.tenant):
        _orders(crowd.orders[shop.slug], effects)
        _mails(posted, effects)
        _money(crowd.orders[shop.slug], fake.books.all("refund", f"sk_test_{shop.slug}"), effects)
        _files(crowd.files[shop.slug], effects)


def _orders(wanted: dict[str, str], effects: Effects) -> None:
    """Each order came to what it had to by one move, and a paid one has each of its tickets once."""
    from tenant_apps.activity.models import AuditEntry
    from tenant_apps.orders.models import Order, OrderLine
    from tenant_apps.ticketing.models import Ticket

    moves = Counter(AuditEntry.objects.filter(topic__in=MOVES, refused=False).values_list("topic", "target"))
    tickets = Counter(OrderLine.objects.filter(ticket__isnull=False).values_list("order__code", flat=True))
    for order in Order.objects.filter(code__in=list(wanted)):
        status, *_more = wanted[order.code].split()
        target = f"orders.order:{order.pk}"
        effects.count("orders moved", moves[f"order.{status}", target] if order.status == status else 0)
        if status == "paid":
            effects.count("tickets", tickets[order.code])
    # A ticket that no line leads to would be one too many.
    effects.twice["tickets"] += Ticket.objects.filter(order_line=None).count()


def _mails(posted: Counter[str], effects: Effects) -> None:
    from django.db.models import Q

    from tenant_apps.activity.models import OutboxMessage
    from tenant_apps.orders.models import Order

    ended = Order.objects.filter(Q(status="cancelled") | Q(refunded_minor__gt=0)).values_list("pk", flat=True)
    taken_back = {f"orders.order:{pk}" for pk in ended}
    for pk, topic, aggregate in OutboxMessage.objects.values_list("pk", "topic", "aggregate"):
        has_to_come = topic in MAILED and not (topic == "order.paid" and aggregate in taken_back)
        times = posted[str(pk)]
        effects.count("mails", times, 1 if has_to_come else min(times, 1))


def _money(wanted: dict[str, str], refunds: list[dict[str, Any]], effects: Effects) -> None:
    """What went back went back once, and each of the provider's messages had its effect once."""
    from tenant_apps.payments.models import LedgerEntry, Payment, ProviderEvent

    back = Counter(refund["payment_intent"] for refund in refunds if refund["status"] == "succeeded")
    owed = {code for code, words in wanted.items() if words.endswith("refunded")}
    for reference, code in Payment.objects.filter(captured_minor__gt=0).values_list("reference", "order__code"):
        effects.count("refunds", back[reference], int(code in owed))
    for (done_at,) in ProviderEvent.objects.values_list("done_at"):
        effects.count("webhooks", int(done_at is not None))
    booked = Counter(LedgerEntry.objects.filter(kind="payment").values_list("order__code", flat=True))
    effects.twice["webhooks"] += sum(times - 1 for times in booked.values())


def _files(wanted: dict[str, str], effects: Effects) -> None:
    from tenant_apps.activity.models import AuditEntry
    from tenant_apps.events.models import Event

    for pk, name in wanted.items():
        rows = Event.objects.filter(external_id__startswith=f"{name}-").count()
        effects.count("events brought in", rows, ROWS_OF_A_FILE)
        applied = AuditEntry.objects.filter(topic="import.applied", target__endswith=pk).count()
        effects.count("imports", applied)
