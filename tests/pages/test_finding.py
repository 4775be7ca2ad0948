"""Finding an event on the storefront: filters with counts, typos, places near, and the month."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenant_apps.events import taxonomy
from tenant_apps.events.models import Category, Tag, Venue
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type

TITLES = ("Sutton Estate", "Night of Strings", "Free Fair", "Далёкая звезда")


@pytest.fixture
def browser(alpha, page_for):
    """Four events on sale: in two cities, two categories, with a tag, and at three prices."""
    with in_tenant(alpha):
        walks = taxonomy.make(Category, actor=None, name="Walks")
        music = taxonomy.make(Category, actor=None, name="Music")
        live = taxonomy.make(Tag, actor=None, name="Live")
        estate = taxonomy.get_or_create_venue(name="Cale Street", city="London")
        hall = taxonomy.get_or_create_venue(name="Philharmonie", city="Berlin")
        Venue.objects.filter(pk=estate.pk).update(latitude="51.4904", longitude="-0.1691")
        Venue.objects.filter(pk=hall.pk).update(latitude="52.5100", longitude="13.3700")
        day = timezone.now() + timedelta(days=3)
        one = make_event("Sutton Estate", slug="sutton", category=walks, venue=estate, starts_at=day, level="easy")
        two = make_event("Night of Strings", category=music, venue=hall, starts_at=day + timedelta(days=1))
        three = make_event("Free Fair", category=music, venue=estate, starts_at=day + timedelta(days=2))
        four = make_event("Далёкая звезда", category=music, starts_at=day + timedelta(days=4))
        two.tags.add(live)
        make_ticket_type(one, price_minor=1500)
        make_ticket_type(two, price_minor=6000)
        make_ticket_type(three, price_minor=0)
        make_ticket_type(four, price_minor=1500, capacity=0)
    return page_for(alpha)


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def found(browser, query):
    page = browser.get(f"/events/{query}")
    assert page.status_code == 200
    titles = re.findall(r'class="event-card__title"><a [^>]*>(.*?)</a>', page.content.decode())
    assert set(titles) <= set(TITLES)
    return titles


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", list(TITLES)),
        ("?search=sutton+estate", ["Sutton Estate"]),
        ("?search=suton+estat", ["Sutton Estate"]),
        ("?search=string", ["Night of Strings"]),
        ("?search=далёкие+звёзды", ["Далёкая звезда"]),
        ("?search=philharmonie", ["Night of Strings"]),
        ("?search=!%27%26|(", []),
        ("?category=walks", ["Sutton Estate"]),
        ("?tag=live", ["Night of Strings"]),
        ("?city=london", ["Sutton Estate", "Free Fair"]),
        ("?level=EASY", ["Sutton Estate"]),
        ("?band=0-0", ["Free Fair"]),
        ("?band=0-20", ["Sutton Estate", "Далёкая звезда"]),
        ("?band=50-100", ["Night of Strings"]),
        ("?band=nonsense", []),
        ("?available=true", ["Sutton Estate", "Night of Strings", "Free Fair"]),
        ("?near=51.5,-0.17&radius_km=5", ["Sutton Estate", "Free Fair"]),
        ("?near=52.5,13.4&radius_km=5000", ["Night of Strings", "Sutton Estate", "Free Fair"]),
        ("?near=nowhere&radius_km=-1", list(TITLES)),
        ("?ordering=price", ["Free Fair", "Sutton Estate", "Далёкая звезда", "Night of Strings"]),
        ("?ordering=title", ["Free Fair", "Night of Strings", "Sutton Estate", "Далёкая звезда"]),
        ("?ordering=secret&page=9999999&month=2031-77&view=list", list(TITLES)),
        ("?city=london&band=0-0&category=music", ["Free Fair"]),
    ],
)
def test_what_is_chosen_narrows_the_list(browser, query, titles):
    assert found(browser, query) == titles


def test_each_choice_says_how_many_events_it_leaves(browser):
    words = text_of(browser.get("/events/"))
    for choice in ("Walks (1)", "Music (3)", "Live (1)", "London (2)", "Berlin (1)", "easy (1)", "Free (1)",
                   "Below €20 (2)", "€50 to €100 (1)"):  # fmt: skip
        assert choice in words, choice
    narrowed = text_of(browser.get("/events/?city=London&category=music"))
    assert "Music (1)" in narrowed and "Walks (1)" in narrowed  # the other choices of the same filter stay open
    assert "London (1)" in narrowed and "Berlin (1)" in narrowed
    gone = browser.get("/events/?category=no-such").content.decode()
    assert '<option value="no-such" selected>no-such (0)</option>' in gone


def test_who_mistypes_is_told_what_was_perhaps_meant(browser):
    page = browser.get("/events/?search=suton+estat&city=London")
    assert "Nothing is called “suton estat”. Did you mean Sutton Estate ?" in text_of(page)
    assert 'href="?search=Sutton+Estate&amp;city=London#events"' in page.content.decode()
    assert "Did you mean" not in text_of(browser.get("/events/?search=Sutton+Estate"))
    assert "Did you mean" not in text_of(browser.get("/events/?search=qqqqqqqqq"))
    assert "Did you mean" not in text_of(browser.get("/events/?search=philharmonie"))


def test_the_month_shows_every_day_with_what_takes_place_on_it(alpha, browser):
    with in_tenant(alpha):
        # 22:30 UTC on the last day of May is June already in the tenant's zone, Europe/Berlin.
        make_event("First of June", starts_at=datetime(2031, 5, 31, 22, 30, tzinfo=UTC))
        for number in range(6):
            make_event(f"Fair {number}", starts_at=datetime(2031, 6, 10, 8 + number, tzinfo=UTC))
        make_event("Called off", starts_at=datetime(2031, 6, 20, 18, tzinfo=UTC), status="cancelled")
        make_event("Draft", starts_at=datetime(2031, 6, 20, 18, tzinfo=UTC), published=False)
    page = browser.get("/events/?view=month&month=2031-06")
    words, html = text_of(page), page.content.decode()
    assert "June 2031" in words and "First of June" in words and "Called off" in words and "Draft" not in words
    assert "Fair 3" in words and "Fair 4" not in words and "2 more" in words
    assert "date=2031-06-10" in html and "month=2031-05" in html and "month=2031-07" in html
    day = re.search(r'<time datetime="2031-06-01".*?</td>', html, re.DOTALL)
    assert day and "First of June" in day[0]
    assert "Fair 1" in text_of(browser.get("/events/?date=2031-06-10"))
    assert "Nothing takes place in this month." in text_of(browser.get("/events/?view=month&month=2031-02"))
    walks = text_of(browser.get("/events/?view=month&month=2031-06&category=walks"))
    assert "Fair 1" not in walks and "walks (0)" in walks


def test_the_calendar_goes_from_the_first_year_to_the_last(browser):
    for month in ("2000-01", "2099-12", "1999-12", "2100-01", "x", ""):
        page = browser.get(f"/events/?view=month&month={month}")
        assert page.status_code == 200 and b'class="month__table"' in page.content


@pytest.mark.parametrize(("query", "most"), [("", 3), ("?city=london&band=0-20", 3), ("?search=suton+estat", 5),
                                             ("?view=month&month=2031-06", 2)])  # fmt: skip
def test_the_page_costs_as_many_statements_as_it_says(alpha, browser, query, most):
    with in_tenant(alpha):
        for number in range(12):
            make_ticket_type(make_event(f"More {number}"))
    browser.get("/events/")
    with CaptureQueriesContext(connection) as queries:
        browser.get(f"/events/{query}")
    ours = [each["sql"] for each in queries if "search_path" not in each["sql"]]
    assert len(ours) <= most, "\n".join(ours)
