"""A ticket that changes hands, in a real browser: the buyer's pages, the new holder's, and the staff's."""

import pytest
from django.conf import settings

from tenant_apps.events.models import Venue
from tenant_apps.orders import passing_on
from tenant_apps.ticketing import codes, key_life, lifecycle, scanning, services
from tenant_apps.ticketing.models import CheckInList, EventKey, Handover
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser


@pytest.fixture
def order(alpha):
    with in_tenant(alpha):
        venue = Venue.objects.create(name="Kiln hall", slug="kiln", city="Berlin", address="Ofenweg 3")
        kind = make_ticket_type(make_event("Night of Strings", slug="strings", venue=venue), name="Balcony")
        services.ensure_door(kind.event)
        return make_paid_order(kind, quantity=2, email="ada@example.test")


def in_language(browser, site, tenant, language):
    browser.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": site.url(tenant, "/")}])


def test_a_ticket_goes_from_hand_to_hand(order, alpha, site, browser):
    page, found = browser.new_page(), []
    page.goto(site.url(alpha, f"/orders/{order.code}/{order.secret}/"))
    found += look(page, browser, "life-order")
    page.get_by_role("link", name="Pass it on").first.click()
    found += look(page, browser, "life-form")
    page.get_by_label("Their name").fill("Grace Brewster Murray Hopper")
    page.get_by_label("Their email").fill("grace.hopper@a-very-long-domain-name.example.test")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Pass it on to them?").wait_for()
    found += look(page, browser, "life-ask")
    page.get_by_role("button", name="Yes, pass it on").click()
    page.get_by_text("Its code is with the new holder.").wait_for()
    found += look(page, browser, "life-order-passed")
    expect(page.locator("svg.qr")).to_have_count(1)
    with in_tenant(alpha):
        new = Handover.objects.select_related("new").get().new
        line = order.lines.get(ticket=new)
    page.goto(site.url(alpha, f"/orders/{order.code}/{order.secret}/lines/{line.pk}/"))
    found += look(page, browser, "life-line-passed")

    page.goto(site.url(alpha, f"/tickets/{new.pk}/{new.secret}/"))
    expect(page.locator("svg.qr")).to_be_visible()
    found += look(page, browser, "life-holder")
    page.get_by_label("Name on the ticket").fill("Rear Admiral Hopper")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. The ticket carries the new name.").wait_for()
    page.get_by_text("Somebody else may have my code").click()
    found += look(page, browser, "life-holder-open")
    page.get_by_role("button", name="Give it a new code").click()
    page.get_by_text("The ticket has a new code.").wait_for()
    page.get_by_role("link", name="Pass it on").click()
    page.get_by_label("Their name").fill("Ada")
    page.get_by_label("Their email").fill("nobody")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("alert").first.wait_for()
    found += look(page, browser, "life-form-refused")
    page.get_by_label("Their email").fill("ada.l@example.test")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Yes, pass it on").click()
    page.get_by_text("You passed it on to Ada.").wait_for()
    found += look(page, browser, "life-holder-gone")
    expect(page.locator("svg.qr")).to_have_count(0)
    assert found == []
    browser.problems[:] = [each for each in browser.problems if "400 (Bad Request)" not in each]


def test_staff_see_a_tickets_life_and_its_keys(order, alpha, site, browser):
    with in_tenant(alpha):
        ticket = order.lines.first().ticket
        door = CheckInList.objects.get()
        scanning.scan(door, "nonsense", "s0", by=None)
        new = passing_on.pass_on(ticket, name="Grace Hopper", email="grace@example.test")
        scanning.scan(door, codes.code_text(ticket), "s1", by=None)
        scanning.scan(door, codes.code_text(new), "s2", by=None)
        scanning.scan(door, codes.code_text(new), "s3", by=None, direction="out")
        lifecycle.revoke(new, reason="Seen on a resale site", actor=owner_of(alpha))
        lifecycle.reinstate(new, actor=owner_of(alpha))
        key_life.rotate(door.event, actor=None)
        leaked = EventKey.objects.order_by("created_at").first()
        key_life.rotate(door.event, actor=None)
        key_life.revoke_key(door.event, leaked.key_id, reason="A laptop was stolen", actor=None)
    signed_in(browser, site, alpha, owner_of(alpha))
    page, found = browser.new_page(), []
    other = order.lines.last
    with in_tenant(alpha):
        unused = other().ticket
    for language in ("en", "ru"):
        in_language(browser, site, alpha, language)
        for name, address in {
            "life-staff": f"/dashboard/tickets/{new.pk}/",
            "life-staff-old": f"/dashboard/tickets/{ticket.pk}/",
            "life-staff-unused": f"/dashboard/tickets/{unused.pk}/",
            "life-keys": "/dashboard/events/strings/codes/",
            "life-staff-order": f"/dashboard/orders/{order.code}/",
        }.items():
            page.goto(site.url(alpha, address))
            found += look(page, browser, f"{name}-{language}")
        for summary in (
            page.goto(site.url(alpha, f"/dashboard/tickets/{unused.pk}/"))
            and page.locator(".desk__narrow summary").all()
        ):
            summary.click()
        found += look(page, browser, f"life-staff-acts-{language}")
        page.goto(site.url(alpha, "/dashboard/events/strings/codes/"))
        page.locator("main summary").first.click()
        found += look(page, browser, f"life-keys-open-{language}")
    for name, address in {
        "life-order": f"/orders/{order.code}/{order.secret}/",
        "life-holder": f"/tickets/{new.pk}/{new.secret}/",
        "life-form": f"/orders/{order.code}/{order.secret}/lines/{order_line(alpha, unused)}/transfer/",
        "life-line": f"/orders/{order.code}/{order.secret}/lines/{order_line(alpha, unused)}/",
    }.items():
        page.goto(site.url(alpha, address))
        found += look(page, browser, f"{name}-ru")
    in_language(browser, site, alpha, "en")
    page.goto(site.url(alpha, f"/dashboard/tickets/{unused.pk}/"))
    page.get_by_text("Withdraw it", exact=True).click()
    page.get_by_label("Reason").fill("Forged card")
    page.get_by_role("button", name="Yes, withdraw it").click()
    page.get_by_text("The ticket is withdrawn: it admits nobody.").wait_for()
    found += look(page, browser, "life-staff-withdrawn")
    page.get_by_role("button", name="Make it good again").click()
    page.get_by_text("The ticket is good again.").wait_for()
    assert found == []


def order_line(tenant, ticket):
    with in_tenant(tenant):
        return ticket.order_line.pk
