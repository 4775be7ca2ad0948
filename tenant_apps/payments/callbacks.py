"""What providers tell us by themselves: verified, kept once, applied once, in any order (O6, O7, O8)."""

import logging
import uuid
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from django.core.cache import caches
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from shared_apps.core.errors import NotFound
from shared_apps.core.faults import point
from tenant_apps.payments import disputes, providers
from tenant_apps.payments.errors import SignatureRefused, UnknownProvider
from tenant_apps.payments.models import Payment, ProviderAccount, ProviderEvent, Refund
from tenant_apps.payments.providers.base import BadSignature, Notice, ProviderFailed, Refunded
from tenant_apps.payments.refunds import record_foreign_refund, record_refund
from tenant_apps.payments.services import settle
from tenants.context import on_commit
from tenants.database import connection

logger = logging.getLogger(__name__)

# A message whose effect fails is tried again by the sweep so many times, then left for people to look at.
MOST_TRIES = 10


class Received(NamedTuple):
    """A webhook that was taken: with which account, and whether its effect is done."""

    account: ProviderAccount
    event: ProviderEvent


def receive(provider_name: str, body: bytes, headers: Mapping[str, str], path: str) -> Received:
    """Verify, keep and apply one message of a provider. Must not run inside a transaction.

    The tenant is the one whose address was called, and its own secrets verify (O7). Raises NotFound where the tenant
    has no account with this provider, SignatureRefused; then nothing is kept but a counter.
    """
    try:
        provider = providers.with_account(provider_name)
    except UnknownProvider:
        raise NotFound from None
    accounts = list(ProviderAccount.objects.filter(provider=provider.name).order_by("-enabled"))
    if not accounts:
        raise NotFound
    for account in accounts:
        try:
            notice = provider.read(account, body, headers, path)
        except (BadSignature, ProviderFailed):
            continue
        except (ValueError, KeyError, TypeError, AttributeError):
            # Signed by them, and not of a shape that we know: kept as nothing to do, so that they stop repeating it.
            logger.exception("a signed message of %s was not understood", provider.name)
            notice = Notice(event_id=f"unread:{timezone.now().timestamp()}", kind="unread")
        return Received(account, keep(account, notice))
    count_refused(provider.name)
    raise SignatureRefused


def keep(account: ProviderAccount, notice: Notice) -> ProviderEvent:
    """Keep a verified message of an account once, and give it its effect. Must not run inside a transaction."""
    point("webhook.verified")
    fields = {"kind": notice.kind[:80], "notice": notice.as_json()}
    try:
        with transaction.atomic():
            event = ProviderEvent.objects.create(account=account, event_id=notice.event_id[:120], **fields)
    except IntegrityError:
        event = ProviderEvent.objects.get(account=account, event_id=notice.event_id[:120])
    point("webhook.kept")
    apply(event)
    point("webhook.done")
    return event


def apply(event: ProviderEvent) -> bool:
    """Give a kept message its effect, once; return whether it is done. What fails stays to be tried again."""
    if event.done_at:
        return True
    notice = Notice(**event.notice)
    try:
        if notice.outcome == "ask":
            _ask(event, notice)
        else:
            _apply(event, notice)
    except Exception as error:
        logger.exception("message %s of %s has no effect yet", event.event_id, event.account)
        ProviderEvent.objects.filter(pk=event.pk).update(tries=F("tries") + 1, outcome=type(error).__name__)
        return False
    return True


def _ask(event: ProviderEvent, notice: Notice) -> None:
    """The message only says that there is something to ask: outside any transaction, and by the worker (O3)."""
    payment = _payment(event.account, notice)
    if payment is not None:
        # The row says that it is due; the task only makes it sooner, and may be lost (G3).
        Payment.objects.filter(pk=payment.pk, poll_at__isnull=False).update(poll_at=timezone.now())
        on_commit(partial(_ask_soon, payment))
    _done(event, "asked" if payment else "unknown payment")


def _ask_soon(payment: Payment) -> None:
    """Never fails and never waits for long: with the broker gone, the message is done and the poll asks."""
    from tenant_apps.payments.tasks import ask_provider

    try:
        ask_provider.apply_async(args=[str(payment.pk)], retry=False, expires=60)
    except Exception as error:  # whatever the broker's client raises
        logger.warning("payment_hint_lost", extra={"reason": type(error).__name__})


