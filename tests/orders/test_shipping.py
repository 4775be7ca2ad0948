"""Goods are packed, shipped, delivered and returned, each line once, and everybody hears of it."""

import uuid

import pytest
from django.core import mail

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.catalog.models import ProductVariant
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.orders.goods import Delivery
from tenant_apps.orders.models import Order, Parcel
from tenant_apps.payments.refunds import cancel_order
from tenant_apps.payments.services import mark_paid
from tenant_apps.staff.site_settings import change_settings
from tenants.context import in_tenant
from tests.factories import (
    make_delivery,
    make_event,
    make_paid_order,
    make_ticket_type,
    make_user,
    make_variant,
    owner_of,
)
from tests.orders.test_goods import breaches


def goods_order(*variants, kind="courier", pay=True, ticket_type=None, quantity=2, email="ada@example.test"):
    """A paid order of goods that a courier brings."""
    method = make_delivery(kind=kind)
    lines = [BasketLine(variant=variant.pk, quantity=quantity) for variant in variants or (make_variant("Mug"),)]
    if ticket_type is not None:
        lines.append(BasketLine(ticket_type=ticket_type.pk))
    where = Delivery(method=method.pk, name="Ada", street="Strand", house="1", city="London")
    order = place_order(Basket(email=email, lines=lines, delivery=where))
    if pay:
        mark_paid(order)
    return Order.objects.get(pk=order.pk)


@pytest.fixture
def at(alpha, client_for):
    """Take a step as the owner, through the API."""
    client = client_for(alpha, owner_of(alpha))

    def post(order, step, **body):
        return client.post(f"/api/v1/orders/{order.code}/{step}/", body, format="json")

    return post


def states(order):
    return list(order.lines.order_by("position").values_list("fulfilment", flat=True))


def test_goods_go_from_the_shelf_to_the_buyer_and_each_step_is_told(alpha, at):
    with in_tenant(alpha):
        order = goods_order()
    for step, body, state in (
        ("pack", {}, "packed"),
        ("ship", {"carrier": "DHL", "tracking_number": "JD0001"}, "shipped"),
        ("deliver", {}, "delivered"),
    ):
        answer = at(order, step, **body)
        assert answer.status_code == 200, answer.content
        assert [line["fulfilment"] for line in answer.json()["lines"]] == [state]
    assert answer.json()["parcels"][0]["tracking_number"] == "JD0001"
    with in_tenant(alpha):
        trail = AuditEntry.objects.filter(target=f"orders.order:{order.pk}", topic="order.shipped").get()
    assert trail.details["before"] == {"fulfilment": "packed"}
    assert trail.details["after"] == {"fulfilment": "shipped"}
    assert (trail.details["carrier"], trail.details["goods"]) == ("DHL", ["2 × Mug"])
    assert trail.actor


def test_a_step_that_was_made_changes_nothing_and_is_told_once(alpha, at):
    with in_tenant(alpha):
        order = goods_order()
    for _twice in range(2):
        assert at(order, "pack").status_code == 200
    with in_tenant(alpha):
        assert AuditEntry.objects.filter(topic="order.packed").count() == 1
        assert OutboxMessage.objects.filter(topic="order.packed").count() == 1


@pytest.mark.parametrize("step", ["ship", "deliver", "return"])
def test_a_step_before_its_time_is_refused(alpha, at, step):
    with in_tenant(alpha):
        order = goods_order()
    answer = at(order, step)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    with in_tenant(alpha):
        assert states(order) == ["unpacked"]


def test_lines_move_by_themselves(alpha, at):
    with in_tenant(alpha):
        order = goods_order(make_variant("Mug"), make_variant("Cap"), ticket_type=make_ticket_type())
        mug, cap, ticket = order.lines.order_by("position")
    assert at(order, "pack", lines=[str(cap.pk)]).status_code == 200
    with in_tenant(alpha):
        assert states(order) == ["unpacked", "packed", ""]
    for wrong in (ticket.pk, uuid.uuid4()):
        answer = at(order, "pack", lines=[str(mug.pk), str(wrong)])
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "lines.1")
        assert answer.json()["errors"][0]["code"] == "does_not_exist"
    with in_tenant(alpha):
        assert states(order) == ["unpacked", "packed", ""]
    assert at(order, "ship", lines=[str(mug.pk), str(cap.pk)]).status_code == 409
    assert at(order, "ship").status_code == 200
    with in_tenant(alpha):
        assert states(order) == ["unpacked", "shipped", ""]
        assert Parcel.objects.get().lines == [cap.pk]


