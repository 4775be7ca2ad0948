"""Hearts, favourites, follows and the audience in a real browser: pressed in place, clean by axe in either theme."""

import pytest
from django.conf import settings
from django.utils.translation import trans_real

from platform_config.translations import compile_translations
from tenant_apps.catalog.services import create_product
from tenant_apps.customers import favourites
from tenant_apps.customers.models import Favourite, Like
from tenant_apps.events import services
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, owner_of
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def _russian_is_compiled():
    if compile_translations():
        trans_real._translations.clear()


def test_hearts_are_pressed_in_place_and_found_again(alpha, site, browser):
    with in_tenant(alpha):
        gala = make_event("Gala with a rather long name in the Old Town Hall", slug="gala")
        make_ticket_type(gala, price_minor=2400)
        ball = make_event("Ball", slug="ball")
        create_product(actor=None, name="Mug", price_minor=500)
        owner = owner_of(alpha)
        favourites.keep(ball, owner)
        services.cancel(ball, actor=None)
    signed_in(browser, site, alpha, owner)
    page = browser.new_page()
    page.goto(site.url(alpha, "/events/gala/"))
    heart = page.get_by_role("button", name="Favourite: Gala with a rather long name in the Old Town Hall")
    heart.click()
    page.locator('.event__hearts .heart__button[aria-pressed="true"]').wait_for()
    page.locator(".thumb__button").click()
    page.locator('.thumb__button[aria-pressed="true"]').wait_for()
    assert page.locator(".thumb__button .number").inner_text() == "1"
    assert page.url.endswith("/events/gala/"), "pressed in place"
    with in_tenant(alpha):
        assert Favourite.objects.count() == 2 and Like.objects.count() == 1
    found = look(page, browser, "hearts-event")
    page.get_by_role("button", name="Follow for new events").click()
    page.get_by_role("button", name="You follow us").wait_for()
    page.goto(site.url(alpha, "/events/"))
    assert page.locator('.event-card .heart__button[aria-pressed="true"]').count() == 2
    found += look(page, browser, "hearts-list")
    page.goto(site.url(alpha, "/products/mug/"))
    found += look(page, browser, "hearts-product")
    browser.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "ru", "url": site.url(alpha, "/")}])
    for path, name in (
        ("/account/favourites/", "favourites"), ("/account/follows/", "follows"), ("/dashboard/audience/", "audience"),
    ):  # fmt: skip
        page.goto(site.url(alpha, path))
        found += look(page, browser, f"hearts-{name}-ru")
    assert found == []
