"""The pages of the door in a real browser: clean by axe in both themes, and the board moves by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.ticketing import codes, entrances, scanning
from tenant_apps.ticketing.models import CheckIn, Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


@pytest.fixture
def evening(alpha):
    """An event with two gates into one hall; eleven people have come in the last half hour, one was refused."""
    with in_tenant(alpha):
        event = make_event("Night of Strings with a Name that is rather long", timezone="Europe/Berlin")
        kind = make_ticket_type(event, price_minor=0, name="Standard")
        vip = make_ticket_type(event, price_minor=0, name="VIP balcony, first row")
        hall = entrances.create_zone(event, name="Main hall", capacity=14, actor=None)
        entrances.create_zone(event, name="Courtyard", actor=None)
        north = entrances.create_check_in_list(event, name="North gate", zone=hall, gate="Castle street", actor=None)
        entrances.create_check_in_list(
            event, name="VIP", ticket_types=[vip], zone=hall, entries="once", directions="in",
            day=entrances.days_of(event)[0], day_starts=5, actor=None,
        )  # fmt: skip
        tickets = [
            line.ticket for _each in range(3) for line in make_paid_order(kind, quantity=5).lines.order_by("position")
        ]
        names = ("Ada Lovelace", "Анна Константинопольская-Преображенская", "Grace Hopper", "")
        for number, ticket in enumerate(tickets):
            Ticket.objects.filter(pk=ticket.pk).update(holder_name=names[number % 4])
        now = timezone.now()
        for number, ticket in enumerate(tickets[:11]):
            moment = now - timedelta(minutes=(number * number) % 29)
            scanning.scan(north, codes.code_text(ticket), f"s{number}", by=owner_of(alpha), scanned_at=moment)
        scanning.scan(north, codes.code_text(tickets[0]), "again", by=owner_of(alpha))
        scanning.scan(north, codes.code_text(tickets[1]), "out", by=owner_of(alpha), direction="out")
        return {"event": event, "north": north, "texts": [codes.code_text(ticket) for ticket in tickets]}


def entered(alpha, site, browser, language="en"):
    owner = owner_of(alpha)
    type(owner).objects.filter(pk=owner.pk).update(language=language)
    signed_in(browser, site, alpha, owner)
    browser.add_cookies([{"name": "language", "value": language, "url": site.url(alpha, "/")}])
    return browser.new_page()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_pages_of_the_door_fit_and_have_no_findings(alpha, site, browser, evening, language):
    page = entered(alpha, site, browser, language)
    base = f"/dashboard/events/{evening['event'].slug}/check-in/"
    found = []
    for name, path in [
        ("lists", base), ("edit", f"{base}{evening['north'].pk}/"), ("new", f"{base}new/"),
        ("board", f"{base}{evening['north'].pk}/board/"),
        ("search", f"{base}{evening['north'].pk}/search/?search=анна"),
        ("nobody", f"{base}{evening['north'].pk}/search/?search=zz"),
        ("history", f"{base}history/"), ("history-refused", f"{base}history/?outcome=refused"),
    ]:  # fmt: skip
        page.goto(site.url(alpha, path))
        if name == "search":
            page.locator("#found summary").first.click()
        if name == "lists":
            page.locator("summary").last.click()
        if name == "board":
            page.locator("[data-state]:not([hidden])").wait_for()
        page.evaluate("scrollTo(0, 0)")
        found += look(page, browser, f"door-{name}-{language}")
    assert found == []


def test_the_board_moves_by_itself(alpha, site, browser, evening, settings):
    settings.LIVE_STREAM_SECONDS = 3
    page = entered(alpha, site, browser)
    page.goto(site.url(alpha, f"/dashboard/events/{evening['event'].slug}/check-in/{evening['north'].pk}/board/"))
    page.get_by_text("Live now").wait_for()
    page.locator("[data-number=arrived]", has_text="11").wait_for()
    page.get_by_text("Show as a table").click()
    for number in (11, 12):
        with in_tenant(alpha):
            answer = scanning.scan(evening["north"], evening["texts"][number], f"s{number}", by=None)
            assert answer.admitted
        page.locator("[data-number=arrived]", has_text=str(number + 1)).wait_for()
        page.wait_for_timeout(3500)  # the first stream has ended; the second one tells the next
    assert page.locator("[data-board] details").evaluate("each => each.open")
    page.get_by_text("Live now").wait_for()


def test_a_board_without_a_stream_asks_every_few_seconds(alpha, site, browser, evening, settings):
    settings.LIVE_STREAMS = 0
    page = entered(alpha, site, browser)
    page.goto(site.url(alpha, f"/dashboard/events/{evening['event'].slug}/check-in/{evening['north'].pk}/board/"))
    page.get_by_text("Every five seconds").wait_for()
    with in_tenant(alpha):
        assert scanning.scan(evening["north"], evening["texts"][11], "s11", by=None).admitted
    page.locator("[data-number=arrived]", has_text="12").wait_for()


def test_somebody_is_found_while_typing_and_checked_in_by_hand(alpha, site, browser, evening):
    page = entered(alpha, site, browser)
    page.goto(site.url(alpha, f"/dashboard/events/{evening['event'].slug}/check-in/{evening['north'].pk}/search/"))
    page.get_by_label("Name, email, seat or short code").press_sequentially("grace")
    page.locator("#found summary", has_text="Check in by hand").first.click()
    page.get_by_label("Why without a code?").locator("visible=true").fill("The phone is empty")
    page.get_by_role("button", name="Check in", exact=True).locator("visible=true").click()
    page.get_by_text("Grace Hopper is in.").wait_for()
    with in_tenant(alpha):
        assert CheckIn.objects.exclude(note="").get().result == "admitted"
