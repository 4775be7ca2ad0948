"""What people who work here are told of by itself: those who can do something about it, by the ways they want."""

import pytest

from shared_apps.people import wishes
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.grants import grant
from tenant_apps.notifications import staff_alerts
from tenant_apps.notifications.models import Notification
from tenant_apps.payments.models import Payment, Refund
from tenant_apps.staff import services as staff
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user


@pytest.fixture
def people(in_alpha):
    """An accountant, somebody at the door, and a helper who may give money back at one event."""
    event = make_event("Gala")
    accountant, door, helper = make_user(), make_user(), make_user()
    staff.add_member(accountant, staff.preset_role("accountant"), actor=None)
    staff.add_member(door, staff.preset_role("door"), actor=None)
    grant(event, helper, "refund_orders", actor=None)
    return in_alpha.owner_id, accountant, door, helper, event


def told(topic):
    return {row.payload["recipient"]["user_id"] for row in OutboxMessage.objects.filter(topic=f"notify.{topic}")}


def failed_refund(event):
    order = make_paid_order(make_ticket_type(event))
    payment = Payment.objects.filter(order=order).first()
    return Refund.objects.create(payment=payment, amount_minor=100, currency="EUR", status="failed")


def test_a_failed_refund_is_told_to_who_may_send_it_again(people):
    owner, accountant, _door, helper, event = people
    refund = failed_refund(event)
    OutboxMessage.objects.all().delete()
    message = OutboxMessage.objects.create(topic="refund.failed", aggregate=f"payments.refund:{refund.pk}")
    deliver_due()
    assert told("staff.refund_failed") == {owner, accountant.pk, helper.pk}
    assert set(Notification.objects.values_list("user_id", flat=True)) == {owner, accountant.pk, helper.pk}
    staff_alerts.tell_of_failed_refund(message)
    assert OutboxMessage.objects.filter(topic="notify.staff.refund_failed").count() == 3


def test_a_refund_that_went_through_meanwhile_alarms_nobody(people):
    refund = failed_refund(people[-1])
    Refund.objects.filter(pk=refund.pk).update(status="succeeded")
    OutboxMessage.objects.all().delete()
    OutboxMessage.objects.create(topic="refund.failed", aggregate=f"payments.refund:{refund.pk}")
    deliver_due()
    assert told("staff.refund_failed") == set()


def test_each_sale_is_told_only_to_who_asked_for_it_and_may_see_it(people):
    _owner, accountant, door, _helper, event = people
    for person in (accountant, door):
        wishes.change_wishes(person, [{"topic": "staff.new_order", "channel": "email", "enabled": True}])
    make_paid_order(make_ticket_type(event))
    deliver_due()
    assert told("staff.new_order") == {accountant.pk}


@pytest.mark.parametrize(
    ("topic", "payload", "told_as", "who"),
    [
        ("outbox.parked", {"topic": "order.paid", "reason": "x"}, "staff.parked", {"owner"}),
        ("outbox.parked", {"topic": "notify.staff.parked", "reason": "x"}, "staff.parked", set()),
        ("webhook.disabled", {"url": "https://x.example", "because": "gone"}, "staff.webhook_disabled", {"owner"}),
        ("sms.account_fails", {"problem": "no_credit"}, "staff.sms_fails", {"owner"}),
        ("sms.account_fails", {"problem": "<script>"}, "staff.sms_fails", set()),
    ],
)
def test_what_broke_is_told_to_who_can_mend_it(people, topic, payload, told_as, who):
    OutboxMessage.objects.all().delete()
    OutboxMessage.objects.create(topic=topic, aggregate="x:1", payload=payload)
    deliver_due()
    assert told(told_as) == ({people[0]} if who else set())


def test_who_left_is_told_nothing(people):
    owner, accountant, _door, helper, event = people
    accountant.is_active = False
    accountant.save()
    assert {person.pk for person in staff_alerts.people_who("refund_orders", [event.pk])} == {owner, helper.pk}
    assert {person.pk for person in staff_alerts.people_who("refund_orders")} == {owner}
