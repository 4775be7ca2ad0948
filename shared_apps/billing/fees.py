"""What the fees of tickets come to: reckoned by those who know the orders, kept in public, a row a day and currency.

    fees.reckoned_by(sums_of_day)          # in `ready()` of the app that keeps orders
    fees.collected_by(kept_back)           # … and of the one that keeps payments

It runs with the metering of usage (`usage.measure`), for the same days, and like it is the same however often it runs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared_apps.billing.models import TicketFees
from shared_apps.departures.keeping import keep
from tenants.context import in_public
from tenants.database import connection
from tenants.models import Tenant


@dataclass(frozen=True)
class Sums:
    """Tickets of one currency that cost something and were paid, what they cost, and what the platform has of it."""

    tickets: int
    gross_minor: int
    fee_minor: int


# By currency; begin and end of the time, half-open.
Reckoner = Callable[[datetime, datetime], Mapping[str, Sums]]
Collector = Callable[[datetime, datetime], Mapping[str, int]]
_reckoners: list[Reckoner] = []
_collectors: list[Collector] = []

# As in `usage`: of two that reckon at once the one that looked later has the last word.
_KEEP = """
INSERT INTO billing_ticketfees (tenant_id, day, currency, tickets, gross_minor, fee_minor, collected_minor, measured_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, day, currency) DO UPDATE SET
    tickets = EXCLUDED.tickets, gross_minor = EXCLUDED.gross_minor, fee_minor = EXCLUDED.fee_minor,
    collected_minor = EXCLUDED.collected_minor, measured_at = EXCLUDED.measured_at
WHERE billing_ticketfees.measured_at < EXCLUDED.measured_at
"""


def reckoned_by(reckon: Reckoner) -> None:
    """Name the function that adds up the fees of the present tenant's paid tickets."""
    if reckon not in _reckoners:
        _reckoners.append(reckon)


def collected_by(collect: Collector) -> None:
    """Name the function that tells what of them was kept back from payments already."""
    if collect not in _collectors:
        _collectors.append(collect)


def measure(tenant: Tenant, day: date, begins: datetime, ends: datetime, now: datetime) -> None:
    """Reckon one day of the present tenant and keep what came out. A currency that is gone since counts nothing."""
    sums = {currency: found for reckon in _reckoners for currency, found in reckon(begins, ends).items()}
    collected = {currency: found for collect in _collectors for currency, found in collect(begins, ends).items()}
    with in_public():
        known = set(TicketFees.objects.filter(tenant=tenant, day=day).values_list("currency", flat=True))
        for currency in sorted(known | sums.keys()):
            one = sums.get(currency, Sums(0, 0, 0))
            # More than the fee is never owed, so no more of it counts as paid.
            paid = min(collected.get(currency, 0), one.fee_minor)
            with connection.cursor() as cursor:
                cursor.execute(
                    _KEEP, [tenant.pk, day, currency, one.tickets, one.gross_minor, one.fee_minor, paid, now]
                )


def fees_of(tenant: Tenant, first: date, last: date) -> list[TicketFees]:
    """Return the tenant's days from `first` to `last`, both included, newest first."""
    with in_public():
        rows = TicketFees.objects.filter(tenant=tenant, day__gte=first, day__lte=last)
        return list(rows.order_by("-day", "currency"))


def totals(rows: Iterable[TicketFees]) -> list[dict[str, Any]]:
    """Return the sums of days, one for each currency."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        sums = found.setdefault(
            row.currency,
            {"currency": row.currency, "tickets": 0, "gross_minor": 0, "fee_minor": 0, "collected_minor": 0,
             "due_minor": 0},
        )  # fmt: skip
        for name in ("tickets", "gross_minor", "fee_minor", "collected_minor", "due_minor"):
            sums[name] += getattr(row, name)
    return [found[currency] for currency in sorted(found)]


def owed(tenant: Tenant, first: date, last: date) -> list[dict[str, Any]]:
    """Return what is to be invoiced of these days: `currency`, `tickets` and `due_minor`, where anything is due."""
    return [sums for sums in totals(fees_of(tenant, first, last)) if sums["due_minor"]]


keep("billing.TicketFees", "sums of each day without names, which invoices rest on")
