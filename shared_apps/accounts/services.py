"""Everything that changes an account. Nothing here tells a stranger whether an address is known (I7)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode

from shared_apps.accounts import letters, limits, second_factor, trail
from shared_apps.accounts.codes import MOST_TRIES, is_code, is_key, reset_tokens, row_of
from shared_apps.accounts.errors import (
    CodeRefused,
    EmailNotVerified,
    InvalidCredentials,
    OtpInvalid,
    OtpRequired,
    ResetRefused,
    TokenRefused,
    WrongPassword,
)
from shared_apps.accounts.models import EmailCode, Session, User, small_letters
from shared_apps.accounts.tokens import (
    AccessToken,
    Pair,
    RefreshToken,
    claims_of,
    end_everywhere,
    open_session,
    refresh_is_good,
    revoke,
    session_of,
)
from shared_apps.core.codes import unguessable_secret
from shared_apps.core.errors import DomainError, FieldError, InvalidInput


@dataclass(frozen=True)
class Visit:
    """Where a request came from: for limits, for the list of sessions, and for the letters' looks."""

    address: str | None = None
    user_agent: str = ""
    schema_name: str = "public"
    # Whose running session the request carries, and which sign-in of old this browser remembers.
    user_id: int | None = None
    device: str = ""


# --- Registration -----------------------------------------------------------------------------------------------


def register(email: str, password: str, name: str = "", *, visit: Visit, field: str = "password1") -> EmailCode:
    """Ask for an account. The answer, and the work done for it, is the same whether the address is known or not.

    There is no User before the code comes back (`confirm_by_code`). Raises InvalidInput for a password that is refused.
    """
    email = small_letters(email)
    check_new_password(password, User(email=email, name=name), field=field)
    limits.count("register_source", limits.source(visit.address))
    limits.count("register_email", email)
    return _ask(EmailCode.Purpose.REGISTER, email, visit, name=" ".join(name.split()), password=make_password(password))


def resend(email: str, *, visit: Visit) -> None:
    """Send the code of a registration once more, to an address that has one."""
    email = small_letters(email)
    limits.count("register_source", limits.source(visit.address))
    limits.count("register_email", email)
    _ask(EmailCode.Purpose.RESEND, email, visit)


def _ask(purpose: str, email: str, visit: Visit, **fields: Any) -> EmailCode:
    return letters.ask(purpose, email, schema_name=visit.schema_name, **fields)


def confirm_by_code(email: str, code: str, *, visit: Visit) -> User:
    """Make the account that a code of this address stands for. Raises CodeRefused for whatever is amiss."""
    limits.count("code_source", limits.source(visit.address))
    email = small_letters(email)
    with transaction.atomic():
        open_rows = EmailCode.objects.live().filter(email=email, tries__lt=MOST_TRIES)
        rows = list(open_rows.select_for_update().order_by("id"))
        # Every letter on its way is tried, so that it does not matter in which order they are read.
        right = next((row for row in reversed(rows) if is_code(row, code)), None)
        if right is not None:
            return _confirm(right)
        for row in rows:
            EmailCode.objects.filter(pk=row.pk).update(tries=row.tries + 1)
    raise CodeRefused(field="code")


def confirm_by_key(key: str, *, visit: Visit) -> User:
    """Make the account that a letter's link stands for. Raises CodeRefused for whatever is amiss."""
    limits.count("code_source", limits.source(visit.address))
    row_id = row_of(key)
    if row_id is None:
        raise CodeRefused(field="key")
    with transaction.atomic():
        row = EmailCode.objects.live().filter(pk=row_id).select_for_update().first()
        if row is None or not is_key(row, key):
            raise CodeRefused(field="key")
        return _confirm(row)


def _confirm(row: EmailCode) -> User:
    user = User.objects.by_email(row.email)
    now = timezone.now()
    if user is not None and user.email_verified:
        raise CodeRefused(field="code")
    try:
        with transaction.atomic():
            if user is None:
                if not row.password:
                    raise CodeRefused(field="code")
                user = User(email=row.email, name=row.name, language=row.language, password=row.password)
                user.email_verified_at = now
                user.save(force_insert=True)
            else:
                user.email_verified_at = now
                user.password = row.password or user.password
                user.save(update_fields=["email_verified_at", "password"])
                end_everywhere(user)
    except IntegrityError:  # somebody else made this account in the same moment
        raise CodeRefused(field="code") from None
    # Whatever else was on its way to this address is void, and the hashes in it are gone.
    EmailCode.objects.filter(email=row.email, used_at__isnull=True).update(used_at=now, password="")
    trail.note("account.confirmed", user.pk)
    return user


