"""What keeps programs from opening accounts and tenants by the thousand, without asking anybody else about people.

Three things, none of which somebody who is one person notices: a field that nobody sees, a page that nobody fills in
within two seconds, and counts over all hosts. A confirmed address comes on top (decision 0045).
"""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import InvalidInput, TooManyRequests
from shared_apps.core.limits import Decision, hit

# name: (how many, in how many seconds). `settings.SIGNUP_LIMITS` overrides.
DEFAULTS: dict[str, tuple[int, int]] = {
    "page_source": (60, 3600),
    "slug_source": (300, 300),
    "open_source": (100, 3600),
    "open_person": (20, 24 * 3600),
}
# The field that people do not see. Its name is one that form-filling programs like.
TRAP = "website"
STAMP = "began"
LEAST = timedelta(seconds=2)
MOST = timedelta(hours=12)
_SALT = "signup.began"


class SentTooSoon(InvalidInput):
    code = "sent_too_soon"
    message = _("Please send it once more.")


def count(name: str, of: str) -> Decision:
    """Count one try of `name` by `of`. Raises TooManyRequests beyond the limit."""
    limit, seconds = {**DEFAULTS, **getattr(settings, "SIGNUP_LIMITS", {})}[name]
    decision = hit(f"signup:{name}:{of}", limit, seconds)
    if not decision.allowed:
        raise TooManyRequests(retry_after=decision.reset_after)
    return decision


def stamp() -> str:
    """Return the word that a page carries which is shown now."""
    return signing.TimestampSigner(salt=_SALT).sign(get_random_string(8))


def check_stamp(word: str) -> None:
    """Raise SentTooSoon for a page that was filled in within two seconds, was never shown, or lay open for half a
    day. The page comes back as it was typed, so that a person only has to press once more."""
    signer = signing.TimestampSigner(salt=_SALT)
    try:
        signer.unsign(word, max_age=MOST)
    except signing.BadSignature:
        raise SentTooSoon from None
    least = timedelta(seconds=getattr(settings, "SIGNUP_LEAST_SECONDS", LEAST.total_seconds()))
    try:
        signer.unsign(word, max_age=least)
    except signing.SignatureExpired:
        return
    raise SentTooSoon
