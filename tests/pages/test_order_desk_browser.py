"""The staff's pages about orders and goods in a real browser: clean by axe in both themes, no wider than the screen."""

import pytest

from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, make_variant, owner_of
from tests.orders.test_shipping import goods_order
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["en", "ru"])
def test_orders_are_found_packed_and_shipped_in_a_browser(alpha, site, browser, language):
    owner = owner_of(alpha)
    type(owner).objects.filter(pk=owner.pk).update(language=language)
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Night of Strings with a Name that is rather long"), price_minor=2500)
        shirt = make_variant("T-shirt, black, XL", sku="TS-1")
        order = goods_order(shirt, make_variant("Cap of the season"), ticket_type=kind)
        make_paid_order(kind, quantity=2, user=make_user("grace@example.test", name="Grace Hopper"))
        goods_order(shirt, email="a.very.long.address.of.a.buyer@example.test", pay=False)
    signed_in(browser, site, alpha, owner)
    browser.add_cookies([{"name": "language", "value": language, "url": site.url(alpha, "/")}])
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/orders/?fulfilment=unpacked"))
    found = look(page, browser, f"orders-filtered-{language}")
    page.goto(site.url(alpha, "/dashboard/orders/"))
    found += look(page, browser, f"orders-{language}")
    page.goto(site.url(alpha, "/dashboard/pick-list/"))
    found += look(page, browser, f"pick-list-{language}")
    page.goto(site.url(alpha, f"/dashboard/orders/{order.code}/"))
    page.locator('button[formaction$="/goods/pack/"]').click()
    page.locator('button[formaction$="/goods/ship/"]').wait_for()
    page.locator("#carrier").fill("DHL")
    page.locator("#tracking").fill("JD000123456789")
    page.locator('button[formaction$="/goods/ship/"]').click()
    page.locator('button[formaction$="/goods/deliver/"]').wait_for()
    page.locator("summary", has_text="Refund" if language == "en" else "Возврат").click()
    found += look(page, browser, f"order-desk-{language}")
    page.goto(site.url(alpha, "/dashboard/settings/"))
    found += look(page, browser, f"settings-{language}")
    page.goto(site.url(alpha, f"/orders/{order.code}/{order.secret}/"))
    found += look(page, browser, f"order-papers-{language}")
    with in_tenant(alpha):
        assert order.lines.filter(fulfilment="shipped").count() == 2
        assert order.parcels.get().tracking_number == "JD000123456789"
    assert found == []
