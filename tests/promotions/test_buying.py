"""Somebody buys with discounts and vouchers, through the API's front door."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.orders.models import Order
from tenant_apps.orders.quote import priced_again
from tenant_apps.orders.services import expire_overdue
from tenant_apps.payments.services import mark_paid
from tenant_apps.promotions import services
from tenant_apps.promotions.models import Voucher, VoucherUse
from tenant_apps.reports.invariants import TENANT_CHECKS
from tenant_apps.staff.site_settings import change_settings
from tenant_apps.ticketing.models import Quota, Ticket
from tenants.context import in_tenant
from tenants.database import connection
from tests.factories import make_delivery, make_event, make_ticket_type, make_user, make_variant, owner_of


def buy(client, *lines, key="key-1", email="buyer@example.test", **fields):
    body = {"email": email, "lines": list(lines), "provider": "manual", **fields}
    return client.post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def breaches(tenant):
    with in_tenant(tenant), connection.cursor() as cursor:
        found = []
        for check in TENANT_CHECKS:
            cursor.execute(check.statement)
            found += [row[0] for row in cursor.fetchall()]
        return found


def make_voucher(tenant, code="SPRING", **fields):
    with in_tenant(tenant):
        return services.create_voucher(actor=None, code=code, **{"kind": "percent", "percent": 20, **fields})


def used(tenant, code="SPRING"):
    with in_tenant(tenant):
        return Voucher.objects.values_list("used", flat=True).get(code=code)


@pytest.fixture
def opera(alpha):
    with in_tenant(alpha):
        return make_ticket_type(make_event("Opera"), price_minor=1000, capacity=5)


def test_discounts_voucher_fees_tax_and_delivery_make_one_total_that_adds_up(alpha, client_for, opera):
    with in_tenant(alpha):
        change_settings(
            {"service_fee_name": "Booking", "service_fee_fixed": "0.50", "service_fee_percent": "1", "tax_rate": "20"},
            actor=owner_of(alpha),
        )
        services.create_discount(
            actor=None, name="Group", kind="percent", percent=10, min_quantity=2, events=[opera.event_id]
        )
        shirt, courier = make_variant(price_minor=2000), make_delivery(price_minor=500)
    make_voucher(alpha, kind="fixed", percent=0, amount_minor=1000)
    answer = buy(
        client_for(alpha),
        {"ticket_type": opera.pk, "quantity": 2},
        {"variant": shirt.pk},
        voucher=" spring ",
        delivery={"method": courier.pk, "name": "Ada", "city": "London", "street": "Strand"},
    )
    assert answer.status_code == 201, answer.content
    order = answer.json()
    # 40.00 - 2.00 (group) - 10.00 (voucher) + 2 x (0.50 + 1 % of 6.50) + 5.00.
    shown = ("subtotal", "discount", "fees", "delivery_total", "total", "tax", "voucher")
    assert [order[name] for name in shown] == ["40.00", "12.00", "1.14", "5.00", "34.14", "3.52", "SPRING"]
    assert order["fee_lines"] == [{"kind": "service", "name": "Booking", "amount": "1.14", "tax": "0.19"}]
    group = {"kind": "discount", "name": "Group", "amount": "1.00"}
    code = {"kind": "voucher", "name": "SPRING", "amount": "2.50"}
    assert [line["applied"] for line in order["lines"]] == [[group, code], [group, code], [{**code, "amount": "5.00"}]]
    assert [line["total"] for line in order["lines"]] == ["6.50", "6.50", "15.00"]
    assert breaches(alpha) == []


def test_an_order_stays_as_it_was_priced_and_is_priced_again_by_its_own_rules(alpha, client_for, opera):
    """M6; a group that is no longer one loses its discount."""
    with in_tenant(alpha):
        group = services.create_discount(actor=None, name="Group", kind="percent", percent=50, min_quantity=3)
    order = buy(client_for(alpha), {"ticket_type": opera.pk, "quantity": 4}).json()
    with in_tenant(alpha):
        services.delete_discount(group, actor=None)
        services.create_discount(actor=None, name="Later", kind="percent", percent=90)
        placed = Order.objects.get(code=order["code"])
        lines = list(placed.lines.select_related("variant"))
        assert placed.total_minor == priced_again(placed, lines).totals.total_minor == 2000
        assert priced_again(placed, lines[:3]).totals.total_minor == 1500
        assert priced_again(placed, lines[:2]).totals.total_minor == 2000


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"active": False}, "voucher_unknown"),
        ({"valid_from": timedelta(hours=1)}, "voucher_not_started"),
        ({"valid_until": timedelta(seconds=-1)}, "voucher_expired"),
        ({"max_uses": 0}, "voucher_used_up"),
        ({"applies_to": "product"}, "voucher_not_applicable"),
        ({"kind": "fixed", "percent": 0, "amount_minor": 100, "currency": "USD"}, "voucher_not_applicable"),
    ],
)
def test_a_voucher_that_cannot_be_used_says_why_and_nothing_is_sold(alpha, client_for, opera, fields, code):
    moments = {k: timezone.now() + v if isinstance(v, timedelta) else v for k, v in fields.items()}
    make_voucher(alpha, **moments)
    answer = buy(client_for(alpha), {"ticket_type": opera.pk}, voucher="SPRING")
    assert answer.status_code in (400, 409)
    assert (answer.json()["code"], answer.json()["errors"][0]["field"]) == (code, "voucher")
    with in_tenant(alpha):
        assert not Order.objects.exists() and not VoucherUse.objects.exists()
        assert Quota.objects.get(ticket_types=opera).held == 0


@pytest.mark.parametrize("code", ["NOSUCH", "", "A\u0000B", "' OR 1=1 --", "Ω" * 60, "x" * 61])
def test_codes_that_are_none_are_refused_or_no_code_at_all(alpha, client_for, opera, code):
    answer = buy(client_for(alpha), {"ticket_type": opera.pk}, voucher=code)
    assert answer.status_code == (201 if not code else 400)


def test_a_code_of_another_tenant_is_unknown(alpha, beta, client_for, opera):
    """N2."""
    make_voucher(beta)
    answer = buy(client_for(alpha), {"ticket_type": opera.pk}, voucher="SPRING")
    assert (answer.status_code, answer.json()["code"]) == (400, "voucher_unknown")


def test_whoever_tries_codes_is_stopped_and_right_ones_do_not_count(alpha, client_for, opera, monkeypatch):
    monkeypatch.setattr("tenant_apps.promotions.guessing.MOST_WRONG", 3)
    make_voucher(alpha, max_uses=100)
    client = client_for(alpha)
    for number in range(3):
        assert buy(client, {"ticket_type": opera.pk}, voucher="SPRING", key=f"a{number}").status_code == 201
    for number in range(3):
        assert buy(client, {"ticket_type": opera.pk}, voucher="WRONG", key=f"b{number}").status_code == 400
    answer = buy(client, {"ticket_type": opera.pk}, voucher="WRONG", key="c")
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)


def test_a_use_is_given_back_when_the_order_ends_unpaid_or_is_cancelled_and_only_once(alpha, client_for, opera):
    """M4."""
    make_voucher(alpha, max_uses=1)
    client = client_for(alpha)
    first = buy(client, {"ticket_type": opera.pk}, voucher="SPRING").json()
    assert used(alpha) == 1
    refused = buy(client, {"ticket_type": opera.pk}, voucher="SPRING", key="key-2", email="b@example.test")
    assert (refused.status_code, refused.json()["code"]) == (409, "voucher_used_up")
    cancel = f"/api/v1/orders/{first['code']}/cancel/?secret={first['secret']}"
    assert client.post(cancel).status_code == 200
    assert client.post(cancel).status_code == 200
    assert used(alpha) == 0
    second = buy(client, {"ticket_type": opera.pk}, voucher="SPRING", key="key-3").json()
    with in_tenant(alpha):
        mark_paid(Order.objects.get(code=second["code"]))
    assert used(alpha) == 1
    assert client.post(f"/api/v1/orders/{second['code']}/cancel/?secret={second['secret']}").status_code == 200
    assert used(alpha) == 0
    assert breaches(alpha) == []


def test_a_use_of_an_order_whose_time_is_up_is_there_for_the_next_without_any_job(alpha, client_for, opera):
    """M3, M4; what is paid late takes a use again, or its money goes back."""
    make_voucher(alpha, max_uses=1)
    client = client_for(alpha)
    late = buy(client, {"ticket_type": opera.pk}, voucher="SPRING").json()
    with in_tenant(alpha):
        Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert buy(client, {"ticket_type": opera.pk}, voucher="SPRING", key="key-2", email="b@x.test").status_code == 201
    assert used(alpha) == 1
    with in_tenant(alpha):
        assert expire_overdue() == 0
        assert Order.objects.get(code=late["code"]).status == "expired"
    assert breaches(alpha) == []


def test_an_order_paid_after_its_time_takes_its_use_again_if_there_is_one(alpha, client_for, opera):
    """O5."""
    make_voucher(alpha, max_uses=1)
    buy(client_for(alpha), {"ticket_type": opera.pk}, voucher="SPRING")
    with in_tenant(alpha):
        Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert expire_overdue() == 1
    assert used(alpha) == 0
    with in_tenant(alpha):
        mark_paid(Order.objects.get())
        assert Order.objects.get().status == "paid"
    assert used(alpha) == 1
    assert breaches(alpha) == []


def test_one_buyer_uses_a_code_as_often_as_one_may_whatever_the_case_of_the_address(alpha, client_for, opera):
    make_voucher(alpha, max_per_buyer=1)
    client = client_for(alpha)
    assert buy(client, {"ticket_type": opera.pk}, voucher="SPRING").status_code == 201
    again = buy(client, {"ticket_type": opera.pk}, voucher="SPRING", key="key-2", email="Buyer@Example.TEST")
    assert (again.status_code, again.json()["code"]) == (409, "voucher_used_by_you")
    with in_tenant(alpha):
        user = make_user("Buyer@example.test")
    account = buy(client_for(alpha, user), {"ticket_type": opera.pk}, voucher="SPRING", key="key-3", email="c@x.test")
    assert (account.status_code, account.json()["code"]) == (409, "voucher_used_by_you")
    other = buy(client, {"ticket_type": opera.pk}, voucher="SPRING", key="key-4", email="d@x.test")
    assert other.status_code == 201
    assert used(alpha) == 2


def test_a_free_voucher_makes_an_order_free_and_paid_at_once(alpha, client_for, opera):
    make_voucher(alpha, kind="free", percent=0, max_uses=1)
    order = buy(client_for(alpha), {"ticket_type": opera.pk}, voucher="SPRING").json()
    assert (order["status"], order["total"], len(order["tickets"])) == ("paid", "0.00", 1)
    assert breaches(alpha) == []


def test_a_voucher_opens_hidden_types_and_nothing_else_does(alpha, client_for):
    with in_tenant(alpha):
        event = make_event()
        hidden = make_ticket_type(event, hidden=True, price_minor=500)
        other = make_ticket_type(event, hidden=True, price_minor=500)
    make_voucher(alpha, percent=0, opens_hidden=True, ticket_types=[hidden.pk])
    make_voucher(alpha, "PLAIN", percent=10)
    client = client_for(alpha)
    for number, (kind, voucher) in enumerate(((hidden, ""), (hidden, "PLAIN"), (other, "SPRING"))):
        answer = buy(client, {"ticket_type": kind.pk}, voucher=voucher, key=f"no-{number}")
        assert (answer.status_code, answer.json()["code"]) == (400, "does_not_exist")
    answer = buy(client, {"ticket_type": hidden.pk}, voucher="SPRING")
    assert (answer.status_code, answer.json()["total"]) == (201, "5.00")
    assert used(alpha) == 1


def test_places_that_come_back_are_kept_again_only_where_the_voucher_keeps_places(alpha, client_for):
    with in_tenant(alpha):
        seat, other = make_ticket_type(price_minor=1000, capacity=5), make_ticket_type(price_minor=1000, capacity=5)
        first, second = (Quota.objects.get(ticket_types=kind).pk for kind in (seat, other))
    make_voucher(alpha, percent=10, quota=first, reserved=2, max_uses=10)
    client = client_for(alpha)
    taken = buy(client, {"ticket_type": seat.pk}, voucher="SPRING").json()
    with in_tenant(alpha):
        services.change_voucher(Voucher.objects.get(), actor=None, quota=second)
    assert client.post(f"/api/v1/orders/{taken['code']}/cancel/?secret={taken['secret']}").status_code == 200
    with in_tenant(alpha):
        held = dict(Quota.objects.values_list("pk", "held"))
        assert (held, Voucher.objects.get().reserved) == ({first: 0, second: 1}, 1)
    assert breaches(alpha) == []


def test_a_voucher_keeps_places_that_only_its_buyers_get(alpha, client_for):
    with in_tenant(alpha):
        seat = make_ticket_type(price_minor=1000, capacity=3)
        quota = Quota.objects.get(ticket_types=seat)
    make_voucher(alpha, percent=10, quota=quota.pk, reserved=2, max_uses=10)
    client = client_for(alpha)
    assert breaches(alpha) == []
    assert buy(client, {"ticket_type": seat.pk, "quantity": 2}, email="a@x.test").json()["code"] == "sold_out"
    assert buy(client, {"ticket_type": seat.pk}, key="key-2", email="b@x.test").status_code == 201
    assert buy(client, {"ticket_type": seat.pk}, key="key-3", email="c@x.test").json()["code"] == "sold_out"
    taken = buy(client, {"ticket_type": seat.pk, "quantity": 2}, key="key-4", email="d@x.test", voucher="SPRING").json()
    assert taken["total"] == "18.00"
    assert breaches(alpha) == []
    with in_tenant(alpha):
        assert (Quota.objects.get().held, Voucher.objects.get().reserved) == (3, 0)
    # Given back, they are kept again; over, they are anybody's without any job.
    client.post(f"/api/v1/orders/{taken['code']}/cancel/?secret={taken['secret']}")
    with in_tenant(alpha):
        assert (Quota.objects.get().held, Voucher.objects.get().reserved) == (3, 2)
    assert buy(client, {"ticket_type": seat.pk}, key="key-5", email="e@x.test").json()["code"] == "sold_out"
    with in_tenant(alpha):
        Voucher.objects.update(valid_until=timezone.now() - timedelta(seconds=1))
    free = buy(client, {"ticket_type": seat.pk, "quantity": 2}, key="key-6", email="f@x.test")
    assert free.status_code == 201, free.content
    assert breaches(alpha) == []


def test_a_free_order_takes_kept_places_for_good(alpha, client_for):
    with in_tenant(alpha):
        seat = make_ticket_type(price_minor=1000, capacity=2)
        quota = Quota.objects.get(ticket_types=seat)
    make_voucher(alpha, kind="free", percent=0, quota=quota.pk, reserved=1, max_uses=1)
    answer = buy(client_for(alpha), {"ticket_type": seat.pk, "quantity": 2}, voucher="SPRING")
    assert (answer.status_code, answer.json()["status"]) == (201, "paid"), answer.content
    with in_tenant(alpha):
        assert (Quota.objects.get().held, Quota.objects.get().sold, Ticket.objects.count()) == (0, 2, 2)
    assert breaches(alpha) == []


def test_an_order_without_voucher_or_fees_costs_no_statement_more(alpha, client_for, opera):
    """Discounts come along in the statement that reads the ticket types."""
    from django.test.utils import CaptureQueriesContext

    def statements(key):
        with CaptureQueriesContext(connection) as captured:
            assert buy(client_for(alpha), {"ticket_type": opera.pk}, key=key, email=f"{key}@x.test").status_code == 201
        return [query["sql"] for query in captured.captured_queries]

    statements("warm")
    without = statements("one")
    with in_tenant(alpha):
        for number in range(5):
            services.create_discount(actor=None, name=f"D{number}", kind="percent", percent=10)
    assert len(statements("two")) == len(without)
    assert not any("promo_voucher" in sql or "promo_use" in sql for sql in without)


def test_an_order_of_more_money_than_there_is_is_refused(alpha, client_for):
    with in_tenant(alpha):
        gold = make_variant(price_minor=10**14, capacity=None)
    answer = buy(client_for(alpha), {"variant": gold.pk, "quantity": 100_000})
    assert (answer.status_code, answer.json()["code"]) == (400, "order_too_large")


def test_a_fee_has_as_many_digits_as_the_currency(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    wrong = client.patch("/api/v1/settings/", {"service_fee_fixed": "0.505"}, format="json")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "service_fee_fixed")
    right = client.patch("/api/v1/settings/", {"service_fee_fixed": "0.5"}, format="json")
    assert right.json()["service_fee_fixed"] == "0.5"


def test_a_group_of_which_one_cancels_loses_its_discount_and_that_is_shown_first(alpha, client_for, opera):
    with in_tenant(alpha):
        services.create_discount(actor=None, name="Group", kind="percent", percent=20, min_quantity=3)
    client = client_for(alpha)
    order = buy(client, {"ticket_type": opera.pk, "quantity": 4}).json()
    with in_tenant(alpha):
        mark_paid(Order.objects.get())
    assert order["total"] == "32.00"
    secret = f"?secret={order['secret']}"
    first, second = (line["id"] for line in order["lines"][:2])
    told = client.get(f"/api/v1/orders/{order['code']}/cancel/{secret}&lines={first}").json()
    assert (told["total"], told["total_after"], told["refund"]) == ("32.00", "24.00", "8.00")
    client.post(f"/api/v1/orders/{order['code']}/lines/{first}/cancel/{secret}")
    # Two are no group: they cost 20.00 of the 24.00 that are left.
    told = client.get(f"/api/v1/orders/{order['code']}/cancel/{secret}&lines={second}").json()
    assert (told["total"], told["total_after"], told["refund"]) == ("24.00", "20.00", "4.00")
    client.post(f"/api/v1/orders/{order['code']}/lines/{second}/cancel/{secret}")
    assert breaches(alpha) == []


def test_an_unpaid_order_of_which_a_line_is_cancelled_owes_what_is_left_with_its_fees(alpha, client_for, opera):
    with in_tenant(alpha):
        change_settings({"service_fee_fixed": "1.00"}, actor=owner_of(alpha))
    make_voucher(alpha, kind="fixed", percent=0, amount_minor=500)
    client = client_for(alpha)
    order = buy(client, {"ticket_type": opera.pk, "quantity": 2}, voucher="SPRING").json()
    assert (order["total"], order["fees"]) == ("17.00", "2.00")
    first = order["lines"][0]["id"]
    shown = client.post(f"/api/v1/orders/{order['code']}/lines/{first}/cancel/?secret={order['secret']}").json()
    assert (shown["total"], shown["fees"], shown["discount"]) == ("6.00", "1.00", "5.00")
    assert breaches(alpha) == []


def test_a_cart_shows_what_its_order_costs(alpha, client_for, opera):
    """Discounts, voucher, fees: one quote behind both."""
    with in_tenant(alpha):
        change_settings({"service_fee_percent": "10"}, actor=owner_of(alpha))
        services.create_discount(actor=None, name="Group", kind="percent", percent=10, min_quantity=2)
        hidden = make_ticket_type(make_event(), hidden=True, price_minor=700)
    make_voucher(alpha, percent=50, opens_hidden=True, ticket_types=[hidden.pk, opera.pk])
    client = client_for(alpha)
    first = client.post("/api/v1/cart/lines/", {"ticket_type": opera.pk, "quantity": 2}, format="json")
    token = first.json()["token"]
    with in_tenant(alpha):
        from tenant_apps.orders.cart_models import Cart

        Cart.objects.update(voucher="SPRING")
    opened = client.post(
        "/api/v1/cart/lines/", {"ticket_type": hidden.pk, "quantity": 1}, format="json", HTTP_X_CART_TOKEN=token
    )
    assert opened.status_code in (200, 201), opened.content
    cart = client.get("/api/v1/cart/", HTTP_X_CART_TOKEN=token).json()
    assert (cart["total"], cart["fees"]) == ("13.37", "1.22")
    body = {"email": "b@x.test", "cart": token, "provider": "manual"}
    order = client.post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="k").json()
    assert (order["total"], order["fees"], order["voucher"]) == (cart["total"], cart["fees"], "SPRING")
    assert used(alpha) == 1
    assert breaches(alpha) == []


def test_the_sweep_frees_places_that_an_ended_voucher_keeps_once(alpha):
    with in_tenant(alpha):
        quota = Quota.objects.get(ticket_types=make_ticket_type(capacity=5))
    make_voucher(alpha, quota=quota.pk, reserved=3)
    with in_tenant(alpha):
        assert services.release_kept() == 0
        Voucher.objects.update(valid_until=timezone.now() - timedelta(seconds=1))
        assert [services.release_kept() for _time in range(2)] == [1, 0]
        assert (Quota.objects.get().held, Voucher.objects.get().reserved) == (0, 0)
    assert breaches(alpha) == []


def test_at_the_counter_a_code_that_does_nothing_is_refused_as_well(alpha, client_for, opera):
    with in_tenant(alpha):
        from tenant_apps.orders.checkout import Basket, BasketLine, place_order
        from tenant_apps.promotions.errors import VoucherNotApplicable

    make_voucher(alpha, applies_to="product")
    with in_tenant(alpha), pytest.raises(VoucherNotApplicable):
        basket = Basket(email="b@x.test", lines=[BasketLine(opera.pk)], channel="box_office", voucher="SPRING")
        place_order(basket, actor=owner_of(alpha))
    assert used(alpha) == 0
