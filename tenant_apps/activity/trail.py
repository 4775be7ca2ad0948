"""Reading the audit trail: by who, what, on what and when; and as a file that a spreadsheet opens safely."""

import csv
import ipaddress
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from shared_apps.core.resources import guarded
from tenant_apps.activity.models import AuditEntry

# A search is a few words; each costs a look at every row of the time that is asked for.
MOST_WORDS = 5
COLUMNS = ("at", "actor", "topic", "target", "refused", "details", "request_id", "address")


def entries(
    *,
    search: str = "",
    actor: str = "",
    topic: str = "",
    target: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    refused: bool | None = None,
) -> Any:
    """Return the entries that fit, newest first. `actor` is an id or part of a name; `topic` and `target` are
    beginnings. `search` is looked for in all of it, details too: each of its words must be somewhere in the entry.
    """
    found = AuditEntry.objects.order_by("-at", "-id")
    for word in search.split()[:MOST_WORDS]:
        anywhere = Q(actor__icontains=word) | Q(topic__icontains=word) | Q(target__icontains=word)
        # The text of the details as Postgres writes it; what people typed is in it as they typed it.
        anywhere |= Q(details_text__icontains=word) | Q(request_id=word)
        if address := _address(word):
            anywhere |= Q(address=address)
        found = found.alias(details_text=Cast("details", TextField())).filter(anywhere)
    if actor:
        by = Q(actor__icontains=actor)
        if actor.lstrip("-").isascii() and actor.lstrip("-").isdigit() and len(actor) <= 18:
            by |= Q(actor_id=int(actor))
        found = found.filter(by)
    if topic:
        found = found.filter(topic__startswith=topic)
    if target:
        found = found.filter(target__startswith=target)
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lt=until)
    if refused is not None:
        found = found.filter(refused=refused)
    return found


def _address(word: str) -> str:
    """The word as a network address, as the database compares it; empty if it is none."""
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return ""


def csv_lines(found: Any) -> Iterator[str]:
    """Give the trail line by line; it is never in memory as a whole (B5)."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for entry in found.iterator(chunk_size=2000):
        row = (
            entry.at.isoformat(), entry.actor, entry.topic, entry.target, "yes" if entry.refused else "no",
            json.dumps(entry.details, ensure_ascii=False, sort_keys=True), entry.request_id, entry.address or "",
        )  # fmt: skip
        yield writer.writerow([guarded(str(each)) for each in row])


class _Echo:
    """What `csv` writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line