def test_what_the_buyer_fetches_is_handed_over_once_it_is_packed(alpha, at):
    with in_tenant(alpha):
        order = goods_order(kind="pickup")
    at(order, "pack")
    assert at(order, "deliver").status_code == 200
    with in_tenant(alpha):
        assert states(order) == ["delivered"]


def test_unpaid_cancelled_and_ticket_orders_have_nothing_to_move(alpha, at):
    with in_tenant(alpha):
        unpaid = goods_order(pay=False)
        cancelled = goods_order()
        cancel_order(cancelled, by_staff=True)
        tickets = make_paid_order()
    for order, code in ((unpaid, "wrong_state"), (cancelled, "no_goods"), (tickets, "no_goods")):
        answer = at(order, "pack")
        assert (answer.status_code, answer.json()["code"]) == (409, code)


@pytest.mark.parametrize(("restock", "left"), [(True, (10, 0)), (False, (8, 0))])
def test_what_comes_back_is_in_stock_again_or_written_off(alpha, at, restock, left):
    with in_tenant(alpha):
        mug = make_variant("Mug", capacity=10)
        order = goods_order(mug)
    for step in ("pack", "ship"):
        at(order, step)
    for _twice in range(2):
        assert at(order, "return", restock=restock).status_code == 200
    with in_tenant(alpha):
        mug = ProductVariant.objects.get(pk=mug.pk)
        assert (mug.capacity, mug.sold) == left
        assert not breaches(alpha)
        cancel_order(order, by_staff=True)
        mug.refresh_from_db()
        assert (mug.capacity, mug.sold) == left
        assert not breaches(alpha)


def test_the_partner_packs_only_what_is_wanted_and_not_there_already(alpha):
    from tenant_apps.payments.box_office import sell
    from tenant_apps.payments.line_refunds import cancel_lines

    with in_tenant(alpha):
        change_settings({"order_email": "warehouse@example.test"}, actor=owner_of(alpha))
    alpha.refresh_from_db()

    def told():
        with in_tenant(alpha):
            deliver_due()
        found = [one for one in mail.outbox if one.to == ["warehouse@example.test"]]
        mail.outbox.clear()
        return found

    with in_tenant(alpha):
        mug, shirt, bag = make_variant("Mug"), make_variant("Shirt"), make_variant("Bag")
        order = goods_order(mug, shirt, bag, pay=False)
        of_mug, of_shirt, _of_bag = order.lines.order_by("position").values_list("pk", flat=True)
        # Before it is paid: the partner never heard of it.
        cancel_lines(order, [of_mug])
    assert told() == []
    with in_tenant(alpha):
        mark_paid(order)
    (to_pack,) = told()
    assert "Mug" not in to_pack.body and "Shirt" in to_pack.body and "Bag" in to_pack.body
    with in_tenant(alpha):
        cancel_lines(order, [of_shirt])
    (not_any_more,) = told()
    assert not_any_more.subject == f"Cancelled in part: order {order.code}"
    assert "Shirt" in not_any_more.body and "Bag" not in not_any_more.body
    with in_tenant(alpha):
        sell(Basket(email="", lines=[BasketLine(variant=bag.pk)]), "cash", actor=owner_of(alpha))
    assert told() == []


def test_buyer_and_partner_hear_of_each_step(alpha, at):
    with in_tenant(alpha):
        change_settings({"order_email": "warehouse@example.test"}, actor=owner_of(alpha))
    alpha.refresh_from_db()
    with in_tenant(alpha):
        order = goods_order()
        deliver_due()
        first = {one.to[0]: one for one in mail.outbox}
    assert set(first) == {"ada@example.test", "warehouse@example.test"}
    assert first["warehouse@example.test"].subject == f"To pack: order {order.code}"
    assert "2 × Mug" in first["warehouse@example.test"].body
    assert "Strand 1" in first["warehouse@example.test"].body
    for step, body, subject in (
        ("pack", {}, "Your goods are packed"),
        ("ship", {"carrier": "DHL", "tracking_number": "JD0001"}, "Your goods are on their way"),
        ("deliver", {}, "Your goods are delivered"),
        ("return", {}, "Your goods are back with us"),
    ):
        mail.outbox.clear()
        at(order, step, **body)
        with in_tenant(alpha):
            deliver_due()
            deliver_due()
        told = {one.to[0]: one for one in mail.outbox}
        assert len(mail.outbox) == 2
        assert told["ada@example.test"].subject == f"{subject}: order {order.code}"
        assert order.code in told["warehouse@example.test"].subject
        if step == "ship":
            assert all("JD0001" in one.body and "DHL" in one.body for one in mail.outbox)


