"""Login through another service: a real OpenID Connect provider, real redirects, hosts without shared cookies."""

import base64
import hashlib
import hmac
import json
from urllib.parse import urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as django_settings

from shared_apps.accounts.models import Arrival, User
from tests.accounts.helpers import code_of, letters_to, login, register
from tests.accounts.social import asked_of, bring, consent, id_token, path_of, walk
from tests.factories import PASSWORD, make_user

ACCESS = django_settings.ACCESS_COOKIE_NAME
pytestmark = pytest.mark.django_db


@pytest.fixture(params=["platform", "tenant"])
def browsers(request, alpha, page_for):
    """The browser on the host where somebody logs in, and the same browser on the platform's host."""
    if request.param == "platform":
        one = page_for()
        return one, one
    return page_for(alpha), page_for()


def test_a_newcomer_gets_an_account_and_is_signed_in_where_they_began(browsers, provider):
    provider.knows("ada-1", email="Ada@Example.test", email_verified=True, name="Ada  Lovelace")
    browser, platform = browsers
    assert "Log in with Mock ID" in browser.get("/account/login/").content.decode()
    answer = walk(browser, platform, "ada-1", "?next=/account/%3Fa%3D1")
    assert (answer.status_code, answer["Location"]) == (302, "/account/?a=1")
    user = User.objects.get(email="ada@example.test")
    assert (user.name, user.email_verified, user.has_usable_password()) == ("Ada Lovelace", True, False)
    assert browser.get("/account/").status_code == 200
    assert walk(browser, platform, "ada-1").status_code == 302
    assert User.objects.filter(email="ada@example.test").count() == SocialAccount.objects.count() == 1


def test_the_question_carries_state_nonce_and_pkce(page_for, provider):
    page = page_for()
    asked = asked_of(page.get(path_of(page.get("/account/social/mock/"))))
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 16 and len(asked["nonce"]) >= 32
    assert asked["redirect_uri"] == "http://localhost/account/social/mock/callback/"
    assert set(asked["scope"].split()) == {"openid", "email", "profile"}


def test_the_verifier_of_the_challenge_goes_with_the_code(page_for, provider, monkeypatch):
    from allauth.socialaccount.providers.oauth2.client import OAuth2Client

    seen, asked_for = [], OAuth2Client.get_access_token

    def watch(self, code, pkce_code_verifier=None, extra_data=None):
        seen.append(pkce_code_verifier)
        return asked_for(self, code, pkce_code_verifier=pkce_code_verifier, extra_data=extra_data)

    monkeypatch.setattr(OAuth2Client, "get_access_token", watch)
    provider.knows("pk-1", email="pk@example.test", email_verified=True)
    page = page_for()
    away = page.get(path_of(page.get("/account/social/mock/")))
    page.get(urlsplit(consent(away, "pk-1"))._replace(scheme="", netloc="").geturl())
    digest = base64.urlsafe_b64encode(hashlib.sha256(seen[0].encode()).digest()).rstrip(b"=").decode()
    assert digest == asked_of(away)["code_challenge"]


def test_a_confirmed_account_of_a_verified_address_is_linked_and_its_owner_told(browsers, provider):
    user = make_user("grace@example.test")
    provider.knows("grace-1", email="GRACE@example.test", email_verified=True)
    browser, platform = browsers
    walk(browser, platform, "grace-1")
    assert browser.get("/account/").context["user"].pk == user.pk
    assert SocialAccount.objects.get().user_id == user.pk
    assert "You can log in through Mock ID now" in [letter.subject for letter in letters_to(user.email)]
    provider.knows("grace-1", email="other@example.test", email_verified=False)
    walk(browser, platform, "grace-1")
    assert browser.get("/account/").context["user"].pk == user.pk, "a link is by the subject, whatever the address"


@pytest.mark.parametrize("claim", [False, None, "false", "yes", 1, "True "])
def test_an_address_that_is_not_said_to_be_verified_opens_nothing(browsers, provider, claim):
    make_user("victim@example.test")
    provider.knows("thief", email="victim@example.test", **({} if claim is None else {"email_verified": claim}))
    browser, platform = browsers
    answer = walk(browser, platform, "thief")
    assert asked_of(answer)["social"] == "identity_email_unverified"
    assert "does not say that your email address is confirmed" in browser.get(path_of(answer)).content.decode()
    assert not SocialAccount.objects.exists() and ACCESS not in browser.cookies


