"""A known and an unknown address cost the same work, whatever the machine does meanwhile (I7).

`make bench-signin-timing` measures the time; here the statements and the hashes are counted, which no load changes.
"""

import re

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, MD5PasswordHasher, PBKDF2PasswordHasher
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.accounts.helpers import register
from tests.factories import PASSWORD, make_user

REQUESTS = {
    "login": ("login/", {"password": "a-wrong-test-password"}),
    "register": ("registration/", {"password1": PASSWORD, "password2": PASSWORD}),
    "resend": ("registration/resend-email/", {}),
    "reset": ("password/reset/", {}),
}


@pytest.fixture
def hashes(monkeypatch):
    made = []
    for hasher in (Argon2PasswordHasher, PBKDF2PasswordHasher, MD5PasswordHasher):
        for name in ("encode", "verify"):
            real = getattr(hasher, name)

            def count(self, *args, real=real, name=name, **options):
                made.append(name)
                return real(self, *args, **options)

            monkeypatch.setattr(hasher, name, count)
    return made


def work(client, path, body, hashes):
    """The answer; and the statements, without what they are about, and how often a password was hashed."""
    hashes.clear()
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(f"/api/v1/auth/{path}", body, format="json")
    statements = [re.sub(r"'(?:[^']|'')*'|\bNULL\b|\b\d+\b", "?", one["sql"]) for one in asked.captured_queries]
    told = {key: value for key, value in answer.json().items() if key != "request_id"}
    return (answer.status_code, told), (statements, list(hashes))


@pytest.mark.django_db
@pytest.mark.parametrize("name", REQUESTS)
def test_a_known_and_an_unknown_address_cost_the_same_statements_and_hashes(client_for, hashes, name):
    path, body = REQUESTS[name]
    make_user("known@example.test")
    register(client_for(), "waits@example.test")
    work(client_for(), path, {**body, "email": "first@example.test"}, hashes)  # the first one warms what is kept
    answers, works = zip(
        *(
            work(client_for(), path, {**body, "email": f"{who}@example.test"}, hashes)
            for who in ("known", "other", "waits", "nobod")
        ),
        strict=True,
    )
    assert all(answer == answers[0] for answer in answers)
    assert all(one == works[0] for one in works), works
    assert works[0][0]
