"""One order of two tickets of two events and a T-shirt, in a real browser: chosen, paid with 3-D Secure, shown."""

import json
import os
from pathlib import Path

import pytest

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.catalog.models import DeliveryMethod
from tenant_apps.events import details
from tenant_apps.events.models import Question
from tenant_apps.orders.models import Cart
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type
from tests.orders.shops import make_shirt, make_voucher
from tests.pages.test_browser import AXE, RUN_AXE
from tests.payments.conftest import NEEDS_3DS, open_shop  # noqa: F401  (the fixture of the shop with the fake)

pytestmark = pytest.mark.browser

# Where pictures of the pages go, for people who want to look at them.
PICTURES = os.environ.get("FOYER_TEST_PICTURES", "")


def looked_at(page, name):
    """Axe in both themes, the width in both languages; pictures where somebody asked for them."""
    found = []
    page.evaluate(AXE)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [(name, theme, *each) for each in page.evaluate(RUN_AXE)]
        if PICTURES:
            width = page.viewport_size["width"]
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{theme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], name
    assert not found, json.dumps(found, indent=1)


def in_russian(page, name):
    here = page.url
    page.goto(f"{here.partition('?')[0]}?lang=ru")
    looked_at(page, f"{name}-ru")
    page.goto(f"{here.partition('?')[0]}?lang=en")


def test_two_tickets_of_two_events_and_a_shirt_are_one_order(open_shop, browser, site, alpha):  # noqa: F811  (the fixture of that name)
    shop = open_shop("stripe")
    with in_tenant(alpha):
        strings = make_ticket_type(make_event("Night of Strings"), price_minor=2500, capacity=5)
        brass = make_ticket_type(make_event("Brass on the Roof"), price_minor=1800, capacity=5, name="Lawn")
        shirt = make_shirt("T-shirt", price_minor=2000)
        DeliveryMethod.objects.create(
            name="Courier", kind="courier", currency="EUR", price_minor=490, description="Two days, to the door"
        )
        DeliveryMethod.objects.create(name="At the door", kind="pickup", currency="EUR", price_minor=0)
        details.make(Question, brass.event, actor=None, text="Do you bring a chair?", kind="yes_no", required=True)
    page = browser.new_page()
    # The first page of a fresh server compiles its templates, and a machine may be busy.
    page.set_default_navigation_timeout(30_000)
    page.goto(site.url(alpha, f"/events/{strings.event.slug}/"))
    looked_at(page, "event")
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("heading", name="Your cart").wait_for()
    page.goto(site.url(alpha, f"/events/{brass.event.slug}/"))
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("heading", name="Your cart").wait_for()
    page.goto(site.url(alpha, f"/products/{shirt.product.slug}/"))
    looked_at(page, "product")
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Cart, 3 things").wait_for()
    # A click on plus is sent by itself; there is no button to press.
    page.get_by_role("button", name="One more: T-shirt").click()
    page.get_by_role("link", name="Cart, 4 things").wait_for()
    page.get_by_role("button", name="One fewer: T-shirt").click()
    page.get_by_role("link", name="Cart, 3 things").wait_for()
    assert page.get_by_role("timer").inner_text().count(":") == 1
    looked_at(page, "cart")
    in_russian(page, "cart")

    page.get_by_role("link", name="Go to checkout").click()
    page.get_by_label("Email").wait_for()
    in_russian(page, "checkout")
    page.get_by_label("Email").fill("ada@example.test")
    page.get_by_label("Name", exact=False).first.fill("Ada Lovelace")
    page.get_by_label("Do you bring a chair?").select_option("no")
    page.get_by_text("Courier", exact=True).click()
    assert "€67.90" in page.locator("[data-order-total]").inner_text()
    page.get_by_text("At the door", exact=True).click()
    assert page.locator("[data-address]").is_hidden()
    assert "€63" in page.locator("[data-order-total]").inner_text()
    page.get_by_text("Courier", exact=True).click()
    page.get_by_label("Recipient").fill("Ada Lovelace")
    page.get_by_label("Street").fill("Linienstraße")
    looked_at(page, "checkout")
    page.get_by_role("button", name="Order and pay").click()
    # The city is missing: the page says so at the field and keeps what was typed.
    page.get_by_text("Please fill this in.").wait_for()
    assert page.get_by_label("Street").input_value() == "Linienstraße"
    looked_at(page, "checkout-refused")
    page.get_by_label("City").fill("Berlin")
    page.get_by_role("button", name="Order and pay").click()
    page.wait_for_url(f"{shop.fake.url}/c/pay/**")
    page.get_by_label("Card number").fill(NEEDS_3DS)
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("button", name="Yes, it is me").click()
    page.wait_for_url(site.url(alpha, "/orders/**/thanks/"))
    page.get_by_text("Your 2 tickets are ready").wait_for()
    page.get_by_text("Your goods are being packed").wait_for()
    looked_at(page, "thanks")
    in_russian(page, "thanks")
    assert page.get_by_role("link", name="Cart", exact=True).count() == 1  # empty again
    page.get_by_role("link", name="See your tickets").click()
    page.get_by_role("heading", name="You are going").wait_for()
    assert page.locator(".pass").count() == 2
    looked_at(page, "order")
    assert shop.payments() == [("succeeded", 6790, 0)] and shop.tickets() == 2
    shop.books_agree()
    # One of the tickets is cancelled: its money comes back, the rest of the order stays.
    page.get_by_role("link", name="Cancel this ticket").first.click()
    dialog = page.get_by_role("dialog")
    assert "€25" in dialog.inner_text() and "€42.90" in dialog.inner_text()
    dialog.get_by_role("button", name="Yes, cancel it").click()
    page.get_by_text("It is cancelled.").wait_for()
    with in_tenant(alpha):
        deliver_due()
    page.reload()
    page.get_by_text("Sent back").wait_for()
    assert page.locator(".pass--off").count() == 1
    looked_at(page, "order-refunded")
    assert shop.payments() == [("partially_refunded", 6790, 2500)] and shop.tickets() == 1
    # A refused form is answered with 400, which browsers note as an error.
    browser.problems[:] = [each for each in browser.problems if "400" not in each]
    shop.books_agree()
    assert breaches_in(alpha) == []


