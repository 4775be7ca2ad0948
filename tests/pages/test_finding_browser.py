"""Finding an event in a real browser: in place, near where one is, in the month; and nothing is in anybody's way."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.events import taxonomy
from tenant_apps.events.models import Category, Tag, Venue
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type
from tests.pages.test_browser import AXE, RUN_AXE

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser


@pytest.fixture
def programme(alpha):
    with in_tenant(alpha):
        kinds = [taxonomy.make(Category, actor=None, name=name) for name in ("Concerts", "Guided walks")]
        tag = taxonomy.make(Tag, actor=None, name="For families")
        near = taxonomy.get_or_create_venue(name="Cale Street Estate", address="Cale Street 1", city="London")
        far = taxonomy.get_or_create_venue(name="Philharmonie", address="Herbert-von-Karajan-Straße 1", city="Berlin")
        Venue.objects.filter(pk=near.pk).update(latitude="51.4904", longitude="-0.1691")
        Venue.objects.filter(pk=far.pk).update(latitude="52.5100", longitude="13.3700")
        titles = ("Sutton Estate exhibition", "Night of Strings", "Organ at noon", "The long walk", "Brass in the park")
        for number, title in enumerate(titles):
            event = make_event(
                title, slug=f"event-{number}", category=kinds[number % 2], venue=(near, far)[number % 2],
                starts_at=timezone.now() + timedelta(days=1 + number // 3), level=("easy", "hard")[number % 2],
                summary="What one should know before one comes.",
            )  # fmt: skip
            event.tags.add(tag)
            make_ticket_type(event, price_minor=1200 * number)


def shown(page):
    return page.locator("#event-list .event-card__title").all_inner_texts()


def test_filters_change_the_list_in_place_and_keep_the_address(programme, alpha, site, browser):
    page = browser.new_page()
    page.goto(site.url(alpha, "/events/"))
    page.evaluate("window.unbroken = true")
    page.get_by_text("More filters").click()
    page.get_by_label("City").select_option("Berlin")
    page.wait_for_url(re.compile("city=Berlin"))
    expect(page.locator("#event-list .event-card")).to_have_count(2)
    assert shown(page) == ["Night of Strings", "The long walk"]
    assert page.get_by_label("City").is_visible()  # what was opened stays open
    page.get_by_label("Search events").fill("suton estat")
    page.wait_for_url(re.compile("suton"))
    page.get_by_label("City").select_option("")
    expect(page.locator("#event-list .event-card")).to_have_count(1)
    page.wait_for_url(re.compile("city=&"))
    assert "Did you mean" in page.locator("#event-list").inner_text()
    assert page.evaluate("window.unbroken") is True, "the page was loaded anew"
    page.reload()
    assert shown(page) == ["Sutton Estate exhibition"]


def test_near_me_asks_only_after_the_click_and_tells_no_more_than_needed(programme, alpha, site, browser):
    browser.grant_permissions(["geolocation"])
    browser.set_geolocation({"latitude": 51.4912345, "longitude": -0.1698765})
    page = browser.new_page()
    page.add_init_script(
        "window.asked = 0; const real = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);"
        "navigator.geolocation.getCurrentPosition = (...all) => { window.asked += 1; real(...all); };"
    )
    page.goto(site.url(alpha, "/events/"))
    assert page.evaluate("window.asked") == 0
    page.get_by_role("button", name="Near me").click()
    page.wait_for_url(re.compile("near="))
    assert "near=51.491%2C-0.170" in page.url
    page.get_by_label("How far").wait_for()
    assert sorted(shown(page)) == ["Brass in the park", "Organ at noon", "Sutton Estate exhibition"]
    page.get_by_role("link", name="Anywhere").click()
    page.get_by_role("button", name="Near me").wait_for()
    assert len(shown(page)) == 5


def test_whoever_says_no_is_told_and_keeps_the_list(programme, alpha, site, browser):
    page = browser.new_page()
    page.add_init_script("navigator.geolocation.getCurrentPosition = (yes, no) => no({code: 1});")
    page.goto(site.url(alpha, "/events/"))
    page.get_by_role("button", name="Near me").click()
    page.get_by_text("Your device did not tell where you are.").wait_for()
    assert len(shown(page)) == 5 and page.get_by_role("button", name="Near me").is_enabled()


def test_an_event_is_put_into_a_calendar_and_shared(programme, alpha, site, browser):
    page = browser.new_page()
    page.add_init_script(
        "Object.defineProperty(navigator, 'share', {value: undefined});"
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => { window.copied = text; }}});"
    )
    page.goto(site.url(alpha, "/events/event-0/"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Add to calendar").click()
    assert download.value.suggested_filename == "event-0.ics"
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Link copied").wait_for()
    assert page.evaluate("window.copied").endswith("/events/event-0/")


def test_without_javascript_everything_is_found_too(programme, alpha, site, chromium):
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(site.url(alpha, "/events/"))
    assert not page.get_by_role("button", name="Near me").is_visible()
    page.get_by_text("More filters").click()
    page.get_by_label("City").select_option("Berlin")
    page.get_by_role("button", name="Search").click()
    assert shown(page) == ["Night of Strings", "The long walk"]
    page.get_by_role("link", name="Month").click()
    assert page.get_by_role("table").is_visible()
    context.close()


LISTS = (
    "/events/", "/events/?city=Berlin", "/events/?search=suton+estat", "/events/?near=51.49,-0.17&radius_km=25",
    "/events/?view=month", "/events/?search=qqqqqq", "/events/event-0/",
)  # fmt: skip


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(programme, alpha, site, browser, shots):
    found = []
    page = browser.new_page()
    for number, path in enumerate(LISTS):
        for language in ("en", "ru"):
            page.goto(site.url(alpha, f"{path}{'&' if '?' in path else '?'}lang={language}"))
            page.evaluate(AXE)
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                shots(page, f"{number}-{language}-{theme}-{browser.width}")
                found += [(theme, path, *each) for each in page.evaluate(RUN_AXE)]
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > browser.width:
                found.append((path, language, f"{width} px wide"))
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


@pytest.fixture
def shots():
    """Keeps a picture of each page in the folder that FOYER_SHOTS names, for people to look at."""
    import os
    from pathlib import Path

    folder = os.environ.get("FOYER_SHOTS")

    def keep(page, name):
        if folder:
            page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)

    return keep
