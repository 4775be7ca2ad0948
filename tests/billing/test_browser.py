"""An owner buys a plan in a real browser, through the hosted page of a Stripe that tells us of it over HTTP; and the
pages of each standing have nothing in anybody's way."""

import os
from pathlib import Path

import pytest
from django.conf import settings

from shared_apps.billing import subscriptions
from tests.billing.customers import KEPT_BUT_REFUSED, KEY, SECRET
from tests.factories import owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
# Where whoever looks at the pages wants pictures of them; none by default.
PICTURES = os.environ.get("PAGE_PICTURES", "")
LOOKS = (("en", "light"), ("ru", "dark"))


def look_at(page, browser, site, alpha, name, path):
    """Pictures of the page where they are wanted, and what axe and the screen's edge find."""
    found = []
    for language, scheme in LOOKS:
        browser.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": site.url(alpha, "/")}])
        page.emulate_media(color_scheme=scheme)
        page.goto(site.url(alpha, path))
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{browser.width}-{language}.png"), full_page=True)
        if page.evaluate("document.documentElement.scrollWidth") > browser.width:
            found.append((name, language, "wider than the screen"))
        page.evaluate(AXE)
        found += [(name, language, *each) for each in page.evaluate(RUN_AXE)]
    browser.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "en", "url": site.url(alpha, "/")}])
    page.emulate_media(color_scheme="light")
    return found


def test_a_plan_is_bought_missed_and_paid_in_the_browser(alpha, site, browser, account, monkeypatch):
    monkeypatch.setattr(settings, "PLATFORM_PORT", f":{site.port}")
    account.fake.register_platform(KEY, f"http://localhost:{site.port}/api/v1/billing/webhooks/stripe/", SECRET)
    signed_in(browser, site, alpha, owner_of(alpha))
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/settings/plan/"))
    page.get_by_role("link", name="Change plan or pay").click()
    page.get_by_role("link", name="Choose House a month").click()
    found = look_at(page, browser, site, alpha, "choose", "/dashboard/billing/plans/house-monthly/")
    page.reload()
    page.get_by_role("button", name="Go on to the card").click()
    page.get_by_role("button", name="Pay").click()
    page.get_by_text("Thank you. You have the plan House now.").wait_for()
    account.advance(15)
    account.set_card(alpha, KEPT_BUT_REFUSED)
    account.advance(31)
    account.fake.settled()
    subscriptions.sweep(account.now())
    found += look_at(page, browser, site, alpha, "preview", "/dashboard/billing/plans/chain-yearly/")
    found += look_at(page, browser, site, alpha, "past-due", "/dashboard/billing/")
    found += look_at(page, browser, site, alpha, "banner", "/dashboard/")
    account.advance(8)
    subscriptions.sweep(account.now())
    found += look_at(page, browser, site, alpha, "restricted", "/dashboard/settings/plan/")
    account.advance(14)
    account.fake.settled()
    subscriptions.sweep(account.now())
    found += look_at(page, browser, site, alpha, "suspended", "/dashboard/billing/")
    while page.goto(site.url(alpha, "/dashboard/billing/")) and page.get_by_role("link", name="Pay now").count():
        page.get_by_role("link", name="Pay now").first.click()
        page.get_by_role("button", name="Pay").click()
        page.get_by_role("heading", name="paid").wait_for()
        account.fake.settled()
        subscriptions.sweep(account.now())
    page.get_by_text("Active", exact=True).wait_for()
    assert account.row(alpha).status == "active"
    assert not found
