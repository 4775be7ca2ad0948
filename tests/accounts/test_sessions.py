"""Tokens: good once, gone at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shared_apps.accounts import services
from shared_apps.accounts.models import Session, User
from shared_apps.accounts.tokens import AccessToken, RefreshToken, open_session
from tests.accounts.helpers import NEW_PASSWORD, code_of, letters_to, login, path_in
from tests.factories import PASSWORD, make_user

ME = "/api/v1/auth/user/"


def refresh(client, text):
    return client.post("/api/v1/auth/token/refresh/", {"refresh": text}, format="json")


def use(client, access):
    return client.get(ME, HTTP_AUTHORIZATION=f"Bearer {access}")


@pytest.mark.django_db
def test_a_bearer_says_who_one_is_on_every_host(client_for, alpha):
    user = make_user()
    tokens = login(client_for(), user.email).json()
    for client in (client_for(), client_for(alpha)):
        assert use(client, tokens["access"]).json()["id"] == user.pk


@pytest.mark.django_db
def test_tokens_live_no_longer_than_promised_and_hold_no_rights():
    pair = open_session(make_user(is_staff=True))
    assert AccessToken.lifetime <= timedelta(minutes=15)
    assert RefreshToken.lifetime <= timedelta(days=14)
    assert set(pair.access.payload) == {"token_type", "exp", "iat", "jti", "user_id", "sid", "ver"}


@pytest.mark.django_db
def test_an_authenticated_request_costs_one_statement(client_for):
    user = make_user()
    client = client_for(user=user)
    client.get(ME)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(ME).status_code == 200
    selects = [q["sql"] for q in queries if not q["sql"].startswith(("SET", "SAVEPOINT", "RELEASE"))]
    # The second is not about signing in: it asks for the picture that this answer names.
    assert ["people_avatar" in each for each in selects] == [False, True], selects


@pytest.mark.django_db
def test_a_refresh_token_is_good_once(client_for):
    client = client_for()
    first = login(client, make_user().email).json()
    second = refresh(client, first["refresh"])
    assert second.status_code == 200
    assert use(client, second.json()["access"]).status_code == 200
    again = refresh(client, first["refresh"])
    assert (again.status_code, code_of(again)) == (401, "token_reused")
    assert refresh(client, second.json()["refresh"]).status_code == 200, "two tabs at once are no theft"


@pytest.mark.django_db
def test_a_token_that_comes_back_long_after_ends_the_session(client_for):
    client = client_for()
    first = login(client, make_user().email).json()
    second = refresh(client, first["refresh"]).json()
    Session.objects.update(used_at=timezone.now() - timedelta(minutes=5))
    assert code_of(refresh(client, first["refresh"])) == "token_reused"
    assert code_of(refresh(client, second["refresh"])) == "session_ended"
    assert code_of(use(client, second["access"])) == "session_ended"


@pytest.mark.django_db
def test_a_token_older_than_the_one_before_ends_the_session_at_once(client_for):
    client = client_for()
    first = login(client, make_user().email).json()
    second = refresh(client, first["refresh"]).json()
    third = refresh(client, second["refresh"]).json()
    assert code_of(refresh(client, first["refresh"])) == "token_reused"
    assert code_of(use(client, third["access"])) == "session_ended"


@pytest.mark.parametrize("round", range(10))
def test_of_twenty_parallel_refreshes_one_gets_a_pair(transactional_db, round):
    from rest_framework.test import APIClient

    pair = open_session(make_user())
    start = threading.Barrier(20)

    def one(_):
        try:
            start.wait(timeout=30)
            return refresh(APIClient(HTTP_HOST="localhost"), str(pair.refresh)).json()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    assert sorted(answer.get("code", "a new pair") for answer in answers) == ["a new pair"] + ["token_reused"] * 19
    winner = next(answer for answer in answers if "access" in answer)
    assert refresh(APIClient(HTTP_HOST="localhost"), winner["refresh"]).status_code == 200


def everything_fails(client, tokens):
    return (
        use(client, tokens["access"]).status_code == 401
        and refresh(client, tokens["refresh"]).status_code == 401
        and client.post("/api/v1/auth/token/verify/", {"token": tokens["access"]}, format="json").status_code == 401
    )


@pytest.mark.django_db
@pytest.mark.parametrize("by", ["body", "bearer"])
def test_logout_ends_this_session_and_no_other(client_for, by):
    client, user = client_for(), make_user()
    here, elsewhere = login(client, user.email).json(), login(client, user.email).json()
    if by == "body":
        answer = client.post("/api/v1/auth/logout/", {"refresh": here["refresh"]}, format="json")
    else:
        answer = client.post("/api/v1/auth/logout/", HTTP_AUTHORIZATION=f"Bearer {here['access']}")
    assert answer.status_code == 200
    assert everything_fails(client, here)
    assert use(client, elsewhere["access"]).status_code == 200


@pytest.mark.django_db
def test_logout_without_anything_to_end_is_401(client_for):
    assert client_for().post("/api/v1/auth/logout/", {}, format="json").status_code == 401


@pytest.mark.django_db
def test_logout_everywhere_ends_all(client_for):
    client, user = client_for(), make_user()
    all_of_them = [login(client, user.email).json() for _ in range(3)]
    client.post("/api/v1/auth/logout-all/", HTTP_AUTHORIZATION=f"Bearer {all_of_them[0]['access']}")
    assert all(everything_fails(client, tokens) for tokens in all_of_them)


@pytest.mark.django_db
def test_a_password_change_ends_all_and_gives_this_device_a_fresh_pair(client_for):
    client, user = client_for(), make_user()
    all_of_them = [login(client, user.email).json() for _ in range(2)]
    body = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    bearer = f"Bearer {all_of_them[0]['access']}"
    answer = client.post("/api/v1/auth/password/change/", body, format="json", HTTP_AUTHORIZATION=bearer)
    assert answer.status_code == 200
    assert all(everything_fails(client, tokens) for tokens in all_of_them)
    assert use(client, answer.json()["access"]).status_code == 200
    assert login(client, user.email, PASSWORD).status_code == 401
    assert login(client, user.email, NEW_PASSWORD).status_code == 200
    assert "changed" in letters_to(user.email)[0].subject


@pytest.mark.django_db
def test_a_password_change_needs_the_present_one(client_for):
    user = make_user()
    client = client_for(user=user)
    body = {"old_password": "not-the-password", "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    answer = client.post("/api/v1/auth/password/change/", body, format="json")
    assert (answer.status_code, code_of(answer)) == (400, "password_wrong")
    assert client.get(ME).status_code == 200


@pytest.mark.django_db
def test_a_reset_ends_all_and_its_link_is_good_once(client_for):
    client, user = client_for(), make_user()
    tokens = login(client, user.email).json()
    client.post("/api/v1/auth/password/reset/", {"email": user.email.upper()}, format="json")
    uid, token = path_in(letters_to(user.email)[0]).strip("/").split("/")[-2:]
    body = {"uid": uid, "token": token, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post("/api/v1/auth/password/reset/confirm/", body, format="json").status_code == 200
    assert everything_fails(client, tokens)
    again = client.post("/api/v1/auth/password/reset/confirm/", body, format="json")
    assert (again.status_code, code_of(again)) == (400, "reset_link_invalid")
    assert login(client, user.email, NEW_PASSWORD).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("uid", ["", "!!!!", "MQ", "x" * 40, "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "LTE"])
def test_a_wrong_reset_link_is_refused_and_breaks_nothing(client_for, uid):
    body = {"uid": uid, "token": "a-b", "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    answer = client_for().post("/api/v1/auth/password/reset/confirm/", body, format="json")
    assert answer.status_code == 400


@pytest.mark.django_db
def test_a_reset_link_is_void_once_the_password_was_changed_otherwise(client_for):
    client, user = client_for(), make_user()
    client.post("/api/v1/auth/password/reset/", {"email": user.email}, format="json")
    uid, token = path_in(letters_to(user.email)[0]).strip("/").split("/")[-2:]
    services.set_password(User.objects.get(pk=user.pk), NEW_PASSWORD)
    body = {"uid": uid, "token": token, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client.post("/api/v1/auth/password/reset/confirm/", body, format="json").status_code == 400


@pytest.mark.django_db
def test_deactivation_and_deletion_end_all_at_once(client_for):
    client = client_for()
    switched_off, closed, deleted = make_user(), make_user(), make_user()
    tokens = [login(client, user.email).json() for user in (switched_off, closed, deleted)]
    User.objects.filter(pk=switched_off.pk).update(is_active=False)
    services.deactivate(closed)
    deleted.delete()
    assert [code_of(use(client, each["access"])) for each in tokens] == [
        "account_inactive",
        "session_ended",
        "session_ended",
    ]
    assert all(everything_fails(client, each) for each in tokens)


@pytest.mark.django_db
def test_a_person_changes_name_language_and_zone_and_nothing_else(client_for):
    user = make_user()
    client = client_for(user=user)
    body = {
        "name": "Ada\r\nLovelace",
        "language": "ru",
        "timezone": "Europe/Moscow",
        "email": "x@y.test",
        "is_staff": True,
    }
    answer = client.patch(ME, body, format="json")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": user.pk,
        "email": user.email,
        "name": "Ada Lovelace",
        "language": "ru",
        "timezone": "Europe/Moscow",
        "avatar": None,
        "email_verified": True,
        "date_joined": answer.json()["date_joined"],
    }
    user.refresh_from_db()
    assert not user.is_staff
    assert client.patch(ME, {"timezone": "Mars/Base"}, format="json").status_code == 400
    assert client.patch(ME, {"language": "xx"}, format="json").status_code == 400
    assert client.get("/api/v1/me/").json()["name"] == "Ada Lovelace"
