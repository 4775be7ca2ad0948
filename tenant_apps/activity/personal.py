"""What the records of this tenant say about people, and what is left of it when one is erased (P3, P7).

The audit trail is append-only but for this: an erased person's name, address and network address go, what was done
and when stays.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import JSONField, Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.activity.models import AuditEntry, IdempotentRequest, OutboxMessage

# So many rows are looked through by one statement: none comes near the limit of 10 s (P5).
STRETCH = 20_000


def _audit(person: Person) -> Rows:
    """What they did, and what was done to what is theirs; without who else did it, and without others' data."""
    mine = Q(actor_id=person.user_id) | Q(target__in=person.targets) | Q(details__user=person.user_id)
    for entry in AuditEntry.objects.filter(mine).order_by("at", "pk").iterator():
        own_act = entry.actor_id == person.user_id
        yield {
            "at": entry.at,
            "topic": entry.topic,
            "target": entry.target,
            "refused": entry.refused,
            "by": "you" if own_act else "somebody else" if entry.actor_id else "",
            "address": entry.address if own_act else None,
            # As staff they may have dealt with others' names; only what concerns themselves is told.
            "details": entry.details if entry.target in person.targets else {},
        }


def _end_audit(person: Person) -> int:
    mine = AuditEntry.objects.filter(actor_id=person.user_id)
    changed = mine.exclude(actor=person.alias, address=None).update(actor=person.alias, address=None)
    as_guest = AuditEntry.objects.filter(target__in=person.targets, actor_id=None, address__isnull=False)
    changed += as_guest.update(address=None)
    for entry in _telling(AuditEntry, ("details",), Q(target__in=person.targets), person):
        entry.details = person.scrubbed(entry.details)
        entry.actor = person.scrubbed(entry.actor)
        entry.save(update_fields=["details", "actor"])
        changed += 1
    return changed


def forget_addresses(before: datetime, *, most: int = STRETCH) -> int:
    """Take the network addresses out of entries older than that, so many a call; returns how many. What was done and by
    whom stays (the tenant's rule of retention)."""
    old = AuditEntry.objects.filter(at__lt=before, address__isnull=False).order_by("pk").values("pk")[:most]
    return AuditEntry.objects.filter(pk__in=old).update(address=None)


def _end_outbox(person: Person) -> int:
    changed = 0
    for message in _telling(OutboxMessage, ("payload", "last_error"), Q(aggregate__in=person.targets), person):
        message.payload = person.scrubbed(message.payload)
        message.last_error = person.scrubbed(message.last_error)
        message.save(update_fields=["payload", "last_error"])
        changed += 1
    return changed


def _end_answers(person: Person) -> int:
    """Answers that are kept for a repeated key: the person's own, and whatever has their address in it."""
    changed = IdempotentRequest.objects.filter(scope__startswith=f"user:{person.user_id} ").delete()[0]
    addresses = [address.lower().encode() for address in {*person.addresses, person.email} if address]
    for pk, body in IdempotentRequest.objects.filter(body__isnull=False).values_list("pk", "body").iterator():
        if body is not None and any(address in bytes(body).lower() for address in addresses):
            changed += IdempotentRequest.objects.filter(pk=pk).delete()[0]
    return changed


def _telling(model: type[Model], columns: tuple[str, ...], theirs: Q, person: Person) -> Iterator[Any]:
    """Rows about what is the person's, and rows that have their own address anywhere in these columns."""
    rows: QuerySet[Any] = model._default_manager.order_by("pk")
    yield from rows.filter(theirs)
    if not person.email:
        return
    contains = Q()
    for name in columns:
        if isinstance(model._meta.get_field(name), JSONField):
            rows = rows.annotate(**{f"{name}_text": Cast(name, TextField())})
            name = f"{name}_text"
        contains |= Q(**{f"{name}__icontains": person.email})
    last = None
    while True:
        rest = model._default_manager.order_by("pk") if last is None else model._default_manager.filter(pk__gt=last)
        bound = list(rest.order_by("pk").values_list("pk", flat=True)[STRETCH - 1 : STRETCH])
        stretch = rows.filter(contains) if last is None else rows.filter(contains, pk__gt=last)
        yield from stretch.filter(pk__lte=bound[0]) if bound else stretch
        if not bound:
            return
        last = bound[0]


hold(
    "audit", "activity.AuditEntry", {"actor", "actor_id", "details", "address"},
    export=_audit, erase=_end_audit, order=20,
)  # fmt: skip
hold("outbox", "activity.OutboxMessage", {"payload", "last_error"}, erase=_end_outbox, order=20)
hold("answers", "activity.IdempotentRequest", {"scope", "body"}, erase=_end_answers, order=20)
harmless("activity.AuditEntry", {"target", "topic"}, "names of kinds and ids of rows")
