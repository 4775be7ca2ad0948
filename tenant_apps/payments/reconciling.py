"""Our ledger beside the provider's books (M8)."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from tenant_apps.activity.services import enqueue
from tenant_apps.payments import providers
from tenant_apps.payments.models import LedgerEntry, ProviderAccount
from tenant_apps.payments.providers.base import ProviderFailed, ProviderRefused

logger = logging.getLogger(__name__)

# The nightly comparison: what moved in a day and a bit, but not what may still be on its way.
NIGHTLY, STILL_ON_ITS_WAY, EDGE = timedelta(hours=26), timedelta(hours=1), timedelta(minutes=30)
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One movement that the books do not agree on. `ours` and `theirs` are (amount in minor units, currency)."""

    provider: str
    kind: str
    reference: str
    ours: tuple[int, str] | None
    theirs: tuple[int, str] | None

    @property
    def amount_minor(self) -> int:
        """By how much the books differ, in minor units; without regard to the currency."""
        return abs((self.ours or (0, ""))[0] - (self.theirs or (0, ""))[0])

    def __str__(self) -> str:
        return f"{self.provider} {self.kind} {self.reference}: ours {self.ours}, theirs {self.theirs}"


def reconcile(account: ProviderAccount, since: datetime, until: datetime) -> Iterator[Difference]:
    """Compare what the provider moved in [since, until) with our ledger. Raises ProviderFailed.

    Entries at the edges may stand a moment apart in the two books, so ours are looked for without regard to time.
    """
    provider = providers.by_name(account.provider)
    theirs = {
        (row.kind, row.reference): (row.amount_minor, row.currency) for row in provider.movements(account, since, until)
    }
    references = {reference for _kind, reference in theirs}
    in_time = LedgerEntry.objects.filter(account=account, at__gte=since, at__lt=until)
    known = LedgerEntry.objects.filter(provider=account.provider, reference__in=references)
    ours = {
        (row.kind, row.reference): (row.amount_minor, row.currency)
        for row in known.union(in_time)
        if row.kind in (LedgerEntry.Kind.PAYMENT, LedgerEntry.Kind.REFUND)
    }
    for kind, reference in sorted(theirs.keys() | ours.keys()):
        mine, its = ours.get((kind, reference)), theirs.get((kind, reference))
        if mine != its:
            yield Difference(account.provider, kind, reference, mine, its)


def reconcile_lately(now: datetime | None = None) -> int:
    """Compare the last day of every account that is in use; returns how many movements differ.

    What differs is logged as an error and told as `books.differ`, once for each movement. An account whose provider
    cannot be asked is left for the next night.
    """
    now = now or timezone.now()
    until = now - STILL_ON_ITS_WAY
    since = until - NIGHTLY
    differing = 0
    for account in ProviderAccount.objects.order_by("provider", "live"):
        try:
            found = list(reconcile(account, since, until))
            if found:
                # Two books tell the moment of one movement a little apart: at an edge it may stand in one of them only.
                wider = set(reconcile(account, since - EDGE, until + EDGE))
                found = [each for each in found if each in wider]
        except (ProviderFailed, ProviderRefused) as error:
            logger.warning("books_not_compared", extra={"account": str(account), "reason": type(error).__name__})
            continue
        differing += len(found)
        for each in found[:MOST_TOLD]:
            logger.error("books_differ", extra={"account": str(account), "movement": str(each)})
            payload = {"provider": each.provider, "kind": each.kind, "reference": each.reference}
            with transaction.atomic():
                enqueue(
                    "books.differ",
                    f"payments.provideraccount:{account.pk}",
                    payload,
                    key=f"books:{account.pk}:{each.kind}:{each.reference}"[:200],
                )
    return differing
