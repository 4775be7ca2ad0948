"""A person's own pages and the settings in a real browser: clean by axe, and progress moves by itself."""

import os

import pytest

from shared_apps.people import requests
from shared_apps.people.models import DataRequest
from tenants.context import in_tenant
from tests.factories import PASSWORD, make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
# Set it to a folder to get a picture of each page.
PICTURES = os.environ.get("FOYER_SCREENSHOTS", "")


def look(page, browser, name):
    """What axe finds in either theme, and whether the page is wider than the screen."""
    found = []
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(AXE)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [(theme, name, *each) for each in page.evaluate(RUN_AXE)]
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{theme}-{browser.width}.png", full_page=True)
    if page.evaluate("document.documentElement.scrollWidth") > browser.width:
        found.append((name, "too wide"))
    page.emulate_media(color_scheme="light")
    return found


def test_a_persons_pages_are_clean_and_progress_moves(alpha, beta, site, browser):
    from tenant_apps.activity.delivery import deliver_due

    ada = make_user("ada@example.test", name="Ada Lovelace")
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(make_event("Night of Strings")), quantity=2, email=ada.email, user=ada)
        deliver_due()
    with in_tenant(beta):
        make_order(make_ticket_type(make_event("Open Day for the whole Family and Friends")), email=ada.email)
        deliver_due()
    signed_in(browser, site, None, ada)
    page = browser.new_page()
    found = []
    for name in ("tickets", "picture", "notifications", "data"):
        page.goto(site.url(None, f"/account/{name}/"))
        found += look(page, browser, name)
    page.get_by_role("button", name="Gather my data").click()
    page.get_by_text("0 of 3 places").wait_for()
    page.reload()
    page.get_by_text("0 of 3 places").wait_for()
    found += look(page, browser, "data-running")
    requests.work(DataRequest.objects.get().pk)
    page.get_by_role("link", name="Download").wait_for()
    found += look(page, browser, "data-ready")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("I understand that this cannot be undone.").check()
    page.get_by_role("button", name="Delete my account for good").click()
    page.get_by_role("heading", name="Your account is closed").wait_for()
    found += look(page, browser, "erasure")
    requests.work(DataRequest.objects.get().pk)
    page.get_by_text("Nothing names you any more").wait_for()
    assert found == []


def test_the_settings_are_clean_and_kept(alpha, site, browser):
    signed_in(browser, site, alpha, owner_of(alpha))
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/settings/"))
    found = look(page, browser, "settings")
    page.get_by_label("Minutes to pay in").fill("0")
    page.get_by_role("button", name="Save").click()
    found += look(page, browser, "settings-refused")
    page.get_by_label("Minutes to pay in").fill("30")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert page.get_by_label("Minutes to pay in").input_value() == "30"
    browser.problems[:] = [each for each in browser.problems if "400" not in each]
    assert found == []
