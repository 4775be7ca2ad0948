"""From an address to an account."""

import pytest

from shared_apps.accounts.models import EmailCode, User
from tests.accounts.helpers import code_in, code_of, field_codes, letters_to, link_in, login, path_in, register
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def verify(client, **body):
    return client.post("/api/v1/auth/registration/verify-email/", body, format="json")


def test_a_person_registers_confirms_by_code_and_signs_in(client_for):
    client = client_for()
    answer = register(client, "Ada@Example.test", name="Ada")
    assert answer.status_code == 201
    assert login(client, "ada@example.test").json()["code"] == "email_not_verified"
    (letter,) = letters_to("ada@example.test")
    assert verify(client, email="ADA@example.test", code=code_in(letter)).status_code == 200
    user = login(client, "ada@EXAMPLE.test").json()["user"]
    assert (user["email"], user["name"], user["email_verified"]) == ("ada@example.test", "Ada", True)


def test_the_link_confirms_too_and_only_once(client_for):
    client = client_for()
    register(client, "ada@example.test")
    key = link_in(letters_to("ada@example.test")[0]).partition("key=")[2]
    assert verify(client, key=key).status_code == 200
    assert code_of(verify(client, key=key)) == "code_invalid"


def test_a_code_is_good_once(client_for):
    client = client_for()
    register(client, "ada@example.test")
    code = code_in(letters_to("ada@example.test")[0])
    assert verify(client, email="ada@example.test", code=code).status_code == 200
    assert verify(client, email="ada@example.test", code=code).status_code == 400


def test_five_wrong_tries_end_a_code(client_for):
    client = client_for()
    register(client, "ada@example.test")
    code = code_in(letters_to("ada@example.test")[0])
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        assert code_of(verify(client, email="ada@example.test", code=wrong)) == "code_invalid"
    assert code_of(verify(client, email="ada@example.test", code=code)) == "code_invalid"


def test_a_code_ends_after_an_hour(client_for):
    from datetime import timedelta

    from django.utils import timezone

    client = client_for()
    register(client, "ada@example.test")
    code = code_in(letters_to("ada@example.test")[0])
    row = EmailCode.objects.get()
    assert timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(hours=1)
    EmailCode.objects.update(expires_at=timezone.now())
    assert verify(client, email="ada@example.test", code=code).status_code == 400


def test_a_new_code_can_be_asked_for_and_carries_the_registration(client_for):
    client = client_for()
    register(client, "ada@example.test", name="Ada")
    letters_to("ada@example.test")
    again = client.post("/api/v1/auth/registration/resend-email/", {"email": "ada@example.test"}, format="json")
    assert again.status_code == 200
    first, second = letters_to("ada@example.test")
    assert code_in(first) != code_in(second)
    assert verify(client, email="ada@example.test", code=code_in(second)).status_code == 200
    assert login(client, "ada@example.test").status_code == 200
    assert verify(client, email="ada@example.test", code=code_in(first)).status_code == 400


def test_nobody_can_occupy_an_address_before_its_owner_registers(client_for):
    """The account gets the password that was chosen with the code that came back, not a stranger's."""
    client = client_for()
    register(client, "ada@example.test", "the-strangers-password")
    register(client, "ada@example.test", PASSWORD)
    stranger, owner = letters_to("ada@example.test")
    assert verify(client, email="ada@example.test", code=code_in(owner)).status_code == 200
    assert login(client, "ada@example.test", PASSWORD).status_code == 200
    assert login(client, "ada@example.test", "the-strangers-password").status_code == 401
    assert verify(client, email="ada@example.test", code=code_in(stranger)).status_code == 400


def test_a_known_address_gets_the_same_answer_and_its_owner_a_letter(client_for):
    owner = make_user("owner@example.test")
    client = client_for()
    known, unknown = register(client, "Owner@example.test"), register(client, "new@example.test")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    (letter,) = letters_to("owner@example.test")
    assert "already" in letter.subject
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    assert not EmailCode.objects.filter(email="owner@example.test").exclude(password="").exists()


def test_reset_and_resend_answer_alike_for_known_and_unknown(client_for):
    make_user("owner@example.test")
    client = client_for()
    for path in ("registration/resend-email", "password/reset"):
        known = client.post(f"/api/v1/auth/{path}/", {"email": "owner@example.test"}, format="json")
        unknown = client.post(f"/api/v1/auth/{path}/", {"email": "new@example.test"}, format="json")
        assert (known.status_code, known.content) == (200, unknown.content)
    assert letters_to("new@example.test") == []
    assert not EmailCode.objects.filter(email="new@example.test").exists(), "a stranger's address is not kept"