@transaction.atomic
def _apply(event: ProviderEvent, notice: Notice) -> None:
    # The row's lock makes parallel deliveries wait for each other; the effect and the mark are one transaction (O8).
    event = ProviderEvent.objects.select_for_update(no_key=True).select_related("account").get(pk=event.pk)
    if event.done_at:
        return
    outcome = _effect(event.account, notice)
    point("webhook.effect")
    _done(event, outcome)


def _done(event: ProviderEvent, outcome: str) -> None:
    event.done_at, event.outcome = timezone.now(), outcome
    ProviderEvent.objects.filter(pk=event.pk).update(done_at=event.done_at, outcome=outcome, tries=F("tries") + 1)


def _effect(account: ProviderAccount, notice: Notice) -> str:
    if not notice.outcome:
        return "nothing to do"
    if notice.live != account.live:
        return "other mode"
    if notice.refund:
        return _refund(account, notice)
    if notice.dispute:
        payment = own_payment(account, notice.reference)
        return disputes.tell(payment, notice) if payment else "unknown payment"
    payment = _payment(account, notice)
    if payment is None:
        return "unknown payment"
    return apply_notice(payment, notice)


def apply_notice(payment: Payment, notice: Notice) -> str:
    """Bring the payment to where the provider says it is; returns in a word what that changed."""
    if notice.outcome not in ("succeeded", "failed", "cancelled", "requires_action"):
        return "still open"
    if notice.outcome == "succeeded" and not notice.amount_minor:
        return "no amount"
    settled = settle(
        payment,
        notice.outcome,
        reference=notice.reference,
        amount_minor=notice.amount_minor,
        currency=notice.currency if notice.outcome == "succeeded" else "",
        fee_minor=notice.fee_minor,
    )
    return str(settled.status)


def _payment(account: ProviderAccount, notice: Notice) -> Payment | None:
    """The payment of this account that the message is about; only one that this tenant started (O7)."""
    own = Payment.objects.filter(account=account).select_related("order", "account")
    for wanted in ({"reference": notice.reference}, {"session": notice.session}):
        if all(wanted.values()) and (found := own.filter(**wanted).first()) is not None:
            return found
    key = _uuid(notice.payment)
    found = own.filter(pk=key).first() if key else None
    if found is not None and found.reference and notice.reference and found.reference != notice.reference:
        # It claims to be ours and has another number at the provider than the one we know.
        return None
    return found


def _refund(account: ProviderAccount, notice: Notice) -> str:
    own = Refund.objects.filter(payment__account=account).select_related("payment__order", "payment__account")
    found = own.filter(reference=notice.session).first() if notice.session else None
    if found is None and (key := _uuid(notice.refund)):
        found = own.filter(pk=key).first()
    if found is not None:
        if found.amount_minor != notice.amount_minor or found.currency != notice.currency:
            return "other amount"
        return str(record_refund(found, Refunded(notice.outcome, notice.session)).status)
    payment = own_payment(account, notice.reference)
    if payment is None or notice.outcome != "succeeded" or not notice.amount_minor:
        return "unknown refund"
    record_foreign_refund(payment, notice.amount_minor, notice.session)
    return "refunded at the provider"


def _uuid(text: str) -> uuid.UUID | None:
    """What a provider repeats as our number may be anything."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def own_payment(account: ProviderAccount, reference: str) -> Payment | None:
    """The account's payment with that number at the provider."""
    return Payment.objects.filter(account=account, reference=reference).select_related("order", "account").first()


def apply_open(*, limit: int = 200) -> int:
    """Try again what had no effect yet; returns how many are done now (O8)."""
    waiting = ProviderEvent.objects.filter(done_at=None, tries__lt=MOST_TRIES).select_related("account")
    return sum(apply(event) for event in waiting.order_by("received_at")[:limit])


def count_refused(provider: str) -> None:
    """Nothing of an unsigned message is kept but that there was one, for the self-check page."""
    key = f"webhooks-refused:{connection.schema_name}:{provider}"
    cache = caches["global"]
    if not cache.add(key, 1, 86_400):
        cache.incr(key)
