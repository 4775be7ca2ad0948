"""What people show of themselves, who follows them, and what is done against abuse of it."""

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from shared_apps.accounts.models import PlatformAuditEntry
from shared_apps.people.models import Avatar, PersonBlock, PersonFollow, Profile, ProfileReport
from tenant_apps.events.models import Event
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user


@pytest.fixture
def ada(db):
    return make_user("ada@example.test", name="Ada")


@pytest.fixture
def bob(db):
    return make_user("bob@example.test", name="Bob")


def opened(client, **also):
    answer = client.patch("/api/v1/profile/", {"is_public": True, **also}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def picture():
    sink = io.BytesIO()
    Image.new("RGB", (300, 500), "green").save(sink, "PNG")
    return SimpleUploadedFile("me.png", sink.getvalue())


@pytest.mark.parametrize("on_a_tenants_host", [False, True])
def test_a_profile_is_private_until_its_owner_opens_it(alpha, ada, bob, client_for, on_a_tenants_host):
    host = alpha if on_a_tenants_host else None
    client, other = client_for(host, ada), client_for(host, bob)
    own = client.get("/api/v1/profile/").json()
    assert own == {
        "id": ada.pk, "name": "Ada", "about": "", "avatar": None, "is_public": False, "shows_coming": False,
        "shows_attended": False, "hidden": False, "followers": 0, "url": f"/people/{ada.pk}/",
    }  # fmt: skip
    for asking in (other, client_for(host), client):
        assert asking.get(f"/api/v1/people/{ada.pk}/").status_code == 404
        assert asking.get(f"/people/{ada.pk}/").status_code == 404
    assert other.post(f"/api/v1/people/{ada.pk}/follow/").status_code == 404
    opened(client, about="I like strings.", name="Ada K.")
    seen = client_for(host).get(f"/api/v1/people/{ada.pk}/").json()
    assert seen == {
        "id": ada.pk, "name": "Ada K.", "avatar": None, "about": "I like strings.", "followers": 0, "following": False,
        "coming": None, "attended": None,
    }  # fmt: skip
    assert "ada@example.test" not in client_for(host).get(f"/people/{ada.pk}/").content.decode()
    noted = PlatformAuditEntry.objects.get(topic="profile.changed", user_id=ada.pk)
    assert noted.details == {"fields": ["about", "is_public", "name"], "is_public": True}
    client.patch("/api/v1/profile/", {"is_public": False}, format="json")
    assert other.get(f"/api/v1/people/{ada.pk}/").status_code == 404


def test_a_picture_comes_with_the_profile_and_goes_by_null(ada, client_for):
    client = client_for(None, ada)
    body = client.patch("/api/v1/profile/", {"avatar": picture(), "about": "Hello"}, format="multipart").json()
    assert body["avatar"] == f"/account/avatars/{Avatar.objects.get().file}" and body["about"] == "Hello"
    # What was read may be sent back as it is.
    assert client.patch("/api/v1/profile/", body, format="json").json() == body
    broken = SimpleUploadedFile("me.png", b"GIF89a")
    assert client.patch("/api/v1/profile/", {"avatar": broken}, format="multipart").status_code == 400
    bad = client.patch("/api/v1/profile/", {"avatar": "https://evil.example/x.png"}, format="json")
    assert bad.status_code == 400 and bad.json()["errors"][0]["field"] == "avatar"
    assert client.patch("/api/v1/profile/", {"avatar": None}, format="json").json()["avatar"] is None


def test_the_seeds_way_of_following_works_beside_todays(ada, bob, client_for):
    """001: `POST /profile/<id>/subscribe/`, `DELETE /profile/<id>/unsubscribe/`, and the number of followers."""
    opened(client_for(None, ada))
    client = client_for(None, bob)
    for path in (f"/api/v1/profile/{ada.pk}/subscribe/", f"/api/profile/{ada.pk}/subscribe/"):
        answer = client.post(path)
        assert (answer.status_code, answer.json()) == (200, {"following": True, "followers": 1})
    assert client.get(f"/api/v1/people/{ada.pk}/").json()["following"] is True
    assert client_for(None, ada).get("/api/v1/profile/").json()["followers"] == 1
    assert [each["name"] for each in client.get("/api/v1/me/following/").json()["results"]] == ["Ada"]
    for path in (f"/api/v1/profile/{ada.pk}/unsubscribe/", f"/api/profile/{ada.pk}/unsubscribe/"):
        assert client.delete(path).status_code == 204
    assert PersonFollow.objects.count() == 0
    assert client.get(f"/api/v1/profile/{ada.pk}/subscribe/").status_code == 405
    assert client.post(f"/api/v1/people/{ada.pk}/follow/").json()["followers"] == 1
    assert client.delete(f"/api/v1/people/{ada.pk}/follow/").status_code == 204
    assert client_for().post(f"/api/v1/profile/{ada.pk}/subscribe/").status_code == 401


def test_who_makes_a_profile_private_is_followed_no_more(ada, bob, client_for):
    client = client_for(None, ada)
    opened(client)
    client_for(None, bob).post(f"/api/v1/people/{ada.pk}/follow/")
    assert client.patch("/api/v1/profile/", {"is_public": False}, format="json").json()["followers"] == 0
    opened(client)
    assert client.get("/api/v1/profile/").json()["followers"] == 0, "they follow by their own choice, each time"


def test_nobody_follows_themselves_or_without_a_confirmed_address(ada, client_for):
    opened(client_for(None, ada))
    own = client_for(None, ada).post(f"/api/v1/people/{ada.pk}/follow/")
    assert (own.status_code, own.json()["code"]) == (400, "not_oneself")
    unconfirmed = make_user(confirmed=False, name="Eve")
    answer = client_for(None, unconfirmed).post(f"/api/v1/people/{ada.pk}/follow/")
    assert (answer.status_code, answer.json()["code"]) == (403, "email_not_verified")
    mine = client_for(None, unconfirmed).patch("/api/v1/profile/", {"is_public": True}, format="json")
    assert mine.json()["code"] == "email_not_verified" and not Profile.objects.filter(pk=unconfirmed.pk).exists()


def test_following_is_counted_against_stuffing(ada, bob, client_for, settings):
    settings.ACCOUNT_LIMITS = {"person_follow": (2, 3600)}
    people = [make_user(name=f"Person {number}") for number in range(3)]
    Profile.objects.bulk_create([Profile(user=each, is_public=True) for each in people])
    client = client_for(None, bob)
    assert [client.post(f"/api/v1/people/{each.pk}/follow/").status_code for each in people] == [200, 200, 429]
    # Twice is once, and costs nothing.
    assert client.post(f"/api/v1/people/{people[0].pk}/follow/").status_code == 200


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\u200bb\u202ec\x00d".replace("\x00", "\x07"), "abc d"),
        ("one\r\n\r\n\r\n\r\ntwo", "one\n\ntwo"),
        ("Z" + "\u0311" * 50, "Z" + "\u0311" * 3),
        ("\u3164\u200b\u2800", ""),
        ("family: 👩\u200d👩\u200d👧, shrug 🤷🏽\u200d♀\ufe0f", "family: 👩\u200d👩\u200d👧, shrug 🤷🏽\u200d♀\ufe0f"),
    ],
)
def test_what_is_written_about_oneself_is_shown_and_does_nothing(ada, client_for, sent, kept):
    shown = opened(client_for(None, ada), about=sent)
    assert shown["about"] == kept
    html = client_for().get(f"/people/{ada.pk}/").content.decode()
    assert "<script>alert" not in html
    if kept.startswith("<"):
        assert "&lt;script&gt;alert(1)" in html


