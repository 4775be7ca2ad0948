"""The pages in a real browser, at phone and desktop width: buying works, and nothing is in anybody's way."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of

AXE = (Path(__file__).parent.parent / "vendor" / "axe.min.js").read_text()
# WCAG 2.2 AA and what axe calls best practice.
RUN_AXE = """async () => {
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  // What happens to lie beneath the bar at the bottom is scrolled free; it is judged where it stands at the page's end.
  const bar = document.querySelector(".buy-bar");
  if (bar) bar.style.position = "static";
  const found = await axe.run(document, {runOnly: rules});
  if (bar) bar.style.position = "";
  const told = node => node.html.slice(0, 160) + " :: " + node.any.map(each => each.message).join("; ").slice(0, 200);
  return found.violations.map(each => [each.id, each.help, each.nodes.slice(0, 4).map(told)]);
}"""

pytestmark = pytest.mark.browser


def signed_in(browser, site, tenant, user):
    from shared_apps.accounts.tokens import open_session

    pair = open_session(user)
    for name, token in ((settings.ACCESS_COOKIE_NAME, pair.access), (settings.REFRESH_COOKIE_NAME, pair.refresh)):
        browser.add_cookies([{"name": name, "value": str(token), "url": site.url(tenant, "/")}])


def test_a_buyer_gets_a_free_ticket_and_sees_its_code(alpha, site, browser):
    with in_tenant(alpha):
        make_ticket_type(make_event("Open Day"), price_minor=0, name="Free place")
    page = browser.new_page()
    page.goto(site.url(alpha, "/"))
    page.get_by_role("link", name="Open Day").first.click()
    page.get_by_role("button", name="One more: Free place").click()
    page.get_by_role("button", name="Get tickets").click()
    page.get_by_label("Email").fill("ada@example.test")
    page.get_by_role("button", name="Place the order").click()
    page.get_by_role("heading", name="Thank you!").wait_for()
    page.get_by_role("link", name="See your tickets").click()
    page.get_by_role("heading", name="You are going").wait_for()
    codes = page.get_by_role("img", name="QR code of ticket")
    assert codes.count() == 2  # one was chosen already: a single type starts with one
    box = codes.first.bounding_box()
    assert box["width"] >= 150 and box["x"] >= 0 and box["x"] + box["width"] <= browser.width


def test_without_javascript_the_same_ticket_is_bought(alpha, site, chromium):
    with in_tenant(alpha):
        make_ticket_type(make_event("Open Day"), price_minor=0, name="Free place")
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(site.url(alpha, "/events/"))
    page.get_by_role("link", name="Open Day").first.click()
    page.get_by_label("How many: Free place").fill("1")
    page.get_by_role("button", name="Get tickets").click()
    page.get_by_label("Email").fill("ada@example.test")
    page.get_by_role("button", name="Place the order").click()
    page.get_by_role("link", name="See your ticket").click()
    assert page.get_by_role("img", name="QR code of ticket").count() == 1
    context.close()


def test_whoever_opens_a_tenant_is_led_to_its_own_host(site, browser, settings):
    settings.PLATFORM_PORT = f":{site.port}"
    signed_in(browser, site, None, make_user())
    page = browser.new_page()
    page.goto(site.url(None, "/signup/"))
    page.get_by_label("Name", exact=True).fill("Moon Theatre")
    page.get_by_label("Address", exact=True).fill("moon-theatre")
    page.get_by_role("button", name="Open it").click()
    page.wait_for_url(re.compile(r"http://moon-theatre\.localhost:\d+/dashboard/"))


def test_filters_change_the_list_in_place_and_keep_the_address(alpha, site, browser):
    with in_tenant(alpha):
        for title in ("Night of Strings", "Open Day", "Third One"):
            make_ticket_type(make_event(title))
    page = browser.new_page()
    page.goto(site.url(alpha, "/events/"))
    page.get_by_label("Search events").fill("strings")
    page.wait_for_url("**search=strings*")
    page.get_by_role("link", name="Open Day").wait_for(state="detached")
    assert page.get_by_role("link", name="Night of Strings").count() == 1


def test_the_door_answers_large_and_is_ready_for_the_next(alpha, site, browser):
    from tenant_apps.ticketing.codes import code_text
    from tenant_apps.ticketing.services import ensure_door

    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=0))
        ticket = order.lines.select_related("ticket__event").get().ticket
        ensure_door(ticket.event)
        entrance, code = ticket.event.check_in_lists.get(), code_text(ticket)
    signed_in(browser, site, alpha, owner_of(alpha))
    page = browser.new_page()
    page.goto(site.url(alpha, f"/scan/{entrance.pk}/"))
    for word in ("Admit", "Refuse"):
        page.get_by_label("Ticket code").fill(code)
        page.keyboard.press("Enter")
        page.get_by_text(word, exact=True).wait_for()
        assert page.evaluate("document.activeElement.id") == "code"


def test_a_theme_once_chosen_stays_without_a_flash(alpha, site, browser):
    page = browser.new_page()
    page.emulate_media(color_scheme="light")
    page.goto(site.url(alpha, "/"))
    page.locator("[data-theme-switch]:visible").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert 'data-theme="dark"' in page.goto(site.url(alpha, "/events/")).text()


def team_pages(alpha, event):
    """A team with everything that its pages can show, seen by the owner."""
    from tenant_apps.events.grants import grant
    from tenant_apps.staff import keys, services
    from tenant_apps.staff.invitations import invite, invite_to_event, token_of
    from tenant_apps.staff.models import Role

    with in_tenant(alpha):
        boss = owner_of(alpha)
        colleague = services.add_member(make_user(name="Mia Manager"), services.preset_role("manager"), actor=None)
        grant(event, make_user(name="Hilda Helper"), "check_in", actor=boss)
        waiting = invite("a-rather-long-address-of-somebody@example.test", services.preset_role("door"), actor=boss)
        invite_to_event("door@example.test", event, ["check_in", "view_orders"], actor=boss)
        keys.make_key(name="Website", scopes=["view_orders", "export"], actor=boss)
        keys.make_key(name="Gate", scopes=["check_in"], events=[event], actor=boss)
        own = Role.objects.create(name="Ushers", permissions=["check_in"])
        paths = ["staff/", "staff/invite/", "staff/invite/?to=event", f"staff/{colleague.pk}/", "roles/", "roles/new/",
                 f"roles/{own.pk}/", f"roles/{services.preset_role('owner').pk}/", "api-keys/", "api-keys/new/",
                 f"events/{event.slug}/people/"]  # fmt: skip
        return [f"/dashboard/{path}" for path in paths] + [f"/invitations/{token_of(waiting)}/"]


def pages(alpha, site):
    """Every page that these tests know, by who looks at it."""
    with in_tenant(alpha):
        event = make_event("Night of Strings", summary="Quietly.", description="<p>One.</p>")
        ticket_type = make_ticket_type(event, price_minor=1250, capacity=8)
        make_ticket_type(event, name="Balcony", capacity=0)
        make_ticket_type(make_event("Gone"), capacity=0)
        paid, pending = make_paid_order(ticket_type, quantity=2), make_order(ticket_type)
        from tenant_apps.ticketing.models import CheckInList
        from tenant_apps.ticketing.services import ensure_door

        ensure_door(event)
        entrance = CheckInList.objects.filter(event=event).first()
    buyer = ["/", "/events/", "/events/?search=nothing", f"/events/{event.slug}/", "/account/login/", "/nothing/here/"]
    buyer += [f"/orders/{each.code}/{each.secret}/" for each in (paid, pending)]
    staff = ["/dashboard/", "/dashboard/events/", f"/dashboard/events/{event.slug}/", "/dashboard/new-event/",
             f"/dashboard/events/{event.slug}/edit/", "/dashboard/orders/", f"/dashboard/orders/{paid.code}/",
             f"/dashboard/orders/{pending.code}/", "/scan/", f"/scan/{entrance.pk}/"]  # fmt: skip
    return {
        "buyer": [site.url(alpha, path) for path in buyer],
        "staff": [site.url(alpha, path) for path in staff],
        "team": [site.url(alpha, path) for path in team_pages(alpha, event)],
        "platform": [site.url(None, path) for path in ("/", "/signup/", "/dev/mailbox/")],
    }


@pytest.mark.parametrize("who", ["buyer", "staff", "team", "platform"])
def test_axe_finds_nothing_on_any_page_in_either_theme_and_nothing_is_wider_than_the_screen(alpha, site, browser, who):
    if who != "buyer":
        signed_in(browser, site, None if who == "platform" else alpha, owner_of(alpha))
    found = []
    page = browser.new_page()
    page.emulate_media(reduced_motion="reduce")
    for address in pages(alpha, site)[who]:
        page.goto(address)
        page.evaluate(AXE)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found += [(theme, address, *each) for each in page.evaluate(RUN_AXE)]
        for language in ("en", "ru"):
            page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > browser.width:
                found.append((address, language, f"{width} px wide"))
    # The page that is not there is meant: the browser notes its status as an error.
    browser.problems[:] = [each for each in browser.problems if "404" not in each]
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


def test_nothing_comes_from_another_host(alpha, site, browser):
    asked = []
    browser.on("request", lambda request: asked.append(request.url))
    page = browser.new_page()
    for url in pages(alpha, site)["buyer"][:4]:
        page.goto(url, wait_until="networkidle")
    strange = [url for url in asked if not url.startswith((site.url(alpha, "/"), "data:"))]
    assert asked and not strange


def test_a_new_password_is_set_by_the_letters_link_in_a_real_browser(alpha, site, browser):
    """A page whose policy hides where it was sent from would have its own form refused."""
    from django.utils.encoding import force_bytes
    from django.utils.http import urlsafe_base64_encode

    from shared_apps.accounts.codes import reset_tokens

    user = make_user()
    path = f"/account/reset/{urlsafe_base64_encode(force_bytes(user.pk))}/{reset_tokens.make_token(user)}/"
    page = browser.new_page()
    page.goto(site.url(alpha, path))
    for field in page.locator("input[type=password]").all():
        field.fill("a-brand-new-password")
    page.locator("main form button").click()
    page.get_by_role("heading", name="Log in").wait_for()
    user.refresh_from_db()
    assert user.check_password("a-brand-new-password")
