"""Two-step login: allauth's TOTP and recovery codes, and what sign-in on many hosts needs besides.

allauth remembers a used code in the cache, by schema; here the row remembers it, so a code is good once on all hosts
and after a lost cache too (RFC 6238, section 5.2; G3).
"""

from datetime import timedelta
from io import BytesIO
from typing import Any, NamedTuple

import qrcode
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt, encrypt
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathImage

from shared_apps.accounts import letters, limits, trail
from shared_apps.accounts.errors import OtpRefused, SecondFactorAlreadyOn, SecondFactorOff, WrongPassword
from shared_apps.accounts.models import EmailCode, Session, User
from shared_apps.core.errors import FieldError, InvalidInput

Type = Authenticator.Type
OTP_DIGITS, RECOVERY_DIGITS = 6, 8
# A sign-in this fresh has just proved the password, and the second factor where there is one.
FRESH = timedelta(minutes=15)


class SetUp(NamedTuple):
    """What an authenticator app needs: the secret in base 32, and the same in the address that its QR holds."""

    secret: str
    url: str


def is_on(user: Any) -> bool:
    """Tell whether signing in as this person takes a code."""
    return Authenticator.objects.filter(user_id=user.pk, type=Type.TOTP).exists()


def codes_left(user: User) -> int:
    """Return how many recovery codes were not used yet."""
    row = Authenticator.objects.filter(user_id=user.pk, type=Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


@transaction.atomic
def takes(user: User, typed: str) -> bool:
    """Use up a code of the app, or a recovery code; False for one that is wrong, old or was used before."""
    code = _digits(typed)
    # The app's row is locked first and by everybody: of two who bring one code at once, one is late.
    rows = list(Authenticator.objects.select_for_update().filter(user_id=user.pk).order_by("id"))
    totp = next((row for row in rows if row.type == Type.TOTP), None)
    if totp is None:
        return False
    if len(code) == OTP_DIGITS:
        step = _step_of(decrypt(totp.data["secret"]), code)
        if step is None or step <= totp.data.get("last_step", 0):
            return False
        _spend(totp, step)
        return True
    codes = next((row for row in rows if row.type == Type.RECOVERY_CODES), None)
    if codes is None or len(code) != RECOVERY_DIGITS or not RecoveryCodes(codes).validate_code(code):
        return False
    trail.note("totp.code_used", user.pk, left=len(RecoveryCodes(codes).get_unused_codes()))
    return True


def _digits(typed: str) -> str:
    """What was typed without the spaces and dashes that people put between; empty if anything else is in it."""
    text = "".join(character for character in typed if not character.isspace() and character != "-")
    return text if text.isascii() and text.isdigit() else ""


def _step_of(secret: str, code: str) -> int | None:
    """Return the half minute, within the tolerance, whose code this is."""
    right = None
    for step in yield_hotp_counters_from_time():
        if constant_time_compare(format_hotp_value(hotp_value(secret, step)), code):
            right = step
    return right


def _spend(row: Authenticator, step: int) -> None:
    row.data["last_step"] = step
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])


def begin(session: Session) -> SetUp:
    """Make a new secret and keep it with the session until a code proves that an app holds it."""
    if is_on(session.user):
        raise SecondFactorAlreadyOn
    secret = generate_totp_secret()
    session.pending_totp = encrypt(secret)
    session.save(update_fields=["pending_totp"])
    return _set_up(session, secret)


def pending(session: Session) -> SetUp:
    """Return what was begun in this session, or begin."""
    if is_on(session.user):
        raise SecondFactorAlreadyOn
    return _set_up(session, decrypt(session.pending_totp)) if session.pending_totp else begin(session)


def _set_up(session: Session, secret: str) -> SetUp:
    return SetUp(secret, get_adapter().build_totp_url(session.user, secret))


def confirm(session: Session, typed: str, *, schema_name: str) -> list[str]:
    """Turn two-step login on by the app's first code, and return the recovery codes, which are shown this once."""
    counted = limits.count("password_check", f"session:{session.pk}")
    with transaction.atomic():
        # Two devices that set up at the same moment: the second one is told so.
        user = User.objects.select_for_update().get(pk=session.user_id)
        if is_on(user):
            raise SecondFactorAlreadyOn
        sealed = Session.objects.select_for_update().values_list("pending_totp", flat=True).get(pk=session.pk)
        secret = decrypt(sealed) if sealed else ""
        step = _step_of(secret, _digits(typed)) if secret else None
        if step is None:
            raise OtpRefused(field="otp")
        _spend(TOTP.activate(user, secret).instance, step)
        Session.objects.filter(user_id=user.pk).update(pending_totp="")
        codes = _fresh_codes(user)
        letters.tell(user, EmailCode.Purpose.TOTP_ON, schema_name=schema_name)
        trail.note("totp.on", user.pk)
    limits.take_back(counted)
    return codes


def turn_off(user: User, *, schema_name: str) -> None:
    """Remove app and recovery codes. Who calls has asked for a proof (`prove`)."""
    with transaction.atomic():
        deleted, _rows = Authenticator.objects.filter(user_id=user.pk).delete()
        if not deleted:
            raise SecondFactorOff
        letters.tell(user, EmailCode.Purpose.TOTP_OFF, schema_name=schema_name)
        trail.note("totp.off", user.pk)


def new_codes(user: User, *, schema_name: str) -> list[str]:
    """Replace the recovery codes; the old ones are void. Who calls has asked for a proof (`prove`)."""
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if not is_on(locked):
            raise SecondFactorOff
        codes = _fresh_codes(locked)
        letters.tell(locked, EmailCode.Purpose.NEW_CODES, schema_name=schema_name)
        trail.note("totp.new_codes", locked.pk)
        return codes


def _fresh_codes(user: User) -> list[str]:
    Authenticator.objects.filter(user_id=user.pk, type=Type.RECOVERY_CODES).delete()
    return list(RecoveryCodes.activate(user).generate_codes())


def prove(session: Session, *, password: str = "", otp: str = "", fresh: bool = False) -> None:
    """Let pass who knows the password, or has a code, or (if `fresh` is enough) signed in just now.

    A stolen session alone must not loosen an account. Wrong proofs count as in a change of the password.
    """
    if fresh and timezone.now() - session.created_at < FRESH:
        return
    if not password and not otp:
        raise InvalidInput(errors=[FieldError("password", "required", _("Type your password."))])
    counted = limits.count("password_check", f"session:{session.pk}")
    if password:
        if not session.user.check_password(password):
            trail.note_refusal("proof.refused", user_id=session.user_id, code=WrongPassword.code)
            raise WrongPassword(field="password")
    elif not takes(session.user, otp):
        trail.note_refusal("proof.refused", user_id=session.user_id, code=OtpRefused.code)
        raise OtpRefused(field="otp")
    limits.take_back(counted)


def svg(url: str) -> str:
    """Return the QR of an address as an SVG element to stand in a page: no request, no inline style."""
    out = BytesIO()
    qrcode.make(url, image_factory=SvgPathImage, border=2).save(out)
    text = out.getvalue().decode()
    return text[text.index("<svg") :]