def test_an_account_that_was_never_confirmed_is_not_linked(browsers, provider):
    make_user("early@example.test", confirmed=False)
    provider.knows("early-1", email="early@example.test", email_verified=True)
    assert asked_of(walk(*browsers, "early-1"))["social"] == "identity_account_unconfirmed"


def test_a_stranger_s_waiting_registration_does_not_come_alive(page_for, client_for, provider):
    register(client_for(), "late@example.test")
    provider.knows("late-1", email="late@example.test", email_verified=True)
    page = page_for()
    walk(page, page, "late-1")
    assert code_of(login(client_for(), "late@example.test")) == "invalid_credentials"


def test_an_inactive_account_stays_closed(browsers, provider):
    make_user("gone@example.test", is_active=False)
    provider.knows("gone-1", email="gone@example.test", email_verified=True)
    assert asked_of(walk(*browsers, "gone-1"))["social"] == "identity_invalid"


def with_totp(user):
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def now_code(secret):
    import time

    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_a_provider_s_word_is_no_second_factor(browsers, provider):
    user = make_user("safe@example.test")
    secret = with_totp(user)
    provider.knows("safe-1", email="safe@example.test", email_verified=True)
    browser, platform = browsers
    answer = walk(browser, platform, "safe-1")
    assert answer["Location"] == "/account/second-step/" and ACCESS not in answer.cookies
    assert browser.get("/account/").status_code == 302
    assert browser.post("/account/second-step/", {"otp": "000000"}).status_code == 401
    assert browser.post("/account/second-step/", {"otp": now_code(secret)})["Location"] == "/account/"
    assert browser.get("/account/").status_code == 200


def arrive(alpha, page_for, provider, sub="back-1"):
    """Go as far as the code in the address: the browser at alpha, and where it would be sent."""
    provider.knows(sub, email=f"{sub}@example.test", email_verified=True)
    browser, platform = page_for(alpha), page_for()
    away = platform.get(path_of(browser.get("/account/social/mock/")))
    back = platform.get(urlsplit(consent(away, sub))._replace(scheme="", netloc="").geturl())
    assert urlsplit(back["Location"]).netloc == "alpha.localhost"
    return browser, path_of(back)


def refused_at(browser, path):
    answer = browser.get(path)
    return asked_of(answer).get("social") == "expired" and ACCESS not in browser.cookies


def test_the_code_is_good_once(alpha, page_for, provider):
    browser, path = arrive(alpha, page_for, provider)
    assert browser.get(path)["Location"] == "/account/"
    again = page_for(alpha)
    again.get("/account/social/mock/")
    assert refused_at(again, path)
    assert asked_of(browser.get(path))["social"] == "expired"


def test_the_code_is_good_on_its_host_only(alpha, beta, page_for, provider):
    browser, path = arrive(alpha, page_for, provider)
    for other in (beta, None):
        elsewhere = page_for(other)
        elsewhere.cookies = browser.cookies.copy()  # even with the cookies that no browser would send there
        assert refused_at(elsewhere, path)


def test_the_code_is_good_in_its_browser_only(alpha, page_for, provider):
    _browser, path = arrive(alpha, page_for, provider)
    assert refused_at(page_for(alpha), path), "nothing was begun here"
    begun = page_for(alpha)
    begun.get("/account/social/mock/")
    assert refused_at(begun, path), "something else was begun here"


def test_the_code_ends_after_two_minutes(alpha, page_for, provider):
    from datetime import timedelta

    from django.utils import timezone

    browser, path = arrive(alpha, page_for, provider)
    Arrival.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused_at(browser, path)
    assert not Arrival.objects.filter(digest__in=path.split("=")).exists(), "the table knows only its hash"


def test_the_provider_s_answer_counts_in_the_browser_that_asked_once(page_for, provider):
    provider.knows("state-1", email="state@example.test", email_verified=True)
    page, other = page_for(), page_for()
    back = consent(page.get(path_of(page.get("/account/social/mock/"))), "state-1")
    callback = urlsplit(back)._replace(scheme="", netloc="").geturl()
    assert asked_of(other.get(callback))["social"] == "expired"
    assert "/return/" in page.get(callback)["Location"]
    assert asked_of(page.get(callback))["social"] == "expired"
    assert asked_of(page.get("/account/social/mock/callback/?code=x&state=y"))["social"] == "expired"


@pytest.mark.parametrize("ticket", ["", "x", "a:b:c"])
def test_nobody_is_sent_away_or_back_without_our_ticket(page_for, provider, ticket):
    answer = page_for().get(f"/account/social/mock/go/?ticket={ticket}")
    assert answer["Location"] == "/account/login/?social=expired"


