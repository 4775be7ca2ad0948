"""Web push (RFC 8030, 8291, 8292): to the browsers in which a person asked for it.

What is sent is encrypted for the one browser; its push service sees when and how much, and nothing else. The address
of that service is the browser's word, so it is called as any address that people give (B7).
"""

import base64
import hashlib
import json
import logging
import time
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from django.conf import settings
from django.db.models import F

from shared_apps.core import outgoing
from shared_apps.people.deployment_keys import push_key
from tenant_apps.notifications.channels import Undeliverable
from tenant_apps.notifications.models import PushSubscription
from tenants import links
from tenants.context import current_tenant

logger = logging.getLogger(__name__)

CHANNEL = "push"
# How long the service keeps it for a browser that is off.
KEEP_SECONDS = 24 * 3600
# A signature is good for this long at most (RFC 8292: 24 hours).
SIGNED_SECONDS = 12 * 3600
# Services take 4096 bytes, of which encryption needs some.
MOST_BYTES = 3000
MOST_FAILURES = 5
# The service says that this browser is gone for good; or that it belongs to another key, and so is not ours.
GONE = (404, 410)
NOT_OURS = (401, 403)


class NotTaken(Exception):
    """A push service did not take it; it is asked again later."""


def reaches(recipient: Any) -> bool:
    """Whether the person has a browser that takes pushes."""
    return recipient.user_id is not None and PushSubscription.objects.filter(user_id=recipient.user_id).exists()


def send(topic: Any, recipient: Any, text: Any) -> None:
    """Send it to each of the person's browsers; one that took it is not sent it again by another try.

    Raises Undeliverable if no browser is left, NotTaken if a service has to be asked again.
    """
    key = str(text.key)[:64]
    content = payload(text)
    problems, there = [], False
    for device in PushSubscription.objects.filter(user_id=recipient.user_id).order_by("created_at", "pk"):
        there = True
        if device.last_key == key:
            continue
        try:
            _send_to(device, content, key, urgent=topic.urgent)
        except NotTaken as problem:
            problems.append(str(problem))
    if problems:
        raise NotTaken("; ".join(problems))
    if not there:
        raise Undeliverable("no browser is left")


def payload(text: Any) -> bytes:
    """Return what the service worker gets: title, body, where a click leads, and a tag by which a repeat replaces."""
    tag = hashlib.sha256(str(text.key).encode()).hexdigest()[:32]
    title, body = str(text.title)[:150], str(text.short or text.body)
    if body == title:
        body = str(text.body)
    url = text.url if text.url.startswith(("https://", "http://")) else links.url(current_tenant(), text.url or "/")
    low, high = 0, min(len(body), 1000)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(_json(title, body[:middle], url, tag)) <= MOST_BYTES else (low, middle - 1)
    return _json(title, body if low == len(body) else body[:low].rstrip() + "…", url, tag)


def _json(title: str, body: str, url: str, tag: str) -> bytes:
    return json.dumps({"title": title, "body": body, "url": url, "tag": tag}, ensure_ascii=False).encode()


def _send_to(device: PushSubscription, content: bytes, key: str, *, urgent: bool) -> None:
    # They load aiohttp and more: only where a push is sent.
    from py_vapid import Vapid02
    from pywebpush import WebPusher

    row = PushSubscription.objects.filter(pk=device.pk)
    info = {"endpoint": device.endpoint, "keys": {"p256dh": device.p256dh, "auth": device.auth}}
    body = bytes(WebPusher(info).encode(content, "aes128gcm")["body"])
    parts = urlsplit(device.endpoint)
    signed = Vapid02(_private_key(push_key())).sign(
        {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "sub": f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}",
            "exp": _expiry(),
        }
    )
    headers = {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(KEEP_SECONDS),
        "Urgency": "high" if urgent else "normal",
        # A second try of the same message takes the place of the first, where that still waits for its browser.
        "Topic": base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())[:32].decode(),
        **signed,
    }
    try:
        answer = outgoing.post(device.endpoint, body, headers)
    except outgoing.AddressRefused:
        # It led to a public server when it was given; now it leads inside.
        logger.warning("push_address_refused")
        row.delete()
        return
    except outgoing.NoAnswer as error:
        _failed(row, str(error))
        return
    if answer.status in (200, 201, 202, 204):
        row.update(last_key=key, failures=0)
    elif answer.status in GONE or answer.status in NOT_OURS:
        row.delete()
    elif answer.status in (400, 413):
        logger.warning("push_refused", extra={"status": answer.status})
        row.update(last_key=key, failures=F("failures") + 1)
        row.filter(failures__gte=MOST_FAILURES).delete()
    else:
        _failed(row, f"status {answer.status}")


def _failed(row: Any, problem: str) -> None:
    """Count it; the last of several in a row ends the subscription, so that nothing waits for it for ever."""
    row.update(failures=F("failures") + 1)
    if not row.filter(failures__gte=MOST_FAILURES).delete()[0]:
        raise NotTaken(problem)


def _expiry() -> int:
    return int(time.time()) + SIGNED_SECONDS


@lru_cache(maxsize=2)
def _private_key(der: bytes) -> Any:
    return load_der_private_key(der, None)


def public_key() -> str:
    """Return the public half of this deployment's key, as browsers take it (base64url, without padding)."""
    point_ = _private_key(push_key()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point_).rstrip(b"=").decode()
