"""Cookie mode: nothing for scripts, nothing for siblings (I6)."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from shared_apps.accounts.models import Session
from shared_apps.accounts.tokens import AccessToken
from tests.accounts.helpers import NEW_PASSWORD, code_of, login
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
ACCESS, REFRESH = settings.ACCESS_COOKIE_NAME, settings.REFRESH_COOKIE_NAME
PRODUCTION = {
    "ACCESS_COOKIE_NAME": "__Host-session",
    "REFRESH_COOKIE_NAME": "__Host-refresh",
    "CSRF_COOKIE_NAME": "__Host-csrf",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
}


def browser(tenant=None):
    """A client that checks CSRF as a browser's requests are checked."""
    return Client(HTTP_HOST=f"{tenant.slug}.localhost" if tenant else "localhost", enforce_csrf_checks=True)


def sign_in(client, user, **extra):
    return client.post(
        "/api/v1/auth/login/?cookies=1", {"email": user.email, "password": PASSWORD}, "application/json", **extra
    )


def post(client, path, body=None, *, token=True, **extra):
    if token:
        extra["HTTP_X_CSRFTOKEN"] = client.cookies[settings.CSRF_COOKIE_NAME].value
    return client.post(f"/api/v1/auth/{path}/", body or {}, "application/json", **extra)


def expire(client):
    """Let the access cookie's token be past its time."""
    old = AccessToken(client.cookies[ACCESS].value, verify=False)
    old.set_exp(lifetime=-timedelta(seconds=5))
    client.cookies[ACCESS] = str(old)


def test_the_tokens_are_in_cookies_and_not_in_the_body(alpha):
    client, user = browser(alpha), make_user()
    answer = sign_in(client, user)
    assert set(answer.json()) == {"user"}
    assert client.get("/api/v1/auth/user/").json()["email"] == user.email


def test_the_cookies_are_as_production_promises(settings):
    for name, value in PRODUCTION.items():
        setattr(settings, name, value)
    answer = sign_in(browser(), make_user(), secure=True)
    for name in ("__Host-session", "__Host-refresh"):
        cookie = answer.cookies[name]
        assert (cookie["path"], cookie["domain"], cookie["secure"], cookie["httponly"], cookie["samesite"]) == (
            "/",
            "",
            True,
            True,
            "Lax",
        )
        assert 0 < int(cookie["max-age"]) <= 14 * 24 * 3600
    assert answer.cookies["__Host-csrf"]["secure"]
    assert not answer.cookies["__Host-csrf"]["domain"]
    assert "no-store" in answer["Cache-Control"]


def test_a_write_by_cookie_needs_the_csrf_token(alpha):
    client = browser(alpha)
    sign_in(client, make_user())
    refused = post(client, "logout-all", token=False)
    assert (refused.status_code, code_of(refused)) == (403, "csrf_failed")
    assert post(client, "logout-all").status_code == 200


@pytest.mark.parametrize("path", ["logout", "logout-all", "token/refresh", "password/change"])
def test_a_sibling_tenant_s_page_cannot_write_by_our_cookies(alpha, path):
    client = browser(alpha)
    sign_in(client, make_user())
    refused = post(client, path, HTTP_ORIGIN="http://beta.localhost")
    assert (refused.status_code, code_of(refused)) == (403, "csrf_failed")
    assert client.get("/api/v1/auth/user/").status_code == 200


@pytest.mark.parametrize("origin", ["http://beta.localhost", "http://localhost", "https://evil.example", "null"])
def test_another_site_cannot_sign_its_visitors_in_here(alpha, origin):
    refused = sign_in(browser(alpha), make_user(), HTTP_ORIGIN=origin)
    assert refused.status_code == 403
    assert ACCESS not in refused.cookies


def test_our_own_origin_may(alpha):
    client = browser(alpha)
    assert sign_in(client, make_user(), HTTP_ORIGIN="http://alpha.localhost").status_code == 200
    assert post(client, "logout-all", HTTP_ORIGIN="http://alpha.localhost").status_code == 200


def test_login_itself_and_a_bearer_need_no_csrf_token(client_for):
    user = make_user()
    client = browser()
    tokens = client.post("/api/v1/auth/login/", {"email": user.email, "password": PASSWORD}, "application/json").json()
    answer = post(client, "logout-all", token=False, HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert answer.status_code == 200


def test_the_cookies_are_renewed_once_and_the_body_shows_no_token():
    client = browser()
    sign_in(client, make_user())
    old = client.cookies[REFRESH].value
    answer = post(client, "token/refresh")
    assert answer.status_code == 200
    assert set(answer.json()) == {"user"}
    assert client.cookies[REFRESH].value != old
    client.cookies[REFRESH] = old
    reused = post(client, "token/refresh")
    assert code_of(reused) == "token_reused"
    assert REFRESH not in reused.cookies, "the other tab's new cookies are not taken away"


def test_logout_takes_the_cookies_back_and_ends_the_session(alpha):
    client = browser(alpha)
    sign_in(client, make_user())
    access, refresh = client.cookies[ACCESS].value, client.cookies[REFRESH].value
    answer = post(client, "logout")
    assert (answer.cookies[ACCESS].value, answer.cookies[ACCESS]["max-age"]) == ("", 0)
    client.cookies[ACCESS], client.cookies[REFRESH] = access, refresh
    assert client.get("/api/v1/auth/user/").status_code == 401
    assert post(client, "token/refresh").status_code == 401


def test_cookies_of_an_ended_session_are_taken_back_so_that_the_next_request_is_anonymous(alpha):
    client = browser(alpha)
    sign_in(client, make_user())
    Session.objects.update(revoked_at=timezone.now())
    first = client.get("/api/v1/auth/user/")
    assert code_of(first) == "session_ended"
    assert first.cookies[ACCESS]["max-age"] == 0


def test_a_password_change_by_cookie_keeps_this_browser_signed_in():
    client = browser()
    sign_in(client, make_user())
    body = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    answer = post(client, "password/change", body)
    assert set(answer.json()) == {"user"}
    assert client.get("/api/v1/auth/user/").status_code == 200


def test_a_page_renews_an_expired_sign_in_by_itself(alpha):
    client = browser(alpha)
    sign_in(client, make_user())
    expire(client)
    old = client.cookies[REFRESH].value
    assert client.get("/account/").status_code == 200
    assert client.cookies[REFRESH].value != old
    assert client.get("/account/").status_code == 200


def test_a_page_that_lost_the_race_is_anonymous_and_keeps_the_winner_s_cookies(alpha):
    client, loser = browser(alpha), browser(alpha)
    sign_in(client, make_user())
    expire(client)
    for name in (ACCESS, REFRESH):
        loser.cookies[name] = client.cookies[name].value
    assert client.get("/account/").status_code == 200
    answer = loser.get("/account/")
    assert answer.status_code == 302
    assert ACCESS not in answer.cookies
    sent_on = client.get("/account/login/?next=/account/%3Fa%3D1")
    assert (sent_on.status_code, sent_on["Location"]) == (302, "/account/?a=1")


def test_the_api_does_not_renew_by_itself_and_says_why(alpha):
    client = browser(alpha)
    sign_in(client, make_user())
    expire(client)
    assert code_of(client.get("/api/v1/auth/user/")) == "token_expired"
    assert post(client, "token/refresh").status_code == 200
    assert client.get("/api/v1/auth/user/").status_code == 200


def test_bearer_login_sets_no_cookie(client_for):
    answer = login(client_for(), make_user().email)
    assert not {ACCESS, REFRESH} & set(answer.cookies)
