"""A provider account's secrets, and the address that its provider calls."""

import json
import logging

from shared_apps.core.secrets import CannotDecrypt, decrypt, encrypt
from tenant_apps.payments.models import ProviderAccount
from tenant_apps.payments.providers.base import ProviderFailed
from tenants.context import current_tenant
from tenants.links import url

logger = logging.getLogger(__name__)


def _purpose() -> str:
    # A row that is copied into another tenant's schema cannot be opened there (N2).
    return f"payments.{current_tenant().schema_name}"


def secrets_of(account: ProviderAccount) -> dict[str, str]:
    """Return the account's secrets. Raises ProviderFailed after SECRET_KEY was changed without a fallback: nothing can
    be asked then, and nothing is decided."""
    try:
        opened: dict[str, str] = json.loads(decrypt(account.sealed, _purpose()))
    except CannotDecrypt:
        logger.error("the keys of %s cannot be opened: SECRET_KEY was changed", account)
        raise ProviderFailed("the keys cannot be opened") from None
    return opened


def webhook_url(provider: str) -> str:
    """Where this provider tells the present tenant what happened; always the primary host (N1)."""
    return url(current_tenant(), f"/api/v1/payments/webhooks/{provider}/")


def sealed(secrets: dict[str, str]) -> bytes:
    """Return secrets as they are kept."""
    return encrypt(json.dumps(secrets).encode(), _purpose())
