"""What the staff see and do, by their rights, without JavaScript."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def member(tenant, preset):
    """A person with a ready-made role here."""
    from tenant_apps.staff.models import Membership, Role

    user = make_user()
    with in_tenant(tenant):
        Membership.objects.create(user_id=user.pk, role=Role.objects.get(preset=preset))
    return user


@pytest.fixture
def sold(alpha):
    with in_tenant(alpha):
        ticket_type = make_ticket_type(make_event("Night of Strings"), price_minor=2500, capacity=10)
        order = make_paid_order(ticket_type, quantity=2)
        pending = make_order(ticket_type)
    return ticket_type, order, pending


PAGES = ("/dashboard/", "/dashboard/events/", "/dashboard/orders/", "/dashboard/new-event/", "/scan/")
MAY = {
    "owner": set(PAGES),
    "manager": set(PAGES),
    "event_manager": set(PAGES),
    "box_office": {"/dashboard/", "/dashboard/events/", "/dashboard/orders/", "/scan/"},
    "door": {"/dashboard/", "/dashboard/events/", "/scan/"},
    "accountant": {"/dashboard/", "/dashboard/events/", "/dashboard/orders/"},
    "read_only": {"/dashboard/", "/dashboard/events/", "/dashboard/orders/"},
}


@pytest.mark.parametrize("preset", MAY)
def test_each_role_opens_its_own_pages_and_no_other(alpha, page_for, sold, preset):
    client = page_for(alpha, owner_of(alpha) if preset == "owner" else member(alpha, preset))
    opened = {path for path in PAGES if client.get(path).status_code == 200}
    assert opened == MAY[preset]


@pytest.mark.parametrize("preset", MAY)
def test_the_menu_names_only_what_the_role_opens(alpha, page_for, sold, preset):
    client = page_for(alpha, owner_of(alpha) if preset == "owner" else member(alpha, preset))
    html = client.get("/dashboard/").content.decode()
    linked = {path for path in PAGES if f'href="{path}"' in html}
    assert linked <= MAY[preset]


@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_sent_to_the_login_or_away(alpha, page_for, path):
    sent = page_for(alpha).get(path)
    assert sent.status_code == 302 and "/account/login/" in sent["Location"]
    assert page_for(alpha, make_user()).get(path).status_code in (403, 404)


def test_the_first_screen_counts_what_was_sold(alpha, page_for, sold):
    page = page_for(alpha, owner_of(alpha)).get("/dashboard/")
    words = text_of(page)
    assert "€50" in words and "Night of Strings" in words and sold[1].code in words
    assert "chart__bar" in page.content.decode()


def test_an_event_page_tells_sold_held_and_capacity(alpha, page_for, sold):
    words = text_of(page_for(alpha, owner_of(alpha)).get(f"/dashboard/events/{sold[0].event.slug}/"))
    assert "2 / 10" in words and "1 place held" in words and "€50.00" in words


def test_a_grant_on_one_event_shows_that_event_only(alpha, page_for, sold):
    from tenant_apps.events.grants import grant

    user = make_user()
    with in_tenant(alpha):
        other = make_paid_order(make_ticket_type(make_event("Another Night"), price_minor=0))
        grant(sold[0].event, user, "view_orders", actor=owner_of(alpha))
        hidden = other.lines.get().event
    client = page_for(alpha, user)
    words = text_of(client.get("/dashboard/events/?show=all"))
    assert "Night of Strings" in words and "Another Night" not in words
    assert client.get(f"/dashboard/events/{hidden.slug}/").status_code == 404
    assert client.get(f"/dashboard/orders/{other.code}/").status_code == 404
    assert client.get(f"/dashboard/orders/{sold[1].code}/").status_code == 200
    assert client.post(f"/dashboard/orders/{sold[2].code}/mark-paid/").status_code in (403, 404)


def event_form(**changes):
    start = (timezone.now() + timedelta(days=20)).strftime("%Y-%m-%dT20:00")
    return {
        "title": "Moonlight", "summary": "Quietly.", "starts_at": start, "ends_at": "", "timezone": "Europe/Berlin",
        "venue_name": "Hall", "venue_address": "Street 1", "category": "Concert", "description": "One.\n\nTwo.",
        "types-TOTAL_FORMS": "3", "types-INITIAL_FORMS": "1", "types-MIN_NUM_FORMS": "0", "types-MAX_NUM_FORMS": "50",
        "types-0-name": "Standard", "types-0-price": "12,50", "types-0-capacity": "80",
        "types-1-name": "Guest", "types-1-price": "", "types-1-capacity": "",
        "types-2-name": "", "types-2-price": "", "types-2-capacity": "",
        **changes,
    }  # fmt: skip


def test_an_event_is_made_published_sold_and_edited_by_plain_forms(alpha, page_for):
    client = page_for(alpha, owner_of(alpha))
    made = client.post("/dashboard/new-event/", event_form(publish="1"), follow=True)
    assert made.status_code == 200, text_of(made)
    assert "The event is published." in text_of(made)
    shown = text_of(page_for(alpha).get("/events/moonlight/"))
    assert "Moonlight" in shown and "€12.50" in shown and "Guest" in shown and "Hall" in shown
    edit = client.get("/dashboard/events/moonlight/edit/").content.decode()
    assert "One.\n\nTwo." in edit and 'value="12.50"' in edit and 'value="80"' in edit
    ids = re.findall(r'name="types-\d-id" value="(\d+)"', edit)
    changed = event_form(**{
        "title": "Moonlight again", "types-INITIAL_FORMS": "2", "types-TOTAL_FORMS": "4", "types-0-id": ids[0],
        "types-1-id": ids[1], "types-1-remove": "on", "types-0-price": "15", "types-0-capacity": "90",
    })  # fmt: skip
    saved = client.post("/dashboard/events/moonlight/edit/", changed, follow=True)
    assert saved.status_code == 200, text_of(saved)
    shown = text_of(page_for(alpha).get("/events/moonlight/"))
    assert "Moonlight again" in shown and "€15" in shown and "Guest" not in shown


def test_everything_that_is_wrong_with_an_event_shows_at_once_and_nothing_is_made(alpha, page_for):
    from tenant_apps.events.models import Event

    client = page_for(alpha, owner_of(alpha))
    answer = client.post(
        "/dashboard/new-event/", event_form(title="", **{"types-0-price": "a lot", "types-1-capacity": "-3"})
    )
    assert answer.status_code == 400
    words = text_of(answer)
    assert "This field is required." in words and "Write the price as 12.50." in words
    with in_tenant(alpha):
        assert not Event.objects.filter(summary="Quietly.").exists()


def test_a_time_that_the_clock_jumps_over_is_refused_at_its_field(alpha, page_for):
    answer = page_for(alpha, owner_of(alpha)).post("/dashboard/new-event/", event_form(starts_at="2040-03-25T02:30"))
    assert answer.status_code == 400
    assert "does not exist in Europe/Berlin" in text_of(answer)


def test_staff_take_the_money_and_the_tickets_go_out(alpha, page_for, sold):
    client = page_for(alpha, owner_of(alpha))
    page = client.post(f"/dashboard/orders/{sold[2].code}/mark-paid/", follow=True)
    words = text_of(page)
    assert "The order is paid" in words and "Paid, tickets issued" in words


def test_staff_cancel_an_order_with_a_reason_that_is_kept(alpha, page_for, sold):
    client = page_for(alpha, owner_of(alpha))
    words = text_of(client.post(f"/dashboard/orders/{sold[1].code}/cancel/", {"reason": "ill"}, follow=True))
    assert "The order is cancelled." in words and "ill" in words


def test_the_money_goes_back_when_staff_cancel_a_paid_order(alpha, page_for, sold):
    page_for(alpha, owner_of(alpha)).post(f"/dashboard/orders/{sold[1].code}/cancel/")
    with in_tenant(alpha):
        sold[1].refresh_from_db()
        assert (sold[1].status, sold[1].refunded_minor) == ("cancelled", 5000)
        assert sold[1].payments.get().status == "refunded"


def test_the_orders_are_found_by_code_name_and_state(alpha, page_for, sold):
    client = page_for(alpha, owner_of(alpha))
    paid, pending = sold[1].code, sold[2].code
    for query, wanted in ((f"?search={paid.lower()}", paid), ("?status=pending", pending)):
        words = text_of(client.get(f"/dashboard/orders/{query}"))
        assert wanted in words
        assert ({paid, pending} - {wanted}).pop() not in words


def test_the_door_admits_once_and_says_why_not(alpha, page_for, sold):
    from tenant_apps.ticketing.codes import code_text

    with in_tenant(alpha):
        from tenant_apps.ticketing.services import ensure_door

        ensure_door(sold[0].event)
        entrance = sold[0].event.check_in_lists.get()
        code = code_text(sold[1].lines.select_related("ticket__event").first().ticket)
    client = page_for(alpha, member(alpha, "door"))
    address = f"/scan/{entrance.pk}/"
    assert "Ready" in text_of(client.get(address))
    first = client.post(address, {"code": code, "scan_id": "one", "direction": "in"})
    assert "Admit" in text_of(first) and "verdict--yes" in first.content.decode()
    again = client.post(address, {"code": code, "scan_id": "one", "direction": "in"})
    assert "verdict--yes" in again.content.decode(), "a reload is the same scan"
    second = client.post(address, {"code": code, "scan_id": "two", "direction": "in"})
    assert "Refuse" in text_of(second) and "used already" in text_of(second)
    assert "This is no ticket of ours." in text_of(client.post(address, {"code": "nonsense", "scan_id": "three"}))
    assert client.post(address, {"code": "", "scan_id": "\x7f"}).status_code == 200


def test_another_tenants_entrance_is_not_there(alpha, beta, page_for, sold):
    with in_tenant(alpha):
        from tenant_apps.ticketing.models import CheckInList

        entrance = CheckInList.objects.create(event=sold[0].event, name="Main")
    assert page_for(beta, owner_of(beta)).get(f"/scan/{entrance.pk}/").status_code == 404


def test_no_page_that_knows_who_looks_at_it_is_kept_by_a_browser_or_a_proxy(alpha, page_for, sold):
    ticket_type, order, _pending = sold
    client = page_for(alpha, owner_of(alpha))
    for path in (*PAGES, f"/dashboard/orders/{order.code}/", f"/events/{ticket_type.event.slug}/", "/account/"):
        assert "no-store" in client.get(path).headers.get("Cache-Control", ""), path
