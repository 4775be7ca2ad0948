"""Likes, favourites and follows, through the API and the pages: each once, each one's own, and counted."""

import pytest

from tenant_apps.activity.models import AuditEntry
from tenant_apps.catalog import standing as goods
from tenant_apps.catalog.models import ProductStanding
from tenant_apps.catalog.services import create_product
from tenant_apps.customers import favourites
from tenant_apps.customers.models import Favourite, Follow, Like
from tenant_apps.events import standing
from tenant_apps.events.models import EventSeries, EventStanding
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, make_user

LIKE = "/api/v1/events/gala/like/"
FAVOURITES = "/api/v1/favorites/"


@pytest.fixture
def gala(alpha):
    with in_tenant(alpha):
        event = make_event("Gala", slug="gala")
        make_ticket_type(event, price_minor=2400)
    return event


@pytest.fixture
def mug(alpha):
    with in_tenant(alpha):
        return create_product(actor=None, name="Mug", price_minor=500)


@pytest.fixture
def ada(alpha):
    return make_user("ada@example.test")


def test_a_like_counts_once_however_often_it_is_pressed(alpha, gala, ada, client_for):
    client, bob = client_for(alpha, ada), client_for(alpha, make_user())
    assert client.post(LIKE).json() == {"liked": True, "likes": 1}
    assert client.post(LIKE).json() == {"liked": True, "likes": 1}
    assert bob.post(LIKE).json()["likes"] == 2
    assert client.delete(LIKE).json() == {"liked": False, "likes": 1}
    assert client.delete(LIKE).json() == {"liked": False, "likes": 1}
    with in_tenant(alpha):
        standing.settle()
        assert EventStanding.objects.get(event=gala).likes == Like.objects.count() == 1
        assert [each.topic for each in AuditEntry.objects.filter(topic__startswith="like.").order_by("pk")] == [
            "like.added", "like.added", "like.removed",
        ]  # fmt: skip


def test_the_older_address_toggles(alpha, gala, ada, client_for):
    client = client_for(alpha, ada)
    assert client.post("/api/like/", {"event_id": gala.pk}, format="json").json() == {"liked": True, "likes": 1}
    assert client.post("/api/like/", {"event_id": gala.pk}, format="json").json() == {"liked": False, "likes": 0}
    refused = client.post("/api/like/", {"event_id": 10**15}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "does_not_exist")


def test_favourites_are_added_listed_and_deleted(alpha, gala, mug, ada, client_for):
    client = client_for(alpha, ada)
    first = client.post(FAVOURITES, {"event": "gala"}, format="json")
    assert first.status_code == 201
    assert client.post(FAVOURITES, {"event_id": gala.pk}, format="json").status_code == 200
    assert client.post(FAVOURITES, {"product": mug.slug}, format="json").status_code == 201
    listed = client.get(FAVOURITES).json()
    assert listed["count"] == 2
    assert [(each["kind"], each["price"], each["status"]) for each in listed["results"]] == [
        ("product", "5.00", "available"), ("event", "24.00", "published"),
    ]  # fmt: skip
    with in_tenant(alpha):
        standing.settle()
        goods.STANDINGS.settle()
        assert EventStanding.objects.get(event=gala).favourites == 1
        assert ProductStanding.objects.get(product=mug).favourites == 1
    address = f"{FAVOURITES}{first.json()['id']}/"
    assert client_for(alpha, make_user()).delete(address).status_code == 404
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 404
    assert client.get(FAVOURITES).json()["count"] == 1


@pytest.mark.parametrize("body", [{}, {"event": "gala", "product": "mug"}, {"event": "nothing"}, {"product": "\u0000"}])
def test_what_names_nothing_or_two_things_is_refused(alpha, gala, mug, ada, client_for, body):
    assert client_for(alpha, ada).post(FAVOURITES, body, format="json").status_code == 400


def test_a_draft_is_not_there_to_be_liked_or_kept(alpha, ada, client_for):
    with in_tenant(alpha):
        make_event("Secret", slug="secret", published=False)
    client = client_for(alpha, ada)
    assert client.post("/api/v1/events/secret/like/").status_code == 404
    assert client.post(FAVOURITES, {"event": "secret"}, format="json").status_code == 400


