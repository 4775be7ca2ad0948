"""The text that opens a guest's cart. It is made of the cart's id by the server's key, so it is stored nowhere, and a
first answer can give one before there is a row."""

import uuid

from django.core import signing

from tenants.context import current_tenant


def _signer() -> signing.Signer:
    # With the tenant in it: a token of one opens nothing at another (N2).
    return signing.Signer(sep=".", salt=f"orders.cart {current_tenant().schema_name}", algorithm="sha256")


def token_of(cart_id: uuid.UUID) -> str:
    return _signer().sign(cart_id.hex)


def id_of(token: str) -> uuid.UUID | None:
    """Return which cart a token opens; None for one that this tenant did not give."""
    if len(token) > 100:
        return None
    try:
        return uuid.UUID(_signer().unsign(token))
    except (signing.BadSignature, ValueError):
        return None
