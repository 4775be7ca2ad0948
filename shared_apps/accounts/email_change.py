"""A new address for an account: the password starts it, a code or link sent to the new address ends it (I7).

Asking does the same whether the new address is taken or not; only the letter differs.
"""

from django.db import IntegrityError, transaction
from django.utils import timezone

from shared_apps.accounts import letters, limits, trail
from shared_apps.accounts.codes import MOST_TRIES, is_code, is_key, row_of
from shared_apps.accounts.errors import CodeRefused, SameEmail, WrongPassword
from shared_apps.accounts.models import EmailCode, EmailCodeQuerySet, Session, User, small_letters
from shared_apps.accounts.services import Visit

Purpose = EmailCode.Purpose


def ask(user: User, password: str, email: str, *, session: Session | None, visit: Visit) -> None:
    """Send a code to the new address and word to the present one. Raises WrongPassword, SameEmail."""
    counted = limits.count("password_check", f"session:{session.pk}" if session else f"user:{user.pk}")
    if not user.check_password(password):
        trail.note_refusal("proof.refused", user_id=user.pk, code=WrongPassword.code)
        raise WrongPassword(field="password")
    limits.take_back(counted)
    email = small_letters(email)
    if email == user.email:
        raise SameEmail(field="email")
    limits.count("register_source", limits.source(visit.address))
    limits.count("register_email", email)
    with transaction.atomic():
        # One change at a time: what was asked for before is void.
        void(user)
        letters.ask(Purpose.MOVE, email, schema_name=visit.schema_name, user=user)
        trail.note("email.change_asked", user.pk)
        letters.tell(user, Purpose.MOVE_ASKED, schema_name=visit.schema_name, about=email)


def void(user: User) -> None:
    """Let no code or link of a change of address count any more."""
    _open().filter(user=user).update(used_at=timezone.now())


def _open() -> EmailCodeQuerySet:
    return EmailCode.objects.filter(purpose=Purpose.MOVE, used_at__isnull=True)


def waiting_for(user: User) -> str:
    """Return the address whose code is waited for, or nothing."""
    row = _open().filter(user=user, expires_at__gt=timezone.now()).order_by("-id").first()
    return row.email if row else ""


def confirm_by_code(user: User, code: str, *, visit: Visit) -> User:
    """Move the account to the address that this code was sent to. Raises CodeRefused for whatever is amiss."""
    limits.count("code_source", limits.source(visit.address))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        row = _open().filter(user=user, expires_at__gt=timezone.now()).select_for_update().order_by("-id").first()
        if row is not None and row.tries < MOST_TRIES:
            if is_code(row, code):
                return _move(row, visit)
            EmailCode.objects.filter(pk=row.pk).update(tries=row.tries + 1)
    raise CodeRefused(field="code")


def confirm_by_key(key: str, *, visit: Visit) -> User:
    """The same by the letter's link, on whatever device it is opened: the key proves the address."""
    limits.count("code_source", limits.source(visit.address))
    row_id = row_of(key)
    found = _open().filter(pk=row_id, expires_at__gt=timezone.now()).first() if row_id is not None else None
    if found is None or found.user_id is None or not is_key(found, key):
        raise CodeRefused(field="key")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=found.user_id)
        row = _open().filter(pk=found.pk).select_for_update().first()
        if row is None:
            raise CodeRefused(field="key")
        return _move(row, visit)


def _move(row: EmailCode, visit: Visit) -> User:
    if row.user_id is None:  # a change of address always names whose
        raise CodeRefused(field="code")
    user = User.objects.get(pk=row.user_id)
    now, before = timezone.now(), user.email
    if not user.is_active:
        raise CodeRefused(field="code")
    user.email, user.email_verified_at = row.email, now
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "email_verified_at"])
    except IntegrityError:  # taken, in any case of letters: before the code came back or in the same moment
        raise CodeRefused(field="code") from None
    # Void: this code, registrations of the address, and letters to the address before (a reset link names it).
    EmailCode.objects.filter(email__in=(row.email, before), used_at__isnull=True).update(used_at=now, password="")
    EmailCode.objects.filter(user=user, purpose=Purpose.MOVE, used_at__isnull=True).update(used_at=now)
    trail.note("email.changed", user.pk, before={"email": before}, after={"email": row.email})
    letters.tell(user, Purpose.MOVED, schema_name=visit.schema_name, email=before, about=row.email)
    return user
