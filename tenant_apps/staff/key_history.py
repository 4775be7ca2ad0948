"""API keys in the security history of whoever made them, which stands in public (citus.md, rule 3)."""

from shared_apps.accounts import trail
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.staff.models import ApiKey


@subscribe("api_key.made")
@subscribe("api_key.revoked")
def follow_key(message: OutboxMessage) -> None:
    """Note it under the message's own id: repeating it changes nothing (G2)."""
    key = ApiKey.objects.filter(pk=message.aggregate.rpartition(":")[2]).first()
    if key is None:
        return
    trail.note_once(
        message.pk,
        message.topic,
        key.created_by_id,
        at=message.created_at,
        actor_id=message.payload.get("by"),
        key=str(key),
    )
