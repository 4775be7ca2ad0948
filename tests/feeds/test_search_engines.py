"""What search engines read: JSON-LD with what schema.org and Google require, sitemap, robots, and the head's tags."""

import json
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.utils import timezone

from platform_config import sitemap
from tenant_apps.events import services, taxonomy
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type

SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
# https://developers.google.com/search/docs/appearance/structured-data/event: required, and of an Offer recommended.
REQUIRED = {"@context", "@type", "name", "startDate", "location"}
OF_A_PLACE = {"@type", "name", "address"}
OF_AN_OFFER = {"@type", "price", "priceCurrency", "availability", "url", "validFrom"}


@pytest.fixture
def browser(page_for, alpha):
    return page_for(alpha)


def data_of(page):
    texts = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.content.decode(), re.DOTALL)
    assert len(texts) == 1
    return json.loads(texts[0])


def complete(data):
    """The data, after everything that Google requires was found in it, in the forms that it takes."""
    assert data.keys() >= REQUIRED and data["@context"] == "https://schema.org" and data["@type"] == "Event"
    for name in ("startDate", "endDate", "previousStartDate"):
        if name in data:
            assert datetime.fromisoformat(data[name]).utcoffset() is not None
    place = data["location"]
    assert place["@type"] == "VirtualLocation" or place.keys() >= OF_A_PLACE
    for offer in data.get("offers", []):
        assert offer.keys() >= OF_AN_OFFER and offer["@type"] == "Offer"
        assert re.fullmatch(r"\d+(\.\d+)?", offer["price"]) and re.fullmatch("[A-Z]{3}", offer["priceCurrency"])
        assert offer["availability"].removeprefix("https://schema.org/") in {
            "InStock",
            "SoldOut",
            "PreOrder",
            "OutOfStock",
        }
    return data


def availability(data):
    return {each["name"]: each["availability"].rpartition("/")[2] for each in data["offers"]}


def test_an_event_page_carries_the_event_as_schema_org_has_it(alpha, browser):
    with in_tenant(alpha):
        hall = taxonomy.get_or_create_venue(name="Hall", address="Long Street 1", city="Berlin")
        event = make_event(
            "Gala </script><b>", slug="gala", venue=hall, summary="One & only",
            starts_at=datetime(2031, 7, 1, 18, tzinfo=UTC), ends_at=datetime(2031, 7, 1, 20, tzinfo=UTC),
        )  # fmt: skip
        make_ticket_type(event, price_minor=1250, sale_ends_at=datetime(2031, 7, 1, 12, tzinfo=UTC))
        make_ticket_type(event, name="Backstage", hidden=True)
    data = complete(data_of(browser.get("/events/gala/")))
    assert data["name"] == "Gala </script><b>" and data["description"] == "One & only"
    assert data["url"] == "http://alpha.localhost/events/gala/"
    assert (data["startDate"], data["endDate"]) == ("2031-07-01T20:00:00+02:00", "2031-07-01T22:00:00+02:00")
    assert data["eventStatus"] == "https://schema.org/EventScheduled"
    assert data["eventAttendanceMode"] == "https://schema.org/OfflineEventAttendanceMode"
    assert data["location"]["name"] == "Hall"
    address = {"@type": "PostalAddress", "streetAddress": "Long Street 1", "addressLocality": "Berlin"}
    assert data["location"]["address"] == address
    assert data["organizer"]["name"] == "Alpha"
    (offer,) = data["offers"]  # a hidden type is nobody's to find
    assert (offer["price"], offer["priceCurrency"]) == ("12.50", "EUR")
    assert offer["availability"] == "https://schema.org/InStock"
    assert offer["validThrough"] == "2031-07-01T14:00:00+02:00"


def test_offers_say_what_can_be_had_and_nothing_else(alpha, browser):
    soon, gone = timezone.now() + timedelta(days=1), timezone.now() - timedelta(days=1)
    with in_tenant(alpha):
        event = make_event("Gala", slug="gala")
        make_ticket_type(event, name="Open", price_minor=0)
        make_order(make_ticket_type(event, name="Last", capacity=1, price_minor=0))
        make_ticket_type(event, name="Soon", sale_starts_at=soon)
        make_ticket_type(event, name="Past", sale_ends_at=gone)
    said = availability(complete(data_of(browser.get("/events/gala/"))))
    assert said == {"Open": "InStock", "Last": "SoldOut", "Soon": "PreOrder", "Past": "OutOfStock"}
    with in_tenant(alpha):
        services.cancel(event, actor=None)
    data = complete(data_of(browser.get("/events/gala/")))
    assert data["eventStatus"] == "https://schema.org/EventCancelled"
    assert set(availability(data).values()) == {"OutOfStock"}