def test_long_and_empty_words_are_refused_with_a_code(ada, client_for):
    client = client_for(None, ada)
    long = client.patch("/api/v1/profile/", {"about": "x" * 1001}, format="json")
    assert (long.status_code, long.json()["errors"][0]["code"]) == (400, "max_length")
    huge = client.patch("/api/v1/profile/", {"about": "x" * 1_100_000}, format="json")
    assert huge.status_code == 413
    assert client.patch("/api/v1/profile/", {"about": "\x00"}, format="json").status_code == 400
    nameless = client.patch("/api/v1/profile/", {"is_public": True, "name": "\u200b\u3164"}, format="json")
    assert (nameless.status_code, nameless.json()["code"]) == (400, "profile_needs_name")
    assert not Profile.objects.filter(is_public=True).exists()
    # Nor by the other door to one's name.
    opened(client)
    client.patch("/api/v1/me/", {"name": "\u200b\u3164"}, format="json")
    assert client_for().get(f"/api/v1/people/{ada.pk}/").status_code == 404


@pytest.fixture
def gone_to(alpha, beta, ada, deliver):
    """Ada is going to one event of each tenant, and was at one of alpha's; beside them what is not to be shown."""
    now = timezone.now()
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(make_event("Night of Strings")), email=ada.email, user=ada)
        make_order(make_ticket_type(make_event("Not paid yet")), email=ada.email, user=ada)
        secret = make_event("For members")
        make_paid_order(make_ticket_type(secret), email=ada.email, user=ada)
        off = make_event("Called off")
        make_paid_order(make_ticket_type(off), email=ada.email, user=ada)
        past = make_event("Long Ago")
        make_paid_order(make_ticket_type(past), email=ada.email, user=ada)
        missed = make_event("Missed")
        missed_type = make_ticket_type(missed)
        make_paid_order(missed_type, email=ada.email, user=ada)
        there = make_paid_order(missed_type)
        from tenant_apps.ticketing import codes, services
        from tenant_apps.ticketing.models import CheckInList
        from tenant_apps.ticketing.scanning import scan

        services.ensure_door(missed)
        door = CheckInList.objects.select_related("event").get(event=missed)
        scan(door, codes.code_text(there.lines.get().ticket), "s1", by=None)
    with in_tenant(beta):
        make_paid_order(make_ticket_type(make_event("Open Day")), email=ada.email, user=ada)
    deliver(alpha, beta)
    with in_tenant(alpha):
        from tenant_apps.activity.services import record

        Event.objects.filter(pk__in=[past.pk, missed.pk]).update(starts_at=now - timedelta(days=9), ends_at=None)
        Event.objects.filter(pk=secret.pk).update(status="draft")
        Event.objects.filter(pk=off.pk).update(status="cancelled")
        for event in (past, missed):
            record("event.updated", event)
        record("event.cancelled", off)
    deliver(alpha)


