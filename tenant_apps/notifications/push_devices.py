"""The browsers in which a person wants pushes: kept as their makers describe them, checked before they are kept."""

import base64
import binascii
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.core import limits, outgoing
from shared_apps.core.errors import FieldError, InvalidInput, NotFound, TooManyRequests
from tenant_apps.notifications.models import PushSubscription

# The oldest makes room: whoever has more has given some away.
MOST_DEVICES = 10
LONGEST_ENDPOINT = 1000
# A browser asks once; a script that asks for ever is stopped.
TRIES, TRIES_SECONDS = 30, 3600


class NoSubscription(InvalidInput):
    code = "push_subscription_invalid"
    message = _("This is no subscription of a browser.")


def devices_of(user: Any) -> QuerySet[PushSubscription]:
    """The person's browsers at this tenant, the newest first."""
    return PushSubscription.objects.filter(user_id=user.pk).order_by("-created_at", "-pk")


def subscribe(user: Any, *, endpoint: str, p256dh: str, auth: str, device: str = "") -> PushSubscription:
    """Keep a browser; one that is known is renewed, and is whoever's is signed in there now.

    The address is somebody's word: it is checked here, and again on each call (B7). Raises NoSubscription,
    AddressRefused, TooManyRequests.
    """
    _check(endpoint, p256dh, auth)
    counted = limits.hit(f"push:{user.pk}", TRIES, TRIES_SECONDS)
    if not counted.allowed:
        raise TooManyRequests(retry_after=counted.reset_after)
    told = {
        "user_id": user.pk,
        "endpoint": endpoint,
        "p256dh": p256dh.rstrip("="),
        "auth": auth.rstrip("="),
        "device": _one_line(device),
        "failures": 0,
        "created_at": timezone.now(),
    }
    with transaction.atomic():
        kept, _new = PushSubscription.objects.update_or_create(digest=_digest(endpoint), defaults=told)
        too_many = devices_of(user).values_list("pk", flat=True)[MOST_DEVICES:]
        PushSubscription.objects.filter(pk__in=list(too_many)).delete()
    return kept


def remove(user: Any, pk: Any) -> None:
    """Forget one of the person's browsers. Raises NotFound for any other."""
    if not devices_of(user).filter(pk=pk).delete()[0]:
        raise NotFound


def _check(endpoint: str, p256dh: str, auth: str) -> None:
    errors = []
    if not endpoint or len(endpoint) > LONGEST_ENDPOINT:
        errors.append(FieldError("endpoint", "invalid", outgoing.AddressRefused.message))
    else:
        try:
            outgoing.check_address(endpoint)
        except outgoing.AddressRefused as refusal:
            errors.append(FieldError("endpoint", refusal.code, str(refusal)))
    if not _is_point(_bytes_of(p256dh)):
        errors.append(FieldError("keys.p256dh", "invalid", NoSubscription.message))
    if len(_bytes_of(auth)) != 16:
        errors.append(FieldError("keys.auth", "invalid", NoSubscription.message))
    if errors:
        raise NoSubscription(errors=errors)


def _is_point(key: bytes) -> bool:
    """Whether it is a public key of P-256, not compressed, as RFC 8291 wants it."""
    if len(key) != 65 or key[0] != 4:
        return False
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key)
    except ValueError:
        return False
    return True


def _bytes_of(text: str) -> bytes:
    """What base64url text stands for; nothing if it is none."""
    if len(text) > 200 or not text.isascii():
        return b""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:60]
