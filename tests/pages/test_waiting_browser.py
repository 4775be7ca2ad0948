"""Waiting for a place in a real browser, from the sold-out ticket to the order; and the staff's list."""

import pytest
from django.conf import settings

from tenant_apps.events import details
from tenant_apps.events.models import Question, Venue
from tenant_apps.orders import services, waiting
from tenant_apps.orders.models import Order, WaitingEntry
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser


@pytest.fixture
def gala(alpha):
    with in_tenant(alpha):
        venue = Venue.objects.create(name="Kiln hall", slug="kiln", city="Berlin")
        event = make_event("Night of Strings", slug="strings", venue=venue)
        kind = make_ticket_type(event, capacity=3, name="Balcony")
        make_ticket_type(event, capacity=40, name="Standing")
        kind.orders = [make_paid_order(kind) for _ in range(3)]
        details.make(Question, event, actor=None, text="Which diet?", required=True)
        return kind


def in_language(browser, site, tenant, language):
    browser.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": site.url(tenant, "/")}])


def test_somebody_waits_takes_what_is_offered_and_leaves_nothing_in_the_way(gala, alpha, site, browser):
    page, found = browser.new_page(), []
    page.goto(site.url(alpha, "/events/strings/"))
    page.get_by_role("link", name="Tell me when places come free Balcony").click()
    found += look(page, browser, "join")
    page.get_by_label("How many").fill("30")
    page.get_by_label("Email").fill("ada@example.test")
    page.get_by_role("button", name="Put me on the list").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += look(page, browser, "join-refused")
    page.get_by_label("How many").fill("2")
    page.get_by_role("button", name="Put me on the list").click()
    page.get_by_role("heading", name="Look into your mailbox").wait_for()
    found += look(page, browser, "joined")
    with in_tenant(alpha):
        entry = WaitingEntry.objects.get()
    mine = site.url(alpha, f"/waiting-list/{entry.secret}/")
    page.goto(mine)
    page.get_by_text("Your place in line").wait_for()
    found += look(page, browser, "waiting")
    with in_tenant(alpha):
        for order in gala.orders[:2]:
            services.cancel(order, by_staff=True)
    page.reload()
    page.get_by_role("heading", name="Your places are held").wait_for()
    found += look(page, browser, "offered")
    page.get_by_role("button", name="Order 2 tickets").click()
    page.get_by_text("Please look at the marked questions.").wait_for()
    found += look(page, browser, "offered-unanswered")
    for answer in page.get_by_label("Which diet?").all():
        answer.fill("vegan")
    page.get_by_role("button", name="Order 2 tickets").click()
    page.get_by_role("heading", name="Almost there").wait_for()
    page.goto(mine)
    page.get_by_role("link", name="Open my order").wait_for()
    found += look(page, browser, "taken")
    with in_tenant(alpha):
        assert Order.objects.get(email="ada@example.test").lines.count() == 2
    assert found == []
    # Two forms were refused on purpose; anything else is a fault.
    assert len(browser.problems) == 2
    assert all("400 (Bad Request)" in each for each in browser.problems)
    browser.problems.clear()


def test_the_staffs_list_and_the_pages_in_russian_are_clean(gala, alpha, site, browser):
    with in_tenant(alpha):
        entries = [
            waiting.join(gala.event, ticket_type=gala.pk, quantity=quantity, email=email)
            for email, quantity in (
                ("ada.lovelace@a-very-long-domain-name.example.test", 1),
                ("group@example.test", 3),
                ("z@example.test", 1),
            )
        ]
        services.cancel(gala.orders[0], by_staff=True)
        services.cancel(gala.orders[1], by_staff=True)
        waiting.leave(entries[2])
    signed_in(browser, site, alpha, owner_of(alpha))
    page, found = browser.new_page(), []
    for language in ("en", "ru"):
        in_language(browser, site, alpha, language)
        page.goto(site.url(alpha, "/dashboard/events/strings/waiting-list/"))
        found += look(page, browser, f"staff-{language}")
    for name, address in {
        "event": "/events/strings/", "join": "/events/strings/waiting-list/",
        "offered": f"/waiting-list/{entries[0].secret}/", "collecting": f"/waiting-list/{entries[1].secret}/",
        "left": f"/waiting-list/{entries[2].secret}/",
    }.items():  # fmt: skip
        page.goto(site.url(alpha, address))
        found += look(page, browser, f"{name}-ru")
    page.goto(site.url(alpha, "/dashboard/events/strings/tickets/"))
    page.locator(f'a[href$="/tickets/{gala.pk}/"]').first.click()
    found += look(page, browser, "type-ru")
    in_language(browser, site, alpha, "en")
    page.goto(site.url(alpha, "/dashboard/events/strings/waiting-list/"))
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove group@example.test").click()
    page.get_by_text("Removed from the waiting list.").wait_for()
    assert found == []