# --- Signing in and out -----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    """A hash of the present kind and cost that no password fits."""
    return make_password(unguessable_secret())


def check_credentials(email: str, password: str) -> User:
    """Return the person. Raises InvalidCredentials, or EmailNotVerified to who knows the password.

    An unknown address costs the same two statements and the same comparison with a hash as a known one, so that time
    does not tell them apart (I7; `bench/signin_timing.py` measures it).
    """
    nobodys = _nobodys_hash()
    user = User.objects.by_email(email)
    waiting = EmailCode.objects.waiting(email).first()
    known = user.password if user is not None else waiting.password if waiting is not None else nobodys
    right = check_password(password, known, setter=_rehash(user, password))
    if not right or (user is not None and not user.is_active) or (user is None and waiting is None):
        raise InvalidCredentials
    if user is None or not user.email_verified:
        raise EmailNotVerified
    return user


def _rehash(user: User | None, password: str) -> Any:
    """What Django calls after the right password if its hash is of an older kind or cost."""

    def save(raw: str) -> None:
        if user is not None:
            user.password = make_password(password)
            user.save(update_fields=["password"])

    return save


def _count_sign_in(email: str, visit: Visit) -> list[limits.Decision]:
    """Count a sign-in within its limits (I8) before it is evaluated, so that parallel ones cannot slip through.

    An owner is never locked out by others' tries: who is signed in, or was on this device, has a count apart.
    """
    email = small_letters(email)
    known = User.objects.filter(pk=visit.user_id, email=email).exists() if visit.user_id else False
    own = f"user:{visit.user_id}" if known else f"device:{visit.device}" if visit.device else email
    return [limits.count("login_source", limits.source(visit.address)), limits.count("login_account", own, email=email)]


def _uncount(counted: list[limits.Decision]) -> None:
    for decision in counted:
        limits.take_back(decision)


def sign_in(email: str, password: str, *, visit: Visit, otp: str = "") -> Pair:
    """Check and open a session.

    Raises OtpRequired to who knows the password of an account with two-step login and brings no code. A wrong code
    counts as a wrong password does.
    """
    counted = _count_sign_in(email, visit)
    try:
        user = check_credentials(email, password)
        _check_second_factor(user, otp)
    except (EmailNotVerified, OtpRequired) as error:
        _uncount(counted)
        _note_refused_sign_in(error, email, visit)
        raise
    except DomainError as error:
        _note_refused_sign_in(error, email, visit)
        raise
    _uncount(counted)
    return _open(user, visit)


def _note_refused_sign_in(error: DomainError, email: str, visit: Visit) -> None:
    """The same two statements, whoever it was (I7)."""
    facts: dict[str, Any] = {"address": visit.address, "user_agent": visit.user_agent[: trail.LONGEST_USER_AGENT]}
    if isinstance(error, OtpRequired):
        trail.note_asked("sign_in.code_asked", email=email, **facts)
    else:
        trail.note_refusal("sign_in.refused", email=email, code=error.code, **facts)


def sign_in_vouched(user: User, *, visit: Visit, otp: str = "") -> Pair:
    """Open a session for who has proved by other means than the password who they are; the code is asked for too."""
    if not otp:
        if second_factor.is_on(user):
            raise OtpRequired(user)
        return _open(user, visit)
    counted = _count_sign_in(user.email, visit)
    try:
        _check_second_factor(user, otp)
    except DomainError as error:
        _note_refused_sign_in(error, user.email, visit)
        raise
    _uncount(counted)
    return _open(user, visit)


def _check_second_factor(user: User, otp: str) -> None:
    if not second_factor.is_on(user):
        return
    if not otp:
        raise OtpRequired(user)
    if not second_factor.takes(user, otp):
        raise OtpInvalid(field="otp")


def _open(user: User, visit: Visit) -> Pair:
    if not user.is_active:
        raise InvalidCredentials
    with transaction.atomic():
        pair = open_session(user, address=visit.address, user_agent=visit.user_agent)
        trail.note(
            "sign_in.done",
            user.pk,
            target=f"accounts.session:{pair.session.pk}",
            address=visit.address,
            user_agent=visit.user_agent[: trail.LONGEST_USER_AGENT],
        )
    return pair


