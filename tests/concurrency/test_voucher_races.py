"""Many people with one code at once: real connections and real commits (M4)."""

import itertools

import pytest

from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import cancel, expire_overdue
from tenant_apps.promotions import services
from tenant_apps.promotions.models import Voucher, VoucherUse
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing.models import Quota
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_ticket_type

pytestmark = pytest.mark.usefixtures("transactional_db")
_emails = itertools.count()


def order_with(kind, *, email=None, quantity=1):
    return place_order(
        Basket(
            email=email or f"v{next(_emails)}@example.test",
            lines=[BasketLine(kind.pk, quantity)],
            voucher="TEN",
            provider="manual",
        )
    )


def make_voucher(**fields):
    return services.create_voucher(actor=None, code="TEN", **{"kind": "percent", "percent": 50, **fields})


def test_ten_uses_and_many_at_once_are_exactly_ten(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(capacity=None)
        make_voucher(max_uses=10)
    outcome = at_once(alpha, [lambda: order_with(kind)] * 80)
    assert outcome == {"ok": 10, "voucher_used_up": 70}
    with in_tenant(alpha):
        assert Voucher.objects.get().used == VoucherUse.objects.count() == Order.objects.count() == 10
    assert breaches_in(alpha) == []


def test_one_buyer_at_many_windows_gets_one_use(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1000, capacity=None)
        make_voucher(kind="free", percent=0, max_per_buyer=1)
    outcome = at_once(alpha, [lambda: order_with(kind, email="one@example.test")] * 30)
    assert outcome == {"ok": 1, "voucher_used_by_you": 29}
    assert breaches_in(alpha) == []


def test_a_use_that_many_give_back_at_once_comes_back_once(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(capacity=None)
        make_voucher(max_uses=3)
        orders = [order_with(kind) for _ in range(3)]
        Order.objects.update(expires_at=orders[0].created_at)
    at_once(
        alpha,
        [lambda one=one: cancel(one, by_staff=True) for one in orders] * 3 + [expire_overdue] * 4,
    )
    with in_tenant(alpha):
        assert Voucher.objects.get().used == 0
        assert VoucherUse.objects.filter(given_back_at=None).count() == 0
    assert breaches_in(alpha) == []


def test_kept_places_are_neither_lost_nor_sold_twice(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(capacity=12)
        quota = Quota.objects.get()
        make_voucher(max_uses=100, quota=quota.pk, reserved=5)

    def plain():
        place_order(Basket(email=f"p{next(_emails)}@x.test", lines=[BasketLine(kind.pk)], provider="manual"))

    outcome = at_once(alpha, [plain, lambda: order_with(kind)] * 30)
    assert set(outcome) <= {"ok", "sold_out", "busy"}
    with in_tenant(alpha):
        assert Quota.objects.get().held == 12
        assert Voucher.objects.get().reserved == 0
        assert Order.objects.count() == 12
    assert breaches_in(alpha) == []
