"""One of every kind of sign-in that is no good, and the code that its 401 carries (I5).

All are made from what was once good, by the product's own means where it has them: a test that sent only garbage would
pass with a server that looks at nothing but the signature.
"""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.utils import timezone

from shared_apps.accounts.models import Session, User
from shared_apps.accounts.services import Visit, change_password
from shared_apps.accounts.tokens import Pair, end_everywhere, exchange, open_session, revoke
from tenant_apps.staff.keys import make_key
from tenant_apps.staff.keys import revoke as revoke_key
from tenant_apps.staff.models import ApiKey
from tenants.context import in_tenant
from tests.factories import PASSWORD, make_user, owner_of

INVALID, EXPIRED, REUSED, ENDED, INACTIVE = (
    "token_invalid", "token_expired", "token_reused", "session_ended", "account_inactive",
)  # fmt: skip


@dataclass(frozen=True)
class BadSignIn:
    """What is sent, and the code of the answer on a tenant's host and on the platform's, which has no keys."""

    kind: str
    code: str
    headers: dict[str, str]
    on_platform: str = ""

    def code_on(self, host: str) -> str:
        return self.on_platform if self.on_platform and host == "platform" else self.code


def forged(good: str, key: str = "", algorithm: str = "HS256", **claims: Any) -> str:
    """The same token with other claims, signed by us unless told otherwise. None leaves a claim out."""
    told = {**jwt.decode(good, options={"verify_signature": False}), **claims}
    told = {name: value for name, value in told.items() if value is not None}
    return jwt.encode(told, key or settings.SECRET_KEY, algorithm=algorithm)


def part(what: Any) -> str:
    return base64.urlsafe_b64encode(what if isinstance(what, bytes) else json.dumps(what).encode()).decode().rstrip("=")


def forgeries(good: str, wrong_type: str) -> dict[str, tuple[str, str]]:
    """What somebody who holds a good token, or our key but not our rules, could make of it; with the 401's code.

    The same for access and refresh tokens: `wrong_type` is a good one of the other kind.
    """
    head, body, signature = good.split(".")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(good, options={"verify_signature": False})
    past = int((timezone.now() - timedelta(seconds=5)).timestamp())
    # No library signs with an empty key, whoever writes his own can.
    by_nothing = part(hmac.new(b"", f"{head}.{body}".encode(), "sha256").digest())
    deep = part(b'{"alg":"HS256","x":' + b"[" * 450 + b"]" * 450 + b"}")
    return {
        "nothing at all": ("", INVALID),
        "words": ("not-a-token", INVALID),
        "three parts of nothing": ("..", INVALID),
        "not of this alphabet": ("\xfcber.allem.\xff", INVALID),
        "with a second one behind it": (f"{good} {good}", INVALID),
        "longer than any of ours": (good + "A" * 3000, INVALID),
        "without its signature": (f"{head}.{body}.", INVALID),
        "with half its signature": (f"{head}.{body}.{signature[:20]}", INVALID),
        "of another person, under this signature": (
            f"{head}.{part({**claims, 'user_id': '1'})}.{signature}",
            INVALID,
        ),
        "signed by nobody": (jwt.encode(claims, None, algorithm="none"), INVALID),
        "alg None, in capitals": (f"{part({'alg': 'NONE', 'typ': 'JWT'})}.{body}.", INVALID),
        "signed by somebody else": (forged(good, "x" * 64), INVALID),
        "signed with the empty key": (f"{head}.{body}.{by_nothing}", INVALID),
        "HS384 under our key": (forged(good, algorithm="HS384"), INVALID),
        "HS512 under our key": (forged(good, algorithm="HS512"), INVALID),
        "RS256 under a stranger's key": (jwt.encode(claims, stranger, algorithm="RS256"), INVALID),
        "a header nested without end": (f"{deep}.{body}.{signature}", INVALID),
        "expired": (forged(good, exp=past), EXPIRED),
        "expired and signed by somebody else": (forged(good, "x" * 64, exp=past), INVALID),
        "without an end": (forged(good, exp=None), INVALID),
        "good beyond all time": (forged(good, exp=10**30), INVALID),
        "not good yet": (forged(good, nbf=past + 9000), INVALID),
        "of the other type": (wrong_type, INVALID),
        "of a type that is none of ours": (forged(good, token_type="sliding"), INVALID),
        "of no type": (forged(good, token_type=None), INVALID),
        "for another audience": (forged(good, aud="elsewhere"), INVALID),
        "for no audience": (forged(good, aud=None), INVALID),
        "of another issuer": (forged(good, iss="elsewhere"), INVALID),
        "of no issuer": (forged(good, iss=None), INVALID),
        "without an id": (forged(good, jti=None), INVALID),
        "of no session": (forged(good, sid=None), INVALID),
        "of a session that never was": (forged(good, sid=str(uuid4())), ENDED),
        "of a session that is no id": (forged(good, sid="1 OR 1=1"), INVALID),
        "of no person": (forged(good, user_id=None), INVALID),
        "of a person that is no number": (forged(good, user_id="me"), INVALID),
        "of somebody else's session": (forged(good, user_id=str(make_user().pk)), ENDED),
        "of an older password": (forged(good, ver=claims["ver"] - 1), ENDED),
        "of a password to come": (forged(good, ver=claims["ver"] + 1), ENDED),
    }


