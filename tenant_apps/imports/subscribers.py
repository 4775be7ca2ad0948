"""What follows from an upload: a worker takes it up."""

from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage


@subscribe("import.started")
@subscribe("import.accepted")
def take_up(message: OutboxMessage) -> None:
    """Queue the next step of the import; the broker may lose it, then `imports.resume` finds it."""
    from tenant_apps.imports.tasks import advance

    advance.apply_async(args=[message.aggregate.partition(":")[2]], retry=False)
