"""The platform's own pages, and the way to a tenant of one's own."""

import re

import pytest

from tests.factories import make_user


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.mark.django_db
def test_the_start_page_says_what_this_is_in_both_languages(page_for):
    english = page_for().get("/")
    assert english.status_code == 200 and "Sell tickets under your own name" in text_of(english)
    russian = page_for().get("/?lang=ru")
    assert '<html lang="ru"' in russian.content.decode()


def signup(**changes):
    return {"name": "Moon Theatre", "slug": "moon-theatre", "kind": "organizer", "currency": "EUR",
            "timezone": "Europe/Vienna", "language": "en", **changes}  # fmt: skip


def test_somebody_opens_a_tenant_and_stands_in_its_dashboard(transactional_db, page_for):
    from tenants.models import Tenant

    user = make_user()
    answer = page_for(None, user).post("/signup/", signup())
    assert answer.status_code == 302 and answer["Location"].startswith("http://moon-theatre.localhost")
    tenant = Tenant.objects.get(slug="moon-theatre")
    assert tenant.status == "open" and tenant.owner_id == user.pk
    dashboard = page_for(tenant, user).get("/dashboard/")
    assert dashboard.status_code == 200 and "Sell your first ticket" in text_of(dashboard)


def test_a_taken_or_reserved_address_is_refused_with_free_ones(alpha, page_for):
    client = page_for(None, make_user())
    taken = client.post("/signup/", signup(slug="alpha"))
    assert taken.status_code == 409 and "This address is taken." in text_of(taken) and "alpha-tickets" in text_of(taken)
    assert 'value="Moon Theatre"' in taken.content.decode()
    reserved = client.post("/signup/", signup(slug="admin"))
    assert reserved.status_code == 400 and "This address is reserved." in text_of(reserved)
    assert "is free" in text_of(client.get("/signup/slug/?slug=moon-theatre"))
    assert "This address is taken." in text_of(client.get("/signup/slug/?slug=alpha"))


@pytest.mark.django_db
def test_sign_up_is_for_people_with_a_confirmed_address(page_for):
    refused = page_for(None, make_user(confirmed=False)).post("/signup/", signup())
    assert refused.status_code in (302, 403)


def test_the_api_opens_a_tenant_that_serves_at_once(transactional_db, client_for):
    user = make_user()
    client = client_for(None, user)
    made = client.post("/api/v1/tenants/", {"name": "Sun Theatre", "slug": "sun-theatre", "currency": "EUR"})
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["slug"] == "sun-theatre" and body["status"] == "open" and body["host"] == "sun-theatre.localhost"
    assert [one["slug"] for one in client.get("/api/v1/tenants/").json()["results"]] == ["sun-theatre"]
    again = client.post("/api/v1/tenants/", {"name": "Sun Theatre", "slug": "sun-theatre"})
    assert again.status_code == 409 and again.json()["code"] == "slug_taken"
    wrong = client.post("/api/v1/tenants/", {"name": "X", "slug": "-", "currency": "QQQ"})
    assert wrong.status_code == 400
    assert client_for().post("/api/v1/tenants/", {"name": "X", "slug": "some-slug"}).status_code == 401


def test_what_is_not_there_is_told_in_a_designed_page(alpha, page_for):
    for tenant in (None, alpha):
        page = page_for(tenant).get("/nothing/here/")
        assert page.status_code == 404
        assert 'id="main"' in page.content.decode()
