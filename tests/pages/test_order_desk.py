"""The staff's list of orders and an order's page: found by their address, moved, refunded, written to files."""

import csv
import io
import re

import pytest
from pypdf import PdfReader

from tenant_apps.orders.models import Order
from tenant_apps.payments.models import Refund
from tenant_apps.staff.models import Membership, Role
from tenants.context import in_tenant
from tests.factories import (
    make_event,
    make_order,
    make_paid_order,
    make_ticket_type,
    make_user,
    make_variant,
    owner_of,
)
from tests.orders.test_shipping import goods_order


@pytest.fixture
def desk(alpha, page_for):
    return page_for(alpha, owner_of(alpha))


@pytest.fixture
def orders(alpha):
    """One order of each kind, by a name for the test."""
    with in_tenant(alpha):
        gala = make_ticket_type(make_event("Gala", slug="gala"))
        mug = make_variant("Mug", sku="M-1")
        found = {
            "tickets": make_paid_order(gala),
            "unpaid": make_order(gala, email="late@example.test"),
            "goods": goods_order(mug),
            "waiting": goods_order(mug, pay=False, email="waiting@example.test"),
        }
        Order.objects.filter(pk=found["tickets"].pk).update(name="Grace Hopper", channel="box_office")
        Order.objects.filter(pk=found["unpaid"].pk).update(created_at="2025-03-09T23:30:00Z")
        found["mug"] = mug.product.slug
        return found


def shown(page, orders):
    """The names of the orders that a page, or a file, shows."""
    text = page.content.decode() if hasattr(page, "content") else page
    return {name for name, order in orders.items() if name != "mug" and order.code in text}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"tickets", "unpaid", "goods", "waiting"}),
        ("status=paid", {"tickets", "goods"}),
        ("event=gala", {"tickets", "unpaid"}),
        ("event=never", set()),
        ("product={mug}", {"goods", "waiting"}),
        ("fulfilment=unpacked", {"goods"}),
        ("fulfilment=shipped", set()),
        # Half past midnight of the 10th where the tenant is.
        ("from=2025-03-10&to=2025-03-10", {"unpaid"}),
        ("to=2025-03-09", set()),
        ("from=2025-03-11", {"tickets", "goods", "waiting"}),
        ("channel=box_office", {"tickets"}),
        ("search=hopper", {"tickets"}),
        ("search=LATE@example", {"unpaid"}),
        ("status=paid&search=late", set()),
        ("status=nothing&from=yesterday&channel=x&fulfilment=y&provider=z", {"tickets", "unpaid", "goods", "waiting"}),
    ],
)
def test_the_address_says_which_orders_are_shown(desk, orders, query, names):
    query = query.format(mug=orders["mug"])
    assert shown(desk.get(f"/dashboard/orders/?{query}"), orders) == names
    file = b"".join(desk.get(f"/dashboard/orders.csv?{query}").streaming_content).decode()
    assert shown(file, orders) == names


def test_orders_are_found_by_the_way_they_were_paid(alpha, desk, orders):
    from tenant_apps.payments.services import intend

    with in_tenant(alpha):
        intend(orders["unpaid"], "test")
    assert shown(desk.get("/dashboard/orders/?provider=test"), orders) == {"unpaid"}
    assert "tickets" in shown(desk.get("/dashboard/orders/?provider=manual"), orders)


def test_the_file_holds_goods_and_addresses_and_harms_no_spreadsheet(alpha, desk, orders):
    with in_tenant(alpha):
        Order.objects.filter(pk=orders["goods"].pk).update(name="=1+1")
    text = b"".join(desk.get("/dashboard/orders.csv").streaming_content).decode()
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(text))}
    row = rows[orders["goods"].code]
    assert (row["name"], row["total"], row["currency"]) == ("'=1+1", "45.00", "EUR")
    assert (row["lines"], row["fulfilment"], row["delivery_method"]) == ("2 × Mug", "unpacked", "Courier")
    assert row["delivery_address"] == "Ada, Strand 1, London"
    assert all(order.secret not in text for name, order in orders.items() if name != "mug")