def test_a_ticket_for_one_provider_leads_to_no_other(page_for, provider, settings):
    second = {**provider.app, "provider_id": "second"}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [provider.app, second]}}
    page = page_for()
    path = path_of(page.get("/account/social/mock/")).replace("/mock/", "/second/")
    assert asked_of(page.get(path))["social"] == "expired"


def test_another_site_cannot_begin_a_login(page_for, provider):
    answer = page_for().get("/account/social/mock/", HTTP_SEC_FETCH_SITE="cross-site")
    assert answer["Location"] == "/account/login/"


def test_who_says_no_at_the_provider_is_back_at_the_login_page(alpha, page_for, provider):
    browser, platform = page_for(alpha), page_for()
    away = platform.get(path_of(browser.get("/account/social/mock/")))
    state = asked_of(away)["state"]
    answer = platform.get(f"/account/social/mock/callback/?error=access_denied&state={state}")
    assert answer["Location"] == "http://alpha.localhost/account/login/?social=cancelled"
    assert "Nothing has changed here" in browser.get(path_of(answer)).content.decode()


def test_a_provider_that_is_down_or_false_is_told_kindly(page_for, provider, settings):
    down = {**provider.app, "settings": {"server_url": "http://localhost:9"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [down]}}
    page = page_for()
    assert asked_of(page.get(path_of(page.get("/account/social/mock/"))))["social"] == "provider_unavailable"
    # It is there, and calls itself by another name than the deployment does.
    false = {**provider.app, "settings": {"server_url": f"{provider.url}/.well-known/openid-configuration"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [false]}}
    assert asked_of(page.get(path_of(page.get("/account/social/mock/"))))["social"] == "provider_unavailable"


def test_where_nothing_is_configured_nothing_is_offered(page_for, client_for):
    page = page_for()
    assert "social" not in page.get("/account/login/").content.decode()
    assert page.get("/account/social/google/").status_code == 404
    assert code_of(client_for().post("/api/v1/auth/social/google/", {"id_token": "x"})) == "provider_unknown"


# --- For programs ---------------------------------------------------------------------------------------------------


def test_a_program_signs_in_by_an_identity_token_once(client_for, alpha, provider):
    provider.knows("api-1", email="api@example.test", email_verified=True, name="Api")
    token = id_token(provider, "api-1", nonce="a-nonce")
    answer = bring(client_for(alpha), token, "a-nonce")
    assert answer.status_code == 200, answer.content
    assert answer.json()["user"]["email"] == "api@example.test"
    bearer = f"Bearer {answer.json()['access']}"
    assert client_for().get("/api/v1/me/", HTTP_AUTHORIZATION=bearer).status_code == 200
    again = bring(client_for(), token, "a-nonce")
    assert (again.status_code, code_of(again)) == (401, "identity_invalid")
    cookies = bring(client_for(alpha), id_token(provider, "api-1", nonce="b"), "b", query="?cookies=1")
    assert "access" not in cookies.json() and cookies.cookies[ACCESS]["httponly"]


def unsigned(token, **header):
    """The same claims under another header, signed by nobody, or by the public key as a password."""
    _head, body, _signature = token.split(".")
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{head}.{body}."


