"""A push service with the browsers that are subscribed to it. It reads what it gets as a browser does.

The signature is checked by cryptography's own ECDSA and the body is opened by `http_ece`, so that nothing of the sender
judges itself. `answers` holds what the next calls for a browser are answered, `received` what the browsers showed.
"""

import base64
import json
import os
from typing import Any

import http_ece
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.server import Answer, Fake, Request


def coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def opened(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """One browser: its keys, and what it was shown."""

    def __init__(self, service: "PushService", name: str):
        self.service, self.name = service, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)
        self.shown: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []

    @property
    def subscription(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON()` gives."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": f"{self.service.url}/push/{self.name}",
            "keys": {"p256dh": coded(point), "auth": coded(self.secret)},
        }


class PushService(Fake):
    name = "push"

    def __init__(self, port: int = 0):
        super().__init__(port)
        self.browsers: dict[str, Browser] = {}
        # Whose pushes it takes: the key that browsers subscribed with (RFC 8292).
        self.public_key = ""

    def browser(self, name: str = "one") -> Browser:
        self.browsers[name] = Browser(self, name)
        return self.browsers[name]

    def handle(self, request: Request) -> Answer:
        browser = self.browsers.get(request.path.removeprefix("/push/"))
        if browser is None:
            return Answer(404)
        if not self._is_signed(request.headers.get("authorization", "")):
            return Answer(403)
        if browser.answers:
            return Answer(browser.answers.pop(0))
        if request.headers.get("content-encoding") != "aes128gcm" or not request.headers.get("ttl", "").isdigit():
            return Answer(400)
        if len(request.body) > 4096:
            return Answer(413)
        plain = http_ece.decrypt(request.body, private_key=browser.key, auth_secret=browser.secret, version="aes128gcm")
        browser.shown.append(json.loads(plain))
        browser.headers.append(dict(request.headers))
        return Answer(201)

    def _is_signed(self, header: str) -> bool:
        scheme, _space, rest = header.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme != "vapid" or parts.get("k") != self.public_key:
            return False
        signed, _dot, signature = parts["t"].rpartition(".")
        claims = json.loads(opened(signed.split(".")[1]))
        raw = opened(signature)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), opened(parts["k"]))
        asn1 = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            key.verify(asn1, signed.encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return bool(claims["aud"] == self.url and str(claims["sub"]).startswith("mailto:"))