def log_out_cookies(access: str, refresh: str) -> None:
    """End the session that a browser's cookies name, by whichever of them can still be read."""
    claims = claims_of(RefreshToken, refresh) or claims_of(AccessToken, access)
    if claims is not None:
        revoke(claims.session_id, claims.user_id)


def verify_token(text: str) -> None:
    """Raise TokenRefused unless this is a good access token, or a refresh token that would be exchanged now."""
    try:
        session_of(text)
    except TokenRefused as error:
        if error.code != TokenRefused.code:
            raise
        refresh_is_good(text)


# --- Passwords --------------------------------------------------------------------------------------------------


def check_new_password(password: str, user: User, *, field: str) -> None:
    """Refuse a password that is too short, too long, common or like the person's own data (I7)."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(
            errors=[FieldError(field, one.code or "invalid", one.messages[0]) for one in error.error_list]
        ) from None


def change_password(user: User, old: str, new: str, *, session: Session | None, visit: Visit) -> Pair:
    """Set a new password and end every session; return a fresh one for the device in hand."""
    counted = limits.count("password_check", f"session:{session.pk}" if session else f"user:{user.pk}")
    if not user.check_password(old):
        trail.note_refusal("proof.refused", user_id=user.pk, code=WrongPassword.code)
        raise WrongPassword
    limits.take_back(counted)
    check_new_password(new, user, field="new_password1")
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if locked.password != user.password:
            raise WrongPassword
        trail.note("password.changed", user.pk)
        _set_password(locked, new)
        return open_session(locked, address=visit.address, user_agent=visit.user_agent)


def ask_for_reset(email: str, *, visit: Visit) -> None:
    """Send a link for a new password to an address that has an account."""
    email = small_letters(email)
    limits.count("reset_source", limits.source(visit.address))
    limits.count("reset_email", email)
    _ask(EmailCode.Purpose.RESET, email, visit)
    trail.note_asked("password.reset_asked", email=email, address=visit.address)


def user_of_reset(uid: str, token: str) -> User:
    """Return whose link this is. Raises ResetRefused for one that is wrong, used, old or void."""
    return _user_of_reset(uid, token, User.objects.all())


def _user_of_reset(uid: str, token: str, among: Any) -> User:
    try:
        user = among.get(pk=int(force_str(urlsafe_base64_decode(uid))), is_active=True)
    except (User.DoesNotExist, ValueError, OverflowError):
        raise ResetRefused(field="token") from None
    if not reset_tokens.check_token(user, token):
        raise ResetRefused(field="token")
    return user


def reset_password(uid: str, token: str, new: str, *, visit: Visit) -> User:
    """Set a new password by a link, once. The link came by mail, so it proves the address too."""
    limits.count("code_source", limits.source(visit.address))
    with transaction.atomic():
        user = _user_of_reset(uid, token, User.objects.select_for_update())
        check_new_password(new, user, field="new_password1")
        user.email_verified_at = user.email_verified_at or timezone.now()
        trail.note("password.reset", user.pk)
        _set_password(user, new)
        return user


def set_password(user: User, new: str) -> None:
    """Set a password without asking for the old one (operators, the command line)."""
    check_new_password(new, user, field="password")
    with transaction.atomic():
        trail.note("password.changed", user.pk, by_owner=False)
        _set_password(user, new)


def _set_password(user: User, new: str) -> None:
    user.set_password(new)
    user.save(update_fields=["password", "email_verified_at"])
    end_everywhere(user)
    # A change of address that somebody with the old password asked for is void too; the second factor stays.
    moving = EmailCode.objects.filter(user=user, purpose=EmailCode.Purpose.MOVE, used_at__isnull=True)
    moving.update(used_at=timezone.now())
    _ask(EmailCode.Purpose.CHANGED, user.email, Visit(schema_name="public"))


# --- The rest of an account -------------------------------------------------------------------------------------


def deactivate(user: User) -> None:
    """Close the account to its owner at once, on every host."""
    with transaction.atomic():
        user.is_active = False
        user.save(update_fields=["is_active"])
        trail.note("account.closed", user.pk)
        end_everywhere(user)


def update_profile(user: User, **fields: str) -> User:
    """Change name, language or time zone."""
    for name in ("name", "language", "timezone"):
        if name in fields:
            setattr(user, name, fields[name])
    user.save(update_fields=[name for name in ("name", "language", "timezone") if name in fields])
    return user