@pytest.mark.parametrize(
    ("attendance", "mode", "kinds"),
    [
        ("onsite", "Offline", ["Place"]),
        ("online", "Online", ["VirtualLocation"]),
        ("mixed", "Mixed", ["Place", "VirtualLocation"]),
    ],
)
def test_how_one_takes_part_is_told_and_the_link_is_not(alpha, browser, attendance, mode, kinds):
    with in_tenant(alpha):
        make_event("Gala", slug="gala", attendance=attendance, online_url="https://stream.example/secret")
    page = browser.get("/events/gala/")
    data = data_of(page)
    assert data["eventAttendanceMode"] == f"https://schema.org/{mode}EventAttendanceMode"
    places = data["location"] if isinstance(data["location"], list) else [data["location"]]
    assert [each["@type"] for each in places] == kinds
    assert b"stream.example" not in page.content


def test_a_postponed_event_tells_when_it_was_to_be(alpha, browser):
    with in_tenant(alpha):
        event = make_event("Gala", slug="gala", starts_at=datetime(2031, 7, 1, 18, tzinfo=UTC))
        services.postpone(event, starts_at="2031-08-01T20:00", actor=None)
    data = complete(data_of(browser.get("/events/gala/")))
    assert data["eventStatus"] == "https://schema.org/EventRescheduled"
    assert (data["previousStartDate"], data["startDate"]) == ("2031-07-01T20:00:00+02:00", "2031-08-01T20:00:00+02:00")


def test_the_head_names_the_one_address_whatever_filters_are_on(alpha, browser):
    with in_tenant(alpha):
        make_ticket_type(make_event("Gala", slug="gala", summary='A "fine" night'))
    page = browser.get("/events/gala/?utm_source=x").content.decode()
    assert '<link rel="canonical" href="http://alpha.localhost/events/gala/">' in page
    assert '<meta property="og:url" content="http://alpha.localhost/events/gala/">' in page
    assert '<meta property="og:description" content="A &quot;fine&quot; night">' in page
    listed = browser.get("/events/?search=gala").content.decode()
    assert '<link rel="canonical" href="http://alpha.localhost/events/">' in listed


def addresses(answer):
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/xml")
    return [each.text for each in ElementTree.fromstring(answer.content).iterfind(".//s:loc", SPACE)]


def test_the_sitemap_leads_to_everything_public_in_parts(alpha, browser, monkeypatch):
    monkeypatch.setattr(sitemap, "PAGE", 2)
    with in_tenant(alpha):
        for number in range(5):
            make_event(f"Event {number}", slug=f"number-{number}")
        make_event("Draft", published=False)
    parts = addresses(browser.get("/sitemap.xml"))
    assert [each.rpartition("/")[2] for each in parts] == [
        "sitemap-pages-1.xml", "sitemap-events-1.xml", "sitemap-events-2.xml", "sitemap-events-3.xml",
    ]  # fmt: skip
    found = [at for part in parts for at in addresses(browser.get(part.removeprefix("http://alpha.localhost")))]
    assert found[:2] == ["http://alpha.localhost/", "http://alpha.localhost/events/"]
    assert sorted(found[2:]) == [f"http://alpha.localhost/events/number-{number}/" for number in range(5)]
    for missing in ("events-4", "events-0", "orders-1", "events-99999999999999999999"):
        assert browser.get(f"/sitemap-{missing}.xml").status_code == 404


def test_robots_are_told_where_to_look_and_what_to_leave(alpha, beta, browser, page_for):
    lines = browser.get("/robots.txt").content.decode().splitlines()
    assert "Sitemap: http://alpha.localhost/sitemap.xml" in lines and "Disallow: /dashboard/" in lines
    assert "Sitemap: http://beta.localhost/sitemap.xml" in page_for(beta).get("/robots.txt").content.decode()
