"""The account pages, on both kinds of hosts, without JavaScript."""

import pytest
from django.conf import settings
from django.test import Client

from shared_apps.accounts.models import User
from tests.accounts.helpers import NEW_PASSWORD, code_in, letters_to, login, path_in
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
ACCESS = settings.ACCESS_COOKIE_NAME


@pytest.fixture(params=["platform", "tenant"])
def host(request, alpha):
    return None if request.param == "platform" else alpha


def test_every_page_answers_on_both_kinds_of_hosts(page_for, host):
    visitor = page_for(host)
    for path in ("login", "register", "confirm", "resend", "reset"):
        answer = visitor.get(f"/account/{path}/")
        assert (path, answer.status_code) == (path, 200)
        text = answer.content.decode()
        assert "csrfmiddlewaretoken" in text
        assert "style=" not in text.partition("<main")[2].partition("</main>")[0]
    person = page_for(host, make_user())
    assert person.get("/account/").status_code == 200


def test_a_person_registers_confirms_and_signs_in_by_pages(page_for, host):
    page = page_for(host)
    typed = {"name": "Ada", "email": "Ada@example.test", "password1": PASSWORD, "password2": PASSWORD}
    answer = page.post("/account/register/?next=/account/%3Fa%3D1", {**typed, "next": "/account/?a=1"}, follow=True)
    assert "ada@example.test" in answer.content.decode().lower()
    code = code_in(letters_to("ada@example.test")[0])
    spaced = f"{code[:3]} {code[3:]}"
    body = {"email": "ada@example.test", "code": spaced, "next": "/account/?a=1"}
    answer = page.post("/account/confirm/", body)
    assert answer["Location"] == "/account/login/?next=%2Faccount%2F%3Fa%3D1"
    answer = page.post("/account/login/", {"email": "ada@example.test", "password": PASSWORD, "next": "/account/?a=1"})
    assert answer["Location"] == "/account/?a=1"
    assert page.get("/account/").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "http:/x",
        "account",
    ],
)
def test_sign_in_sends_nobody_to_another_site(page_for, target):
    answer = page_for().post("/account/login/", {"email": make_user().email, "password": PASSWORD, "next": target})
    assert (answer.status_code, answer["Location"]) == (302, "/account/")


def test_who_is_signed_in_is_sent_on(page_for):
    answer = page_for(None, make_user()).get("/account/login/?next=/account/%3Fb%3D2")
    assert (answer.status_code, answer["Location"]) == (302, "/account/?b=2")


def test_a_stranger_s_account_page_leads_to_the_login_page_and_back(page_for):
    answer = page_for().get("/account/")
    assert answer["Location"] == "/account/login/?next=/account/"


def test_a_wrong_password_keeps_the_address_and_not_the_password(page_for):
    answer = page_for().post("/account/login/", {"email": "ada@example.test", "password": "wrong-password"})
    assert answer.status_code == 401
    text = answer.content.decode()
    assert "ada@example.test" in text
    assert "wrong-password" not in text


def test_what_is_wrong_stands_at_its_field(page_for):
    body = {"name": "Ada", "email": "ada@example.test", "password1": "short", "password2": "short"}
    answer = page_for().post("/account/register/", body)
    assert answer.status_code == 400
    assert answer.context["form"].errors.as_data()["password1"]
    assert 'value="Ada"' in answer.content.decode()


def test_an_unconfirmed_person_is_led_to_the_code(page_for, client_for):
    page = page_for()
    page.post("/account/register/", {"email": "ada@example.test", "password1": PASSWORD, "password2": PASSWORD})
    answer = page.post("/account/login/", {"email": "ada@example.test", "password": PASSWORD})
    assert answer["Location"] == "/account/confirm/"


def test_a_form_of_another_site_does_nothing(alpha):
    client = Client(HTTP_HOST="alpha.localhost", enforce_csrf_checks=True)
    client.get("/account/login/")
    body = {"email": make_user().email, "password": PASSWORD}
    assert client.post("/account/login/", body).status_code == 403
    body["csrfmiddlewaretoken"] = client.cookies[settings.CSRF_COOKIE_NAME].value
    assert client.post("/account/login/", body, HTTP_ORIGIN="http://beta.localhost").status_code == 403
    assert client.post("/account/login/", body, HTTP_ORIGIN="http://alpha.localhost").status_code == 302


def test_logging_out_needs_a_post_and_ends_the_session(page_for, alpha):
    page = page_for(alpha, make_user())
    access = page.cookies[ACCESS].value
    assert page.get("/account/logout/").status_code == 405
    assert page.post("/account/logout/").status_code == 302
    assert page.get("/account/").status_code == 302
    page.cookies[ACCESS] = access
    assert page.get("/account/").status_code == 302


