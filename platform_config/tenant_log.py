"""Notes in each tenant's own log what of the platform's log concerns its owner (`tenant_apps.reports.log`).

A logging handler only remembers, in the process's memory: a log line may be written in the middle of a transaction
that is about to be undone. What it remembers is written after the request or task, in a statement of its own. A
process that dies in between loses those notes; the line itself stands on standard error.
"""

import logging
import threading
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from celery.signals import task_postrun
from django.core.signals import request_finished
from django.db import Error, connection, transaction
from structlog.contextvars import get_contextvars

# Of one request or task: one that fails a thousand times tells it once an hour and kind anyway.
MOST = 50
_memory = threading.local()


class TenantLogHandler(logging.Handler):
    """Remembers warnings and errors of the closed list that were logged inside a tenant."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._remember(record)
        except Exception:  # a log line must never fail because of its second reader
            self.handleError(record)

    def _remember(self, record: logging.LogRecord) -> None:
        schema = getattr(connection, "schema_name", "public")
        if schema == "public":
            return
        from tenant_apps.reports.log import TROUBLES, Noted

        # structlog's own records carry the whole event as their message.
        fields: dict[str, Any] = record.msg if isinstance(record.msg, dict) else record.__dict__
        trouble = TROUBLES.get(str(record.msg.get("event") if isinstance(record.msg, dict) else record.msg))
        if trouble is None:
            return
        subject: Any = ""
        if isinstance(trouble.subject, int):
            given = record.args if isinstance(record.args, tuple) else ()
            subject = given[trouble.subject] if trouble.subject < len(given) else ""
        elif trouble.subject:
            subject = fields.get(trouble.subject, "")
        level = "error" if record.levelno >= logging.ERROR else "warning"
        noted = Noted(
            trouble.event, " ".join(str(subject).split())[:100], level, datetime.now(UTC),
            str(get_contextvars().get("request_id", ""))[:64],
        )  # fmt: skip
        _notes().append((schema, noted))


def _notes() -> "deque[tuple[str, Any]]":
    notes: deque[tuple[str, Any]] | None = getattr(_memory, "notes", None)
    if notes is None:
        notes = _memory.notes = deque(maxlen=MOST)
    return notes


def write_down(**kwargs: Any) -> None:
    """Write what this thread remembers into its tenants' logs, and forget it. Never fails."""
    notes = _notes()
    if not notes or connection.needs_rollback:
        return
    by_schema: dict[str, list[Any]] = {}
    while notes:
        schema, noted = notes.popleft()
        by_schema.setdefault(schema, []).append(noted)
    from tenant_apps.reports.log import write
    from tenants.context import in_tenant

    for schema, found in by_schema.items():
        # A tenant that is gone, or behind on migrations, or a database that is: the log line is on standard error.
        with suppress(Error, LookupError, RuntimeError, ValueError), in_tenant(schema), transaction.atomic():
            write(found)


def connect() -> None:
    """Write down after each request and each task."""
    request_finished.connect(write_down, weak=False, dispatch_uid="foyer.tenant_log.request")
    task_postrun.connect(write_down, weak=False, dispatch_uid="foyer.tenant_log.task")
