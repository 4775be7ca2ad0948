"""Two people at once, with real connections and real commits."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from shared_apps.core.errors import DomainError
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import Payment, Refund
from tenant_apps.payments.refunds import refund_order
from tenant_apps.payments.services import settle
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_quota, make_ticket_type

pytestmark = pytest.mark.usefixtures("transactional_db")


def at_once(tenant: Any, actions: list[Any], *, workers: int = 16) -> Counter[str]:
    """Run the actions in threads with a connection each; count "ok" and the codes of refusals."""

    def run(action: Any) -> str:
        try:
            with in_tenant(tenant):
                action()
            return "ok"
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers) as pool:
        return Counter(pool.map(run, actions))


@pytest.mark.parametrize("places", [1, 7])
def test_exactly_as_many_places_are_sold_as_there_are(alpha, places):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0, capacity=places)
    outcome = at_once(alpha, [lambda: make_order(kind)] * 60)
    assert outcome == {"ok": places, "sold_out": 60 - places}
    with in_tenant(alpha):
        assert Ticket.objects.filter(ticket_type=kind).count() == kind.quotas.get().sold == places


def test_mixed_baskets_in_any_order_neither_deadlock_nor_oversell(alpha):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    with in_tenant(alpha):
        event = make_event()
        kinds = [make_ticket_type(event, price_minor=0, capacity=15, name=f"Type {number}") for number in range(6)]
        make_quota(event, capacity=60, name="House", ticket_types=kinds)

    def basket(seed: int) -> Any:
        chosen = [kinds[(seed * 5 + step * (1 + seed % 5)) % 6] for step in range(3)]
        wanted = list(dict.fromkeys(kind.pk for kind in chosen))
        return lambda: place_order(Basket(email=f"b{seed}@example.test", lines=[BasketLine(pk) for pk in wanted]))

    outcome = at_once(alpha, [basket(seed) for seed in range(60)])
    assert set(outcome) <= {"ok", "sold_out"}
    with in_tenant(alpha):
        for kind in kinds:
            own = kind.quotas.exclude(name="House").get()
            assert own.sold == Ticket.objects.filter(ticket_type=kind).count() <= 15
        assert event.quotas.get(name="House").sold == Ticket.objects.count() <= 60


def test_an_expiry_and_a_payment_at_once_leave_one_truth(alpha):
    for _round in range(6):
        with in_tenant(alpha):
            kind = make_ticket_type(capacity=1)
            order = make_order(kind)
            payment = Payment.objects.create(order=order, provider="test", amount_minor=1200, currency="EUR")
            Order.objects.filter(pk=order.pk).update(expires_at=order.created_at)
        from tenant_apps.orders.services import expire_overdue

        at_once(
            alpha,
            [expire_overdue, lambda p=payment: settle(p, "succeeded", reference=str(p.pk)), expire_overdue],
            workers=3,
        )
        with in_tenant(alpha):
            order.refresh_from_db()
            quota = kind.quotas.get()
            # The money came: either before the expiry, or after it and took the place again.
            assert (order.status, quota.held, quota.sold) == ("paid", 0, 1)
            assert Ticket.objects.filter(order_line__order=order).count() == 1


def test_parallel_settlements_of_one_payment_have_one_effect(alpha):
    with in_tenant(alpha):
        order = make_order()
        payment = Payment.objects.create(order=order, provider="test", amount_minor=1200, currency="EUR")
    assert at_once(alpha, [lambda: settle(payment, "succeeded", reference="one")] * 12) == {"ok": 12}
    with in_tenant(alpha):
        assert order.ledger.count() == 1
        assert Ticket.objects.filter(order_line__order=order).count() == 1


def test_parallel_refunds_never_return_more_than_was_paid(alpha):
    with in_tenant(alpha):
        order = make_paid_order()
    outcome = at_once(alpha, [lambda: refund_order(order, 500)] * 20)
    assert outcome == {"ok": 2, "refund_too_large": 18}
    with in_tenant(alpha):
        assert Refund.objects.count() == 2
        payment = Payment.objects.get(order=order)
        assert (payment.refunded_minor, payment.refunding_minor) == (1000, 0)
        order.refresh_from_db()
        assert order.refunded_minor == 1000


def test_one_idempotency_key_used_by_many_at_once_has_one_effect(alpha, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0)
    answers: list[Any] = []

    def post() -> None:
        body = {"email": "buyer@example.test", "lines": [{"ticket_type": kind.pk}]}
        answers.append(
            client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="the-same-key")
        )

    at_once(alpha, [post] * 20, workers=8)
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409}
    assert len({answer.json()["code"] for answer in answers if answer.status_code == 201}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_progress"}
    with in_tenant(alpha):
        assert Order.objects.count() == 1
