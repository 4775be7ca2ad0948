"""Every token that is not exactly right is a 401 with a code, on every road it can come by."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.conf import settings

from shared_apps.accounts.models import User
from shared_apps.accounts.tokens import open_session
from tests.accounts.helpers import code_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db
KEY = settings.SECRET_KEY
CODES = {"token_invalid", "token_expired", "token_reused", "session_ended", "account_inactive"}


def claims_of(token):
    return {**token.payload, "aud": "foyer", "iss": "foyer"}


def signed(claims, key=KEY, algorithm="HS256", headers=None):
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def without(claims, name):
    return {key: value for key, value in claims.items() if key != name}


def bad_tokens(pair, kind):
    """(what is wrong, the text) for each kind of token that must be refused where `kind` is expected."""
    right = pair.access if kind == "access" else pair.refresh
    other = pair.refresh if kind == "access" else pair.access
    claims, text = claims_of(right), str(right)
    head, body, signature = text.split(".")
    past = int((datetime.now(UTC) - timedelta(minutes=1)).timestamp())
    none = b64(b'{"alg":"none","typ":"JWT"}')
    other_user = make_user()
    yield from {
        "other type": str(other),
        "no alg": f"{none}.{body}.",
        "alg none, old signature": f"{none}.{body}.{signature}",
        "alg None in capitals": f"{b64(json.dumps({'alg': 'NONE'}).encode())}.{body}.",
        "other HMAC": signed(claims, algorithm="HS512"),
        "wrong key": signed(claims, key="another-secret-key-of-fifty-characters-or-even-more"),
        "key of one letter": signed(claims, key="x"),
        "no signature": f"{head}.{body}.",
        "cut off": text[:-4],
        "signature of another": f"{head}.{body}.{str(other).split('.')[2]}",
        "changed body": f"{head}.{b64(json.dumps({**claims, 'user_id': str(other_user.pk)}).encode())}.{signature}",
        "expired": signed({**claims, "exp": past}),
        "no expiry": signed(without(claims, "exp")),
        "expiry as words": signed({**claims, "exp": "tomorrow"}),
        "expiry beyond all time": signed({**claims, "exp": 10**18}),
        "wrong audience": signed({**claims, "aud": "others"}),
        "no audience": signed(without(claims, "aud")),
        "wrong issuer": signed({**claims, "iss": "others"}),
        "no issuer": signed(without(claims, "iss")),
        "no type": signed(without(claims, "token_type")),
        "no id": signed(without(claims, "jti")),
        "no session": signed(without(claims, "sid")),
        "session is no uuid": signed({**claims, "sid": "1"}),
        "session is a list": signed({**claims, "sid": [1]}),
        "unknown session": signed({**claims, "sid": str(uuid.uuid4())}),
        "no user": signed(without(claims, "user_id")),
        "user is no number": signed({**claims, "user_id": "me"}),
        "user beyond bigint": signed({**claims, "user_id": str(10**30)}),
        "unknown user": signed({**claims, "user_id": "999999999"}),
        "another's user id": signed({**claims, "user_id": str(other_user.pk)}),
        "no version": signed(without(claims, "ver")),
        "older version": signed({**claims, "ver": -1}),
        "not yet valid": signed({**claims, "nbf": 4102444800}),
        "a list as claims": f"{head}.{b64(b'[1]')}.{signature}",
        "deeply nested header": f"{b64(b'[' * 1000)}.{body}.{signature}",
        "header is a number": f"{b64(b'1')}.{body}.{signature}",
        "garbage": "garbage",
        "dots": "..",
        "five parts": "a.b.c.d.e",
        "not base64": "%%%.%%%.%%%",
        "bytes that are no text": b64(b"\xff\xfe") + "." + b64(b"\xff") + "." + b64(b"\xff"),
        "very long": "a" * 3000,
        "two tokens": f"{text} {text}",
        "quoted": f'"{text}"',
    }.items()


def test_a_bad_access_token_is_401_with_a_code(client_for):
    client = client_for()
    pair = open_session(make_user())
    kinds = dict(bad_tokens(pair, "access"))
    assert len(kinds) >= 25
    for name, text in kinds.items():
        answer = client.get("/api/v1/auth/user/", HTTP_AUTHORIZATION=f"Bearer {text}")
        assert (name, answer.status_code) == (name, 401)
        assert (name, code_of(answer) in CODES) == (name, True)
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_bad_refresh_token_is_401_with_a_code_and_ends_nothing(client_for):
    client = client_for()
    pair = open_session(make_user())
    for name, text in bad_tokens(pair, "refresh"):
        answer = client.post("/api/v1/auth/token/refresh/", {"refresh": text}, format="json")
        assert (name, answer.status_code) == (name, 401)
        assert (name, code_of(answer) in CODES) == (name, True)
    assert client.post("/api/v1/auth/token/refresh/", {"refresh": str(pair.refresh)}, format="json").status_code == 200


def test_bad_cookies_are_401_in_the_api_and_anonymous_on_pages(client_for, page_for):
    pair = open_session(make_user())
    for name, text in bad_tokens(pair, "access"):
        client, page = client_for(), page_for()
        client.cookies[settings.ACCESS_COOKIE_NAME] = page.cookies[settings.ACCESS_COOKIE_NAME] = text
        assert (name, client.get("/api/v1/auth/user/").status_code) == (name, 401)
        assert (name, page.get("/account/").status_code) == (name, 302)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "bearer", "Bearer  \t", "Bearer a b c"])
def test_a_bearer_header_without_a_token_is_401(client_for, header):
    answer = client_for().get("/api/v1/auth/user/", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401


def test_the_scheme_may_be_written_small(client_for):
    pair = open_session(make_user())
    answer = client_for().get("/api/v1/auth/user/", HTTP_AUTHORIZATION=f"bearer {pair.access}")
    assert answer.status_code == 200


def test_a_token_of_an_older_password_is_refused(client_for):
    user = make_user()
    pair = open_session(user)
    User.objects.filter(pk=user.pk).update(token_version=user.token_version + 1)
    answer = client_for().get("/api/v1/auth/user/", HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    assert code_of(answer) == "session_ended"
