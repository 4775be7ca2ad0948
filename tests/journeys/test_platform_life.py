"""From the platform's front page to a first sold ticket, and a year's trouble with the card: all of it in a browser.

Sign-up, examples, an event of one's own, its first buyer; a plan by a test card at the fake of Stripe; a month later
the card is refused: days of grace, nothing new, suspended; paid, and all is as before. The clock is moved.
Each page is clean by axe. SCREENSHOTS names a folder for pictures: phone and desktop, both languages, both themes.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.utils import translation
from django.utils.translation import gettext

from shared_apps.accounts.mail import send
from shared_apps.accounts.models import EmailCode
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.onboarding import letters
from tenant_apps.orders.models import Order
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.billing.customers import GOOD, KEPT_BUT_REFUSED, KEY, SECRET, Account, moved_clock
from tests.factories import PASSWORD
from tests.fakes import Stripe
from tests.pages.test_browser import AXE, RUN_AXE

pytestmark = pytest.mark.browser
NOVA, BUYER = "nova@example.test", "ada@example.test"
# A minute each: the suite takes the phone, whoever wants pictures gets both.
RUNS = [("ru", 390), ("en", 1280)] if os.environ.get("SCREENSHOTS") else [("ru", 390)]
HALL, SLUG = "Harbour Hall", "harbour-hall"


class Person:
    """Somebody at a browser of their own: what they see, press and type, in their language."""

    def __init__(self, chromium: Any, language: str, width: int, problems: list[str]):
        self.language, self.width = language, width
        self.context = chromium.new_context(
            viewport={"width": width, "height": 900}, locale="ru-RU" if language == "ru" else "en-GB"
        )
        self.context.set_default_timeout(10_000)
        self.context.on("weberror", lambda error: problems.append(str(error.error)))
        self.page = self.context.new_page()
        self.pictures = 0

    def word(self, text: str, **facts: Any) -> str:
        with translation.override(self.language):
            return gettext(text) % facts if facts else gettext(text)

    def goes(self, address: str) -> None:
        self.page.goto(address)

    def presses(self, name: str, **facts: Any) -> None:
        self.page.get_by_role("button", name=self.word(name, **facts), exact=True).first.click()

    def follows(self, name: str) -> None:
        self.page.get_by_role("link", name=self.word(name), exact=True).first.click()

    def types(self, field: str, text: str) -> None:
        self.page.locator(f"[name={field}]").fill(text)

    def sees(self, text: str, **facts: Any) -> None:
        self.page.get_by_text(self.word(text, **facts)).first.wait_for()

    def looks(self, name: str) -> None:
        """No finding of axe, nothing wider than the window; a picture for who wants to look too."""
        self.pictures += 1
        self.page.evaluate(AXE)
        folder = os.environ.get("SCREENSHOTS")
        dark = self.language == "ru"
        for theme in ("light", "dark") if folder else (("dark",) if dark else ("light",)):
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            assert self.page.evaluate(RUN_AXE) == [], (name, theme, self.language)
            if folder:
                file = f"{self.pictures:02}-{name}-{self.language}-{theme}-{self.width}.png"
                self.page.screenshot(path=Path(folder) / file, full_page=True)
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width, f"{name} is too wide"


def code_for(email: str) -> str:
    mail.outbox.clear()
    send(EmailCode.objects.filter(email=email).latest("pk").pk)
    found = re.search(r"\b\d{6}\b", mail.outbox[-1].subject)
    assert found
    return found[0]


def signs_up(nova: Person, site: Any) -> Tenant:
    """From the front page into the dashboard of a place of her own."""
    nova.goes(site.url(None, "/"))
    nova.looks("front")
    nova.page.locator("#prices a[href='/signup/?plan=free']").click()
    nova.types("name", HALL)
    nova.page.locator("#slug-answer .field__good").wait_for()
    nova.types("slug", "a1pha")  # alpha is somebody's
    nova.sees("This address looks too much like another one.")
    nova.page.locator("#slug-answer button").first.wait_for()
    nova.looks("signup-taken")
    nova.types("slug", SLUG)
    nova.page.locator("#slug-answer .field__good").wait_for()
    nova.types("email", NOVA)
    nova.types("password", PASSWORD)
    nova.looks("signup")
    nova.presses("Open it")
    nova.page.wait_for_url("**/signup/confirm/")
    nova.looks("confirm")
    nova.types("code", code_for(NOVA))
    nova.presses("Confirm and open it")
    nova.page.wait_for_url(f"http://{SLUG}.localhost:*/dashboard/")
    nova.sees("Say how buyers pay you")
    nova.looks("dashboard-new")
    return Tenant.objects.get(slug=SLUG)


def makes_an_event(nova: Person, at: Any) -> None:
    """An event of her own, on sale; the examples have done their part."""
    nova.goes(at("/"))
    nova.sees("Open rehearsal (example)")
    nova.looks("storefront-examples")
    nova.goes(at("/dashboard/first-steps/"))
    nova.looks("first-steps")
    nova.presses("Remove the examples")
    nova.sees("The examples are gone.")
    nova.goes(at("/dashboard/new-event/"))
    nova.types("title", "Night of Boats")
    nova.types("starts_at", "2099-07-01T20:00")
    nova.types("types-0-name", "Pier")
    nova.types("types-0-price", "25")
    nova.types("types-0-capacity", "50")
    nova.presses("Save and publish")
    nova.page.get_by_role("heading", name="Night of Boats").first.wait_for()


def buys(ada: Person, at: Any) -> None:
    """One ticket, paid at once by the provider that development has."""
    ada.goes(at("/events/night-of-boats/"))
    ada.looks("event")
    ada.presses("Get tickets")
    ada.types("email", BUYER)
    ada.page.locator("[name=provider][value=test]").check()
    ada.looks("checkout")
    ada.page.locator("main form#checkout button[type=submit]").last.click()
    ada.page.locator("[name=outcome][value=succeed]").click()
    ada.page.wait_for_url("**/thanks/")
    ada.page.locator("main a[href*='/orders/']").first.click()
    ada.page.get_by_role("img", name=re.compile("QR")).first.wait_for()
    ada.looks("ticket")


def upgrades(nova: Person, at: Any, stripe: Account) -> None:
    """House by the month, by a test card on the fake's page; the days to try it are free."""
    nova.goes(at("/dashboard/billing/"))
    nova.looks("billing-free")
    nova.page.locator("main a[href$='/plans/house-monthly/']").first.click()
    nova.looks("billing-choose")
    nova.presses("Go on to the card")
    nova.page.locator("[name=card]").fill(GOOD)
    nova.page.get_by_role("button", name="Pay").click()
    nova.page.wait_for_url("**/dashboard/billing/**")
    nova.sees("Thank you. You have the plan %(plan_name)s now.", plan_name=nova.word("House"))
    stripe.pass_days(0)
    nova.looks("billing-house")


