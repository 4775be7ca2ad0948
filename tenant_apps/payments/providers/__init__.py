"""Who moves the money, behind one interface."""

from django.conf import settings

from tenant_apps.payments.errors import UnknownProvider
from tenant_apps.payments.models import ProviderAccount
from tenant_apps.payments.providers.base import Provider
from tenant_apps.payments.providers.freedompay import FreedomPayProvider
from tenant_apps.payments.providers.manual import CashProvider, ManualProvider, TransferProvider
from tenant_apps.payments.providers.paypal import PayPalProvider
from tenant_apps.payments.providers.stripe import StripeProvider
from tenant_apps.payments.providers.test import TestProvider
from tenants.context import current_tenant
from tenants.preferences import preference

_PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        StripeProvider(),
        PayPalProvider(),
        FreedomPayProvider(),
        TransferProvider(),
        CashProvider(),
        ManualProvider(),
        TestProvider(),
    )
}
# What clients that know only of cards send.
CREDIT_CARD = "credit_card"


def by_name(name: str) -> Provider:
    """Return the provider of that name. Raises UnknownProvider."""
    if name not in _PROVIDERS:
        raise UnknownProvider(field="provider")
    return _PROVIDERS[name]


def with_account(name: str) -> Provider:
    """Return the provider of that name if tenants have accounts with it. Raises UnknownProvider."""
    provider = by_name(name)
    if not provider.needs_account:
        raise UnknownProvider(field="provider")
    return provider


def all_with_account() -> list[Provider]:
    """The providers that a tenant can have an account with."""
    return [provider for provider in _PROVIDERS.values() if provider.needs_account]


def offered() -> list[Provider]:
    """The providers that buyers of the present tenant may choose from, in its order; one statement."""
    names = list(preference(current_tenant(), "payment_providers"))
    if settings.DEVELOPMENT and TestProvider.name not in names:
        names.append(TestProvider.name)
    connected = _connected()
    # Whoever connects an account wants it offered; the setting says the order and what else there is.
    names = [name for name in connected if name not in names] + names
    return [
        provider
        for name in names
        if (provider := _PROVIDERS.get(name)) is not None
        and (settings.DEVELOPMENT or not provider.development)
        and (not provider.needs_account or name in connected)
    ]


def _connected() -> list[str]:
    order = list(_PROVIDERS)
    names = ProviderAccount.objects.filter(enabled=True).values_list("provider", flat=True)
    return sorted((name for name in names if name in _PROVIDERS), key=order.index)


def choose(name: str) -> Provider:
    """Return the named provider if it is offered here, or the first one if none is named. Raises UnknownProvider."""
    available = offered()
    if name == CREDIT_CARD:
        available = [provider for provider in available if provider.card or provider.development]
        name = ""
    if not name and available:
        return available[0]
    for provider in available:
        if provider.name == name:
            return provider
    raise UnknownProvider(field="provider")
