"""A provider account's secrets, and the address that its provider calls."""

import json

from shared_apps.core.secrets import decrypt, encrypt
from tenant_apps.payments.models import ProviderAccount
from tenants.context import current_tenant
from tenants.links import url


def _purpose() -> str:
    # A row that is copied into another tenant's schema cannot be opened there (N2).
    return f"payments.{current_tenant().schema_name}"


def secrets_of(account: ProviderAccount) -> dict[str, str]:
    """Return the account's secrets. Raises CannotDecrypt after SECRET_KEY was changed without a fallback."""
    opened: dict[str, str] = json.loads(decrypt(account.sealed, _purpose()))
    return opened


def webhook_url(provider: str) -> str:
    """Where this provider tells the present tenant what happened; always the primary host (N1)."""
    return url(current_tenant(), f"/api/v1/payments/webhooks/{provider}/")


def sealed(secrets: dict[str, str]) -> bytes:
    """Return secrets as they are kept."""
    return encrypt(json.dumps(secrets).encode(), _purpose())
