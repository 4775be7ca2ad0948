"""A buyer's own orders: what stands on the pages, and what can be done there without JavaScript."""

from tenant_apps.orders.models import Order, OrderLine
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, make_variant


def place_of(order):
    return f"/orders/{order.code}/{order.secret}/"


def test_each_ticket_is_cancelled_by_itself_and_the_amount_is_told_before(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(make_event(refund_tiers=[{"days": 1, "percent": 50}])), quantity=2)
        line = order.lines.order_by("position").first()
    page = page_for(alpha)
    text = page.get(place_of(order)).content.decode()
    assert text.count('data-dialog="cancel-') == 2
    own = page.get(f"{place_of(order)}lines/{line.pk}/").content.decode()
    assert "€6" in own
    assert "€12" in own
    answer = page.post(f"{place_of(order)}lines/{line.pk}/cancel/", follow=True)
    text = answer.content.decode()
    assert "It is cancelled." in text
    assert "Sent back" in text
    with in_tenant(alpha):
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 600)
    # One ticket is left: the order's own button cancels that.
    assert 'data-dialog="cancel-' not in page.get(place_of(order)).content.decode()


def test_a_line_that_may_not_be_cancelled_says_why(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(cancel_allowed=False), quantity=2)
        line = order.lines.first()
    page = page_for(alpha)
    assert "cannot be cancelled online" in page.get(f"{place_of(order)}lines/{line.pk}/").content.decode()
    refused = page.post(f"{place_of(order)}lines/{line.pk}/cancel/")
    assert refused.status_code == 409
    assert "cannot be cancelled online" in refused.content.decode()


def test_the_name_on_a_ticket_is_changed_on_its_page(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type())
        line = order.lines.get()
    page = page_for(alpha)
    answer = page.post(f"{place_of(order)}lines/{line.pk}/", {"name": "Grace Hopper", "email": ""}, follow=True)
    assert "Grace Hopper" in answer.content.decode()
    assert page.post(f"{place_of(order)}lines/{line.pk}/", {"email": "nobody"}).status_code == 400


def test_pages_of_lines_open_by_the_orders_own_secret_only(alpha, page_for):
    with in_tenant(alpha):
        mine, yours = make_paid_order(), make_paid_order()
        line = yours.lines.get()
    page = page_for(alpha)
    assert page.get(f"{place_of(mine)}lines/{line.pk}/").status_code == 404
    assert page.post(f"{place_of(mine)}lines/{line.pk}/cancel/").status_code == 404
    assert page.get(f"/orders/{yours.code}/{mine.secret}/lines/{line.pk}/").status_code == 404


def test_my_orders_are_listed_with_their_state_and_how_far_goods_are(alpha, page_for):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order
    from tenant_apps.payments.services import mark_paid

    ada, other = make_user(), make_user()
    with in_tenant(alpha):
        make_order(make_ticket_type(make_event("Night of Strings")), user=ada)
        make_paid_order(make_ticket_type(make_event("Not mine")), user=other)
        goods = make_variant(capacity=5)
        order = mark_paid(
            place_order(Basket(email=ada.email, lines=[BasketLine(variant=goods.pk, quantity=2)]), user=ada)
        )
        OrderLine.objects.filter(order=order).update(fulfilment="shipped")
    page = page_for(alpha, ada)
    text = page.get("/orders/").content.decode()
    assert "Night of Strings" in text
    assert "Awaiting payment" in text
    assert "Shipped" in text
    assert "Not mine" not in text
    assert page.get(f"/orders/{order.code.lower()}/")["Location"] == place_of(order)
    assert page_for(alpha, other).get(f"/orders/{order.code}/").status_code == 404
    assert "/login/" in page_for(alpha).get("/orders/")["Location"]


def test_a_guests_orders_come_into_the_account_of_the_confirmed_address(alpha, page_for, client_for):
    ada, unproven = make_user("Ada@example.test"), make_user("bob@example.test", confirmed=False)
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(), email="ada@Example.test")
        others = make_paid_order(make_ticket_type(), email="bob@example.test")
    page = page_for(alpha, ada)
    assert "Take them into my account" in page.get("/orders/").content.decode()
    page.post("/orders/claim/")
    with in_tenant(alpha):
        assert Order.objects.get(pk=order.pk).user_id == ada.pk
    assert "Take them into my account" not in page.get("/orders/").content.decode()
    assert client_for(alpha, ada).get(f"/api/v1/orders/{order.code}/").status_code == 200
    assert client_for(alpha, unproven).post("/api/v1/orders/claim/").json() == {"claimed": 0}
    with in_tenant(alpha):
        assert Order.objects.get(pk=others.pk).user_id is None


def test_addresses_are_saved_changed_and_deleted_on_their_page(alpha, page_for):
    ada = make_user()
    page = page_for(alpha, ada)
    new = {"name": "Ada Lovelace", "street": "Baker Street", "house": "221b", "city": "London"}
    assert "Baker Street" in page.post("/account/addresses/", new, follow=True).content.decode()
    with in_tenant(alpha):
        from tenant_apps.orders.models import SavedAddress

        pk = SavedAddress.objects.get().pk
    assert page_for(alpha, make_user()).get(f"/account/addresses/{pk}/").status_code == 404
    assert page.post(f"/account/addresses/{pk}/", {**new, "city": ""}).status_code == 400
    assert "Paris" in page.post(f"/account/addresses/{pk}/", {**new, "city": "Paris"}, follow=True).content.decode()
    page.post(f"/account/addresses/{pk}/", {"delete": "1"})
    assert "Baker Street" not in page.get("/account/addresses/").content.decode()