def test_a_page_costs_the_same_statements_however_many_orders_there_are(alpha, desk, orders):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count():
        with CaptureQueriesContext(connection) as asked:
            desk.get("/dashboard/orders/")
        return len(asked)

    count()
    few = count()
    with in_tenant(alpha):
        for _ in range(4):
            goods_order()
    assert count() == few


def test_many_orders_are_packed_and_shipped_at_once(alpha, desk, orders):
    with in_tenant(alpha):
        more = goods_order(email="more@example.test")
    codes = [orders["goods"].code, more.code, orders["tickets"].code]
    body = {"order": codes, "step": "pack", "back": "?status=paid"}
    answer = desk.post("/dashboard/bulk-orders/", body)
    assert answer["Location"] == "/dashboard/orders/?status=paid"
    words = desk.get(answer["Location"]).content.decode()
    assert "2 orders moved on." in words
    assert orders["tickets"].code in re.search(r"Nothing to move in: ([^<]*)", words)[1]
    desk.post("/dashboard/bulk-orders/", {"order": codes[:2], "step": "ship", "carrier": "DHL"})
    with in_tenant(alpha):
        for order in (orders["goods"], more):
            assert list(order.lines.values_list("fulfilment", flat=True)) == ["shipped"]
            assert order.parcels.get().carrier == "DHL"


@pytest.mark.parametrize("back", ["https://evil.test/", "//evil.test", "\\\\evil.test", "?x=1\r\nSet-Cookie: a=b"])
def test_the_way_back_from_many_orders_stays_here(desk, orders, back):
    answer = desk.post("/dashboard/bulk-orders/", {"step": "pack", "back": back})
    assert answer["Location"] == "/dashboard/orders/"


def test_steps_are_taken_on_the_orders_page_and_its_timeline_tells_them(alpha, desk, orders):
    path = f"/dashboard/orders/{orders['goods'].code}/"
    page = desk.get(path).content.decode()
    assert "To be packed" in page
    assert "goods/pack/" in page and "goods/ship/" not in page
    desk.post(f"{path}goods/pack/")
    page = desk.post(
        f"{path}goods/ship/", {"carrier": "DHL", "tracking_number": "JD0001"}, follow=True
    ).content.decode()
    assert "The goods are on their way." in page
    for said in ("Goods packed", "Goods shipped", "2 × Mug", "JD0001", "Invoice issued", "INV-"):
        assert said in page, said
    desk.post(f"{path}goods/return/", {"restock": "no"})
    with in_tenant(alpha):
        line = orders["goods"].lines.select_related("variant").get()
        assert (line.fulfilment, line.variant.capacity) == ("returned", 8)
    assert desk.post(f"{path}goods/eat/").status_code == 404


# --- Refunds --------------------------------------------------------------------------------------------------------


def refund(desk, order, **body):
    return desk.post(f"/dashboard/orders/{order.code}/refund/", {"key": "k", **body}, follow=True).content.decode()


def test_the_page_says_what_can_go_back_and_sends_an_amount(alpha, desk, orders):
    order = orders["tickets"]
    path = f"/dashboard/orders/{order.code}/"
    assert "€12.00 of this order can go back." in desk.get(path).content.decode()
    for _twice in range(2):
        assert "The money is on its way back." in refund(desk, order, amount="5,00", reason="late")
    assert "€7.00 of this order can go back." in desk.get(path).content.decode()
    with in_tenant(alpha):
        assert [(each.amount_minor, each.reason) for each in Refund.objects.all()] == [(500, "late")]
        assert order.lines.get().ticket.status == "active"


def test_lines_are_sent_back_with_what_they_cost(alpha, desk):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=1000), quantity=2)
        first, second = order.lines.order_by("position")
    refund(desk, order, line=[str(first.pk)], amount="")
    with in_tenant(alpha):
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 1000)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.status, second.status) == ("cancelled", "active")


@pytest.mark.parametrize("amount", ["", "abc", "0", "-1", "12.001", "1e30", "NaN", "12.01"])
def test_an_amount_that_cannot_go_back_is_refused(alpha, desk, orders, amount):
    refund(desk, orders["tickets"], amount=amount)
    with in_tenant(alpha):
        assert not Refund.objects.exists()