def test_events_are_shown_by_choice_and_on_a_tenants_host_only_its_own(alpha, beta, ada, gone_to, client_for):
    client = client_for(None, ada)
    opened(client)

    def shown(host, what):
        rows = client_for(host).get(f"/api/v1/people/{ada.pk}/").json()[what]
        return rows if rows is None else [each["title"] for each in rows]

    assert shown(None, "coming") is None and shown(None, "attended") is None
    opened(client, shows_coming=True)
    assert sorted(shown(None, "coming")) == ["Night of Strings", "Open Day"] and shown(None, "attended") is None
    assert (shown(alpha, "coming"), shown(beta, "coming")) == (["Night of Strings"], ["Open Day"])
    opened(client, shows_attended=True)
    assert (shown(None, "attended"), shown(beta, "attended")) == (["Long Ago"], [])
    html = client_for(beta).get(f"/people/{ada.pk}/").content.decode()
    assert "Open Day" in html and "Night of Strings" not in html and "Alpha" not in html
    html = client_for().get(f"/people/{ada.pk}/").content.decode()
    assert "http://alpha.localhost/events/" in html and "Long Ago" in html
    assert not {"Not paid yet", "For members", "Called off", "Missed"} & set(html.split("\n"))
    for hidden in ("Not paid yet", "For members", "Called off", "Missed"):
        assert hidden not in html


