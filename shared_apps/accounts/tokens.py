"""Signed-in sessions and the tokens that name them, on simplejwt's classes (I4, I5).

An access token says who (user), where from (session) and how old the password was (token version); never what one
may do. One SELECT a request joins session and user, so whatever ends a session ends it at the next request.
A refresh token is good once: the session's row knows the one that is next, and is locked while it is exchanged.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

from django.db import models, transaction
from django.utils import timezone
from rest_framework_simplejwt import tokens as jwt
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from shared_apps.accounts import trail
from shared_apps.accounts.errors import AccountInactive, SessionEnded, TokenExpired, TokenRefused, TokenReused
from shared_apps.accounts.models import Session, User
from shared_apps.core.prepared import Parameter, Prepared, SideBySide

# Ours have some 400 characters. A longer text is refused before anything parses it.
LONGEST_TOKEN = 2048
# Two tabs that wake up together send the same refresh token. One loses, and that is no theft; a token that comes
# back later than this, or is older than the one before, is.
SIMULTANEOUS = timedelta(seconds=30)


class AccessToken(jwt.AccessToken):
    """Good for some minutes, on every host."""


class RefreshToken(jwt.RefreshToken):
    """Good once, for some days, for a new pair."""

    access_token_class = AccessToken


AnyToken = TypeVar("AnyToken", AccessToken, RefreshToken)


@dataclass(frozen=True)
class Pair:
    """What a sign-in or an exchange gives."""

    access: AccessToken
    refresh: RefreshToken
    session: Session


@dataclass(frozen=True)
class Claims:
    """What a token of ours says, with types."""

    user_id: int
    session_id: uuid.UUID
    version: int
    jti: uuid.UUID


def open_session(user: User, *, address: str | None = None, user_agent: str = "") -> Pair:
    """Sign the user in on one more device."""
    session = Session(user=user, address=address, user_agent=user_agent[:300])
    pair = _pair(session)
    session.save(force_insert=True)
    return pair


def _pair(session: Session) -> Pair:
    """Make the session's next tokens and note in the row (not saved) which refresh token is good from now on."""
    refresh = RefreshToken()
    refresh["user_id"] = str(session.user_id)
    refresh["sid"] = str(session.pk)
    refresh["ver"] = session.user.token_version
    session.refresh_jti = uuid.UUID(refresh["jti"])
    session.used_at = refresh.current_time
    session.expires_at = refresh.current_time + RefreshToken.lifetime
    access = cast(AccessToken, refresh.access_token)
    return Pair(access, refresh, session)


def read(kind: type[AnyToken], text: str | bytes) -> tuple[AnyToken, Claims]:
    """Check signature, algorithm, audience, issuer, type and expiry. Raises TokenRefused for whatever is amiss."""
    if not text or len(text) > LONGEST_TOKEN:
        raise TokenRefused
    try:
        token = kind(text)  # type: ignore[arg-type]  # simplejwt's hint says Token and means the text of one
        return token, Claims(int(token["user_id"]), uuid.UUID(token["sid"]), int(token["ver"]), uuid.UUID(token["jti"]))
    except ExpiredTokenError:
        raise TokenExpired from None
    except (TokenError, LookupError, ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        # A header nested a thousand deep ends in RecursionError, an `exp` beyond all time in OverflowError or OSError.
        raise TokenRefused from None


def claims_of(kind: type[AnyToken], text: str) -> Claims | None:
    """Return what a good token says; None for any other text."""
    try:
        return read(kind, text)[1]
    except TokenRefused:
        return None


def session_of(text: str | bytes) -> Session:
    """Return the running session, with its user, that a good access token names. One SELECT."""
    _token, claims = read(AccessToken, text)
    (session,) = _running((claims.session_id,))
    # Compared here: a number that no column holds is an error to the database.
    return _checked(session if session is not None and session.user_id == claims.user_id else None, claims)


@Prepared
def _named(session_id: Parameter) -> Any:
    return Session.objects.select_related("user").filter(pk=session_id.of(models.UUIDField()))


_running = SideBySide(_named)


def _checked(session: Session | None, claims: Claims) -> Session:
    if session is None or not session.running or session.user.token_version != claims.version:
        raise SessionEnded
    if not session.user.is_active:
        raise AccountInactive
    return session


def refresh_is_good(text: str | bytes) -> None:
    """Raise TokenRefused unless this refresh token would be exchanged now."""
    _token, claims = read(RefreshToken, text)
    session = Session.objects.select_related("user").filter(pk=claims.session_id, user_id=claims.user_id).first()
    if _checked(session, claims).refresh_jti != claims.jti:
        raise TokenReused


def exchange(text: str | bytes) -> Pair:
    """Give a new pair for a refresh token, once.

    Of parallel tries one gets a pair, the others TokenReused. A token that comes back later than that was copied:
    then the whole session ends, because nobody can tell the thief from the owner.
    """
    _token, claims = read(RefreshToken, text)
    with transaction.atomic():
        session = (
            Session.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(pk=claims.session_id, user_id=claims.user_id)
            .first()
        )
        session = _checked(session, claims)
        if session.refresh_jti == claims.jti:
            session.previous_jti = session.refresh_jti
            pair = _pair(session)
            session.save(update_fields=["refresh_jti", "previous_jti", "used_at", "expires_at"])
            return pair
        together = claims.jti == session.previous_jti and timezone.now() - session.used_at < SIMULTANEOUS
        if not together:
            session.revoked_at = timezone.now()
            session.save(update_fields=["revoked_at"])
            trail.note("session.copied", session.user_id, refused=True, target=f"accounts.session:{session.pk}")
    raise TokenReused


def revoke(session_id: uuid.UUID, user_id: int) -> bool:
    """End one session of the user. Ending it twice changes nothing."""
    running = Session.objects.filter(pk=session_id, user_id=user_id, revoked_at__isnull=True)
    with transaction.atomic():
        if not running.update(revoked_at=timezone.now()):
            return False
        trail.note("session.ended", user_id, target=f"accounts.session:{session_id}")
    return True


def end_everywhere(user: User) -> None:
    """End all sessions and tokens of the user at once, on every host (I5)."""
    with transaction.atomic():
        locked = User.objects.select_for_update().only("token_version").get(pk=user.pk)
        user.token_version = locked.token_version + 1
        User.objects.filter(pk=user.pk).update(token_version=user.token_version)
        ended = Session.objects.filter(user_id=user.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
        trail.note("sessions.ended", user.pk, sessions=ended)
