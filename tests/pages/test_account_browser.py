"""Two-step login in a real browser, at phone and desktop width; the account's pages are clean by axe."""

import os
import time
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.socialaccount.models import SocialAccount

from tests.factories import PASSWORD, make_user
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
# Set to a folder to look at the pages.
PICTURES = os.environ.get("ACCOUNT_PICTURES")


def look(page, browser, name):
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}-{browser.width}.png", full_page=True)
    page.evaluate(AXE)
    assert page.evaluate(RUN_AXE) == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the window"


def app_code(secret, ahead=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


def test_two_step_login_from_setting_it_up_to_logging_in(alpha, site, browser, settings):
    app = {"provider_id": "mock", "name": "Mock ID", "client_id": "c", "settings": {"server_url": "http://localhost:9"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    user = make_user("ada@example.test")
    signed_in(browser, site, alpha, user)
    page = browser.new_page()
    page.goto(site.url(alpha, "/account/"))
    look(page, browser, "overview")
    page.get_by_role("link", name="Open security").click()
    look(page, browser, "security-off")
    page.get_by_role("link", name="Set up two-step login").click()
    box = page.get_by_role("img", name="QR code for your authenticator app").bounding_box()
    assert box["width"] >= 150 and box["x"] + box["width"] <= browser.width
    look(page, browser, "totp")
    secret = page.locator(".totp__key").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(app_code(secret))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    assert page.locator(".recovery-codes li").count() == 10
    look(page, browser, "recovery-codes")
    page.get_by_role("link", name="I have kept them").click()
    look(page, browser, "security-on")
    for name, path in (("totp-off", "totp/off/"), ("new-codes", "codes/")):
        page.goto(site.url(alpha, f"/account/security/{path}"))
        look(page, browser, name)

    browser.clear_cookies()
    page.goto(site.url(alpha, "/account/login/?next=/account/security/"))
    look(page, browser, "login")
    page.get_by_label("Email address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("heading", name="Enter your code").wait_for()
    look(page, browser, "second-step")
    page.get_by_role("textbox", name="Code").fill(app_code(secret, 1))
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Where you are logged in").wait_for()
    assert page.get_by_text("This device").count() == 1


def test_a_new_address_by_pages(alpha, site, browser):
    user = make_user("grace@example.test")
    signed_in(browser, site, alpha, user)
    page = browser.new_page()
    page.goto(site.url(alpha, "/account/"))
    page.get_by_role("link", name="Change", exact=True).click()
    look(page, browser, "email")
    page.get_by_label("New email address").fill("grace-new@example.test")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Send a code").click()
    page.get_by_text("grace-new@example.test").wait_for()
    look(page, browser, "email-confirm")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_linked_services_are_unlinked_and_linked_again_by_pages(alpha, site, browser, settings, language):
    app = {"provider_id": "mock", "name": "Mock ID", "client_id": "c", "settings": {"server_url": "http://localhost:9"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    user = make_user("ada@example.test")
    row = SocialAccount.objects.create(user=user, provider="mock", uid="1", extra_data={})
    SocialAccount.objects.create(user=user, provider="an-older-service", uid="2", extra_data={})
    signed_in(browser, site, alpha, user)
    page = browser.new_page()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.goto(site.url(alpha, f"/account/security/?lang={language}"))
        page.locator(f"form[action$='/linked/{row.pk}/unlink/'] button").click()
        page.locator(f"a[href$='/linked/{row.pk}/link/']").wait_for()
        look(page, browser, f"security-linked-{language}-{theme}")
        page.locator(f"a[href$='/linked/{row.pk}/link/']").click()
        look(page, browser, f"link-again-{language}-{theme}")
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form.form button[type=submit]").click()
        page.locator(f"form[action$='/linked/{row.pk}/unlink/']").wait_for()
