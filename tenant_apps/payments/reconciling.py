"""Our ledger beside the provider's books (M8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tenant_apps.payments import providers
from tenant_apps.payments.models import LedgerEntry, ProviderAccount


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
    in_time = LedgerEntry.objects.filter(provider=account.provider, at__gte=since, at__lt=until)
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
