"""Register, confirm, two-step login, an invitation to one event's door: she sees that event and nothing else.

In both languages, at phone and desktop width; every page is clean by axe in light and dark. SCREENSHOTS names a folder
for the pictures.
"""

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.core import mail
from django.utils import translation
from django.utils.translation import gettext

from shared_apps.accounts.mail import send
from shared_apps.accounts.models import EmailCode, User
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.services import ensure_door
from tenants.context import in_tenant
from tests.factories import PASSWORD, make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
NOVA = "nova@example.test"


class Story:
    """A page, the words that stand on it in this language, and what axe finds on the way."""

    def __init__(self, page: Any, language: str):
        self.page, self.language = page, language

    def word(self, text: str) -> str:
        with translation.override(self.language):
            return gettext(text)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=self.word(name), exact=True).click()

    def sees(self, heading: str) -> None:
        self.page.get_by_role("heading", name=self.word(heading)).first.wait_for()

    def look(self, name: str) -> None:
        width = self.page.viewport_size["width"]
        self.page.evaluate(AXE)
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            assert self.page.evaluate(RUN_AXE) == [], (name, theme, self.language)
            if folder := os.environ.get("SCREENSHOTS"):
                file = f"{name}-{self.language}-{theme}-{width}.png"
                self.page.screenshot(path=Path(folder) / file, full_page=True)
        self.page.emulate_media(color_scheme="light")
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the window"


def app_code(secret: str, ahead: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_door_person_with_two_step_login_sees_one_event_and_nothing_else(
    alpha, site, chromium, browser, client_for, language
):
    with in_tenant(alpha):
        event, other = make_event("Night of Strings"), make_event("Secret Rehearsal")
        order = make_paid_order(make_ticket_type(event, price_minor=0))
        ticket = order.lines.select_related("ticket__event").get().ticket
        for each in (event, other):
            ensure_door(each)
        code_on_paper, closed = code_text(ticket), other.check_in_lists.get().pk
    speaks = {"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": site.url(alpha, "/")}
    browser.add_cookies([speaks])
    story = Story(browser.new_page(), language)
    page = story.page

    # She registers and confirms.
    page.goto(site.url(alpha, "/account/register/"))
    story.look("1-register")
    page.locator("[name=name]").fill("Nova Door")
    page.locator("[name=email]").fill(NOVA)
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    story.press("Create an account")
    story.sees("Confirm your email address")
    story.look("2-confirm")
    mail.outbox.clear()
    send(EmailCode.objects.get(email=NOVA).pk)
    page.locator("[name=code]").fill(re.search(r"\b\d{6}\b", mail.outbox[-1].subject)[0])
    story.press("Confirm")

    # She logs in, turns two-step login on, and logs in with it.
    def log_in() -> None:
        page.locator("[name=email]").fill(NOVA)
        page.locator("[name=password]").fill(PASSWORD)
        story.press("Log in")

    log_in()
    page.wait_for_url(re.compile(r"/account/$"))
    page.goto(site.url(alpha, "/account/security/totp/"))
    story.look("3-totp")
    secret = page.locator(".totp__key").inner_text().replace(" ", "")
    page.locator("[name=otp]").fill(app_code(secret))
    story.press("Turn on")
    story.sees("Your recovery codes")
    story.look("4-recovery-codes")
    browser.clear_cookies()
    browser.add_cookies([speaks])
    page.goto(site.url(alpha, "/account/login/"))
    story.look("5-login")
    log_in()
    story.sees("Enter your code")
    story.look("6-second-step")
    assert page.goto(site.url(alpha, "/account/security/")).url.endswith("/login/?next=/account/security/")
    page.goto(site.url(alpha, "/account/second-step/"))
    page.locator("[name=otp]").fill(app_code(secret, 1))
    story.press("Log in")
    page.wait_for_url(re.compile(r"/account/$"))
    page.goto(site.url(alpha, "/account/security/"))
    story.look("7-security")

    # She works nowhere yet; the owner invites her to one event.
    assert page.goto(site.url(alpha, "/dashboard/")).status == 403
    boss = chromium.new_context(viewport=page.viewport_size, locale="en-GB")
    boss.add_cookies([speaks])
    boss.set_default_timeout(10_000)
    signed_in(boss, site, alpha, owner_of(alpha))
    desk = Story(boss.new_page(), language)
    desk.page.goto(site.url(alpha, f"/dashboard/events/{event.slug}/people/"))
    desk.page.locator("[name=email]").fill(NOVA)
    desk.press("Invite")
    desk.page.get_by_text(NOVA).first.wait_for()
    desk.look("8-people-invited")
    mail.outbox.clear()
    with in_tenant(alpha):
        deliver_due()
    (letter,) = [each for each in mail.outbox if each.to == [NOVA]]
    assert "Night of Strings" in letter.subject
    page.goto(site.url(alpha, re.search(r"(/invitations/\S+/)", letter.body)[1]))
    story.look("9-invitation")
    story.press("Accept")
    story.sees("Night of Strings")
    story.look("10-her-event")

    # That event with its check-in is all that there is.
    navigation = page.get_by_role("navigation", name=story.word("Dashboard"))
    entries = [entry.strip() for entry in navigation.get_by_role("link").all_inner_texts()]
    assert entries == [story.word("Home"), story.word("Events"), story.word("Check-in")]
    for name, path in (("11-her-home", "/dashboard/"), ("12-her-events", "/dashboard/events/")):
        page.goto(site.url(alpha, path))
        story.look(name)
        assert "Secret Rehearsal" not in page.content() and order.code not in page.content()
    navigation.get_by_role("link", name=story.word("Check-in")).click()
    page.get_by_role("link", name=re.compile("Night of Strings")).click()
    page.get_by_role("textbox", name=story.word("Ticket code")).fill(code_on_paper)
    page.keyboard.press("Enter")
    page.get_by_text(story.word("Admit"), exact=True).wait_for()
    story.look("13-her-scanner")
    hidden = {
        f"/dashboard/events/{other.slug}/": 404,
        f"/scan/{closed}/": 404,
        "/dashboard/orders/": 403,
        f"/dashboard/orders/{order.code}/": 403,
        "/dashboard/orders/NOSUCH99/": 403,
        f"/dashboard/events/{event.slug}/people/": 403,
        "/dashboard/staff/": 403,
        "/dashboard/roles/": 403,
        "/dashboard/api-keys/": 403,
    }
    assert {path: page.goto(site.url(alpha, path)).status for path in hidden} == hidden
    browser.problems[:] = [each for each in browser.problems if "40" not in each]
    boss.close()

    # The same by the API.
    api = client_for(alpha, User.objects.get(email=NOVA))
    assert api.get(f"/api/v1/events/{event.slug}/check-in-lists/").status_code == 200
    assert api.get(f"/api/v1/events/{other.slug}/check-in-lists/").status_code in (403, 404)
    assert api.get(f"/api/v1/events/{event.slug}/orders/").status_code == 403
    assert api.get("/api/v1/orders/").json()["results"] == []