def test_login_answers_alike_for_unknown_wrong_and_inactive(client_for):
    make_user("owner@example.test")
    make_user("gone@example.test", is_active=False)
    client = client_for()
    answers = [
        login(client, "nobody@example.test", "whatever-it-is"),
        login(client, "owner@example.test", "not-the-password"),
        login(client, "gone@example.test", PASSWORD),
        login(client, "gone@example.test", "not-the-password"),
    ]
    bodies = {tuple(sorted((k, v) for k, v in a.json().items() if k not in ("request_id", "errors"))) for a in answers}
    assert len(bodies) == 1
    assert {a.status_code for a in answers} == {401}
    assert code_of(answers[0]) == "invalid_credentials"


def test_registering_does_the_same_work_for_known_and_unknown(client_for, django_assert_num_queries):
    make_user("owner@example.test")
    client = client_for()
    register(client, "warm@example.test")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for email in ("owner@example.test", "new@example.test"):
        with CaptureQueriesContext(connection) as queries:
            register(client, email)
        counts.append([q["sql"].split()[0] for q in queries])
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("password1234", "password_too_common"),
        ("ada-lovelace@example", "password_too_similar"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(client_for, password, code):
    answer = register(client_for(), "ada-lovelace@example.test", password)
    assert answer.status_code == 400
    assert field_codes(answer) == {"password1": code}


def test_a_password_over_128_characters_is_refused(client_for):
    answer = register(client_for(), "ada@example.test", "long-password-" * 10)
    assert answer.status_code == 400
    assert "password1" in field_codes(answer)


def test_passwords_that_differ_are_refused(client_for):
    body = {"email": "ada@example.test", "password1": "a-long-test-password", "password2": "a-long-test-passwore"}
    answer = client_for().post("/api/v1/auth/registration/", body, format="json")
    assert field_codes(answer) == {"password2": "password_mismatch"}


def test_what_the_server_owns_is_not_taken_from_the_body(client_for):
    client = client_for()
    register(client, "ada@example.test", is_staff=True, is_superuser=True, email_verified=True, id=1)
    verify(client, email="ada@example.test", code=code_in(letters_to("ada@example.test")[0]))
    user = User.objects.get(email="ada@example.test")
    assert not user.is_staff
    assert not user.is_superuser


def test_a_letter_carries_the_look_and_the_primary_domain_of_the_tenant_whose_site_it_was(client_for, alpha):
    client = client_for(alpha)
    client.defaults["HTTP_X_FORWARDED_HOST"] = "evil.example"
    register(client, "ada@example.test")
    (letter,) = letters_to("ada@example.test")
    assert alpha.name in letter.subject
    assert link_in(letter).startswith("http://alpha.localhost/account/confirm/?key=")
    html = letter.alternatives[0].content
    assert alpha.colour in html
    assert "evil.example" not in html + letter.body


def test_a_letter_is_written_in_the_language_of_the_page(client_for):
    client = client_for()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ru"
    register(client, "ada@example.test")
    letters_to("ada@example.test")
    assert EmailCode.objects.get().language == "ru"


def test_a_letter_is_sent_once_and_again_only_if_its_worker_died(client_for, mailoutbox):
    from datetime import timedelta

    from django.utils import timezone

    from shared_apps.accounts.mail import send

    register(client_for(), "ada@example.test")
    row = EmailCode.objects.get()
    EmailCode.objects.update(claimed_at=timezone.now())
    assert not send(row.pk), "another worker has it"
    EmailCode.objects.update(claimed_at=timezone.now() - timedelta(minutes=3))
    assert send(row.pk)
    assert not send(row.pk)
    assert len(mailoutbox) == 1


def test_a_confirm_page_needs_a_click_so_that_mail_programs_confirm_nothing(client_for, page_for):
    register(client_for(), "ada@example.test")
    (letter,) = letters_to("ada@example.test")
    page = page_for()
    assert page.get(path_in(letter)).status_code == 200
    assert not User.objects.filter(email="ada@example.test").exists()
    key = link_in(letter).partition("key=")[2]
    assert page.post("/account/confirm/", {"key": key}).status_code == 302
    assert User.objects.get(email="ada@example.test").email_verified
