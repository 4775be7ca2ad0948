"""What the door is told of a ticket type, on its page: at phone and desktop width, in both languages and themes."""

import os
from pathlib import Path

import pytest

from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
# Set to a folder to look at the pages.
PICTURES = os.environ.get("DOOR_PICTURES")


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ru", "dark")])
def test_the_note_for_the_door_is_clean_and_fits(alpha, site, browser, language, theme):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event(slug="fair"), name="Student")
    signed_in(browser, site, alpha, owner_of(alpha))
    page = browser.new_page()
    page.emulate_media(color_scheme=theme)
    for name, path in (("type", f"tickets/{kind.pk}/"), ("questions", "questions/")):
        page.goto(site.url(alpha, f"/dashboard/events/fair/{path}?lang={language}"))
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{language}-{theme}-{browser.width}.png", full_page=True)
        page.evaluate(AXE)
        assert page.evaluate(RUN_AXE) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the window"
    field = page.locator("input[name=at_door]")
    assert field.count() == 1