def test_there_is_an_end_to_favourites(alpha, gala, ada, client_for, monkeypatch):
    monkeypatch.setattr(favourites, "MOST", 0)
    refused = client_for(alpha, ada).post(FAVOURITES, {"event": "gala"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_favourites")


def test_following_an_organizer_and_a_series(alpha, ada, client_for):
    with in_tenant(alpha):
        template = make_event("Friday jazz", published=False)
        EventSeries.objects.create(slug="jazz", title="Friday jazz", template=template, timezone="Europe/Berlin")
    client = client_for(alpha, ada)
    assert client.get("/api/v1/follow/").json() == {"following": False, "followers": 0, "series": []}
    assert client.post("/api/v1/follow/").json()["following"] is True
    assert client.post("/api/v1/follow/").json()["followers"] == 1
    assert [each["slug"] for each in client.post("/api/v1/follow/", {"series": "jazz"}, format="json").json()["series"]]
    assert client.post("/api/v1/follow/", {"series": "polka"}, format="json").status_code == 400
    with in_tenant(alpha):
        assert Follow.objects.count() == 2
    gone = client.delete("/api/v1/follow/").json()
    assert (gone["following"], gone["followers"], len(gone["series"])) == (False, 0, 1)
    assert client.delete("/api/v1/follow/?series=jazz").json()["series"] == []


def test_followers_are_told_to_the_organizer_as_numbers(alpha, ada, client_for):
    client_for(alpha, ada).post("/api/v1/follow/")
    from tests.factories import owner_of

    assert client_for(alpha, owner_of(alpha)).get("/api/v1/followers/").json() == {"followers": 1, "series": []}
    assert client_for(alpha, ada).get("/api/v1/followers/").status_code == 403


def test_nobody_presses_faster_than_people_do(alpha, gala, ada, client_for, monkeypatch):
    from tenant_apps.customers import limits

    monkeypatch.setattr(limits, "PERSON_A_MINUTE", 2)
    client = client_for(alpha, ada)
    assert [client.post(LIKE).status_code for _ in range(3)] == [200, 200, 429]


def test_a_thousand_accounts_in_one_hand_are_slowed_down(alpha, gala, client_for, monkeypatch):
    from tenant_apps.customers import limits

    monkeypatch.setattr(limits, "PLACE_AN_HOUR", 3)
    answers = [client_for(alpha, make_user()).post(LIKE) for _ in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["code"] == "too_many_votes" and int(answers[-1]["Retry-After"]) > 0


def test_the_pages_work_without_a_script(alpha, gala, mug, ada, page_for):
    browser = page_for(alpha, ada)
    page = browser.get("/events/gala/").content.decode()
    assert 'action="/events/gala/favourite/"' in page and 'action="/events/gala/like/"' in page
    pressed = browser.post("/events/gala/favourite/", {"want": "1", "next": "/events/?page=1"})
    assert (pressed.status_code, pressed["Location"]) == (302, "/events/?page=1")
    assert (
        browser.post("/events/gala/like/", {"want": "1", "next": "//evil.test/"})["Location"] == "/account/favourites/"
    )
    browser.post(f"/products/{mug.slug}/favourite/", {"want": "1"})
    kept = browser.get("/account/favourites/").content.decode()
    assert "Gala" in kept and "Mug" in kept and "€24" in kept
    assert 'aria-pressed="true"' in browser.get("/events/").content.decode()
    assert 'aria-pressed="true"' in browser.get("/products/").content.decode()
    browser.post("/follow/", {"want": "1"})
    assert "You follow us" in browser.get("/account/follows/").content.decode()
    with in_tenant(alpha):
        row = Favourite.objects.get(event=gala)
    browser.post(f"/account/favourites/{row.pk}/remove/")
    assert "Gala" not in browser.get("/account/favourites/").content.decode()


def test_htmx_gets_the_button_alone(alpha, gala, ada, page_for):
    answer = page_for(alpha, ada).post(
        "/events/gala/like/", {"want": "1", "next": "/events/gala/"}, HTTP_HX_REQUEST="true"
    )
    text = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in text
    assert 'aria-pressed="true"' in text and 'name="want" value="0"' in text and ">1</span>" in text


def test_a_guest_is_led_to_sign_in_and_back(alpha, gala, page_for):
    page = page_for(alpha).get("/events/gala/").content.decode()
    assert 'href="/account/login/?next=/events/gala/"' in page and 'action="/events/gala/like/"' not in page


def test_the_dashboard_shows_who_follows_and_what_is_liked(alpha, gala, ada, client_for, page_for):
    from tests.factories import owner_of

    client_for(alpha, ada).post(LIKE)
    client_for(alpha, ada).post("/api/v1/follow/")
    with in_tenant(alpha):
        standing.settle()
    page = page_for(alpha, owner_of(alpha)).get("/dashboard/audience/").content.decode()
    assert "Gala" in page and "Followers" in page
    assert 'href="/dashboard/audience/"' in page_for(alpha, owner_of(alpha)).get("/dashboard/").content.decode()
