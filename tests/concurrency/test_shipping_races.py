"""Goods that several people move at once: each line once, and the stock is right afterwards."""

import pytest

from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders import shipping
from tenant_apps.orders.models import Parcel
from tenant_apps.payments.refunds import cancel_order
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_variant
from tests.orders.test_goods import breaches
from tests.orders.test_shipping import goods_order

pytestmark = pytest.mark.usefixtures("transactional_db")


def test_a_parcel_that_many_people_send_and_take_back_goes_once(alpha):
    with in_tenant(alpha):
        mug = make_variant("Mug", capacity=10)
        order = goods_order(mug)
        shipping.move(order, "pack")
    assert at_once(alpha, [lambda: shipping.move(order, "ship", carrier="DHL")] * 12) == {"ok": 12}
    assert at_once(alpha, [lambda: shipping.move(order, "return")] * 12) == {"ok": 12}
    with in_tenant(alpha):
        assert Parcel.objects.count() == 1
        assert AuditEntry.objects.filter(topic__in=["order.shipped", "order.returned"]).count() == 2
        mug.refresh_from_db()
        assert (mug.capacity, mug.sold) == (10, 0)
    assert not breaches(alpha)


def test_an_order_is_sent_or_cancelled_and_never_both(alpha):
    with in_tenant(alpha):
        mug = make_variant("Mug", capacity=100)
        orders = [goods_order(mug, quantity=1, email=f"b{number}@example.test") for number in range(12)]
        for order in orders:
            shipping.move(order, "pack")
    acts = []
    for order in orders:
        acts.append(lambda order=order: shipping.move(order, "ship"))
        acts.append(lambda order=order: cancel_order(order, by_staff=True))
    outcome = at_once(alpha, acts)
    assert set(outcome) <= {"ok", "goods_shipped", "no_goods", "wrong_state"}, outcome
    with in_tenant(alpha):
        for order in orders:
            order.refresh_from_db()
            assert (order.status == "cancelled") != Parcel.objects.filter(order=order).exists()
        mug.refresh_from_db()
        assert mug.sold == Parcel.objects.count()
    assert not breaches(alpha)
