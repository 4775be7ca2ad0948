"""The platform's audit trail: what happened to accounts and tenants, and what was refused (P7).

A success is written in the transaction of what it tells of. A refusal is written after it, outside: it must not be
rolled back with what was refused. For a known and an unknown address the statements are the same, one SELECT and one
INSERT, so that neither answer nor time tells them apart (I7).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from structlog import get_logger
from structlog.contextvars import get_contextvars

from shared_apps.accounts.models import PlatformAuditEntry, Session, User, small_letters
from shared_apps.core.addresses import network_of
from shared_apps.core.limits import hit
from shared_apps.core.schemas import present_schema

logger = get_logger(__name__)
# Tries beyond a limit come in floods: of one limit and one account or source one is written a minute, and of one
# source so many over all accounts.
NOTED_EVERY_SECONDS, MOST_OF_ONE_SOURCE = 60, 20
MOST_REMEMBERED = 10_000
LONGEST_USER_AGENT = 300
BATCH = 5000

# What happened, in words for its owner.
WORDS: dict[str, Any] = {
    "sign_in.done": _("Logged in"),
    "sign_in.refused": _("Login refused"),
    "sign_in.code_asked": _("Right password, code asked for"),
    "limit.reached": _("Too many tries"),
    "session.ended": _("Logged out"),
    "session.copied": _("Session ended: its token came back a second time"),
    "sessions.ended": _("Logged out everywhere"),
    "password.changed": _("Password changed"),
    "password.reset": _("Password set by a link"),
    "password.reset_asked": _("Link for a new password asked for"),
    "proof.refused": _("Wrong password or code"),
    "email.change_asked": _("Change of email address asked for"),
    "email.changed": _("Email address changed"),
    "totp.on": _("Two-step login turned on"),
    "totp.off": _("Two-step login turned off"),
    "totp.new_codes": _("New recovery codes"),
    "totp.code_used": _("Recovery code used"),
    "social.linked": _("Login through another service added"),
    "social.unlinked": _("Login through another service removed"),
    "account.confirmed": _("Email address confirmed"),
    "account.closed": _("Account closed"),
    "account.operator_made": _("Made an operator"),
    "account.changed": _("Account changed by an operator"),
    "data.export_asked": _("Copy of your data asked for"),
    "data.erasure_asked": _("Erasure asked for"),
    "profile.changed": _("Public profile changed"),
    "profile.reported": _("A profile reported"),
    "profile.hidden": _("Profile hidden by an operator"),
    "profile.kept": _("Reports of the profile dismissed by an operator"),
    "profile.shown_again": _("Profile shown again by an operator"),
    "person.blocked": _("Somebody blocked"),
    "person.unblocked": _("A block taken back"),
    "tenant.opened": _("Organizer opened"),
    "tenant.suspended": _("Organizer suspended"),
    "tenant.resumed": _("Organizer resumed"),
    "tenant.closing": _("Closing of the organizer begun"),
    "tenant.kept": _("Closing of the organizer taken back"),
    "tenant.closed": _("Organizer closed"),
    "text.published": _("Text of the platform published"),
    "tenant.restore_asked": _("Restore of a backup asked for"),
    "tenant.restored": _("Organizer restored from a backup"),
    "tenant.backup_asked": _("Backup asked for"),
    "tenant.renamed": _("Organizer has another address"),
    "domain.claimed": _("Domain added"),
    "domain.proved": _("Domain proved"),
    "domain.primary": _("Main address changed"),
    "domain.lost": _("Domain dropped: its proof ended"),
    "domain.released": _("Domain removed"),
    "operators.refused": _("Operators' page refused"),
    "impersonation.begun": _("An operator enters an organizer's site as somebody"),
    "impersonation.used": _("An operator is on an organizer's site"),
    "impersonation.page": _("An operator looked at a page of an organizer's"),
    "impersonation.ended": _("An operator left an organizer's site"),
    "failed_work.retried": _("Failed work tried again by an operator"),
    "tenant.erased": _("Organizer erased"),
    "tenant.export_asked": _("Copy of the organizer's data asked for"),
    "api_key.made": _("API key made"),
    "api_key.revoked": _("API key revoked"),
    "api_key.refused": _("A revoked or expired API key was used"),
}

_operator: ContextVar[Any] = ContextVar("operator", default=None)


@contextmanager
def acting(operator: Any) -> Iterator[None]:
    """What is noted inside was done by this operator, whosever account it is about."""
    token = _operator.set(operator)
    try:
        yield
    finally:
        _operator.reset(token)


def operator_acting() -> Any:
    """Return the operator of `acting`, None where nobody acts for others."""
    return _operator.get()


def note(
    topic: str,
    user_id: int | None = None,
    *,
    refused: bool = False,
    target: str = "",
    address: str | None = None,
    by_owner: bool = True,
    **details: Any,
) -> None:
    """Write down what happened to an account, with the change itself. One INSERT.

    Who did it: the operator of `acting`, else the account's owner unless `by_owner` says that nobody knows.
    """
    request = get_contextvars()
    operator = _operator.get()
    PlatformAuditEntry.objects.create(
        topic=topic,
        user_id=user_id,
        actor_id=operator.pk if operator is not None else user_id if by_owner and not refused else None,
        refused=refused,
        target=target[:100],
        schema_name=present_schema(),
        details=details,
        request_id=str(request.get("request_id", ""))[:64],
        address=address or request.get("address"),
    )


def note_once(entry_id: UUID, topic: str, user_id: int, *, at: datetime, actor_id: int | None, **details: Any) -> None:
    """Write down what another transaction did, under an id of its own: the second time changes nothing (G2)."""
    entry = PlatformAuditEntry(
        id=entry_id,
        at=at,
        topic=topic,
        user_id=user_id,
        actor_id=actor_id,
        schema_name=present_schema(),
        details=details,
    )
    PlatformAuditEntry.objects.bulk_create([entry], ignore_conflicts=True)


def note_refusal(
    topic: str, *, email: str = "", user_id: int | None = None, address: str | None = None, **details: Any
) -> None:
    """Write down what was refused, by the account's id or by the address that was typed, which itself is not kept.

    Never raises: the refusal stands, whatever becomes of its trace.
    """
    try:
        if user_id is None:
            user_id = _id_of(email)
        note(topic, user_id, refused=True, address=address, **details)
    except DatabaseError:
        logger.exception("a refusal could not be written down")


def note_asked(topic: str, *, email: str, address: str | None = None, **details: Any) -> None:
    """Write down what somebody asked for about an address: two statements, whether it has an account or not."""
    note(topic, _id_of(email), address=address, by_owner=False, **details)


def note_limit(name: str, of: str, *, email: str = "") -> None:
    """Write down that a limit was reached: once a minute for each limit and account or source."""
    if not _first_for_a_minute(f"{name}:{of}"):
        return
    address = get_contextvars().get("address")
    if not hit(f"audit:{name}:{of}", 1, NOTED_EVERY_SECONDS).allowed:
        return
    if not hit(f"audit:{network_of(address)}", MOST_OF_ONE_SOURCE, NOTED_EVERY_SECONDS).allowed:
        return
    kind, _colon, rest = of.partition(":")
    user_id = None
    if kind == "user" and rest.isdigit():
        user_id = int(rest)
    elif kind == "session":
        user_id = Session.objects.filter(pk=rest).values_list("user_id", flat=True).first()
    note_refusal("limit.reached", user_id=user_id, email=email or (of if "@" in of else ""), limit=name)


# By limit and account or source: when this process last looked. Spares a storm of refused tries the way to the cache.
_seen: dict[str, float] = {}


def _first_for_a_minute(key: str) -> bool:
    now = time.monotonic()
    if _seen.get(key, 0.0) > now:
        return False
    if len(_seen) >= MOST_REMEMBERED:
        _seen.clear()
    _seen[key] = now + NOTED_EVERY_SECONDS
    return True


def _id_of(email: str) -> int | None:
    found = User.objects.alias(small=Lower("email")).filter(small=small_letters(email))
    return found.values_list("pk", flat=True).first()


# --- Reading ------------------------------------------------------------------------------------------------------


def history_of(user: Any) -> QuerySet[PlatformAuditEntry]:
    """Return what happened to the person's account, newest first."""
    return PlatformAuditEntry.objects.filter(user_id=user.pk).order_by("-at", "-id")


def words(topic: str) -> Any:
    """Return the topic in words; one without words of its own as it is."""
    return WORDS.get(topic, topic)


def who(entry: PlatformAuditEntry) -> str:
    """Tell who did it: "you", "operator", or "unknown" for whoever was refused and for programs."""
    if entry.actor_id is None:
        return "unknown"
    return "you" if entry.actor_id == entry.user_id else "operator"


# --- Retention ----------------------------------------------------------------------------------------------------


def forget_old(now: datetime | None = None) -> int:
    """Delete entries older than `settings.PLATFORM_AUDIT_DAYS`, in batches with short locks; return how many."""
    before = (now or timezone.now()) - timedelta(days=settings.PLATFORM_AUDIT_DAYS)
    gone = 0
    while True:
        ids = list(PlatformAuditEntry.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:BATCH])
        if not ids:
            return gone
        gone += PlatformAuditEntry.objects.filter(pk__in=ids).delete()[0]
