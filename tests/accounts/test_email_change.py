"""A new address: asked for with the password, proved by the letter, told to the old one."""

import pytest

from shared_apps.accounts.models import EmailCode, User
from tests.accounts.helpers import NEW_PASSWORD, code_in, code_of, letters_to, login, path_in, register
from tests.factories import PASSWORD, make_user

ASK = "/api/v1/auth/email/change/"
CONFIRM = f"{ASK}confirm/"
NEW = "new-address@example.test"

pytestmark = pytest.mark.django_db


def ask(client, email=NEW, password=PASSWORD):
    return client.post(ASK, {"email": email, "password": password})


def test_a_person_moves_to_a_new_address(client_for):
    user = make_user()
    old, client = user.email, client_for(user=user)
    assert ask(client, "New-Address@Example.test").status_code == 200
    assert User.objects.get(pk=user.pk).email == old, "nothing moves before the code comes back"
    assert letters_to(old)[-1].subject == "Your email address is about to change"
    assert client.post(CONFIRM, {"code": code_in(letters_to(NEW)[0])}).status_code == 200
    user.refresh_from_db()
    assert (user.email, user.email_verified) == (NEW, True)
    assert letters_to(old)[-1].subject == "Your email address was changed"
    assert login(client_for(), NEW).status_code == 200
    assert login(client_for(), old).status_code == 401


def test_the_link_works_on_another_device_by_one_click(client_for, page_for, alpha):
    user = make_user()
    ask(client_for(alpha, user))
    path = path_in(letters_to(NEW)[0])
    stranger = page_for(alpha)
    assert stranger.get(path).status_code == 200
    assert User.objects.get(pk=user.pk).email != NEW, "opening confirms nothing"
    key = path.partition("key=")[2]
    assert stranger.post("/account/email/confirm/", {"key": key}).status_code == 302
    assert User.objects.get(pk=user.pk).email == NEW
    assert stranger.post("/account/email/confirm/", {"key": key}).status_code == 400, "once"


def test_it_takes_the_present_password(client_for):
    user = make_user()
    client = client_for(user=user)
    assert code_of(ask(client, password="wrong-password")) == "password_wrong"
    assert [ask(client, password="wrong-password").status_code for _ in range(10)][-1] == 429
    assert not EmailCode.objects.exists()
    assert client_for().post(ASK, {"email": NEW, "password": PASSWORD}).status_code == 401


def test_a_taken_address_is_answered_alike_and_never_given(client_for):
    owner, user = make_user("Taken@example.test"), make_user()
    client = client_for(user=user)
    taken, free = ask(client, "tAken@example.test"), ask(client_for(user=make_user()))
    assert (taken.status_code, taken.json()) == (free.status_code, free.json())
    assert letters_to(owner.email)[-1].subject == "You already have an account"
    row = EmailCode.objects.get(email="taken@example.test", purpose="move")
    from shared_apps.accounts.codes import code_of as derived
    from shared_apps.accounts.codes import key_of

    assert code_of(client.post(CONFIRM, {"code": derived(row)})) == "code_invalid"
    assert code_of(client.post(CONFIRM, {"key": key_of(row)})) == "code_invalid"
    assert User.objects.get(pk=user.pk).email != "taken@example.test"


def test_an_address_that_is_taken_while_the_code_is_on_its_way_is_refused(client_for):
    user = make_user()
    client = client_for(user=user)
    ask(client)
    code = code_in(letters_to(NEW)[0])
    make_user(NEW.upper())
    assert code_of(client.post(CONFIRM, {"code": code})) == "code_invalid"


def test_five_wrong_codes_end_it_and_others_codes_do_nothing(client_for):
    user = make_user()
    client = client_for(user=user)
    ask(client)
    code = code_in(letters_to(NEW)[0])
    assert code_of(client_for(user=make_user()).post(CONFIRM, {"code": code})) == "code_invalid"
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        assert client.post(CONFIRM, {"code": wrong}).status_code == 400
    assert code_of(client.post(CONFIRM, {"code": code})) == "code_invalid"


@pytest.mark.parametrize("by", ["a later change", "a new password", "an hour"])
def test_a_code_is_void_after(client_for, by):
    from datetime import timedelta

    from django.utils import timezone

    from shared_apps.accounts import services

    user = make_user()
    client = client_for(user=user)
    ask(client)
    code = code_in(letters_to(NEW)[0])
    if by == "a later change":
        ask(client, "third@example.test")
    elif by == "a new password":
        services.set_password(user, NEW_PASSWORD)
        user.refresh_from_db()
        client = client_for(user=user)
    else:
        EmailCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert code_of(client.post(CONFIRM, {"code": code})) == "code_invalid"


def test_a_registration_of_the_address_is_void_once_it_is_moved_to(client_for):
    user = make_user()
    client = client_for(user=user)
    ask(client)
    moving = code_in(letters_to(NEW)[0])
    register(client_for(), NEW, NEW_PASSWORD)
    assert client.post(CONFIRM, {"code": moving}).status_code == 200
    assert login(client_for(), NEW, NEW_PASSWORD).status_code == 401
    assert login(client_for(), NEW).status_code == 200


def test_a_reset_link_to_the_old_address_is_void(client_for):
    user = make_user()
    client_for().post("/api/v1/auth/password/reset/", {"email": user.email})
    uid, token = path_in(letters_to(user.email)[-1]).strip("/").split("/")[-2:]
    client = client_for(user=user)
    ask(client)
    client.post(CONFIRM, {"code": code_in(letters_to(NEW)[0])})
    body = {"uid": uid, "token": token, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client_for().post("/api/v1/auth/password/reset/confirm/", body).status_code == 400


def test_by_pages(page_for, alpha):
    user = make_user()
    page = page_for(alpha, user)
    assert page.get("/account/email/").status_code == 200
    assert page.post("/account/email/", {"email": user.email, "password": PASSWORD}).status_code == 400
    assert page.post("/account/email/", {"email": NEW, "password": "wrong-password"}).status_code == 400
    assert page.post("/account/email/", {"email": NEW, "password": PASSWORD})["Location"] == "/account/email/confirm/"
    assert NEW in page.get("/account/email/confirm/").content.decode()
    assert page.post("/account/email/confirm/", {"code": code_in(letters_to(NEW)[0])})["Location"] == "/account/"
    assert NEW in page.get("/account/").content.decode()
    assert page_for(alpha).get("/account/email/confirm/")["Location"] == "/account/login/"