def test_a_forgotten_password_is_set_anew_by_the_letter_s_link(page_for, alpha):
    user = make_user()
    page = page_for(alpha)
    assert user.email in page.post("/account/reset/", {"email": user.email}).content.decode()
    path = path_in(letters_to(user.email)[0])
    assert page.get(path)["Referrer-Policy"] == "same-origin"
    unlike = page.post(path, {"new_password1": NEW_PASSWORD, "new_password2": PASSWORD})
    assert unlike.status_code == 400
    assert page.post(path, {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}).status_code == 302
    assert page.get(path).status_code == 400
    assert page.post("/account/login/", {"email": user.email, "password": NEW_PASSWORD}).status_code == 302


def test_the_reset_page_says_the_same_for_unknown_addresses(page_for):
    user, page = make_user("someone@example.test"), page_for()
    known = page.post("/account/reset/", {"email": user.email}).content.decode().replace(user.email, "X")
    unknown = page.post("/account/reset/", {"email": "nobody@example.test"}).content.decode()
    assert without_nonces(known) == without_nonces(unknown.replace("nobody@example.test", "X"))


def without_nonces(text):
    import re

    return re.sub(r'nonce="[^"]*"|value="[A-Za-z0-9]{64}"', "", text)


def test_the_account_page_changes_the_profile(page_for):
    user = make_user()
    page = page_for(None, user)
    body = {
        "name": "Ada Lovelace",
        "language": "en",
        "timezone": "Europe/London",
        "email": "x@y.test",
        "is_staff": "on",
    }
    assert page.post("/account/", body).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.timezone, user.is_staff) == ("Ada Lovelace", "Europe/London", False)
    assert user.email != "x@y.test"
    assert page.post("/account/", {**body, "timezone": "Mars/Base"}).status_code == 400


def test_a_password_change_on_the_page_logs_other_devices_out(page_for, client_for):
    user = make_user()
    page, elsewhere = page_for(None, user), login(client_for(), user.email).json()
    body = {"old_password": "wrong-password", "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert page.post("/account/password/", body).status_code == 400
    assert page.post("/account/password/", {**body, "old_password": PASSWORD}).status_code == 302
    assert page.get("/account/").status_code == 200
    answer = client_for().get("/api/v1/auth/user/", HTTP_AUTHORIZATION=f"Bearer {elsewhere['access']}")
    assert answer.status_code == 401


def test_logging_out_everywhere_by_the_page_ends_this_browser_too(page_for):
    page = page_for(None, make_user())
    assert page.post("/account/logout-everywhere/").status_code == 302
    assert page.get("/account/").status_code == 302


def test_account_pages_are_not_kept_by_caches(page_for):
    for page, path in ((page_for(), "/account/login/"), (page_for(None, make_user()), "/account/")):
        assert "no-store" in page.get(path)["Cache-Control"]


# --- The operators' admin -------------------------------------------------------------------------------------------


def operator():
    return User.objects.create_superuser("operator@example.test", PASSWORD)


def test_the_admin_opens_to_operators_on_the_platform_host_only(page_for, alpha):
    user = operator()
    assert page_for(None, user).get("/admin/").status_code == 200
    assert page_for(alpha, user).get("/admin/").status_code == 404
    assert page_for(None, make_user()).get("/admin/", follow=True).status_code == 404
    assert page_for().get("/admin/").status_code == 302


def test_the_admin_signs_in_through_our_page(page_for):
    answer = page_for().get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/account/login/?next=")


def test_operators_look_at_people_and_switch_them_off(page_for, client_for):
    page, user = page_for(None, operator()), make_user()
    tokens = login(client_for(), user.email).json()
    for path in ("user/", f"user/{user.pk}/change/", "session/"):
        assert (path, page.get(f"/admin/accounts/{path}").status_code) == (path, 200)
    assert page.get("/admin/accounts/user/add/").status_code == 403
    body = {"name": "Renamed", "language": "", "timezone": "", "is_superuser": "on", "email": "x@y.test"}
    assert page.post(f"/admin/accounts/user/{user.pk}/change/", body).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.is_active, user.is_superuser) == ("Renamed", False, False)
    assert user.token_version == 1
    answer = client_for().get("/api/v1/auth/user/", HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert answer.status_code == 401


def test_an_operator_has_no_right_inside_a_tenant(alpha):
    from tenants.context import in_tenant

    user = operator()
    assert user.has_perm("accounts.view_user")
    with in_tenant(alpha):
        assert not user.has_perm("accounts.view_user")