def test_who_is_blocked_finds_nothing_and_follows_nobody(ada, bob, client_for, page_for):
    opened(client_for(None, ada))
    opened(client_for(None, bob))
    client_for(None, bob).post(f"/api/v1/people/{ada.pk}/follow/")
    client_for(None, ada).post(f"/api/v1/people/{bob.pk}/follow/")
    assert client_for(None, ada).post(f"/api/v1/people/{bob.pk}/block/").status_code == 204
    assert PersonFollow.objects.count() == 0
    assert client_for(None, bob).get(f"/api/v1/people/{ada.pk}/").status_code == 404
    assert client_for(None, bob).post(f"/api/v1/people/{ada.pk}/follow/").status_code == 404
    assert page_for(None, bob).get(f"/people/{ada.pk}/").status_code == 404
    assert [each["name"] for each in client_for(None, ada).get("/api/v1/me/blocked/").json()["results"]] == ["Bob"]
    assert "Bob" in page_for(None, ada).get("/account/people/").content.decode()
    page_for(None, ada).post(f"/people/{bob.pk}/block/", {"stop": "1"})
    assert not PersonBlock.objects.exists()
    assert client_for(None, bob).get(f"/api/v1/people/{ada.pk}/").status_code == 200


def test_reports_wait_for_an_operator_however_many_there_are(ada, client_for):
    opened(client_for(None, ada), about="Buy cheap watches")
    for number in range(4):
        client = client_for(None, make_user(name=f"R {number}"))
        body = {"reason": "spam", "note": "Watches again"}
        first = client.post(f"/api/v1/people/{ada.pk}/report/", body, format="json")
        again = client.post(f"/api/v1/people/{ada.pk}/report/", body, format="json")
        assert first.status_code == 201 and again.json()["id"] == first.json()["id"]
    assert ProfileReport.objects.count() == 4
    assert client_for().get(f"/api/v1/people/{ada.pk}/").status_code == 200, "nothing hides by itself"
    wrong = client_for(None, make_user()).post(f"/api/v1/people/{ada.pk}/report/", {"reason": "no"}, format="json")
    assert wrong.status_code == 400
    own = client_for(None, ada).post(f"/api/v1/people/{ada.pk}/report/", {"reason": "spam"}, format="json")
    assert own.json()["code"] == "not_oneself"


def test_the_pages_do_what_the_api_does(ada, bob, page_for):
    page, other = page_for(None, ada), page_for(None, bob)
    assert "private" in page.get("/account/profile/").content.decode()
    assert page.post("/account/profile/", {"name": "", "is_public": "on"}).status_code == 400
    form = {"name": "Ada", "about": "Hello there", "is_public": "on", "shows_coming": "on"}
    assert page.post("/account/profile/", form).status_code == 302
    assert Profile.objects.get(pk=ada.pk).shows_coming
    shown = other.get(f"/people/{ada.pk}/").content.decode()
    assert "Hello there" in shown and "0 followers" in shown and 'content="noindex"' in shown
    assert "1 follower" in other.post(f"/people/{ada.pk}/follow/", follow=True).content.decode()
    assert "Ada" in other.get("/account/people/").content.decode()
    other.post(f"/people/{ada.pk}/follow/", {"stop": "1", "list": "1"})
    assert not PersonFollow.objects.exists()
    assert other.post(f"/people/{ada.pk}/report/", {"reason": "nothing"}).status_code == 400
    other.post(f"/people/{ada.pk}/report/", {"reason": "abuse", "note": "Rude"})
    assert ProfileReport.objects.get().said == "Ada\nHello there"
    assert page_for().post(f"/people/{ada.pk}/follow/")["Location"].startswith("/account/login/")


def test_an_ended_account_leaves_nothing_of_it(alpha, ada, bob, client_for):
    from shared_apps.people import requests
    from tests.factories import PASSWORD

    opened(client_for(None, ada), about="Hello")
    client_for(None, bob).post(f"/api/v1/people/{ada.pk}/follow/")
    client_for(None, bob).post(f"/api/v1/people/{ada.pk}/report/", {"reason": "spam"}, format="json")
    begun = requests.ask_for_erasure(ada, PASSWORD, session=None)
    assert client_for().get(f"/api/v1/people/{ada.pk}/").status_code == 404, "at once"
    requests.work(begun.pk)
    assert not Profile.objects.exists() and not PersonFollow.objects.exists() and not ProfileReport.objects.exists()
