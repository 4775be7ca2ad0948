"""What people who work here are told of by itself: each by the right that it takes to do something about it.

They follow from what is recorded anyway; who does not want one switches it off, topic by topic and way by way.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.models import User
from shared_apps.core.templatetags.money import written
from shared_apps.people import wishes
from shared_apps.people.models import NotificationPreference
from shared_apps.people.phones import number_of
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.about import order_of
from tenant_apps.notifications.models import SmsAccount
from tenant_apps.notifications.sending import Notice, notify_many
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, SMS, Recipient, Topic, register
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.payments.models import Refund
from tenant_apps.staff.models import Membership
from tenant_apps.staff.permissions import grants_model

BY_ALL = (EMAIL, PUSH, FEED, SMS)
# What comes with every sale is for who asks for it, and stands in nobody's feed.
NEW_ORDER = register(
    Topic(
        "staff.new_order", _("Staff: an order is paid"), (EMAIL, PUSH, SMS), staff=True,
        placeholders=("code", "total"),
        title=_("New order {code}: {total}"),
        body=_("Order {code} is paid: {total}."),
    )
)  # fmt: skip
REFUND_FAILED = register(
    Topic(
        "staff.refund_failed", _("Staff: money could not be sent back"), BY_ALL, urgent=True, staff=True,
        placeholders=("code", "amount"),
        title=_("Order {code}: the refund failed"),
        body=_("{amount} of order {code} could not be sent back. Try again, or send it back by another way."),
    )
)  # fmt: skip
PARKED = register(
    Topic(
        "staff.parked", _("Staff: something was not sent"), BY_ALL, staff=True,
        placeholders=("what",),
        samples={"what": "order.paid"},
        title=_("Something could not be sent: {what}"),
        body=_("After ten tries it was set aside. Mend its cause, then let it be tried again."),
    )
)  # fmt: skip
WEBHOOK = register(
    Topic(
        "staff.webhook_disabled", _("Staff: a webhook was switched off"), BY_ALL, staff=True,
        placeholders=("address", "reason"),
        samples={"address": "https://example.org/hook"},
        title=_("A webhook was switched off"),
        body=_("Nothing is sent to {address} any more."),
    )
)  # fmt: skip
SMS_FAILS = register(
    Topic(
        "staff.sms_fails", _("Staff: text messages cannot be sent"), (EMAIL, PUSH, FEED), staff=True,
        placeholders=("reason",),
        title=_("Text messages cannot be sent"),
        body=_("{reason} Look at the settings of text messages."),
    )
)  # fmt: skip


def people_who(permission: str, events: Collection[int] = ()) -> list[User]:
    """Return who holds the right in the whole tenant, or on one of the events, and has an open account."""
    members = Membership.objects.select_related("role")
    ids = {member.user_id for member in members if permission in member.role.rights}
    if events:
        grants = grants_model()._default_manager.filter(permission__codename=permission, content_object_id__in=events)
        ids.update(grants.values_list("user_id", flat=True))
    return list(User.objects.filter(pk__in=ids, is_active=True).order_by("pk"))


def alert(
    topic: Topic,
    message: OutboxMessage,
    permission: str,
    values: Mapping[str, Any],
    *,
    url: str,
    events: Collection[int] = (),
) -> None:
    """Tell everybody who holds the right, once for each outbox message that it follows from."""
    people = people_who(permission, events)
    if topic is NEW_ORDER and people:
        people = _who_asked(people, topic)
    notify_many(
        topic,
        [
            Notice(
                Recipient(person.pk, person.email, number_of(person.pk), person.name, person.language),
                values,
                f"{message.id}:{topic.name}:{person.pk}",
                url,
            )
            for person in people
        ],
    )


def _who_asked(people: list[User], topic: Topic) -> list[User]:
    """Those who switched it on: a rush of orders writes no message that nobody wants."""
    rows = NotificationPreference.objects.filter(topic=topic.name, enabled=True, user__in=people)
    asked = set(rows.values_list("user_id", flat=True))
    return [person for person in people if person.pk in asked]


def offer_optional() -> None:
    """Make the alert of each sale one that people switch on; after every channel is known."""
    for channel in NEW_ORDER.channels:
        wishes.offer(NEW_ORDER.name, channel, NEW_ORDER.label, default=False)


@subscribe("order.paid")
def tell_of_order(message: OutboxMessage) -> None:
    """Tell who asked for it that an order is paid."""
    order = order_of(message)
    if order.status != Order.Status.PAID:
        return
    values = {"code": order.code, "total": written(order.total_minor, order.currency)}
    alert(NEW_ORDER, message, "view_orders", values, url=_page(order), events=_events(order))


@subscribe("refund.failed")
def tell_of_failed_refund(message: OutboxMessage) -> None:
    """Tell who may send money back that some did not arrive. Not if it did by now."""
    refund = Refund.objects.select_related("payment__order").filter(pk=message.aggregate.partition(":")[2]).first()
    if refund is None or refund.status != Refund.Status.FAILED:
        return
    order = refund.payment.order
    values = {"code": order.code, "amount": written(refund.amount_minor, refund.currency)}
    alert(REFUND_FAILED, message, "refund_orders", values, url=_page(order), events=_events(order))


@subscribe("outbox.parked")
def tell_of_parked(message: OutboxMessage) -> None:
    """Tell who runs the place that the outbox gave something up."""
    what = str(message.payload.get("topic", ""))[:60]
    # An alert that cannot be sent must not call for the next.
    if not what.startswith("notify.staff."):
        alert(PARKED, message, "manage_settings", {"what": what}, url="/dashboard/")


@subscribe("webhook.disabled")
def tell_of_webhook(message: OutboxMessage) -> None:
    """Tell who looks after other programs that one of them is told nothing any more."""
    values = {"address": str(message.payload.get("url", ""))[:200], "reason": str(message.payload.get("because", ""))}
    alert(WEBHOOK, message, "manage_integrations", values, url="/dashboard/")


@subscribe("sms.account_fails")
def tell_of_sms(message: OutboxMessage) -> None:
    """Tell who looks after the settings that the service for text messages refuses the account."""
    problem = str(message.payload.get("problem", ""))
    label = dict(SmsAccount.Problem.choices).get(problem)
    if label is not None:
        alert(SMS_FAILS, message, "manage_settings", {"reason": str(label)}, url="/dashboard/settings/text-messages/")


def _page(order: Order) -> str:
    return f"/dashboard/orders/{order.code}/"


def _events(order: Order) -> list[int]:
    lines = OrderLine.objects.filter(order=order, event__isnull=False)
    return list(lines.values_list("event_id", flat=True).distinct())
