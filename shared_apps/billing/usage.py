"""How much a tenant uses, for billing: counted by the apps that know, kept in public, one row a day.

    meter("orders", lambda begins, ends: Order.objects.filter(created_at__gte=begins, created_at__lt=ends).count())

A day is a day of UTC, the same for every tenant. It is reckoned from the tenant's rows every hour and once more after
its end; then it stays. The row is written in a transaction of its own in public (citus.md, rule 3).
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from shared_apps.billing import fees
from shared_apps.billing.models import Usage
from shared_apps.core.clock import EARLIEST, LATEST
from shared_apps.core.errors import FieldError, InvalidInput
from tenants.context import current_tenant, in_public
from tenants.database import connection
from tenants.models import Tenant

# begin and end of the day, half-open; what counts what lies there now may leave them unused.
Counter = Callable[[datetime, datetime], int]
FIGURES = ("orders", "paid_tickets", "mails", "api_requests", "storage_bytes")
# A day is reckoned for good so long after its end, when whatever was under way at midnight is there.
SETTLED = timedelta(hours=1)
# Days that were missed are made up for, up to so many.
MOST_DAYS = 35
USUAL, LONGEST = timedelta(days=29), timedelta(days=366)

_counters: dict[str, list[Counter]] = {}
# Of two that reckon at once the one that looked later has the last word.
_KEEP = """
INSERT INTO billing_usage (tenant_id, day, orders, paid_tickets, mails, api_requests, storage_bytes, measured_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, day) DO UPDATE SET
    orders = EXCLUDED.orders, paid_tickets = EXCLUDED.paid_tickets, mails = EXCLUDED.mails,
    api_requests = GREATEST(EXCLUDED.api_requests, billing_usage.api_requests),
    storage_bytes = EXCLUDED.storage_bytes, measured_at = EXCLUDED.measured_at
WHERE billing_usage.measured_at < EXCLUDED.measured_at
"""


def meter(figure: str, count: Counter) -> None:
    """Name the function that counts a figure in the present tenant, from `ready()` of the app that knows. Where several
    count, as those who keep files, it is added up."""
    if figure not in FIGURES:
        raise ValueError(f"{figure!r} is no figure of usage; see FIGURES.")
    counters = _counters.setdefault(figure, [])
    if count not in counters:
        counters.append(count)


def measure(now: datetime | None = None) -> list[date]:
    """Reckon the present tenant's days that are not settled yet, and return which. Twice, or two at once, is once."""
    now = now or timezone.now()
    tenant = current_tenant()
    days = list(_open_days(tenant, now))
    for day in days:
        begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
        ends = begins + timedelta(days=1)
        figures = {name: sum(count(begins, ends) for count in found) for name, found in _counters.items()}
        with in_public(), connection.cursor() as cursor:
            cursor.execute(_KEEP, [tenant.pk, day, *(figures.get(name, 0) for name in FIGURES), now])
        fees.measure(tenant, day, begins, ends, now)
    return days


def _open_days(tenant: Tenant, now: datetime) -> Iterable[date]:
    """Days from the last that was settled up to today; of a tenant without rows, its first day is today."""
    today = now.astimezone(UTC).date()
    with in_public():
        rows = dict(
            Usage.objects.filter(tenant=tenant, day__gte=today - timedelta(days=MOST_DAYS)).values_list(
                "day", "measured_at"
            )
        )
    first = min(rows, default=today)
    for back in range((today - first).days, -1, -1):
        day = today - timedelta(days=back)
        if day not in rows or not _settles(day, rows[day]):
            yield day


def _settles(day: date, measured_at: datetime) -> bool:
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return measured_at >= end + SETTLED


def period(first: str, last: str, now: datetime | None = None) -> tuple[date, date]:
    """Return the days that somebody asked for, as text; empty: the last 30. Raises InvalidInput beyond a year."""
    until = _day(last, "to") or (now or timezone.now()).astimezone(UTC).date()
    since = _day(first, "from") or until - USUAL
    if not timedelta(0) <= until - since <= LONGEST:
        message = _("From must lie before to, by at most 366 days.")
        raise InvalidInput(errors=[FieldError("from", "invalid", message)])
    return since, until


def _day(given: str, field: str) -> date | None:
    if not given:
        return None
    try:
        found = parse_date(given)
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found.year < LATEST:
        raise InvalidInput(errors=[FieldError(field, "invalid", _("Write a day as 2027-05-31."))])
    return found


def usage_of(tenant: Tenant, first: date, last: date) -> list[Usage]:
    """Return the tenant's days from `first` to `last`, both included, newest first."""
    with in_public():
        return list(Usage.objects.filter(tenant=tenant, day__gte=first, day__lte=last).order_by("-day"))


def totals(rows: Iterable[Usage]) -> dict[str, int]:
    """Return the sums of days; of storage, which is no sum, the most that lay there."""
    found = list(rows)
    sums = {name: sum(getattr(row, name) for row in found) for name in FIGURES}
    sums["storage_bytes"] = max((row.storage_bytes for row in found), default=0)
    return sums