def test_a_buyer_of_goods_alone_is_thanked_and_given_the_invoice(in_alpha):
    order = goods_order()
    OutboxMessage.objects.filter(topic="order.placed").delete()
    deliver_due()
    (thanks,) = mail.outbox
    assert thanks.subject == f"Thank you: order {order.code}"
    assert f"/orders/{order.code}/{order.secret}/invoice.pdf" in thanks.body


def test_money_that_goes_back_is_told_with_its_credit_note(in_alpha):
    from tenant_apps.payments.refunds import refund_order

    order = make_paid_order()
    OutboxMessage.objects.all().delete()
    refund_order(order, 500)
    deliver_due()
    (told,) = mail.outbox
    assert told.subject == f"€5 goes back to you: order {order.code}"
    assert "invoice.pdf?number=CN-2" in told.body


def test_who_has_a_right_on_one_event_only_does_not_move_goods(alpha, client_for):
    from tenant_apps.events.grants import grant

    helper = make_user()
    with in_tenant(alpha):
        kind = make_ticket_type(make_event())
        order = goods_order(ticket_type=kind)
        for permission in ("view_orders", "change_orders"):
            grant(kind.event, helper, permission, actor=owner_of(alpha))
    answer = client_for(alpha, helper).post(f"/api/v1/orders/{order.code}/pack/", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_goods")
    with in_tenant(alpha):
        assert "unpacked" in states(order)


def test_who_has_rights_on_one_event_only_sends_no_money_of_goods_back(alpha, client_for, page_for):
    from tenant_apps.events.grants import grant

    helper = make_user()
    with in_tenant(alpha):
        kind = make_ticket_type(make_event(), price_minor=1200)
        order, unpaid = goods_order(ticket_type=kind), goods_order(ticket_type=kind, pay=False)
        for permission in ("view_orders", "change_orders", "refund_orders"):
            grant(kind.event, helper, permission, actor=owner_of(alpha))
        of_event = order.lines.get(ticket_type=kind).pk
        goods = order.lines.exclude(ticket_type=kind).get().pk
    client, page = client_for(alpha, helper), page_for(alpha, helper)
    place = f"/api/v1/orders/{order.code}"
    for key, body in enumerate(({}, {"amount": "40.00"}, {"lines": [str(goods)]})):
        answer = client.post(f"{place}/refund/", body, format="json", HTTP_IDEMPOTENCY_KEY=f"key-{key}")
        assert answer.status_code == 403, answer.content
    assert client.post(f"{place}/cancel/").status_code == 403
    assert client.post(f"/api/v1/orders/{unpaid.code}/mark-paid/").status_code == 403
    assert page.post(f"/dashboard/orders/{order.code}/refund/", {"amount": "40.00", "key": "k"}).status_code == 404
    assert page.post(f"/dashboard/orders/{order.code}/cancel/").status_code == 404
    assert page.post(f"/dashboard/orders/{unpaid.code}/mark-paid/").status_code == 404
    with in_tenant(alpha):
        order.refresh_from_db()
        unpaid.refresh_from_db()
        assert (order.status, order.refunded_minor, unpaid.status) == ("paid", 0, "pending")
    # The ticket of their event is theirs to cancel.
    assert client.post(f"{place}/lines/{of_event}/cancel/").status_code == 200
    with in_tenant(alpha):
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 1200)


@pytest.mark.parametrize("body", [{"lines": []}, {"lines": ["x"]}, {"lines": "all"}, {"carrier": "a" * 61}])
def test_bad_bodies_are_refused(alpha, at, body):
    with in_tenant(alpha):
        order = goods_order()
    at(order, "pack")
    assert at(order, "ship", **body).status_code == 400
