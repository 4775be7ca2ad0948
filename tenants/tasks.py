"""Tasks that run inside a tenant, and the one that sends them to all (G2)."""

import logging
from typing import Any

from celery import Task, shared_task
from tenant_schemas_celery.app import get_schema_name_from_task
from tenant_schemas_celery.task import TenantTask as SchemaTask

from shared_apps.core.faults import point
from tenants import lookup, provisioning
from tenants.context import in_public, on_commit, require_schema
from tenants.database import connection
from tenants.errors import NotInTenant, SlugTaken, TenantMissing
from tenants.models import Tenant

logger = logging.getLogger(__name__)

FAN_OUT_EXPIRES_SECONDS = 300
FAN_OUT_BATCH = 500


class _FreshTenantTask(SchemaTask):
    """tenant-schemas-celery's task, without its own copy of the tenants' rows: ours knows of changes at once."""

    abstract = True

    @classmethod
    def get_tenant_for_schema(cls, schema_name: str) -> Tenant:
        tenant = lookup.by_schema(schema_name)
        if tenant is None:
            raise TenantMissing(f"There is no tenant with the schema {schema_name!r}.")
        return tenant

    def apply_async_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Send the task after the commit, for the schema that is the present one now."""
        on_commit(lambda: self.apply_async(*args, **kwargs))

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Send the task after the commit, for the schema that is the present one now."""
        on_commit(lambda: self.delay(*args, **kwargs))


class TenantTask(_FreshTenantTask):
    """A task that runs in the schema it was called in. It refuses to run in public or in a schema that is gone."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Celery swallows what goes wrong while the schema is entered and runs the task all the same, wherever the
        # connection was left. So the task itself asks whether it is where its message says.
        wanted = None if self.request.called_directly else get_schema_name_from_task(self, kwargs)
        if (wanted or connection.schema_name) == "public":
            raise NotInTenant(f"{self.name} needs a tenant; call it inside in_tenant() or through for_each_tenant.")
        require_schema(wanted or connection.schema_name)
        if wanted is not None and connection.schema_name != wanted:
            raise TenantMissing(f"{self.name} was sent for the schema {wanted!r}, which no tenant has.")
        return super().__call__(*args, **kwargs)


class PublicTask(_FreshTenantTask):
    """A task of the whole platform: it runs in public, from wherever it was called."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with in_public():
            return super().__call__(*args, **kwargs)


@shared_task(base=PublicTask, name="tenants.for_each_tenant")
def for_each_tenant(task_name: str, expires: float = FAN_OUT_EXPIRES_SECONDS) -> int:
    """Send the named task to every open tenant, once each; returns to how many.

    A tenant whose task still waits after `expires` seconds skips this round: the next one is on its way by then.
    """
    app = for_each_tenant.app
    task: Task | None = app.tasks.get(task_name)
    if task is None:
        raise LookupError(f"There is no task {task_name!r}.")
    sent = 0
    with in_public(), app.producer_pool.acquire(block=True) as producer:
        schemas = Tenant.objects.open().order_by("pk").values_list("schema_name", flat=True)
        for schema_name in schemas.iterator(chunk_size=FAN_OUT_BATCH):
            task.apply_async(producer=producer, expires=expires, headers={"_schema_name": schema_name})
            sent += 1
            point("sweep.sending")
    return sent


@shared_task(base=PublicTask, name="tenants.finish_openings")
def finish_openings() -> int:
    """Every minute: end openings that were broken off; returns how many. Running it twice changes nothing (N6, G4).

    One that is under way holds the lock of its slug and is left alone.
    """
    finished = 0
    for tenant in list(Tenant.objects.unfinished().order_by("pk")):
        try:
            provisioning.finish_opening(tenant)
        except SlugTaken:
            continue
        except Exception:
            # One that cannot be ended must not keep the others waiting.
            logger.exception("tenant %s cannot be opened", tenant.schema_name)
            continue
        finished += 1
    return finished
