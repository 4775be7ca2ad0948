"""Two-step login: on by the app's first code, asked for at every door, each code good once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.contrib.auth import authenticate
from django.db import connections

from shared_apps.accounts import second_factor
from shared_apps.accounts.models import Session
from shared_apps.accounts.tokens import open_session
from tests.accounts.helpers import NEW_PASSWORD, code_of, letters_to, login, path_in
from tests.factories import PASSWORD, make_user

TOTP = "/api/v1/auth/mfa/totp/"
CODES = "/api/v1/auth/mfa/recovery-codes/"
ACCESS = settings.ACCESS_COOKIE_NAME


@pytest.fixture
def clock(monkeypatch):
    """The half minute that it is, moved by hand."""
    now = SimpleNamespace(step=60_000_000)
    monkeypatch.setattr(
        second_factor, "yield_hotp_counters_from_time", lambda: iter((now.step - 1, now.step, now.step + 1))
    )
    return now


def app_code(secret, step):
    return format_hotp_value(hotp_value(secret, step))


@pytest.fixture
def guarded(client_for, clock):
    """A person with two-step login: `.code()` is the app's next code."""
    user = make_user()
    client = client_for(user=user)
    secret = client.post(TOTP).json()["secret"]
    codes = client.post(f"{TOTP}confirm/", {"otp": app_code(secret, clock.step)}).json()["recovery_codes"]

    def code():
        clock.step += 1
        return app_code(secret, clock.step)

    return SimpleNamespace(user=user, client=client, secret=secret, recovery_codes=codes, code=code)


def login_with(client, guarded, otp=None, password=PASSWORD, path="/api/v1/auth/login/", **extra):
    body = {"email": guarded.user.email, "password": password} | ({} if otp is None else {"otp": otp})
    return client.post(path, body, format="json", **extra)


@pytest.mark.django_db
def test_an_app_is_set_up_by_its_first_code(client_for, clock):
    user = make_user()
    client = client_for(user=user)
    begun = client.post(TOTP).json()
    assert begun["otpauth_url"].startswith("otpauth://totp/") and begun["secret"] in begun["otpauth_url"]
    assert login(client_for(), user.email).status_code == 200, "nothing is on before a code proves the app"
    wrong = client.post(f"{TOTP}confirm/", {"otp": "000000"})
    assert (wrong.status_code, code_of(wrong)) == (400, "otp_invalid")
    done = client.post(f"{TOTP}confirm/", {"otp": app_code(begun["secret"], clock.step)})
    assert done.status_code == 200
    assert len(set(done.json()["recovery_codes"])) == 10
    assert code_of(login(client_for(), user.email)) == "otp_required"
    assert letters_to(user.email)[-1].subject == "Two-step login is on"
    assert code_of(client.post(TOTP)) == "mfa_already_on"


@pytest.mark.django_db
def test_the_real_clock_and_a_real_app_agree(client_for):
    import time

    client = client_for(user=make_user())
    secret = client.post(TOTP).json()["secret"]
    code = app_code(secret, int(time.time()) // 30)
    assert client.post(f"{TOTP}confirm/", {"otp": code}).status_code == 200


@pytest.mark.django_db
def test_another_session_cannot_finish_what_this_one_began(client_for, clock):
    user = make_user()
    secret = client_for(user=user).post(TOTP).json()["secret"]
    refused = client_for(user=user).post(f"{TOTP}confirm/", {"otp": app_code(secret, clock.step)})
    assert code_of(refused) == "otp_invalid"


@pytest.mark.django_db
def test_the_database_holds_no_secret_that_could_be_read(guarded):
    rows = Authenticator.objects.filter(user=guarded.user)
    assert {row.type for row in rows} == {"totp", "recovery_codes"}
    written = str([row.data for row in rows])
    assert guarded.secret not in written and not any(code in written for code in guarded.recovery_codes)
    assert not Session.objects.filter(user=guarded.user).exclude(pending_totp="").exists()


@pytest.mark.django_db
def test_the_password_alone_opens_nothing_and_only_it_tells_that_a_code_is_wanted(client_for, guarded):
    client = client_for()
    assert code_of(login_with(client, guarded)) == "otp_required"
    assert code_of(login_with(client, guarded, password="wrong-password")) == "invalid_credentials"
    assert code_of(login_with(client, guarded, guarded.code(), password="wrong-password")) == "invalid_credentials"
    assert code_of(login_with(client, guarded, "000000")) == "otp_invalid"
    assert login_with(client, guarded, guarded.code()).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["auth/login/", "auth/login/?cookies=1", "login/", "users/login/"])
