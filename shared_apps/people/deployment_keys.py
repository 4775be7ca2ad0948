"""Keys that a deployment makes for itself once and keeps, sealed."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared_apps.core.secrets import decrypt, encrypt
from shared_apps.people.models import DeploymentKey

PUSH = "push"


def push_key() -> bytes:
    """Return the private half of the key that signs web pushes (P-256, PKCS #8, DER); made if there is none yet.

    `prepare` asks for it first. Two processes that make one at once end with the same. Raises CannotDecrypt after
    SECRET_KEY was changed without a fallback.
    """
    row = DeploymentKey.objects.filter(name=PUSH).first()
    if row is None:
        key = ec.generate_private_key(ec.SECP256R1())
        sealed = encrypt(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), _purpose(PUSH))
        row, _made = DeploymentKey.objects.get_or_create(name=PUSH, defaults={"sealed": sealed})
    return decrypt(row.sealed, _purpose(PUSH))


def _purpose(name: str) -> str:
    return f"deployment.{name}"