def signed_by_the_public_key(token, server):
    key = requests.get(f"{server}/jwks", timeout=5).json()["keys"][0]
    text = unsigned(token, alg="HS256", kid=key["kid"])[:-1]
    mac = hmac.new(json.dumps(key).encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_token_that_was_not_made_for_us_by_the_provider_is_401(client_for, provider):
    from oidc_provider_mock import run_server_in_thread

    provider.knows("bad-1", email="bad@example.test", email_verified=True)
    good = id_token(provider, "bad-1", nonce="good")
    kid = requests.get(f"{provider.url}/jwks", timeout=5).json()["keys"][0]["kid"]
    head, body, signature = good.split(".")
    with run_server_in_thread(require_nonce=True) as other:
        foreign = id_token(provider, "bad-1", nonce="good", url=f"http://localhost:{other.server_port}")
    bad = {
        "empty dots": "..",
        "garbage": "garbage",
        "another client's": id_token(provider, "bad-1", client="somebody-else", nonce="other-client"),
        "another provider's": foreign,
        "alg none": unsigned(good, alg="none", kid=kid),
        "HS256 by the public key": signed_by_the_public_key(good, provider.url),
        "no kid": unsigned(good, alg="RS256"),
        "a kid that is no text": unsigned(good, alg="RS256", kid=["x"]),
        "no signature": f"{head}.{body}.",
        "a changed body": f"{head}.{body[:-2]}AA.{signature}",
        "a nested header": base64.urlsafe_b64encode(b"[" * 3000).decode() + f".{body}.{signature}",
    }
    answers = {name: bring(client_for(), token, "good") for name, token in bad.items()}
    assert {name: (each.status_code, code_of(each)) for name, each in answers.items()} == dict.fromkeys(
        bad, (401, "identity_invalid")
    )
    assert code_of(bring(client_for(), good, "another nonce")) == "identity_invalid"
    assert code_of(bring(client_for(), good, "")) == "identity_invalid"
    assert not User.objects.filter(email="bad@example.test").exists()
    assert bring(client_for(), good, "good").status_code == 200


def test_a_program_is_asked_for_the_code_too(client_for, provider):
    user = make_user("api2@example.test")
    secret = with_totp(user)
    provider.knows("api-2", email="api2@example.test", email_verified=True)
    token = id_token(provider, "api-2", nonce="two-step")
    assert code_of(bring(client_for(), token, "two-step")) == "otp_required"
    assert code_of(bring(client_for(), token, "two-step", otp="000000")) == "otp_invalid"
    assert bring(client_for(), token, "two-step", otp=now_code(secret)).status_code == 200
    assert code_of(bring(client_for(), token, "two-step")) == "identity_invalid"


def test_an_old_token_is_refused(client_for, provider, monkeypatch):
    from shared_apps.accounts import social

    provider.knows("old-1", email="old@example.test", email_verified=True)
    token = id_token(provider, "old-1", nonce="old")
    monkeypatch.setattr(social, "OLDEST_SECONDS", -60)
    assert code_of(bring(client_for(), token, "old")) == "identity_invalid"


def test_the_password_of_a_linked_account_still_works(client_for, page_for, provider):
    user = make_user("both@example.test")
    provider.knows("both-1", email="both@example.test", email_verified=True)
    page = page_for()
    walk(page, page, "both-1")
    assert login(client_for(), user.email, PASSWORD).status_code == 200


# --- What a provider says of itself ---------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch):
    """The paths that are asked of the provider by GET, in turn."""
    seen, send = [], requests.Session.send

    def watch(self, request, **options):
        if request.method == "GET":
            seen.append(urlsplit(request.url).path)
        return send(self, request, **options)

    monkeypatch.setattr(requests.Session, "send", watch)
    return seen


def test_configuration_and_keys_are_asked_for_once_for_all_hosts(client_for, alpha, beta, provider, asked):
    provider.knows("kept-1", email="kept@example.test", email_verified=True)
    for number, tenant in enumerate((alpha, beta, None)):
        token = id_token(provider, "kept-1", nonce=f"kept-{number}")
        assert bring(client_for(tenant), token, f"kept-{number}").status_code == 200
    assert sorted(asked) == ["/.well-known/openid-configuration", "/jwks"]


def key_set(*names):
    from joserfc.jwk import RSAKey

    return {"keys": [RSAKey.generate_key(2048, {"kid": name, "use": "sig"}).as_dict(private=False) for name in names]}


def test_an_unknown_key_is_looked_for_at_the_provider_and_not_more_often_than_every_ten_seconds(monkeypatch):
    from shared_apps.accounts import discovery

    told, fetched = key_set("old"), []

    class Answer:
        def raise_for_status(self):
            pass

        def json(self):
            return told

    def get(self, address, **options):
        fetched.append(address)
        return Answer()

    monkeypatch.setattr(requests.Session, "get", get)
    assert len(discovery.keys_named("https://id.example/keys", "old")) == 1
    told = key_set("old", "new")
    assert discovery.keys_named("https://id.example/keys", "new") == [], "it was asked a moment ago"
    assert len(fetched) == 1
    monkeypatch.setattr(discovery, "_add", lambda name, seconds: True)  # ten seconds later
    assert len(discovery.keys_named("https://id.example/keys", "new")) == 1
    assert len(discovery.keys_named("https://id.example/keys", "new")) == 1, "now it is kept"
    assert len(fetched) == 2


def test_without_the_cache_the_provider_is_asked_each_time(client_for, provider, monkeypatch, asked):
    from shared_apps.accounts import discovery

    class Gone:
        def __getitem__(self, name):
            raise ConnectionError

    monkeypatch.setattr(discovery, "caches", Gone())
    provider.knows("gone-2", email="gone-2@example.test", email_verified=True)
    for number in range(2):
        assert bring(client_for(), id_token(provider, "gone-2", nonce=f"g{number}"), f"g{number}").status_code == 200
    assert asked.count("/jwks") == 2