@pytest.mark.parametrize("root", ["/api/v1/", "/api/"])
def test_every_way_of_signing_in_asks_for_the_code(client_for, alpha, guarded, path, root):
    for host in (None, alpha):
        client = client_for(host)
        refused = login_with(client, guarded, path=f"{root}{path}")
        assert (refused.status_code, code_of(refused)) == (401, "otp_required")
        assert ACCESS not in refused.cookies
        assert login_with(client, guarded, guarded.code(), path=f"{root}{path}").status_code == 200


@pytest.mark.django_db
def test_a_library_that_knows_only_passwords_signs_nobody_in(guarded):
    assert authenticate(email=guarded.user.email, password=PASSWORD) is None
    other = make_user()
    assert authenticate(email=other.email, password=PASSWORD) == other


def test_sessions_are_opened_at_known_places_only():
    """Whoever opens a session elsewhere must ask for the second factor there too, and say so here."""
    from pathlib import Path

    root = Path(settings.BASE_DIR)
    found = {
        str(path.relative_to(root)): path.read_text(encoding="utf-8").count("open_session(")
        for folder in ("api", "shared_apps", "tenant_apps", "tenants", "platform_config")
        for path in (root / folder).rglob("*.py")
        if "open_session(" in path.read_text(encoding="utf-8")
    }
    # services: after a sign-in was checked, and for who has just changed the password in a session of theirs.
    assert found == {"shared_apps/accounts/services.py": 2, "shared_apps/accounts/tokens.py": 1}


@pytest.mark.django_db
def test_a_code_is_good_once_on_all_hosts(client_for, alpha, beta, guarded):
    code = guarded.code()
    assert login_with(client_for(alpha), guarded, code).status_code == 200
    for host in (alpha, beta, None):
        assert code_of(login_with(client_for(host), guarded, code)) == "otp_invalid"
    from django.core.cache import caches

    caches["global"].clear()
    caches["default"].clear()
    assert code_of(login_with(client_for(), guarded, code)) == "otp_invalid", "a lost cache brings no code back"


@pytest.mark.django_db
def test_a_code_from_before_the_last_used_one_is_late(client_for, clock, guarded):
    early = app_code(guarded.secret, clock.step + 1)
    clock.step += 2
    assert login_with(client_for(), guarded, app_code(guarded.secret, clock.step)).status_code == 200
    assert code_of(login_with(client_for(), guarded, early)) == "otp_invalid"


@pytest.mark.django_db
def test_each_recovery_code_logs_in_once(client_for, guarded):
    first, second = guarded.recovery_codes[:2]
    assert login_with(client_for(), guarded, f"{first[:4]} {first[4:]}").status_code == 200
    assert code_of(login_with(client_for(), guarded, first)) == "otp_invalid"
    assert login_with(client_for(), guarded, second).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("rubbish", ["1", "１２３４５６", "12345\u0660", "abcdef", "-" * 20, "1234567", "99999999"])
def test_rubbish_is_a_wrong_code(client_for, guarded, rubbish):
    assert code_of(login_with(client_for(), guarded, rubbish)) == "otp_invalid"


