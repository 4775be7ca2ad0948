"""A buyer's orders and the box office in a real browser: clean by axe in both themes, and done with few keys."""

import pytest

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
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


def bought(ada):
    """A paid order of two tickets for two events and a T-shirt that goes by courier."""
    from tenant_apps.orders.checkout import Attendee, Basket, BasketLine, place_order
    from tenant_apps.orders.goods import Delivery
    from tenant_apps.payments.services import mark_paid

    one, two = make_event("Night of Strings"), make_event("Open Day for the whole Family and Friends")
    shirt, courier = make_variant(capacity=5), make_delivery()
    lines = [
        BasketLine(make_ticket_type(one, price_minor=2500).pk, attendees=[Attendee("Grace Hopper")]),
        BasketLine(make_ticket_type(two, price_minor=1200).pk),
        BasketLine(variant=shirt.pk, quantity=2),
    ]
    address = Delivery(courier.pk, "Ada Lovelace", "+44 1", "United Kingdom", "London", "Baker Street", "221b")
    return mark_paid(place_order(Basket(email=ada.email, lines=lines, delivery=address), user=ada))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_one_ticket_of_an_order_is_cancelled_in_a_dialog_that_tells_the_amount(alpha, site, browser, language):
    ada = make_user("ada@example.test", name="Ada Lovelace", language=language)
    with in_tenant(alpha):
        order = bought(ada)
        line = order.lines.order_by("position").first()
        make_paid_order(make_ticket_type(make_event("A guest's evening")), email=ada.email)
    signed_in(browser, site, alpha, ada)
    browser.add_cookies([{"name": "language", "value": language, "url": site.url(alpha, "/")}])
    page = browser.new_page()
    page.goto(site.url(alpha, "/orders/"))
    found = look(page, browser, f"my-orders-{language}")
    page.goto(site.url(alpha, "/account/addresses/"))
    found += look(page, browser, f"addresses-{language}")
    place = f"/orders/{order.code}/{order.secret}/"
    page.goto(site.url(alpha, f"{place}lines/{line.pk}/"))
    found += look(page, browser, f"line-{language}")
    page.goto(site.url(alpha, place))
    found += look(page, browser, f"order-{language}")
    page.locator(f'[data-dialog="cancel-{line.pk}"]').click()
    dialog = page.locator(f"#cancel-{line.pk}")
    dialog.wait_for()
    assert "25" in dialog.inner_text()
    found += look(page, browser, f"order-dialog-{language}")
    dialog.locator("button[type=submit]").click()
    page.locator(".is-off").wait_for()
    found += look(page, browser, f"order-cancelled-line-{language}")
    with in_tenant(alpha):
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 2500)
    assert found == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_two_keys_and_enter_sell_tickets_at_the_counter(alpha, site, browser, language):
    clerk = owner_of(alpha)
    with in_tenant(alpha):
        event = make_event("Night of Strings with the whole Orchestra")
        adult = make_ticket_type(event, price_minor=2500, name="Adult", capacity=40)
        make_ticket_type(event, price_minor=1200, name="Child", capacity=3)
        make_ticket_type(event, price_minor=0, name="Companion", capacity=0)
        make_ticket_type(make_event("Open Day"))
    signed_in(browser, site, alpha, clerk)
    browser.add_cookies([{"name": "language", "value": language, "url": site.url(alpha, "/")}])
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/box-office/"))
    found = look(page, browser, f"till-events-{language}")
    page.get_by_role("link", name="Night of Strings").click()
    page.locator("[data-till]").wait_for()
    page.wait_for_function("window.htmx")
    page.keyboard.press("1")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.locator("#till-total", has_text="62").wait_for()
    page.locator("[name=given]").fill("70")
    page.locator("#till-total", has_text="8").wait_for()
    found += look(page, browser, f"till-{language}")
    page.locator("[name=given]").press("Enter")
    page.locator(".receipt").wait_for()
    assert page.locator(".receipt__code svg").count() == 3
    found += look(page, browser, f"receipt-{language}")
    page.locator("body").press("Enter")
    page.locator("[data-till]").wait_for()
    with in_tenant(alpha):
        assert adult.quotas.get().sold == 2
    assert found == []
