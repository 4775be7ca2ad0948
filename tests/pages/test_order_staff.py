"""What staff do to single lines of an order, and the notes that they write, on the order's pages."""

from tenant_apps.events.grants import grant
from tenants.context import in_tenant
from tests.factories import make_paid_order, make_ticket_type, make_user, owner_of


def test_staff_cancel_one_line_after_seeing_what_goes_back(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=2500, cancel_allowed=False), quantity=2)
        line = order.lines.order_by("position").first()
    page = page_for(alpha, owner_of(alpha))
    place = f"/dashboard/orders/{order.code}/lines/{line.pk}/"
    assert place in page.get(f"/dashboard/orders/{order.code}/").content.decode()
    text = page.get(place).content.decode()
    assert "€25.00" in text
    assert "€50.00" in text
    page.post(f"{place}cancel/", {"reason": "asked by phone"})
    with in_tenant(alpha):
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 2500)
    assert "asked by phone" in page.get(f"/dashboard/orders/{order.code}/").content.decode()


def test_staff_change_the_name_on_a_ticket(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(transfer_allowed=False))
        line = order.lines.get()
    page = page_for(alpha, owner_of(alpha))
    place = f"/dashboard/orders/{order.code}/lines/{line.pk}/"
    assert "Grace Hopper" in page.post(place, {"name": "Grace Hopper"}, follow=True).content.decode()
    assert page.post(place, {"email": "nobody"}).status_code == 400


def test_notes_are_written_and_taken_away_on_the_orders_page(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order()
    page = page_for(alpha, owner_of(alpha))
    place = f"/dashboard/orders/{order.code}/"
    assert "Comes by bus" in page.post(f"{place}notes/", {"text": "Comes by bus"}, follow=True).content.decode()
    assert "Comes by bus" not in page_for(alpha).get(f"/orders/{order.code}/{order.secret}/").content.decode()
    assert "Please fill this in" in page.post(f"{place}notes/", {"text": " "}, follow=True).content.decode()
    with in_tenant(alpha):
        note = order.notes.get()
    page.post(f"{place}notes/{note.pk}/delete/")
    with in_tenant(alpha):
        assert not order.notes.exists()


def test_a_grant_on_one_event_reaches_that_events_lines_only(alpha, page_for):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    clerk = make_user()
    with in_tenant(alpha):
        mine, other = make_ticket_type(price_minor=0), make_ticket_type(price_minor=0)
        basket = Basket(email="a@example.test", lines=[BasketLine(mine.pk), BasketLine(other.pk)])
        order = place_order(basket)
        for permission in ("view_orders", "change_orders"):
            grant(mine.event, clerk, permission, actor=None)
        first, second = order.lines.order_by("position").values_list("pk", flat=True)
    page = page_for(alpha, clerk)
    assert page.get(f"/dashboard/orders/{order.code}/lines/{first}/").status_code == 200
    assert page.get(f"/dashboard/orders/{order.code}/lines/{second}/").status_code == 404
    assert page.post(f"/dashboard/orders/{order.code}/lines/{second}/cancel/").status_code == 404
    # A note is about the whole order: who sees a part of it writes none.
    assert page.post(f"/dashboard/orders/{order.code}/notes/", {"text": "x"}).status_code == 404
