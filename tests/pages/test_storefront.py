"""What buyers see and do without JavaScript."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user


def fields(ticket_type, quantity=1, **more):
    return {f"quantity_{ticket_type.pk}": quantity, **more}


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_list_shows_what_is_on_sale_from_when_where_and_how_much(alpha, page_for):
    with in_tenant(alpha):
        event = make_event("Night of Strings")
        make_ticket_type(event, price_minor=1250)
        make_ticket_type(event, name="Balcony", price_minor=900, capacity=0)
        make_event("A secret", published=False)
    page = page_for(alpha).get("/events/")
    assert page.status_code == 200
    words = text_of(page)
    assert "Night of Strings" in words and "from €9" in words
    assert "A secret" not in words


def test_a_card_says_when_few_are_left_and_when_none_is(alpha, page_for):
    with in_tenant(alpha):
        make_ticket_type(make_event("Nearly"), capacity=3)
        make_ticket_type(make_event("Gone"), capacity=0)
    words = text_of(page_for(alpha).get("/"))
    assert "Last 3 tickets" in words
    assert "Sold out" in words


def test_filters_stand_in_the_address(alpha, page_for):
    with in_tenant(alpha):
        make_ticket_type(make_event("Tomorrow", starts_at=timezone.now() + timedelta(days=1)))
        make_ticket_type(make_event("Some Day", starts_at=timezone.now() + timedelta(days=60)))
        make_ticket_type(make_event("Long Ago", starts_at=timezone.now() - timedelta(days=60)))
    client = page_for(alpha)

    def shown(query):
        return {
            name for name in ("Tomorrow", "Some Day", "Long Ago") if name in text_of(client.get(f"/events/{query}"))
        }

    assert shown("") == {"Tomorrow", "Some Day"}
    assert shown("?when=week") == {"Tomorrow"}
    assert shown("?search=some") == {"Some Day"}
    assert shown("?show=past") == {"Long Ago"}
    assert shown("?search=nothing-like-it") == set()
    assert shown("?when=nonsense&page=x&category=none&date=2026-99-99") == set()


def test_the_list_costs_at_most_four_statements_however_long(alpha, page_for):
    with in_tenant(alpha):
        for _ in range(12):
            make_ticket_type(make_event())
    client = page_for(alpha)
    client.get("/events/")
    with CaptureQueriesContext(connection) as statements:
        client.get("/events/")
    ours = [each["sql"] for each in statements if "search_path" not in each["sql"]]
    assert len(ours) <= 4, ours


def test_an_event_page_costs_at_most_six_statements(alpha, page_for):
    with in_tenant(alpha):
        event = make_event()
        for name in ("Stalls", "Circle", "Balcony"):
            make_ticket_type(event, name=name)
    client = page_for(alpha)
    client.get(f"/events/{event.slug}/")
    with CaptureQueriesContext(connection) as statements:
        assert client.get(f"/events/{event.slug}/").status_code == 200
    ours = [each["sql"] for each in statements if "search_path" not in each["sql"]]
    assert len(ours) <= 6, ours


def test_an_event_is_told_in_its_own_time_zone(alpha, page_for):
    from datetime import UTC, datetime

    with in_tenant(alpha):
        event = make_event("Far Away", starts_at=datetime(2040, 6, 1, 10, 0, tzinfo=UTC), timezone="Asia/Tokyo")
        make_ticket_type(event)
    words = text_of(page_for(alpha).get(f"/events/{event.slug}/"))
    assert "Friday 1 June 2040" in words and "19:00" in words and "Asia/Tokyo" in words


def test_drafts_have_no_page(alpha, page_for):
    with in_tenant(alpha):
        event = make_event(published=False)
    assert page_for(alpha).get(f"/events/{event.slug}/").status_code == 404


def test_a_free_ticket_is_bought_by_plain_forms_and_shows_its_code(alpha, page_for):
    with in_tenant(alpha):
        free = make_ticket_type(price_minor=0)
        slug = free.event.slug
    client = page_for(alpha, enforce_csrf_checks=True)

    def token(page):
        return {"csrfmiddlewaretoken": re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)}

    page = client.get(f"/events/{slug}/").content.decode()
    page = client.post(f"/events/{slug}/", fields(free, 2, **token(page)), follow=True).content.decode()
    names = dict(zip(re.findall(r'name="(name_[^"]+)"', page), ("Grace", "Edsger"), strict=True))
    buyer = {"email": "ada@example.test", "name": "Ada", **names, **token(page)}
    thanks = client.post("/checkout/", buyer, follow=True)
    assert "Your 2 tickets are ready" in text_of(thanks)
    placed = client.get(thanks.redirect_chain[-1][0].removesuffix("thanks/"))
    assert placed.status_code == 200
    html = placed.content.decode()
    assert html.count('class="qr"') == 2
    assert "Grace" in html and "Edsger" in html
    assert "no-store" in placed["Cache-Control"] and "private" in placed["Cache-Control"]
    picture = client.get(re.search(r'href="([^"]+\.png)"', html).group(1))
    assert picture["Content-Type"] == "image/png" and picture.content.startswith(b"\x89PNG")


def test_what_was_typed_stays_when_something_is_wrong(alpha, page_for):
    with in_tenant(alpha):
        ticket_type = make_ticket_type(max_per_order=4)
    client, path = page_for(alpha), f"/events/{ticket_type.event.slug}/"
    answer = client.post(path, fields(ticket_type, 5))
    assert answer.status_code == 400 and 'value="5"' in answer.content.decode()
    assert "less than or equal to 4" in text_of(answer)
    client.post(path, fields(ticket_type, 3))
    answer = client.post("/checkout/", {"email": "not an address", "name": "Ada Lovelace"})
    assert answer.status_code == 400
    html = answer.content.decode()
    assert 'value="Ada Lovelace"' in html and 'value="not an address"' in html
    assert "Enter a valid email address" in html


def test_nothing_chosen_is_said_in_words(alpha, page_for):
    with in_tenant(alpha):
        ticket_type = make_ticket_type()
    answer = page_for(alpha).post(f"/events/{ticket_type.event.slug}/", fields(ticket_type, 0))
    assert answer.status_code == 400
    assert "Choose at least one ticket." in text_of(answer)


def test_somebody_was_quicker(alpha, page_for):
    with in_tenant(alpha):
        last = make_ticket_type(capacity=2)
        make_order(last)
    answer = page_for(alpha).post(f"/events/{last.event.slug}/", fields(last, 2))
    assert answer.status_code in (400, 409)
    assert "sold out" in text_of(answer).lower()


def test_a_sale_that_has_not_begun_says_when_it_does(alpha, page_for):
    with in_tenant(alpha):
        ticket_type = make_ticket_type(sale_starts_at=timezone.now() + timedelta(days=2))
    page = page_for(alpha).get(f"/events/{ticket_type.event.slug}/")
    assert "On sale soon" in text_of(page)
    assert "Get tickets" not in text_of(page)


def test_an_order_is_paid_by_the_test_provider_after_a_declined_try(alpha, page_for):
    with in_tenant(alpha):
        order = make_order(make_ticket_type(price_minor=1500))
    client, address = page_for(alpha), f"/orders/{order.code}/{order.secret}/"
    assert "Almost there" in text_of(client.get(address))
    declined = client.post(f"{address}pay/", {"provider": "test", "outcome": "decline"}, follow=True)
    assert "The payment was declined" in text_of(declined)
    paid = client.post(f"{address}pay/", {"provider": "test", "outcome": "succeed"}, follow=True)
    assert "Thank you" in text_of(paid) and "Your ticket is ready" in text_of(paid)
    assert 'class="qr"' in client.get(address).content.decode()


def test_paying_by_hand_tells_how(alpha, page_for):
    with in_tenant(alpha):
        order = make_order(make_ticket_type(price_minor=1500))
    address = f"/orders/{order.code}/{order.secret}/"
    page = page_for(alpha).post(f"{address}pay/", {"provider": "manual"}, follow=True)
    assert f"Give the order code {order.code} when you pay." in text_of(page)


def test_a_buyer_cancels_their_own_order(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=0))
    address = f"/orders/{order.code}/{order.secret}/"
    page = page_for(alpha).post(f"{address}cancel/", follow=True)
    assert "This order was cancelled" in text_of(page)
    assert 'class="qr"' not in page.content.decode()


def test_the_money_goes_back_when_a_buyer_cancels_a_paid_order(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=1500))
    page_for(alpha).post(f"/orders/{order.code}/{order.secret}/cancel/")
    with in_tenant(alpha):
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("cancelled", 1500)
        assert order.payments.get().status == "refunded"


@pytest.mark.parametrize("wrong", ["secret", "code", "tenant"])
def test_without_the_secret_there_is_no_order(alpha, beta, page_for, wrong):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(price_minor=0))
    code = "NOSUCHCODE" if wrong == "code" else order.code
    secret = "x" * 32 if wrong == "secret" else order.secret
    client = page_for(beta if wrong == "tenant" else alpha)
    assert client.get(f"/orders/{code}/{secret}/").status_code == 404


def test_the_tenants_colour_leads_and_no_style_attribute_is_used(alpha, page_for):
    with in_tenant(alpha):
        event = make_ticket_type().event
    for path in ("/", "/events/", f"/events/{event.slug}/"):
        html = page_for(alpha).get(path).content.decode()
        assert f"--brand:{alpha.colour}" in html
        assert not re.search(r"<[^>]+\sstyle=", html)
        assert not re.search(r'(src|href)="(https?:)?//(?!(alpha\.)?localhost)', html)


def test_a_stranger_sees_no_way_to_the_dashboard_and_staff_do(alpha, page_for):
    from tests.factories import owner_of

    assert "/dashboard/" not in page_for(alpha, make_user()).get("/").content.decode()
    assert "/dashboard/" in page_for(alpha, owner_of(alpha)).get("/").content.decode()


def test_the_same_form_sent_twice_chooses_once_and_a_changed_one_chooses_again(alpha, page_for):
    with in_tenant(alpha):
        ticket_type = make_ticket_type(price_minor=0)
    page = page_for(alpha)
    path = f"/events/{ticket_type.event.slug}/"
    key = re.search(r'name="key" value="([^"]+)"', page.get(path).content.decode()).group(1)
    first = page.post(path, fields(ticket_type, key=key))
    again = page.post(path, fields(ticket_type, key=key))
    assert (first.status_code, again.status_code) == (302, 302)
    page.post(path, fields(ticket_type, quantity=2, key=key))
    with in_tenant(alpha):
        assert ticket_type.quotas.get().held == 3
