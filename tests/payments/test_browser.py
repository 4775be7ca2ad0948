"""A buyer pays on the provider's own page in a real browser, under our content security policy, and gets money back."""

import pytest

from tests.factories import owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in
from tests.payments.conftest import NEEDS_3DS

pytestmark = pytest.mark.browser


def test_a_card_that_wants_3_d_secure_pays_for_a_ticket_which_is_then_cancelled(open_shop, browser, site, alpha):
    shop = open_shop("stripe")
    order = shop.order(quantity=2, provider="manual")
    page = browser.new_page()
    page.goto(site.url(alpha, f"/orders/{order['code']}/{order['secret']}/"))
    # The policy lets the form end on the provider's page, and nowhere else.
    page.locator("form", has=page.locator("[value=stripe]")).get_by_role("button").click()
    page.wait_for_url(f"{shop.fake.url}/c/pay/**")
    page.get_by_label("Card number").fill(NEEDS_3DS)
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("button", name="Yes, it is me").click()
    page.wait_for_url(site.url(alpha, "/orders/**/thanks/"))
    page.get_by_role("link", name="See your tickets").click()
    page.get_by_role("heading", name="You are going").wait_for()
    assert page.locator(".pass").count() == 2
    page.get_by_text("Cancel this order").click()
    assert page.get_by_text("You get €50 back").is_visible()
    page.get_by_role("button", name="Yes, cancel it").click()
    page.get_by_text("This order was cancelled").wait_for()
    assert shop.payments()[-1] == ("refunded", 5000, 5000)
    shop.books_agree()


def test_staff_connect_a_provider_on_a_page_that_axe_finds_nothing_wrong_with(open_shop, browser, site, alpha):
    shop = open_shop("stripe")
    signed_in(browser, site, alpha, owner_of(alpha))
    page = browser.new_page()
    for path in ("/dashboard/settings/payments/", "/dashboard/settings/payments/paypal/"):
        page.goto(site.url(alpha, path))
        page.evaluate(AXE)
        assert page.evaluate(RUN_AXE) == []
    page.goto(site.url(alpha, "/dashboard/settings/payments/stripe/"))
    page.get_by_label("Secret key").fill("sk_test_alpha")
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Connected in test mode").wait_for()
    assert shop.fake.calls
