"""Single lines of an order are cancelled: what it costs is told first, the rest stays as it was."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry
from tenant_apps.payments.refunds import cancel_order, refund_order
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing import codes, scanning
from tenant_apps.ticketing import services as ticketing
from tenants.context import in_tenant
from tests.factories import (
    make_delivery,
    make_event,
    make_order,
    make_paid_order,
    make_ticket_type,
    make_user,
    make_variant,
    owner_of,
)

API = "/api/v1/orders"


def ids(order: Any) -> list[Any]:
    return list(order.lines.order_by("position").values_list("pk", flat=True))


def secret(order: Any) -> str:
    return f"?secret={order.secret}"


def test_a_buyer_sees_what_comes_back_for_one_ticket_and_then_gets_it(alpha, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=2500, capacity=5)
        order = make_paid_order(kind, quantity=2)
        first = ids(order)[0]
    client = client_for(alpha)
    told = client.get(f"{API}/{order.code}/cancel/{secret(order)}&lines={first}").json()
    assert (told["allowed"], told["refund"], told["total"], told["total_after"]) == (True, "25.00", "50.00", "25.00")
    assert [(line["id"], line["refund"]) for line in told["lines"]] == [(str(first), "25.00")]
    answer = client.post(f"{API}/{order.code}/lines/{first}/cancel/{secret(order)}")
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert (shown["status"], shown["total"], shown["refunded"]) == ("paid", "50.00", "25.00")
    assert [line["status"] for line in shown["lines"]] == ["cancelled", "active"]
    assert [ticket["status"] for ticket in shown["tickets"]] == ["cancelled", "active"]
    with in_tenant(alpha):
        assert kind.quotas.get().sold == 1
        assert AuditEntry.objects.filter(topic="order.lines_cancelled").get().details["before"] == {"price_minor": 5000}
    assert breaches_in(alpha) == []


def test_a_cancelled_line_stays_so_and_sends_nothing_more(alpha, client_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500), quantity=3)
        first = ids(order)[0]
    for _time in range(3):
        shown = client_for(alpha).post(f"{API}/{order.code}/lines/{first}/cancel/{secret(order)}").json()
        assert shown["refunded"] == "25.00"


def test_with_the_last_line_the_order_is_cancelled(alpha, client_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500), quantity=2)
        lines = ids(order)
    for line in lines:
        shown = client_for(alpha).post(f"{API}/{order.code}/lines/{line}/cancel/{secret(order)}").json()
    assert (shown["status"], shown["refunded"]) == ("cancelled", "50.00")
    assert breaches_in(alpha) == []


def test_each_line_goes_by_its_own_events_rule_and_what_was_kept_stays_kept(alpha):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order
    from tenant_apps.payments.line_refunds import cancel_lines, preview
    from tenant_apps.payments.services import mark_paid

    with in_tenant(alpha):
        strict = make_ticket_type(make_event(refund_tiers=[{"days": 3, "percent": 50}]), price_minor=1001)
        mild = make_ticket_type(make_event(), price_minor=3000)
        lines = [BasketLine(strict.pk, 2), BasketLine(mild.pk)]
        order = mark_paid(place_order(Basket(email="a@example.test", lines=lines)))
        first, second, third = ids(order)
        assert preview(order, [first]).back_minor == 501
        order = cancel_lines(order, [first])
        assert (order.status, order.refunded_minor, order.total_minor) == ("paid", 501, 5002)
        told = preview(order)
        assert (told.change.before_minor, told.change.whole, told.back_minor) == (4001, True, 501 + 3000)
        # What the rule kept stays kept when staff call the rest off.
        assert preview(order, by_staff=True).back_minor == 4001
        order = cancel_lines(order, [third])
        order = cancel_lines(order, [second])
        assert (order.status, order.refunded_minor) == ("cancelled", 501 + 3000 + 501)
    assert breaches_in(alpha) == []


def test_money_that_staff_sent_back_before_is_not_sent_again(in_alpha):
    from tenant_apps.payments.line_refunds import cancel_lines

    order = make_paid_order(make_ticket_type(price_minor=1200), quantity=2)
    refund_order(order, 1200)
    order = cancel_lines(order, [ids(order)[0]])
    assert order.refunded_minor == 1200
    order = cancel_order(order)
    assert (order.status, order.refunded_minor) == ("cancelled", 2400)


def test_an_unpaid_order_costs_what_is_left_of_it(alpha, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=2500, capacity=5)
        order = make_order(kind, quantity=3)
        lines = ids(order)
    shown = client_for(alpha).post(f"{API}/{order.code}/lines/{lines[1]}/cancel/{secret(order)}").json()
    assert (shown["status"], shown["total"], shown["subtotal"]) == ("pending", "50.00", "50.00")
    with in_tenant(alpha):
        from tenant_apps.payments.services import mark_paid

        assert kind.quotas.get().held == 2
        order = mark_paid(order)
        assert [line.ticket_id is not None for line in order.lines.order_by("position")] == [True, False, True]
        assert order.payments.get().captured_minor == 5000
    assert breaches_in(alpha) == []


@pytest.mark.parametrize("included", [True, False])
def test_the_tax_of_delivery_stays_what_it_was_when_a_line_is_cancelled_before_paying(alpha, included):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order
    from tenant_apps.orders.goods import Delivery
    from tenant_apps.payments.line_refunds import cancel_lines

    alpha.preferences = {**alpha.preferences, "tax_rate": "20", "prices_include_tax": included}
    alpha.save()
    with in_tenant(alpha):
        mug, courier, kind = make_variant("Mug", price_minor=2400), make_delivery(price_minor=600), make_ticket_type()
        where = Delivery(method=courier.pk, name="Ada", street="Strand", house="1", city="London")
        lines = [BasketLine(variant=mug.pk), BasketLine(kind.pk)]
        order = place_order(Basket(email="ada@example.test", lines=lines, delivery=where))
        before = order.tax_minor, order.delivery_minor
    # Settings that are changed later change no existing order (M6).
    alpha.preferences = {**alpha.preferences, "tax_rate": "7"}
    alpha.save()
    with in_tenant(alpha):
        order = cancel_lines(order, [ids(order)[1]])
        assert before == ((500, 600) if included else (600, 720))
        assert (order.tax_minor, order.delivery_minor) == before
    assert breaches_in(alpha) == []


def test_who_breaks_a_group_up_before_paying_is_told_what_it_costs_then(alpha, client_for):
    from tenant_apps.payments.services import intend, settle
    from tenant_apps.promotions.services import create_discount

    with in_tenant(alpha):
        create_discount(actor=None, name="Trio", kind="percent", percent=50, min_quantity=3)
        order = make_order(make_ticket_type(price_minor=2000), quantity=3)
        page = intend(order, "test")
        first = ids(order)[0]
    client = client_for(alpha)
    told = client.get(f"{API}/{order.code}/cancel/{secret(order)}&lines={first}").json()
    assert (told["total"], told["total_after"], told["lines"][0]["released"]) == ("30.00", "40.00", "0.00")
    shown = client.post(f"{API}/{order.code}/lines/{first}/cancel/{secret(order)}").json()
    assert (shown["status"], shown["total"]) == ("pending", "40.00")
    with in_tenant(alpha):
        # Whoever still pays on a page with the old sum gets it back, and is asked for the whole.
        page = settle(page, "succeeded", reference="old")
        assert (page.order.status, page.refunds.get().amount_minor) == ("pending", 3000)
        again = intend(order, "test")
        assert again.amount_minor == 4000
        assert settle(again, "succeeded", reference="new").order.status == "paid"
    assert breaches_in(alpha) == []


def test_what_is_left_of_an_unpaid_order_may_cost_nothing_and_is_then_paid(alpha, client_for):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    with in_tenant(alpha):
        event = make_event()
        free = make_ticket_type(event, price_minor=0, name="Child")
        dear = make_ticket_type(event, price_minor=900, name="Adult")
        order = place_order(Basket(email="a@example.test", lines=[BasketLine(free.pk), BasketLine(dear.pk)]))
        adult = ids(order)[1]
    shown = client_for(alpha).post(f"{API}/{order.code}/lines/{adult}/cancel/{secret(order)}").json()
    assert (shown["status"], shown["total"], len(shown["tickets"])) == ("paid", "0.00", 1)
    assert breaches_in(alpha) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"cancel_allowed": False}, "cancellation_not_allowed"),
        ({"cancel_until": timezone.now() - timedelta(minutes=1)}, "cancellation_closed"),
    ],
)
def test_the_types_rule_binds_buyers_and_not_staff(alpha, client_for, rule, code):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500, **rule), quantity=2)
        first = ids(order)[0]
    told = client_for(alpha).get(f"{API}/{order.code}/cancel/{secret(order)}&lines={first}").json()
    assert (told["allowed"], told["code"], told["refund"]) == (False, code, "0.00")
    answer = client_for(alpha).post(f"{API}/{order.code}/lines/{first}/cancel/{secret(order)}")
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    staff = client_for(alpha, owner_of(alpha))
    assert staff.get(f"{API}/{order.code}/cancel/?lines={first}").json()["allowed"] is True
    assert staff.post(f"{API}/{order.code}/lines/{first}/cancel/").json()["refunded"] == "25.00"


def test_another_line_may_go_though_one_ticket_was_used(alpha, client_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500), quantity=2)
        used, other = order.lines.order_by("position")
        ticketing.ensure_door(used.event)
        door = used.event.check_in_lists.get()
        assert scanning.scan(door, codes.code_text(used.ticket), "1", by=None).admitted
    client = client_for(alpha)
    refused = client.post(f"{API}/{order.code}/lines/{used.pk}/cancel/{secret(order)}")
    assert (refused.status_code, refused.json()["code"]) == (409, "tickets_used")
    assert client.post(f"{API}/{order.code}/lines/{other.pk}/cancel/{secret(order)}").status_code == 200
    with in_tenant(alpha):
        assert scanning.scan(door, codes.code_text(other.ticket), "2", by=None).reason == "cancelled"


def test_a_right_on_one_event_is_told_nothing_of_the_rest_of_an_order(alpha, client_for):
    from tenant_apps.events.grants import grant
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    helper = make_user()
    with in_tenant(alpha):
        mine, other = make_ticket_type(make_event("Gala")), make_ticket_type(make_event("Secret Ball"))
        order = place_order(Basket(email="a@example.test", lines=[BasketLine(mine.pk), BasketLine(other.pk)]))
        alone = make_order(mine)
        for permission in ("view_orders", "change_orders"):
            grant(mine.event, helper, permission, actor=owner_of(alpha))
        first, second = ids(order)
    client = client_for(alpha, helper)
    place = f"{API}/{order.code}/cancel/"
    assert client.get(place).status_code == 403
    for lines in (f"{second}", f"{first},{second}"):
        refused = client.get(f"{place}?lines={lines}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "lines"), refused.content
    told = client.get(f"{place}?lines={first}")
    assert told.status_code == 200 and "Secret Ball" not in told.content.decode()
    assert client.get(f"{API}/{alone.code}/cancel/").json()["whole"] is True


def test_a_line_of_another_order_or_another_buyer_is_not_there(alpha, client_for):
    with in_tenant(alpha):
        mine, yours = make_paid_order(), make_paid_order()
        line = ids(yours)[0]
    client = client_for(alpha)
    assert client.post(f"{API}/{mine.code}/lines/{line}/cancel/{secret(mine)}").status_code == 404
    assert client.post(f"{API}/{yours.code}/lines/{line}/cancel/{secret(mine)}").status_code == 404
    assert client.post(f"{API}/{yours.code}/lines/{line}/cancel/").status_code == 404
    assert client_for(alpha, make_user()).post(f"{API}/{yours.code}/lines/{line}/cancel/").status_code == 404
    told = client.get(f"{API}/{mine.code}/cancel/{secret(mine)}&lines={line}")
    assert (told.status_code, told.json()["code"]) == (400, "does_not_exist")
    assert client.get(f"{API}/{mine.code}/cancel/{secret(mine)}&lines=x").status_code == 400
