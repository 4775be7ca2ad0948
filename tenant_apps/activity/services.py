"""Recording what happened: once, in the transaction in which it happened."""

from typing import Any

from django.db import models
from structlog.contextvars import get_contextvars

from tenant_apps.activity import hints
from tenant_apps.activity.models import AuditEntry, OutboxMessage


def record(
    topic: str,
    target: models.Model,
    *,
    actor: Any = None,
    details: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    deliver: bool = True,
) -> None:
    """Write down who did what to what, and what has to follow from it, with the change itself (G1, P7).

    `actor` is a User, or None for a guest or a job. `details` are kept in the audit trail; `payload` goes to
    the topic's subscribers, who find the rest by the aggregate's id. Call it inside the change's transaction.
    """
    request = get_contextvars()
    aggregate = f"{target._meta.label_lower}:{target.pk}"
    signed_in = actor is not None and actor.is_authenticated
    AuditEntry.objects.create(
        topic=topic,
        actor_id=actor.pk if signed_in else None,
        actor=str(actor) if signed_in else "",
        target=aggregate,
        details=details or {},
        request_id=str(request.get("request_id", ""))[:64],
        address=request.get("address"),
    )
    if deliver:
        OutboxMessage.objects.create(topic=topic, aggregate=aggregate, payload=payload or {})
        hints.deliver_soon()