def over(choose: Callable[[Pair], str]) -> dict[str, tuple[str, str]]:
    """Tokens that were good, of people and sessions that are over. `choose` picks access or refresh of a pair."""

    def after(what: Callable[[User, Pair], Any]) -> str:
        person = make_user()
        pair = open_session(person)
        what(person, pair)
        return choose(pair)

    def own_password(person: User, pair: Pair) -> None:
        visit = Visit(address="203.0.113.9", user_agent="", schema_name="public")
        change_password(person, PASSWORD, "another-long-pass-word", session=pair.session, visit=visit)

    def lapse(person: User, pair: Pair) -> None:
        Session.objects.filter(pk=pair.session.pk).update(expires_at=timezone.now() - timedelta(seconds=5))

    def close(person: User, pair: Pair) -> None:
        User.objects.filter(pk=person.pk).update(is_active=False)

    return {
        "of a session that is signed out": (after(lambda who, pair: revoke(pair.session.pk, who.pk)), ENDED),
        "signed out everywhere": (after(lambda who, pair: end_everywhere(who)), ENDED),
        "of before the password was changed": (after(own_password), ENDED),
        "of a session that lapsed": (after(lapse), ENDED),
        "of an account that is closed": (after(close), INACTIVE),
        "of a person who is deleted": (after(lambda who, pair: who.delete()), ENDED),
    }


def tokens() -> dict[str, tuple[str, str]]:
    """Everything that is no access token, with the code of its 401."""
    pair, used = open_session(make_user()), open_session(make_user())
    exchange(str(used.refresh))
    return {
        **forgeries(str(pair.access), str(pair.refresh)),
        **over(lambda each: str(each.access)),
        "a refresh token that was exchanged": (str(used.refresh), INVALID),
    }


def refresh_tokens() -> dict[str, tuple[str, str]]:
    """Everything that is no refresh token, with the code of its 401."""
    pair, used, stolen = (open_session(make_user()) for _each in range(3))
    exchange(str(used.refresh))
    newer = exchange(str(stolen.refresh))
    exchange(str(newer.refresh))
    return {
        **forgeries(str(pair.refresh), str(pair.access)),
        **over(lambda each: str(each.refresh)),
        "exchanged a moment ago": (str(used.refresh), REUSED),
        "exchanged twice ago": (str(stolen.refresh), REUSED),
        "of a chain that a thief went back in": (_of_a_broken_chain(), ENDED),
    }


def _of_a_broken_chain() -> str:
    """The newest token of a session whose older one came back: theft, so that nobody keeps it."""
    from shared_apps.accounts.errors import TokenReused

    first = open_session(make_user())
    newest = exchange(str(exchange(str(first.refresh)).refresh))
    try:
        exchange(str(first.refresh))
    except TokenReused:
        return str(newest.refresh)
    raise AssertionError("a token was exchanged twice")


def keys(alpha: Any, beta: Any) -> dict[str, tuple[str, str]]:
    """Texts of API keys that open nothing in alpha, with the code of the 401 there."""

    def made(tenant: Any, maker: Any = None) -> tuple[ApiKey, str]:
        return make_key(name="Bad", scopes=["view_orders"], actor=maker or owner_of(tenant))

    with in_tenant(beta):
        _row, foreign = made(beta)
    with in_tenant(alpha):
        row, revoked = made(alpha)
        revoke_key(row, actor=owner_of(alpha))
        row, expired = made(alpha)
        ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=5))
        row, orphaned = made(alpha)
        gone = make_user()
        ApiKey.objects.filter(pk=row.pk).update(created_by_id=gone.pk)
        User.objects.filter(pk=gone.pk).update(is_active=False)
        row, good = made(alpha)
    return {
        "a key of another tenant": (foreign, "key_unknown"),
        "a key that was revoked": (revoked, "key_revoked"),
        "a key that expired": (expired, "key_expired"),
        "a key whose maker's account is closed": (orphaned, "key_revoked"),
        "a key with another secret": (f"foyer_{row.prefix}_{'x' * 43}", "key_unknown"),
        "a key with another prefix": (good.replace(row.prefix, "0" * 10), "key_unknown"),
        "a key that was cut short": (good[:-1], "key_malformed"),
        "a key with more behind it": (good + "x", "key_malformed"),
        "a key in capitals": (good.upper(), "key_malformed"),
        "an empty key": ("", "key_malformed"),
    }


def all_of(alpha: Any, beta: Any) -> list[BadSignIn]:
    """Every kind, in the header or the cookie where it would sign somebody in."""
    found = [
        BadSignIn(f"bearer: {kind}", code, {"HTTP_AUTHORIZATION": f"Bearer {text}"})
        for kind, (text, code) in tokens().items()
    ]
    for kind, (text, code) in keys(alpha, beta).items():
        # Only tenants have keys: a well-formed one is unknown to the platform, whatever became of it.
        there = code if code == "key_malformed" else "key_unknown"
        found.append(BadSignIn(f"token: {kind}", code, {"HTTP_AUTHORIZATION": f"Token {text}"}, there))
    pair = open_session(make_user())
    ended = open_session(make_user())
    revoke(ended.session.pk, ended.session.user_id)
    with in_tenant(alpha):
        _row, good_key = make_key(name="Good", scopes=["view_orders"], actor=owner_of(alpha))
    found.append(BadSignIn("bearer: a good key", INVALID, {"HTTP_AUTHORIZATION": f"Bearer {good_key}"}))
    found.append(BadSignIn("token: a good token", "key_malformed", {"HTTP_AUTHORIZATION": f"Token {pair.access}"}))
    for kind, text, code in (
        ("words", "nonsense", INVALID),
        ("expired", forged(str(pair.access), exp=1), EXPIRED),
        ("a refresh token", str(pair.refresh), INVALID),
        ("of a session that is signed out", str(ended.access), ENDED),
    ):
        found.append(BadSignIn(f"cookie: {kind}", code, {"HTTP_COOKIE": f"{settings.ACCESS_COOKIE_NAME}={text}"}))
    return found
