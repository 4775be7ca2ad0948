"""Accounts at a provider that tenants linked to the platform's (Stripe Connect): their messages come to one address.

The platform's secret signs them. Whose they are is decided by the row that the tenant made when it linked the account,
and then by the tenant's own account and payments, as for any webhook (O7): a message that only names an account, a
payment or a tenant reaches nobody.
"""

import logging
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenant_apps.payments.callbacks import count_refused, keep
from tenant_apps.payments.errors import AccountTaken, SignatureRefused
from tenant_apps.payments.models import ProviderAccount
from tenant_apps.payments.providers import stripe
from tenant_apps.payments.providers.base import BadSignature, Notice
from tenants.context import current_tenant, in_public, in_tenant
from tenants.errors import TenantMissing
from tenants.models import ConnectedAccount, Tenant
from tenants.restoring import Restored, afterwards

logger = logging.getLogger(__name__)

PROVIDER = "stripe"


def link(account: str) -> None:
    """Say that this account is the present tenant's; must not run inside a transaction, as it writes in public.

    Repeating it changes nothing. Raises AccountTaken if another tenant has linked it.
    """
    tenant = current_tenant()
    with in_public():
        try:
            with transaction.atomic():
                found, _new = ConnectedAccount.objects.get_or_create(
                    provider=PROVIDER, account=account, defaults={"tenant_id": tenant.pk}
                )
        except IntegrityError:
            # Somebody else was faster by a moment.
            found = ConnectedAccount.objects.get(provider=PROVIDER, account=account)
        if found.tenant_id != tenant.pk:
            raise AccountTaken(field="account")


def link_again(restored: Restored) -> Iterable[str]:
    """After a restore the accounts that the tenant had linked are its own again, but for those that another has."""
    accounts = ProviderAccount.objects.filter(provider=PROVIDER, public__connected=True)
    notes = []
    for account in accounts.values_list("public__account", flat=True):
        try:
            link(str(account))
        except AccountTaken:
            notes.append(f"The account {account} at {PROVIDER} is linked by another tenant by now.")
    return notes


afterwards("connected accounts", link_again, order=30)


def receive(body: bytes, headers: Mapping[str, str]) -> bool:
    """Verify one message to the platform's address and hand it to the tenant that linked the account that it names;
    return whether there is one. Runs in public, outside any transaction.

    Raises SignatureRefused, also where the platform has no secret; then nothing is kept but a counter.
    """
    secrets = [secret.strip() for secret in settings.STRIPE_CONNECT_WEBHOOK_SECRET.split(",") if secret.strip()]
    for secret in secrets:
        try:
            event = stripe.verified(body, headers, secret)
            break
        except BadSignature:
            continue
        except ValueError:
            return False
    else:
        count_refused(PROVIDER)
        raise SignatureRefused
    named = event.get("account")
    tenant = _owner(named) if isinstance(named, str) else None
    if tenant is None:
        logger.info("a message about an account that nobody linked: %s", event.get("type"))
        return False
    try:
        with in_tenant(tenant):
            return _hand_over(str(named), event)
    except TenantMissing:
        return False


def _owner(account: str) -> Tenant | None:
    row = ConnectedAccount.objects.filter(provider=PROVIDER, account=account[:120]).select_related("tenant").first()
    return row.tenant if row else None


def _hand_over(named: str, event: dict[str, object]) -> bool:
    live = bool(event.get("livemode"))
    mine = ProviderAccount.objects.filter(provider=PROVIDER, live=live, public__connected=True, public__account=named)
    account = mine.first()
    if account is None:
        return False
    try:
        notice = stripe.notice_of(event)
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.exception("a signed message of %s was not understood", PROVIDER)
        notice = Notice(event_id=f"unread:{timezone.now().timestamp()}", kind="unread")
    keep(account, notice)
    return True
