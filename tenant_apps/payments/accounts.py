"""Tenants' accounts with providers: keys in, sealed; never out again."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.payments import connected, keys, providers
from tenant_apps.payments.errors import ProviderUnavailable
from tenant_apps.payments.models import ProviderAccount
from tenant_apps.payments.providers.base import ProviderFailed


def connect(provider_name: str, given: Mapping[str, str], *, actor: Any) -> ProviderAccount:
    """Check the keys with the provider, keep them sealed, and offer the provider from now on.

    Giving keys again replaces those of the same mode. Must not run inside a transaction (O3). Raises UnknownProvider,
    InvalidInput for keys that are refused, ProviderUnavailable.
    """
    provider = providers.with_account(provider_name)
    try:
        live, public, secrets = provider.connect(given, keys.webhook_url(provider.name))
    except ProviderFailed:
        raise ProviderUnavailable(provider=provider.label) from None
    sealed = keys.sealed(secrets)
    if public.get("connected"):
        connected.link(public["account"])
    with transaction.atomic():
        before = (
            ProviderAccount.objects.select_for_update(no_key=True).filter(provider=provider.name, live=live).first()
        )
        told = {"enabled": True, **public}
        change = before_and_after({"enabled": before.enabled, **before.public}, told) if before else made(**told)
        account, _new = ProviderAccount.objects.update_or_create(
            provider=provider.name, live=live, defaults={"public": public, "sealed": sealed, "enabled": True}
        )
        # One mode at a time: a buyer must never be asked for test money in a live shop.
        ProviderAccount.objects.filter(provider=provider.name).exclude(pk=account.pk).update(enabled=False)
        record(
            "payments.account_connected",
            account,
            actor=actor,
            details={"provider": provider.name, "live": live, **change},
        )
    return account


@transaction.atomic
def switch(account: ProviderAccount, enabled: bool, *, actor: Any) -> ProviderAccount:
    """Offer the account to buyers, or stop offering it. Payments under way are brought to their end all the same."""
    account = ProviderAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    if account.enabled == enabled:
        return account
    if enabled:
        ProviderAccount.objects.filter(provider=account.provider).exclude(pk=account.pk).update(enabled=False)
    account.enabled = enabled
    account.save(update_fields=["enabled", "modified_at"])
    record(
        "payments.account_switched",
        account,
        actor=actor,
        details={"provider": account.provider, **before_and_after({"enabled": not enabled}, {"enabled": enabled})},
    )
    return account