def test_only_who_may_refund_sees_the_dialog_and_sends_money(alpha, page_for, orders):
    from tenant_apps.staff.models import Membership, Role

    helper = make_user()
    with in_tenant(alpha):
        Membership.objects.create(user=helper, role=Role.objects.get(preset="box_office"))
    client = page_for(alpha, helper)
    assert "can go back" not in client.get(f"/dashboard/orders/{orders['tickets'].code}/").content.decode()
    answer = client.post(f"/dashboard/orders/{orders['tickets'].code}/refund/", {"amount": "1"})
    assert answer.status_code == 403
    with in_tenant(alpha):
        assert not Refund.objects.exists()


# --- The pick list --------------------------------------------------------------------------------------------------


def test_the_pick_list_counts_what_is_to_be_packed(alpha, desk, orders):
    with in_tenant(alpha):
        cap = make_variant("Cap", sku="C-1")
        both = goods_order(cap, quantity=1, email="two@example.test")
    page = desk.get("/dashboard/pick-list/").content.decode()
    assert shown(page, {**orders, "both": both}) == {"goods", "both"}
    rows = list(csv.DictReader(io.StringIO(desk.get("/dashboard/pick-list.csv").content.decode())))
    assert [(row["order"], row["sku"], row["item"], row["quantity"]) for row in rows] == [
        (orders["goods"].code, "M-1", "Mug", "2"),
        (both.code, "C-1", "Cap", "1"),
    ]
    paper = desk.get(f"/dashboard/pick-list.pdf?order={both.code}")
    assert paper["Content-Type"] == "application/pdf"
    assert "no-store" in paper["Cache-Control"]
    text = PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()
    assert "Cap" in text and both.code in text and orders["goods"].code not in text
    desk.post(f"/dashboard/orders/{both.code}/goods/pack/")
    assert both.code not in desk.get("/dashboard/pick-list/").content.decode()


def test_who_has_a_right_on_one_event_is_not_told_where_goods_go(alpha, client_for, page_for):
    from tenant_apps.events.grants import grant
    from tenant_apps.orders import shipping

    helper = make_user()
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Gala"))
        order = goods_order(make_variant("Mug"), ticket_type=kind)
        shipping.move(order, "pack")
        shipping.move(order, "ship", carrier="DHL", tracking_number="TRACK-1")
        role = Role.objects.create(name="Exporter", permissions=["export"])
        Membership.objects.create(user_id=helper.pk, role=role)
        grant(kind.event, helper, "view_orders", actor=owner_of(alpha))
    client, page = client_for(alpha, helper), page_for(alpha, helper)
    answers = [
        client.get(f"/api/v1/orders/{order.code}/").content,
        client.get(f"/api/v1/events/{kind.event.slug}/orders/").content,
        b"".join(page.get("/dashboard/orders.csv").streaming_content),
    ]
    for told in (answer.decode() for answer in answers):
        assert order.code in told and "Gala" in told
        assert not any(word in told for word in ("Strand", "London", "Courier", "TRACK-1"))
    assert "Strand" in client_for(alpha, owner_of(alpha)).get(f"/api/v1/orders/{order.code}/").content.decode()


def test_who_has_a_right_on_one_event_sees_no_goods(alpha, page_for):
    from tenant_apps.events.grants import grant

    helper = make_user()
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Gala"))
        order = goods_order(make_variant("Mug"), ticket_type=kind)
        grant(kind.event, helper, "view_orders", actor=owner_of(alpha))
    client = page_for(alpha, helper)
    assert order.code in client.get("/dashboard/orders/").content.decode()
    for path in (f"/dashboard/orders/{order.code}/", "/dashboard/pick-list/", "/dashboard/pick-list.csv"):
        assert "Mug" not in client.get(path).content.decode()
    # Nor is the order found by what they do not see.
    with in_tenant(alpha):
        slug = order.lines.exclude(variant=None).get().variant.product.slug
    for query in ("fulfilment=unpacked", f"product={slug}"):
        assert order.code not in client.get(f"/dashboard/orders/?{query}").content.decode()
