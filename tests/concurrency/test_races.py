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
from tests.factories import make_event, make_order, make_paid_order, make_quota, make_ticket_type, make_user

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


def test_a_buyer_does_not_get_around_the_limit_of_open_orders_by_ordering_at_once(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type()
    outcome = at_once(alpha, [lambda: make_order(kind, email="Same@example.test")] * 16)
    assert outcome == {"ok": 3, "too_many_open_orders": 13}


def test_a_signed_in_buyer_does_not_get_around_it_by_other_addresses(alpha):
    person = make_user()
    with in_tenant(alpha):
        kind = make_ticket_type()
    outcome = at_once(alpha, [lambda: make_order(kind, user=person)] * 8)
    assert outcome == {"ok": 3, "too_many_open_orders": 5}


def test_a_place_that_somebody_else_gave_back_meanwhile_is_sold(alpha, monkeypatch):
    from tenant_apps.orders import checkout, services

    with in_tenant(alpha):
        kind = make_ticket_type(capacity=1)
        overdue = make_order(kind)
        Order.objects.filter(pk=overdue.pk).update(expires_at=overdue.created_at)

        def the_sweep_was_faster(*_args: Any, **_options: Any) -> int:
            services.expire_overdue()
            return services.give_back_overdue(*_args, **_options)

        monkeypatch.setattr(checkout, "give_back_overdue", the_sweep_was_faster)
        assert make_order(kind).status == "pending"


def test_places_are_found_behind_any_number_of_overdue_orders_of_other_quotas(alpha):
    with in_tenant(alpha):
        event = make_event()
        ample = make_ticket_type(event, capacity=1000, name="Ample")
        scarce = make_ticket_type(event, capacity=1, name="Scarce")
        for _number in range(101):
            make_order(ample)
        make_order(scarce)
        Order.objects.update(expires_at=Order.objects.first().created_at)
        from tenant_apps.orders.checkout import Basket, BasketLine, place_order

        basket = Basket(email="b@example.test", lines=[BasketLine(ample.pk), BasketLine(scarce.pk)])
        assert place_order(basket).status == "pending"


@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"currency": "JPY"}])
def test_nothing_is_sold_for_an_event_that_was_changed_while_the_order_was_made(alpha, monkeypatch, change):
    from tenant_apps.events.models import Event
    from tenant_apps.orders import checkout

    make_lines = checkout._lines

    def change_in_between(*args: Any) -> Any:
        made = make_lines(*args)
        Event.objects.update(**change)
        return made

    monkeypatch.setattr(checkout, "_lines", change_in_between)
    with in_tenant(alpha):
        kind = make_ticket_type()
        with pytest.raises(DomainError) as refused:
            make_order(kind)
        assert refused.value.code == "not_on_sale"
        assert kind.quotas.get().held == 0


def test_an_order_that_cannot_expire_keeps_no_other_from_expiring(alpha):
    from tenant_apps.orders.services import expire_overdue

    with in_tenant(alpha):
        broken, good = make_ticket_type(), make_ticket_type()
        first, second = make_order(broken), make_order(good)
        Order.objects.filter(pk=first.pk).update(expires_at=first.created_at)
        Order.objects.filter(pk=second.pk).update(expires_at=second.created_at)
        broken.quotas.update(held=0)
        assert expire_overdue() == 1
        second.refresh_from_db()
        assert (second.status, good.quotas.get().held) == ("expired", 0)
