"""Recording what happened: once, in the transaction in which it happened."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from structlog.contextvars import get_contextvars

from shared_apps.accounts import trail
from shared_apps.core.inserting import insert_all
from tenant_apps.activity import hints
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.activity.queues import queue_of


def record_refusal(actor: Any, target: str, *, topic: str = "access.refused", **details: Any) -> None:
    """Write down that somebody tried what they may not do (P7); `actor` None is whoever would not say who they are."""
    request = get_contextvars()
    AuditEntry.objects.create(
        topic=topic,
        actor_id=None if actor is None else actor.pk,
        actor="" if actor is None else str(actor),
        target=target[:100],
        refused=True,
        details=_told_by(details),
        request_id=str(request.get("request_id", ""))[:64],
        address=request.get("address"),
    )


def before_and_after(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return the details of a change: each field that is not as it was, with both values as text."""
    changed = sorted(name for name in after if before.get(name) != after[name])
    return {
        "fields": changed,
        "before": {name: _told(before.get(name)) for name in changed},
        "after": {name: _told(after[name]) for name in changed},
    }


def _told_by(details: dict[str, Any]) -> dict[str, Any]:
    """Add the platform's operator to what was done in another's name: nobody answers for what they did not do."""
    operator = trail.operator_acting()
    return details if operator is None else {**details, "operator": str(operator)}


def made(**facts: Any) -> dict[str, Any]:
    """Return the details of something new."""
    return {"before": {}, "after": {name: _told(value) for name, value in facts.items()}}


def gone(**facts: Any) -> dict[str, Any]:
    """Return the details of something that is no more: what it was."""
    return {"before": {name: _told(value) for name, value in facts.items()}, "after": {}}


def _told(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return sorted(str(each)[:200] for each in value)
    return str(value)[:500]


def record(
    topic: str,
    target: models.Model,
    *,
    actor: Any = None,
    details: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    deliver: bool = True,
    queue: str | None = None,
    key: str | None = None,
) -> bool:
    """Write down who did what to what, and what has to follow from it, with the change itself (G1, P7).

    `actor` is a User, or None for a guest or a job. `details` are kept in the audit trail; `payload` goes to
    the topic's subscribers, who find the rest by the aggregate's id. Call it inside the change's transaction.
    `queue` is the topic's unless given. With a `key` that was recorded before, nothing is written: returns False.
    """
    if key is not None and not enqueue(topic, aggregate_of(target), payload or {}, key=key, queue=queue):
        return False
    deliver = deliver and key is None
    insert_all(records(topic, target, actor=actor, details=details, payload=payload, deliver=deliver, queue=queue))
    return True


def aggregate_of(target: models.Model) -> str:
    """Return how a row is called in messages: those of one aggregate are delivered in order."""
    return f"{target._meta.label_lower}:{target.pk}"


def message(
    topic: str, aggregate: str, payload: dict[str, Any], *, key: str | None = None, queue: str | None = None
) -> OutboxMessage:
    """Return an outbox message that is not yet written, for `enqueue_all`."""
    return OutboxMessage(
        topic=topic, aggregate=aggregate, payload=payload, dedupe_key=key, queue=queue or queue_of(topic)
    )


def enqueue(
    topic: str, aggregate: str, payload: dict[str, Any], *, key: str | None = None, queue: str | None = None
) -> bool:
    """Write a message without a line in the audit trail; False if its key is there already. In the change's
    transaction: of two that write the same key at once, the second waits for the first."""
    return enqueue_all([message(topic, aggregate, payload, key=key, queue=queue)]) > 0


def enqueue_all(messages: Sequence[OutboxMessage]) -> int:
    """Write many messages in few statements, without those whose key is there already; return how many were new."""
    if not messages:
        return 0
    OutboxMessage.objects.bulk_create(messages, batch_size=500, ignore_conflicts=True)
    for queue in {each.queue for each in messages}:
        hints.deliver_soon(queue)
    if all(each.dedupe_key is None for each in messages):
        return len(messages)
    return OutboxMessage.objects.filter(pk__in=[each.pk for each in messages]).count()


def records(
    topic: str,
    target: models.Model,
    *,
    actor: Any = None,
    details: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    deliver: bool = True,
    queue: str | None = None,
) -> list[models.Model]:
    """Return the rows that `record` writes, for who writes them together with the change in one statement."""
    request = get_contextvars()
    aggregate = aggregate_of(target)
    signed_in = actor is not None and actor.is_authenticated
    rows: list[models.Model] = [
        AuditEntry(
            topic=topic,
            actor_id=actor.pk if signed_in else None,
            actor=str(actor) if signed_in else "",
            target=aggregate,
            details=_told_by(details or {}),
            request_id=str(request.get("request_id", ""))[:64],
            address=request.get("address"),
        )
    ]
    if deliver:
        queue = queue or queue_of(topic)
        rows.append(OutboxMessage(topic=topic, aggregate=aggregate, payload=payload or {}, queue=queue))
        hints.deliver_soon(queue)
    return rows
