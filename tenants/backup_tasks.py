"""When backups of tenants are made, put back and forgotten."""

from celery import shared_task

from tenants import backups
from tenants.tasks import PublicTask

# A tenant of a million rows takes a minute or two; nobody waits for an hour. The broker hands a long task out again
# before its end: whoever gets it then finds that it is being done (`backups._claim`).
SOFT_SECONDS, HARD_SECONDS = 3500, 3600


@shared_task(base=PublicTask, name="tenants.write_backup", soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def write_backup(backup_id: str) -> None:
    """After a backup was asked for: make it. Twice is once."""
    backups.write(backup_id)


@shared_task(base=PublicTask, name="tenants.put_back", soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def put_back(restore_id: str) -> None:
    """After a restore was asked for: do it. Twice is once."""
    backups.put_back(restore_id)


@shared_task(base=PublicTask, name="tenants.back_up_due")
def back_up_due() -> int:
    """Every minute: ask for the backups that are due by their tenants' clocks, and send for what waits or whose worker
    died. Twice does it once (G2)."""
    return backups.plan()


@shared_task(base=PublicTask, name="tenants.forget_backups")
def forget_backups() -> int:
    """Every night: delete backups of tenants that were erased long ago. Running it twice changes nothing."""
    return backups.forget_erased()