def is_refused_an_event(nova: Person, at: Any) -> None:
    nova.goes(at("/dashboard/new-event/"))
    nova.types("title", "One too many")
    nova.types("starts_at", "2099-08-01T20:00")
    nova.presses("Save as draft")
    nova.sees("A payment for your plan is missing, so nothing can be added here until it is paid. Sales go on.")
    nova.looks("event-refused")


@pytest.fixture
def stripe(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """The platform's own account at the fake; its messages and the days are moved by hand."""
    with Stripe() as fake:
        settings.STRIPE_PLATFORM_KEY, settings.STRIPE_BILLING_WEBHOOK_SECRET = KEY, SECRET
        settings.STRIPE_API_BASE = fake.url
        account = Account(fake)
        moved_clock(account, monkeypatch)
        yield account


@pytest.mark.parametrize(("language", "width"), RUNS)
def test_from_the_front_page_to_a_sold_ticket_and_through_a_refused_card(
    transactional_db, site, stripe, chromium, settings, language, width
):
    settings.PLATFORM_PORT, settings.SIGNUP_LEAST_SECONDS = f":{site.port}", 0
    problems: list[str] = []
    nova, ada = (Person(chromium, language, width, problems) for _ in range(2))
    tenant = signs_up(nova, site)

    def at(path: str) -> str:
        return str(site.url(tenant, path))

    with in_tenant(tenant):
        letters.write()
        deliver_due()
    assert [NOVA in letter.to[0] for letter in mail.outbox[-1:]] == [True]
    makes_an_event(nova, at)
    buys(ada, at)
    with in_tenant(tenant):
        order = Order.objects.get()
        assert (order.status, order.total_minor) == ("paid", 2500)
    nova.goes(at("/dashboard/"))
    nova.page.get_by_text(order.code).first.wait_for()
    nova.looks("dashboard-sold")
    # A plan, by a test card.
    upgrades(nova, at, stripe)
    tenant.refresh_from_db()
    assert tenant.limits["plan"] == "house-monthly"
    # The days to try it are over and paid for; a month later the bank says no.
    stripe.pass_days(15)
    assert stripe.row(tenant).status == "active"
    stripe.set_card(tenant, KEPT_BUT_REFUSED)
    mail.outbox.clear()
    stripe.pass_days(31)
    assert stripe.row(tenant).status == "past_due"
    # Grace: she is told, everything works.
    nova.goes(at("/dashboard/"))
    nova.sees("A payment for your plan is missing. Everything works for now.")
    nova.looks("dashboard-grace")
    nova.goes(at("/dashboard/billing/"))
    nova.looks("billing-grace")
    # A week later nothing can be added; sales go on.
    stripe.pass_days(8)
    assert stripe.row(tenant).status == "restricted"
    nova.goes(at("/dashboard/"))
    nova.looks("dashboard-restricted")
    is_refused_an_event(nova, at)
    buys(ada, at)
    # After three weeks the site is closed to all but her, and her to all but what is owed.
    stripe.pass_days(14)
    assert stripe.row(tenant).status == "suspended"
    assert ada.page.goto(at("/")).status == 403
    ada.looks("suspended")
    nova.goes(at("/dashboard/billing/"))
    nova.looks("billing-suspended")
    # She pays with another card, and all is as before at once.
    nova.follows("Pay now")
    nova.page.locator("[name=card]").fill(GOOD)
    nova.page.get_by_role("button", name="Pay").click()
    nova.page.get_by_role("heading", name="paid").wait_for()
    stripe.pass_days(0)
    assert stripe.row(tenant).status == "active"
    nova.goes(at("/dashboard/billing/"))
    nova.looks("billing-paid")
    assert ada.page.goto(at("/")).status == 200
    nova.goes(at("/dashboard/new-event/"))
    nova.types("title", "Not one too many")
    nova.types("starts_at", "2099-08-01T20:00")
    nova.presses("Save as draft")
    nova.page.get_by_role("heading", name="Not one too many").first.wait_for()
    nova.goes(at("/dashboard/"))
    nova.looks("dashboard-again")
    told = [letter.subject for letter in mail.outbox if any(NOVA in each for each in letter.to)]
    assert len(told) >= 4, told
    assert breaches_in(tenant) == []
    for person in (nova, ada):
        person.context.close()
    assert not problems, problems
