"""What became of a story, asked of the rows, the provider's books and the mail folder."""

import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([0-9a-f-]{36})\.email@", re.IGNORECASE | re.MULTILINE)


def reconnect() -> None:
    """Forget connections that died with the server; the next statement makes new ones."""
    from django.db import connections

    connections.close_all()


def what_is_left(story: Any) -> list[str]:
    """What is still to happen in the story, in words; nothing once all is done. Reads only."""
    from bench.lives import Life
    from tenant_apps.orders.models import Order
    from tenants.context import in_tenant

    if isinstance(story, Life):
        return story.left()
    left: list[str] = []
    with in_tenant(story.shop.tenant):
        for code, words in story.wanted().items():
            status, *more = words.split()
            order = Order.objects.get(code=code)
            if order.status != status:
                left.append(f"order {code} is {order.status}, not {status}")
            if "refunded" in more and order.refunded_minor != order.total_minor:
                left.append(f"order {code}: {order.refunded_minor} of {order.total_minor} sent back")
            if "returned" in more and any(
                payment.refunded_minor != payment.captured_minor or not payment.captured_minor
                for payment in order.payments.all()
            ):
                left.append(f"order {code}: the late money is not back")
        left += undelivered()
    return left


def undelivered() -> list[str]:
    """What of the present tenant is still on its way. Reads only."""
    from tenant_apps.activity.models import OutboxMessage
    from tenant_apps.payments.models import ProviderEvent, Refund

    left = [
        f"message {topic} waits" for (topic,) in OutboxMessage.objects.filter(delivered_at=None).values_list("topic")
    ]
    left += [f"webhook {kind} waits" for (kind,) in ProviderEvent.objects.filter(done_at=None).values_list("kind")]
    left += [
        f"refund of {amount} waits" for (amount,) in Refund.objects.filter(status="pending").values_list("amount_minor")
    ]
    return left


def breaches(story: Any) -> list[str]:
    return [*breaches_of(story.shop), *projection_of(story.shop)] if story else []


def projection_of(shop: Any) -> list[str]:
    """Where the public copy of who bought what does not say what the shop's own orders say; and after all messages are
    told once more, in any order, as after a restore of the outbox."""
    from tenant_apps.activity.models import OutboxMessage
    from tenant_apps.orders.footprints import differences, keep_footprint, move_places
    from tenants.context import in_tenant

    with in_tenant(shop.tenant):
        found = [f"copy: {each}" for each in differences()]
        again = {"orders.order": keep_footprint, "events.event": move_places}
        for message in OutboxMessage.objects.filter(topic__regex=r"^(order|event)\.").order_by("?"):
            again[message.aggregate.partition(":")[0]](message)
        return found + [f"copy, told again: {each}" for each in differences()]


def breaches_of(shop: Any) -> list[str]:
    from tenant_apps.reports.invariants import breaches_in

    return [f"{breach.invariant} {breach.found}" for breach in breaches_in(shop.tenant)]


def totals(shops: list[Any], fake: Any, mail: Path) -> dict[str, int]:
    """The counts that must all be 0, over all tenants, and how much there was to count."""
    fake.settled()
    posted = mails_in(mail)
    found: Counter[str] = Counter(
        dict.fromkeys(("paid_without_ticket", "ticket_without_payment", "mail_lost", "ledger_difference_minor"), 0)
    )
    for shop in shops:
        found.update(_of_shop(shop, posted))
    return {
        **found,
        "mails": sum(posted.values()),
        "mails_twice": sum(count - 1 for count in posted.values()),
    }


def _of_shop(shop: Any, posted: Counter[str]) -> dict[str, int]:
    from django.utils import timezone

    from tenant_apps.activity.models import OutboxMessage
    from tenant_apps.orders.models import Order, OrderLine
    from tenant_apps.payments.models import ProviderAccount
    from tenant_apps.payments.reconciling import reconcile
    from tenant_apps.ticketing.models import Ticket
    from tenants.context import in_tenant

    with in_tenant(shop.tenant):
        paid = Order.objects.filter(status=Order.Status.PAID)
        without = OrderLine.objects.filter(order__in=paid, kind="ticket", status="active", ticket=None).count()
        alive = Ticket.objects.filter(status__in=["active", "used"]).exclude(order_line__order__in=paid).count()
        paid_orders = {f"orders.order:{pk}" for pk in paid.values_list("pk", flat=True)}
        told = {
            aggregate
            for pk, aggregate in OutboxMessage.objects.filter(topic="order.paid").values_list("pk", "aggregate")
            if posted[str(pk)]
        }
        now = timezone.now()
        differing = sum(
            difference.amount_minor
            for account in ProviderAccount.objects.all()
            for difference in reconcile(account, now - timedelta(days=1), now + timedelta(minutes=1))
        )
    return {
        "orders_paid": len(paid_orders),
        "paid_without_ticket": without,
        "ticket_without_payment": alive,
        "mail_lost": len(paid_orders - told),
        "ledger_difference_minor": differing,
    }


def seconds_until_paid(placed: list[tuple[Any, dict[str, Any]]], since: datetime) -> float:
    """How long after `since` the last of these orders was paid."""
    from tenant_apps.orders.models import Order
    from tenants.context import in_tenant

    moments = []
    for shop, order in placed:
        with in_tenant(shop.tenant):
            moments.append(Order.objects.get(code=order["code"]).paid_at or since)
    return (max(moments, default=since) - since).total_seconds()


def mails_in(folder: Path) -> Counter[str]:
    """How often each outbox message was mailed, by the id that stands in the mail."""
    return Counter(
        found[1].decode()
        for path in folder.glob("*.eml")
        if (found := MESSAGE_ID.search(path.read_bytes())) is not None
    )
