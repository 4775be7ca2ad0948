"""The demo's accounts with the fake payment providers that `make run` starts."""

import logging
from urllib.parse import urlsplit

from django.conf import settings

from shared_apps.accounts.models import User
from shared_apps.core.errors import DomainError
from tenant_apps.payments import accounts
from tenant_apps.payments.models import ProviderAccount
from tenants.context import in_public, in_tenant
from tenants.models import Tenant

logger = logging.getLogger(__name__)

# The merchants that the FreedomPay fake knows.
MERCHANTS = {"aurora": ("500001", "fake-freedompay-secret"), "kinoteatr": ("500002", "another-freedompay-secret")}


def connect_accounts() -> list[str]:
    """Connect aurora and kinoteatr with every provider that is a fake on this machine; say what was connected.

    Does nothing where a provider's address is not a loopback one: nobody's real account gets demo keys.
    """
    made = []
    for slug, (merchant, secret) in MERCHANTS.items():
        with in_public():
            tenant = Tenant.objects.filter(slug=slug, status=Tenant.Status.OPEN).first()
            owner = User.objects.get(pk=tenant.owner_id) if tenant else None
        if tenant is None:
            continue
        keys = {
            "stripe": (
                settings.STRIPE_API_BASE,
                {"secret_key": f"sk_test_{slug}", "publishable_key": f"pk_test_{slug}"},
            ),
            "paypal": (settings.PAYPAL_SANDBOX_BASE, {"client_id": slug, "client_secret": "demo", "mode": "test"}),
            "freedompay": (
                settings.FREEDOMPAY_API_BASE,
                {"merchant_id": merchant, "secret_key": secret, "mode": "test"},
            ),
        }
        with in_tenant(tenant):
            there = set(ProviderAccount.objects.values_list("provider", flat=True))
            for name, (address, given) in keys.items():
                if name in there or urlsplit(address).hostname != "127.0.0.1":
                    continue
                try:
                    accounts.connect(name, given, actor=owner)
                    made.append(f"{slug}: {name}")
                except DomainError as refusal:
                    logger.warning("the demo's account with %s was not made: %s", name, refusal)
    return made
