"""Who moves the money, behind one interface."""

from django.conf import settings

from tenant_apps.payments.errors import UnknownProvider
from tenant_apps.payments.providers.base import Provider
from tenant_apps.payments.providers.manual import ManualProvider
from tenant_apps.payments.providers.test import TestProvider
from tenants.context import current_tenant
from tenants.preferences import preference

_PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (ManualProvider(), TestProvider())}


def by_name(name: str) -> Provider:
    """Return the provider of that name. Raises UnknownProvider."""
    if name not in _PROVIDERS:
        raise UnknownProvider(field="provider")
    return _PROVIDERS[name]


def offered() -> list[Provider]:
    """The providers that buyers of the present tenant may choose from, in its order."""
    names = list(preference(current_tenant(), "payment_providers"))
    if settings.DEVELOPMENT and TestProvider.name not in names:
        names.append(TestProvider.name)
    return [
        _PROVIDERS[name]
        for name in names
        if name in _PROVIDERS and (settings.DEVELOPMENT or not _PROVIDERS[name].development)
    ]


def choose(name: str) -> Provider:
    """Return the named provider if it is offered here, or the first one if none is named. Raises UnknownProvider."""
    available = offered()
    if not name and available:
        return available[0]
    for provider in available:
        if provider.name == name:
            return provider
    raise UnknownProvider(field="provider")
