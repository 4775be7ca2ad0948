"""Every answer that an event's entrances gave: found by who, what and when, and as a file that opens safely (B5)."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import EARLIEST, LATEST, day_bounds
from shared_apps.core.resources import guarded
from tenant_apps.events.models import Event
from tenant_apps.ticketing.models import CheckIn
from tenant_apps.ticketing.scanning import REASONS

OUTCOMES = {
    "admitted": _("Admitted"),
    "refused": _("Refused"),
    "undone": _("Taken back"),
    "by_hand": _("By hand"),
}
COLUMNS = (
    "scanned_at", "received_at", "list", "gate", "direction", "result", "reason", "ticket", "ticket_type", "holder",
    "by", "note", "left_at", "undone_at", "undone_by", "scan_id",
)  # fmt: skip
_OUTCOMES = {
    "admitted": Q(result="admitted", undone_at__isnull=True),
    "refused": Q(result="refused"),
    "undone": Q(undone_at__isnull=False),
    "by_hand": ~Q(note=""),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; empty values choose nothing. Days are the event's own."""

    list: int | None = None
    outcome: str = ""
    reason: str = ""
    direction: str = ""
    since: date | None = None
    until: date | None = None
    search: str = ""

    @property
    def as_query(self) -> dict[str, str]:
        """The same as it stands in the address."""
        return {
            "list": str(self.list or ""),
            "outcome": self.outcome,
            "reason": self.reason,
            "direction": self.direction,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
            "search": self.search,
        }


def read(query: Mapping[str, str]) -> Filters:
    """Read the filters of an address. What does not fit is left out: a page is shown whatever somebody typed."""

    def one_of(name: str, choices: Any) -> str:
        value = query.get(name, "")
        return value if value in choices else ""

    number = query.get("list", "")
    return Filters(
        list=int(number) if number.isascii() and number.isdigit() and len(number) <= 18 else None,
        outcome=one_of("outcome", OUTCOMES),
        reason=one_of("reason", REASONS),
        direction=one_of("direction", CheckIn.Direction.values),
        since=_day(query.get("from", "")),
        until=_day(query.get("to", "")),
        search=" ".join(query.get("search", "").replace("\x00", "").split())[:100],
    )


def answers(event: Event, wanted: Filters) -> Any:
    """Return the answers that fit, newest first."""
    found = CheckIn.objects.filter(check_in_list__event=event).select_related("check_in_list", "ticket__ticket_type")
    if wanted.list is not None:
        found = found.filter(check_in_list=wanted.list)
    if wanted.outcome:
        found = found.filter(_OUTCOMES[wanted.outcome])
    if wanted.reason:
        found = found.filter(reason=wanted.reason)
    if wanted.direction:
        found = found.filter(direction=wanted.direction)
    if wanted.since:
        found = found.filter(received_at__gte=day_bounds(wanted.since, event.timezone)[0])
    if wanted.until:
        found = found.filter(received_at__lt=day_bounds(wanted.until, event.timezone)[1])
    if wanted.search:
        # Only of this event: a ticket of another one that was refused here is not shown, nor found (I2).
        holder = Q(ticket__holder_name__icontains=wanted.search) | Q(ticket__holder_email__istartswith=wanted.search)
        ticket = holder | Q(ticket__short_code__iexact=wanted.search)
        found = found.filter(ticket & Q(ticket__event=event))
    return found.order_by("-received_at", "-pk")


def with_people(rows: list[Any]) -> list[Any]:
    """Give each answer `by` and `taken_back_by`: the names of who scanned and who took it back. One statement."""
    ids = {row.scanned_by for row in rows} | {row.undone_by for row in rows}
    people = get_user_model().objects.in_bulk([pk for pk in ids if pk is not None])
    for row in rows:
        row.by, row.taken_back_by = _called(people.get(row.scanned_by)), _called(people.get(row.undone_by))
        row.shown = row.ticket if row.ticket is not None and row.reason != "wrong_event" else None
        row.why = REASONS.get(row.reason, "")
    return rows


def csv_lines(found: Any) -> Iterator[str]:
    """Give the answers line by line, a thousand read at a time."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    page: list[Any] = []
    for row in found.iterator(chunk_size=1000):
        page.append(row)
        if len(page) == 1000:
            yield from _lines(writer, page)
            page = []
    yield from _lines(writer, page)


def _lines(writer: Any, page: list[Any]) -> Iterator[str]:
    for row in with_people(page):
        ticket = row.shown
        cells = (
            _at(row.scanned_at), _at(row.received_at), row.check_in_list.name, row.check_in_list.gate, row.direction,
            row.result, row.reason, ticket.short_code if ticket else "", ticket.ticket_type.name if ticket else "",
            ticket.holder_name if ticket else "", row.by, row.note, _at(row.left_at), _at(row.undone_at),
            row.taken_back_by, row.scan_id,
        )  # fmt: skip
        yield writer.writerow([guarded(str(each)) for each in cells])


def _called(person: Any) -> str:
    return "" if person is None else person.name or person.email


def _at(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day.year < LATEST else None


class _Echo:
    """What `csv` writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line
