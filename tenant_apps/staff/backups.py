"""A site's own backups, as its staff see them and ask for one."""

from typing import Any

from django.db import transaction

from tenant_apps.activity.services import made, record
from tenants import backups
from tenants.backup_models import Backup, Restore
from tenants.context import current_tenant, in_public

SHOWN = 60


def ask(actor: Any) -> Backup:
    """Have all of this site backed up now; one that is under way is found. Raises TooManyBackups."""
    tenant = current_tenant()
    backup = backups.ask(tenant)
    with transaction.atomic():
        record("backup.asked", backup, actor=actor, details=made(slug=tenant.slug), deliver=False)
    return backup


def listed() -> list[Backup]:
    """The present tenant's backups, newest first; what failed tells its staff no more than that."""
    schema = current_tenant().schema_name
    with in_public():
        return list(backups.backups_of(schema)[:SHOWN])


def restores() -> list[Restore]:
    """What was put back here, newest first."""
    schema = current_tenant().schema_name
    with in_public():
        return list(Restore.objects.filter(schema_name=schema).select_related("backup")[:SHOWN])


def one(pk: Any) -> Backup:
    """Raises NotFound for another tenant's."""
    return backups.one_of(current_tenant().schema_name, pk)
