"""Tickets on the screen in a real browser: read by another program from the picture, and there without network."""

from decimal import Decimal

import cv2
import numpy as np
import pytest

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.events.models import Venue
from tenant_apps.ticketing.codes import code_text
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look
from tests.ticketing.paper_trials import decoded

pytestmark = pytest.mark.browser


def seen(page):
    """The text of the code that stands on the screen."""
    return decoded(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE))


def bought(tenant, user, title="Night of Strings", quantity=2):
    with in_tenant(tenant):
        venue = Venue.objects.create(
            slug="hall",
            name="Great Hall",
            address="Lichtgasse 12",
            city="Vienna",
            latitude=Decimal("48.2"),
            longitude=Decimal("16.37"),
        )
        kind = make_ticket_type(make_event(title, venue=venue), price_minor=1200)
        order = make_paid_order(kind, quantity=quantity, user=user, email=user.email)
        deliver_due()
        return order, [line.ticket for line in order.lines.select_related("ticket__event").order_by("position")]


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_code_is_read_from_the_screen_in_both_themes(alpha, site, browser, language, theme):
    ada = make_user("ada@example.test", name="Ada Lovelace", language=language)
    order, tickets = bought(alpha, ada)
    with in_tenant(alpha):
        texts = [code_text(ticket) for ticket in tickets]
    signed_in(browser, site, alpha, ada)
    for name, value in (("language", language), ("theme", theme)):
        browser.add_cookies([{"name": name, "value": value, "url": site.url(alpha, "/")}])
    page = browser.new_page()
    page.emulate_media(reduced_motion="reduce")
    found = []
    for name, address in (
        ("ticket-guest", f"/orders/{order.code}/{order.secret}/tickets/{tickets[0].pk}/"),
        ("ticket-account", f"/account/tickets/alpha/{tickets[0].pk}/"),
    ):
        page.goto(site.url(alpha, address))
        page.locator(".ticket .qr").first.scroll_into_view_if_needed()
        assert seen(page) == texts[0]
        found += look(page, browser, f"{name}-{language}-{theme}")
    page.locator('[data-dialog="ticket-full"]').click()
    large = page.locator("#ticket-full .qr")
    large.wait_for()
    box = large.bounding_box()
    assert box["width"] >= 0.6 * min(browser.width, 844)
    assert seen(page) == texts[0]
    found += look(page, browser, f"ticket-full-{language}-{theme}")
    page.locator("#ticket-full [data-close]").click()
    page.locator('.ticket__way [rel="next"]').click()
    page.wait_for_url(f"**/{tickets[1].pk}/")
    page.locator(".ticket .qr").first.scroll_into_view_if_needed()
    assert seen(page) == texts[1]
    for name, address in (
        ("my-tickets", "/account/tickets/"),
        ("order-files", f"/orders/{order.code}/{order.secret}/"),
    ):
        page.goto(site.url(alpha, address))
        found += look(page, browser, f"{name}-{language}-{theme}")
    assert found == []


def test_what_was_opened_once_opens_without_network_until_log_out(alpha, beta, site, browser):
    ada = make_user("ada@example.test", name="Ada Lovelace")
    _order, tickets = bought(alpha, ada)
    _there, (other,) = bought(beta, ada, "Open Day", 1)
    with in_tenant(alpha):
        text = code_text(tickets[1])
    with in_tenant(beta):
        far = code_text(other)
    signed_in(browser, site, alpha, ada)
    page = browser.new_page()
    page.goto(site.url(alpha, "/account/tickets/"))
    page.locator("[data-keep]").wait_for()
    look(page, browser, "my-tickets-kept")
    names = page.evaluate("caches.keys()")
    assert names == [f"tickets-{ada.pk}"]

    browser.set_offline(True)
    page.goto(site.url(alpha, "/account/tickets/"))
    page.get_by_text("There is no network.").wait_for()
    page.get_by_role("link", name="Night of Strings").first.click()
    page.locator(".ticket__way [rel=next]").click()
    page.wait_for_url(f"**/{tickets[1].pk}/")
    page.locator(".ticket .qr").first.scroll_into_view_if_needed()
    assert seen(page) == text
    look(page, browser, "ticket-offline")
    page.goto(site.url(alpha, f"/account/tickets/beta/{other.pk}/"))
    page.locator(".ticket .qr").first.scroll_into_view_if_needed()
    assert seen(page) == far
    # What was never opened is not there; the list is what helps.
    page.goto(site.url(alpha, "/account/tickets/alpha/01a1fdb4-0000-7000-8000-000000000000/"))
    page.get_by_role("heading", name="My tickets").wait_for()

    browser.set_offline(False)
    page.goto(site.url(alpha, "/account/"))
    page.get_by_role("button", name="Log out everywhere").click()
    page.wait_for_function("document.documentElement.dataset.person === ''")
    page.wait_for_function("caches.keys().then(names => names.length === 0)")
    browser.set_offline(True)
    with pytest.raises(Exception, match="ERR_"):
        page.goto(site.url(alpha, "/account/tickets/"))
    browser.problems[:] = [each for each in browser.problems if "ERR_" not in each and "fetch" not in each]


def test_a_copy_does_not_pass_to_the_next_person_and_drops_what_is_gone(alpha, site, browser):
    ada, eve = make_user("ada@example.test"), make_user("eve@example.test")
    order, tickets = bought(alpha, ada)
    signed_in(browser, site, alpha, ada)
    page = browser.new_page()
    page.goto(site.url(alpha, "/account/tickets/"))
    page.locator("[data-keep]").wait_for()
    paths = "k.map(r => new URL(r.url).pathname)"
    kept = f"caches.open('tickets-{ada.pk}').then(c => c.keys()).then(k => {paths})"
    assert f"/account/tickets/alpha/{tickets[0].pk}/" in page.evaluate(kept)
    with in_tenant(alpha):
        from tenant_apps.payments.line_refunds import cancel_lines

        cancel_lines(order, [order.lines.order_by("position").first().pk], by_staff=True)
        deliver_due()
    page.reload()
    page.locator("[data-keep]").wait_for()
    now = page.evaluate(kept)
    assert f"/account/tickets/alpha/{tickets[0].pk}/" not in now
    assert f"/account/tickets/alpha/{tickets[1].pk}/" in now
    signed_in(browser, site, alpha, eve)
    page.goto(site.url(alpha, "/events/"))
    page.wait_for_function("caches.keys().then(names => names.length === 0)")


def test_without_script_the_ticket_is_all_there(alpha, site, chromium):
    ada = make_user("ada@example.test")
    order, _tickets = bought(alpha, ada)
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(site.url(alpha, f"/orders/{order.code}/{order.secret}/"))
    page.get_by_role("link", name="Open the ticket").first.click()
    assert page.get_by_role("img", name="QR code of ticket").count() == 1
    assert page.get_by_role("link", name="Show it large").count() == 0
    assert page.get_by_role("link", name="PDF to print").count() == 1
    context.close()


def test_an_unpaid_order_has_no_file_to_offer(alpha, site, browser):
    with in_tenant(alpha):
        order = make_order(make_ticket_type())
    page = browser.new_page()
    page.goto(site.url(alpha, f"/orders/{order.code}/{order.secret}/"))
    assert page.get_by_role("link", name="PDF").count() == 0