def test_without_javascript_the_same_cart_is_ordered(alpha, site, chromium):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Open Day"), price_minor=1000, capacity=5)
        shirt = make_shirt()
        DeliveryMethod.objects.create(name="Courier", kind="courier", currency="EUR", price_minor=500)
    make_voucher(alpha, percent=10)
    context = chromium.new_context(java_script_enabled=False, locale="en-GB", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(site.url(alpha, f"/products/{shirt.product.slug}/"))
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_label("How many: T-shirt: M").fill("2")
    page.get_by_role("button", name="Change").click()
    page.get_by_text("2 × €20").wait_for()
    page.goto(site.url(alpha, f"/events/{kind.event.slug}/"))
    page.get_by_role("button", name="Get tickets").click()
    assert page.get_by_text("Held for you until").is_visible()
    page.get_by_label("Email").fill("ada@example.test")
    page.get_by_text("I have a code").click()
    page.get_by_label("Voucher code").fill("spring")
    page.get_by_role("button", name="Apply").click()
    assert page.get_by_text("SPRING", exact=True).first.is_visible()
    assert page.get_by_label("Email").input_value() == "ada@example.test"
    for label, text in (("Recipient", "Ada"), ("Street", "Strand"), ("City", "London")):
        page.get_by_label(label).fill(text)
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "checkout-no-script.png", full_page=True)
    page.get_by_role("button", name="Order and pay").click()
    page.get_by_role("heading", name="Thank you!").wait_for()
    assert "€50" in page.locator(".lines__sum").inner_text()
    context.close()


def test_when_the_time_is_up_the_page_says_so_and_keeps_what_was_typed(alpha, site, browser):
    from datetime import timedelta

    from django.utils import timezone

    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Open Day"), price_minor=1000, capacity=5)
    page = browser.new_page()
    page.goto(site.url(alpha, f"/events/{kind.event.slug}/"))
    page.get_by_role("button", name="Get tickets").click()
    page.get_by_label("Email").wait_for()
    with in_tenant(alpha):
        Cart.objects.update(expires_at=timezone.now() + timedelta(seconds=4))
    page.reload()
    page.get_by_label("Email").fill("ada@example.test")
    says = page.locator("[data-hold-says]")
    assert says.inner_text() == ""
    page.get_by_text("The time is up. You can still order, if nobody was faster.").wait_for()
    assert "The time is up." in says.text_content()
    assert page.get_by_label("Email").input_value() == "ada@example.test"
    looked_at(page, "checkout-over")
    page.get_by_role("button", name="Order and pay").click()
    page.get_by_role("heading", name="Thank you!").wait_for()
