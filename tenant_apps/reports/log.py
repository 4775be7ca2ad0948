"""The tenant's log: which troubles an owner is told of, in whose words, and for how long they are kept.

The platform's log goes to standard error, for operators. What of it concerns a tenant is noted here as well, by
`platform_config.tenant_log`: only events of the list below, with what they concern, and never a text of an error.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.core.codes import uuid7
from tenant_apps.reports.log_models import LogEntry

KEEP = timedelta(days=90)
# Each kind is one row an hour, so this is reached only by a tenant in which very much goes wrong.
MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble: in words, with {subject} where it names what it concerns, and what to do about it.

    `subject` is the name of the log record's field, or the place of its argument, that says what it concerns.
    """

    event: str
    words: Any
    todo: Any = ""
    subject: str | int | None = None


# By the message of the log record, as the code writes it.
TROUBLES: dict[str, Trouble] = {
    "outbox_subscriber_failed": Trouble(
        "follow_up_failed", _("What should follow from “{subject}” (a mail, a webhook, a job) did not work."),
        _("It is tried again by itself, ten times in some hours."), "topic",
    ),
    "outbox_parked": Trouble(
        "follow_up_set_aside", _("What should follow from “{subject}” failed ten times and was set aside."),
        _("Mend the cause, then let it be tried again."), "topic",
    ),
    "import_failed": Trouble(
        "import_failed", _("Import {subject} broke off; nothing of it was applied."),
        _("Start it again. If it breaks off again, tell the platform's support the number."), "import_id",
    ),
    "the keys of %s cannot be opened: SECRET_KEY was changed": Trouble(
        "keys_closed", _("The keys of {subject} can no longer be read."),
        _("Enter them again under Settings, Payments."), 0,
    ),
    "a signed message of %s was not understood": Trouble(
        "provider_unread", _("A message of {subject} was not understood."),
        _("Compare the money report with the provider's own."), 0,
    ),
    "message %s of %s has no effect yet": Trouble(
        "provider_no_effect", _("A message of {subject} had no effect yet."), _("It is tried again by itself."), 1,
    ),
    "payment %s cannot be asked about": Trouble(
        "payment_unasked", _("A payment provider gave no answer about a payment."), _("It is asked again by itself."),
    ),
    "refund %s cannot be asked about": Trouble(
        "refund_unasked", _("A payment provider gave no answer about a refund."), _("It is asked again by itself."),
    ),
    "payment %s: the provider's answer is of the other mode": Trouble(
        "payment_other_mode", _("A provider answered with test money for a real payment, or the other way round."),
        _("Check the keys under Settings, Payments."),
    ),
    "line %s of statement %s is not booked": Trouble(
        "statement_line", _("A line of bank statement {subject} could not be booked."), _("Look at the statement."), 1,
    ),
    "order %s of a mass refund fails": Trouble(
        "mass_refund", _("A refund among many failed."), _("Look at the list of that refund: it says which and why."),
    ),
    "order %s does not expire": Trouble(
        "order_not_expired", _("An unpaid order could not be ended, so it still holds its places."),
        _("It is tried again by itself. Tell the platform's support if it lasts."),
    ),
    "the waiting list of event %s was not served": Trouble(
        "waiting_not_served", _("A waiting list was not served."), _("It is tried again by itself."),
    ),
    "invariant_broken": Trouble(
        "difference_found", _("The nightly check of the books found a difference ({subject})."),
        _("The platform's operators are told. Tell its support if you notice anything."), "invariant",
    ),
    "report_mail_failed": Trouble(
        "report_mail_failed", _("The scheduled report “{subject}” could not be made or mailed."),
        _("It is tried again by itself. Look at its schedule under Reports."), "report",
    ),
    "request_failed": Trouble(
        "page_failed", _("A page or a request failed on our side."),
        _("Tell the platform's support the request's name."),
    ),
}  # fmt: skip
BY_EVENT: dict[str, Trouble] = {each.event: each for each in TROUBLES.values()}


@dataclass(frozen=True, slots=True)
class Noted:
    """A trouble that happened, not written down yet."""

    event: str
    subject: str
    level: str
    at: datetime
    request_id: str = ""


def write(noted: Iterable[Noted]) -> None:
    """Add what happened to the present tenant's log: one statement each; what repeats within the hour is counted."""
    with connection.cursor() as cursor:
        for each in noted:
            cursor.execute(
                """
                INSERT INTO reports_log (id, hour, event, subject, level, times, last_at, request_id)
                VALUES (%s, %s, %s, %s, %s, 1, %s, %s)
                ON CONFLICT (hour, event, subject) DO UPDATE SET
                    times = reports_log.times + 1, last_at = EXCLUDED.last_at, level = EXCLUDED.level,
                    request_id = EXCLUDED.request_id
                """,
                [
                    uuid7(), each.at.replace(minute=0, second=0, microsecond=0), each.event, each.subject[:100],
                    each.level, each.at, each.request_id[:64],
                ],
            )  # fmt: skip


def in_words(entry: LogEntry) -> tuple[str, str]:
    """Return what happened and what to do, in the present language."""
    known = BY_EVENT.get(entry.event)
    if known is None:
        return entry.event, ""
    # Not str.format: a subject may hold braces.
    return str(known.words).replace("{subject}", entry.subject or "–"), str(known.todo)


def entries(
    *, search: str = "", level: str = "", since: datetime | None = None, until: datetime | None = None
) -> QuerySet[LogEntry]:
    """Return the entries that fit, newest first. `search` finds words of the sentence, the subject and the request."""
    found = LogEntry.objects.order_by("-last_at", "-id")
    if search:
        wanted = search.casefold()
        named = [
            name
            for name, trouble in BY_EVENT.items()
            if wanted in str(trouble.words).casefold() or wanted in str(trouble.todo).casefold()
        ]
        by = Q(event__in=named) | Q(subject__icontains=search) | Q(request_id=search) | Q(event__icontains=search)
        found = found.filter(by)
    if level:
        found = found.filter(level=level)
    if since is not None:
        found = found.filter(last_at__gte=since)
    if until is not None:
        found = found.filter(last_at__lt=until)
    return found


def forget_old(now: datetime | None = None) -> int:
    """Delete what is older than 90 days, and beyond 10,000 rows the oldest; returns how many."""
    now = now or timezone.now()
    gone = LogEntry.objects.filter(hour__lt=now - KEEP).delete()[0]
    beyond = LogEntry.objects.order_by("-hour", "-id").values_list("hour", flat=True)[MOST_ROWS : MOST_ROWS + 1]
    for hour in list(beyond):
        gone += LogEntry.objects.filter(hour__lte=hour).delete()[0]
    return gone
