"""Where one is signed in: told in words, ended one by one."""

import uuid

import pytest

from shared_apps.accounts import devices
from tests.accounts.helpers import login
from tests.factories import make_user

LIST = "/api/v1/auth/sessions/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (IPHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605 Version/17.5 Safari/605", "Safari on macOS"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
    ],
)
def test_a_user_agent_is_told_in_words(user_agent, words):
    assert devices.words(user_agent) == words


@pytest.mark.django_db
def test_a_person_sees_their_sessions_and_ends_one(client_for, alpha):
    user = make_user()
    phone = login(client_for(), user.email, HTTP_USER_AGENT=IPHONE).json()
    desk = client_for(alpha)
    desk.credentials(
        HTTP_AUTHORIZATION=f"Bearer {login(client_for(), user.email, HTTP_USER_AGENT=FIREFOX).json()['access']}"
    )
    login(client_for(), make_user().email)
    rows = desk.get(LIST).json()["results"]
    assert [(row["device"], row["current"]) for row in rows] == [
        ("Firefox on Windows", True),
        ("Safari on iPhone", False),
    ]
    assert desk.delete(f"{LIST}{rows[1]['id']}/").status_code == 204
    assert client_for().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {phone['access']}").status_code == 401
    assert len(desk.get(LIST).json()["results"]) == 1
    assert desk.delete(f"{LIST}{rows[1]['id']}/").status_code == 404, "it is over"
    assert desk.delete(f"{LIST}{rows[0]['id']}/").status_code == 204
    assert desk.get(LIST).status_code == 401


@pytest.mark.django_db
def test_others_sessions_are_not_there(client_for):
    victim = make_user()
    login(client_for(), victim.email)
    mine = client_for(user=make_user())
    for session in [*victim.sessions.values_list("pk", flat=True), uuid.uuid4()]:
        assert mine.delete(f"{LIST}{session}/").status_code == 404
    assert victim.sessions.get().running
    assert client_for().get(LIST).status_code == 401


@pytest.mark.django_db
def test_the_page_names_this_device_and_ends_others(page_for, client_for, alpha):
    user = make_user()
    login(client_for(), user.email, HTTP_USER_AGENT=IPHONE)
    page = page_for(alpha, user)
    text = page.get("/account/security/").content.decode()
    assert "This device" in text and "Safari on iPhone" in text
    other = user.sessions.get(user_agent=IPHONE)
    assert page.get(f"/account/security/sessions/{other.pk}/end/").status_code == 405
    assert page.post(f"/account/security/sessions/{other.pk}/end/")["Location"] == "/account/security/"
    assert "Safari on iPhone" not in page.get("/account/security/").content.decode()
    stranger = page_for(alpha, make_user())
    assert stranger.post(f"/account/security/sessions/{user.sessions.first().pk}/end/").status_code == 404