@pytest.mark.django_db
def test_wrong_codes_count_as_wrong_sign_ins(client_for, alpha, guarded):
    hosts = [client_for(), client_for(alpha)]
    answers = [login_with(hosts[n % 2], guarded, "000000", REMOTE_ADDR=f"10.0.0.{n}").status_code for n in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert login_with(client_for(), guarded, guarded.code()).status_code == 429, "not even evaluated"


@pytest.mark.django_db
def test_asking_for_the_code_uses_nothing_up(client_for, guarded):
    client = client_for()
    assert {code_of(login_with(client, guarded)) for _ in range(15)} == {"otp_required"}
    assert login_with(client, guarded, guarded.code()).status_code == 200


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_parallel_uses_of_one_code_one_signs_in(transactional_db, client_for, clock, kind):
    from rest_framework.test import APIClient

    user = make_user()
    session = open_session(user).session
    secret = second_factor.begin(session).secret
    codes = second_factor.confirm(session, app_code(secret, clock.step), schema_name="public")
    clock.step += 1
    code = app_code(secret, clock.step) if kind == "app" else codes[0]
    start = threading.Barrier(8)

    def one(_):
        try:
            start.wait(timeout=30)
            body = {"email": user.email, "password": PASSWORD, "otp": code}
            return APIClient(HTTP_HOST="localhost").post("/api/v1/auth/login/", body, format="json").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == [200] + [401] * 7


@pytest.mark.django_db
def test_a_new_password_does_not_turn_it_off(client_for, guarded):
    change = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert guarded.client.post("/api/v1/auth/password/change/", change).status_code == 200
    assert code_of(login_with(client_for(), guarded, password=NEW_PASSWORD)) == "otp_required"
    client_for().post("/api/v1/auth/password/reset/", {"email": guarded.user.email})
    link = path_in(letters_to(guarded.user.email)[-1])
    uid, token = link.strip("/").split("/")[-2:]
    body = {"uid": uid, "token": token, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client_for().post("/api/v1/auth/password/reset/confirm/", body).status_code == 200
    assert code_of(login_with(client_for(), guarded)) == "otp_required"


@pytest.mark.django_db
def test_turning_it_off_takes_the_password_or_a_code(client_for, guarded):
    client = guarded.client
    assert client.delete(TOTP).status_code == 400
    assert code_of(client.delete(TOTP, {"password": "wrong-password"})) == "password_wrong"
    assert code_of(client.delete(TOTP, {"otp": "000000"})) == "otp_invalid"
    assert client.delete(TOTP, {"password": PASSWORD}).status_code == 204
    assert login(client_for(), guarded.user.email).status_code == 200
    assert not Authenticator.objects.filter(user=guarded.user).exists()
    assert code_of(client.delete(TOTP, {"password": PASSWORD})) == "mfa_off"
    assert letters_to(guarded.user.email)[-1].subject == "Two-step login is off"


@pytest.mark.django_db
def test_new_recovery_codes_void_the_old_ones_and_want_a_fresh_sign_in_or_a_proof(client_for, guarded):
    from datetime import timedelta

    from django.utils import timezone

    fresh = guarded.client.post(CODES).json()["recovery_codes"]
    assert not set(fresh) & set(guarded.recovery_codes)
    assert code_of(login_with(client_for(), guarded, guarded.recovery_codes[0])) == "otp_invalid"
    assert login_with(client_for(), guarded, fresh[0]).status_code == 200
    Session.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert guarded.client.post(CODES).status_code == 400, "a stolen session alone makes no codes"
    assert guarded.client.post(CODES, {"otp": guarded.code()}).status_code == 200
    assert code_of(client_for(user=make_user()).post(CODES)) == "mfa_off"


@pytest.mark.django_db
def test_an_operator_helps_who_lost_phone_and_codes(page_for, client_for, guarded):
    operator = page_for(None, make_user(is_staff=True, is_superuser=True))
    ask = {"action": "turn_off_second_factor", "_selected_action": [guarded.user.pk]}
    assert operator.post("/admin/accounts/user/", ask).status_code == 302
    assert login(client_for(), guarded.user.email).status_code == 200
    assert guarded.client.get("/api/v1/me/").status_code == 401, "whoever was in proves the password anew"
    assert letters_to(guarded.user.email)[-1].subject == "Two-step login is off"
    assert "authenticator" not in operator.get("/admin/").content.decode().lower()


@pytest.mark.django_db
def test_strangers_get_nowhere(client_for):
    for method, path in (("post", TOTP), ("delete", TOTP), ("post", f"{TOTP}confirm/"), ("post", CODES)):
        assert getattr(client_for(), method)(path).status_code == 401


# --- Pages ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["platform", "tenant"])
def host(request, alpha):
    return None if request.param == "platform" else alpha


@pytest.mark.django_db
def test_a_person_sets_it_up_and_logs_in_with_it_by_pages(page_for, clock, host):
    user = make_user()
    page = page_for(host, user)
    shown = page.get("/account/security/totp/")
    text = shown.content.decode()
    secret = shown.context["secret"].replace(" ", "")
    assert "<svg" in text and "style=" not in text.partition("totp__qr")[2].partition("</svg>")[0]
    assert page.get("/account/security/totp/").context["secret"].replace(" ", "") == secret, "the same until it is done"
    wrong = page.post("/account/security/totp/", {"otp": "000000"})
    assert wrong.status_code == 400 and secret[:4] in wrong.content.decode()
    done = page.post("/account/security/totp/", {"otp": app_code(secret, clock.step)})
    codes = done.context["codes"]
    assert len(codes) == 10 and done["Cache-Control"].count("no-store")
    assert page.get("/account/security/totp/")["Location"] == "/account/security/", "shown once"
    assert "10 recovery codes left" in page.get("/account/security/").content.decode()

    browser = page_for(host)
    answer = browser.post("/account/login/", {"email": user.email, "password": PASSWORD, "next": "/account/?a=1"})
    assert answer["Location"] == "/account/second-step/" and ACCESS not in answer.cookies
    assert browser.get("/account/")["Location"].startswith("/account/login/"), "half-way is not in"
    assert browser.post("/account/second-step/", {"otp": "000000"}).status_code == 401
    clock.step += 1
    answer = browser.post("/account/second-step/", {"otp": app_code(secret, clock.step)})
    assert answer["Location"] == "/account/?a=1"
    assert browser.get("/account/").status_code == 200
    assert browser.get("/account/second-step/")["Location"] == "/account/login/", "nobody waits any more"


@pytest.mark.django_db
def test_who_waits_for_the_code_is_sent_back_once_the_password_has_changed(page_for, guarded):
    from shared_apps.accounts import services

    browser = page_for()
    browser.post("/account/login/", {"email": guarded.user.email, "password": PASSWORD})
    assert browser.get("/account/second-step/").status_code == 200
    services.set_password(guarded.user, NEW_PASSWORD)
    answer = browser.post("/account/second-step/", {"otp": guarded.code()})
    assert answer["Location"] == "/account/login/" and ACCESS not in answer.cookies


@pytest.mark.django_db
def test_the_page_that_turns_it_off_asks_for_the_password(page_for, guarded):
    page = page_for(None, guarded.user)
    assert page.post("/account/security/totp/off/", {"password": "wrong-password"}).status_code == 400
    assert second_factor.is_on(guarded.user)
    assert page.post("/account/security/codes/", {"password": PASSWORD}).context["codes"]
    assert page.post("/account/security/totp/off/", {"password": PASSWORD})["Location"] == "/account/security/"
    assert not second_factor.is_on(guarded.user)


# --- A tenant that asks its staff for it ----------------------------------------------------------------------------


@pytest.fixture
def strict(alpha):
    from tenants.models import Tenant

    Tenant.objects.filter(pk=alpha.pk).update(preferences={"require_2fa_for_staff": True})
    alpha.refresh_from_db()
    return alpha


@pytest.mark.django_db
def test_staff_without_it_are_led_to_set_it_up_and_then_get_in(strict, page_for, client_for, clock):
    from tests.factories import owner_of

    owner = owner_of(strict)
    page = page_for(strict, owner)
    sent = page.get("/dashboard/orders/?status=paid")
    assert sent["Location"].startswith("/account/security/totp/?next=%2Fdashboard%2Forders")
    refused = client_for(strict, owner).get("/api/v1/staff/")
    assert (refused.status_code, code_of(refused)) == (403, "mfa_required")
    shown = page.get(sent["Location"])
    body = {"otp": app_code(shown.context["secret"].replace(" ", ""), clock.step), "next": shown.context["next"]}
    kept = page.post("/account/security/totp/", body)
    assert 'href="/dashboard/orders/?status=paid"' in kept.content.decode()
    assert page.get("/dashboard/orders/").status_code == 200
    assert client_for(strict, owner).get("/api/v1/staff/").status_code == 200


@pytest.mark.django_db
def test_it_holds_on_routes_that_buyers_share_and_says_nothing_to_others(strict, client_for):
    from tenants.context import in_tenant
    from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of

    with in_tenant(strict):
        draft = make_event(published=False)
        order = make_paid_order(make_ticket_type(make_event()))
    owner = client_for(strict, owner_of(strict))
    assert owner.get(f"/api/v1/events/{draft.slug}/").status_code == 404
    assert owner.get(f"/api/v1/orders/{order.code}/").status_code in (403, 404)
    assert owner.get("/api/v1/events/").status_code == 200, "what anyone may see stays open"
    stranger = client_for(strict, make_user()).get("/api/v1/staff/")
    assert (stranger.status_code, code_of(stranger)) == (403, "forbidden")


@pytest.mark.django_db
def test_a_tenant_that_does_not_ask_lets_its_staff_in_as_before(alpha, client_for):
    from tests.factories import owner_of

    assert client_for(alpha, owner_of(alpha)).get("/api/v1/staff/").status_code == 200
