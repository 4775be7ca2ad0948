"""Tasks that run inside a tenant, and the one that sends them to all (G2)."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import Task, shared_task
from celery.signals import task_postrun
from django.db import connections
from django_tenants.postgresql_backend.base import FakeTenant
from tenant_schemas_celery.app import get_schema_name_from_task
from tenant_schemas_celery.task import TenantTask as SchemaTask

from shared_apps.core.faults import point
from tenants import due, freshness, lookup, provisioning, schema_state, visits
from tenants.context import in_public, on_commit, require_schema
from tenants.database import connection
from tenants.errors import NotInTenant, SlugTaken, TenantMissing
from tenants.models import Tenant

logger = logging.getLogger(__name__)

FAN_OUT_EXPIRES_SECONDS = 300
FAN_OUT_BATCH = 500
# So many tenants are visited by one task: few messages, and little to do again if its worker dies.
GROUP = 20
# A message that was handed out so often and never ended takes its workers along. All work is in rows, so leaving the
# message costs nothing: who owns the rows sends another.
MOST_DELIVERIES = 10
_COUNTED_SECONDS = 3600
# First key of the advisory locks of tasks that take long, and how soon one comes again that found its place taken.
LASTING_LOCK = 7108
COMES_AGAIN_SECONDS = 1


class _FreshTenantTask(SchemaTask):
    """tenant-schemas-celery's task, without its own copy of the tenants' rows: ours knows of changes at once."""

    abstract = True
    # What is short, comes often and leaves no trace in its session hands its connection on to the next task; opening
    # one costs more than most of them do.
    keeps_connection = False

    @classmethod
    def get_tenant_for_schema(cls, schema_name: str) -> Any:
        # Called where Celery turns an error into a traceback in the log and goes on. A tenant that is gone is no error
        # of ours: the task itself sees that it is not where it should be.
        return lookup.by_schema(schema_name) or FakeTenant(schema_name="public")

    def apply_async_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Send the task after the commit, for the schema that is the present one now."""
        on_commit(lambda: self.apply_async(*args, **kwargs))

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Send the task after the commit, for the schema that is the present one now."""
        on_commit(lambda: self.delay(*args, **kwargs))

    def is_poison(self) -> bool:
        """Whether this message was handed out ten times without ever coming to an end. Told as an error, once."""
        if not (self.request.delivery_info or {}).get("redelivered"):
            return False
        client = freshness.client()
        if client is None:
            return False
        try:
            key = f"foyer-redelivered:{self.request.id}"
            times = client.incr(key)
            client.expire(key, _COUNTED_SECONDS)
        except Exception:  # whatever the client raises: better once too often than never
            freshness.rest()
            return False
        if times < MOST_DELIVERIES:
            return False
        logger.error("task_parked", extra={"parked_task": self.name, "deliveries": times})
        return True


@task_postrun.connect
def part_with_connections(task: Any = None, **kwargs: Any) -> None:
    """Close what the task leaves open, or only what is broken, old or worn, if the next one may have it."""
    if task is None or task.request.is_eager:
        return
    for each in connections.all(initialized_only=True):
        if getattr(task, "keeps_connection", False):
            each.close_if_unusable_or_obsolete()
        else:
            each.close()


class TenantTask(_FreshTenantTask):
    """A task that runs in the schema it was called in. It refuses to run in public.

    Sent to a tenant that was suspended, closed or dropped since, or that waits for migrations, it ends without a word
    but a line in the log: that is what should happen, and nobody's fault (N6). `for_suspended` is for what suspended
    tenants may still do.

    `lasting` is for what takes long: a tenant has one worker for each such task, so that many of one tenant's keep
    nobody else's waiting (N7). Who finds the place taken comes again in a moment, behind what others sent meanwhile.
    """

    abstract = True
    for_suspended = False
    lasting = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Celery swallows what goes wrong while the schema is entered and runs the task all the same, wherever the
        # connection was left. So the task itself asks whether it is where its message says.
        wanted = None if self.request.called_directly else get_schema_name_from_task(self, kwargs)
        if (wanted or connection.schema_name) == "public":
            raise NotInTenant(f"{self.name} needs a tenant; call it inside in_tenant() or through for_each_tenant.")
        if wanted is None:
            require_schema(connection.schema_name)
            return super().__call__(*args, **kwargs)
        if why := self._why_not(wanted):
            logger.warning("task_dropped", extra={"dropped_task": self.name, "schema": wanted, "why": why})
            return None
        if self.is_poison():
            return None
        if not self.lasting:
            return super().__call__(*args, **kwargs)
        with _place_of(wanted, self.name) as mine:
            if mine:
                return super().__call__(*args, **kwargs)
        # Lost in between it is found by who sweeps its rows, as a lost message is (G3).
        self.apply_async(args=args, kwargs=kwargs, countdown=COMES_AGAIN_SECONDS, retry=False)
        return None

    def _why_not(self, wanted: str) -> str:
        """Why nothing is to be done in this schema; "" if something is."""
        if connection.schema_name != wanted:
            return "no tenant has the schema"
        try:
            require_schema(wanted)
        except TenantMissing:
            return "the schema is gone"
        status = getattr(connection.tenant, "status", None)
        resting = status in (Tenant.Status.SUSPENDED, Tenant.Status.CLOSING)
        if status == Tenant.Status.CLOSED or (resting and not self.for_suspended):
            return f"the tenant is {status}"
        if isinstance(connection.tenant, Tenant) and schema_state.is_behind(connection.tenant):
            return "the tenant waits for migrations"
        return ""


@contextmanager
def _place_of(schema: str, task: str) -> Iterator[bool]:
    """Take the tenant's one place for a task that takes long; False if it is taken. A worker's death frees it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [LASTING_LOCK, f"{schema} {task}"])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LASTING_LOCK, f"{schema} {task}"])


class PublicTask(_FreshTenantTask):
    """A task of the whole platform: it runs in public, from wherever it was called."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.request.called_directly and self.is_poison():
            return None
        with in_public():
            return super().__call__(*args, **kwargs)


@shared_task(base=PublicTask, name="tenants.for_each_tenant", keeps_connection=True)
def for_each_tenant(task_name: str, expires: float = FAN_OUT_EXPIRES_SECONDS) -> int:
    """Send the named task to every open tenant that is due, once each; returns to how many.

    Jobs that told when they are due (`tenants.due`) are done in groups of tenants, or alone if they say so; the others
    are sent to every open tenant. A tenant whose task still waits after `expires` seconds skips this round: the next
    one is on its way by then.
    """
    app = for_each_tenant.app
    task: Task | None = app.tasks.get(task_name)
    if task is None:
        raise LookupError(f"There is no task {task_name!r}.")
    if due.has_question(task_name):
        together, one_each = due.fire(task_name)
        _send_visits(together, GROUP, None)
        _send_visits(one_each, 1, task_name if due.is_alone(task_name) else None)
        return len(together) + len(one_each)
    sent = 0
    with in_public(), app.producer_pool.acquire(block=True) as producer:
        schemas = Tenant.objects.open().order_by("pk").values_list("schema_name", flat=True)
        for schema_name in schemas.iterator(chunk_size=FAN_OUT_BATCH):
            task.apply_async(producer=producer, expires=expires, headers={"_schema_name": schema_name})
            sent += 1
    return sent


@shared_task(base=PublicTask, name="tenants.look_around", keeps_connection=True)
def look_around() -> int:
    """Every quarter of a minute: have tenants asked anew whose rows changed, and each one from time to time.

    Returns how many. Twice sends nobody twice (G2).
    """
    tenants = due.look_around()
    _send_visits(tenants, GROUP, None)
    return len(tenants)


@shared_task(base=PublicTask, name="tenants.visit", keeps_connection=True)
def visit(tenants: list[int], job: str | None = None) -> None:
    """Do what is due in these tenants, for two seconds; the rest is another task's. What was done already is not there
    to be taken, so a message that comes twice does nothing (G2)."""
    outcome = visits.go_round(tenants, job)
    _send_visits(outcome.left, GROUP, job)


def _send_visits(tenants: Sequence[int], size: int, job: str | None) -> None:
    if not tenants:
        return
    queue = _queue_of(job) if job else None
    with visit.app.producer_pool.acquire(block=True) as producer:
        for group in visits.in_groups(tenants, size):
            options: dict[str, Any] = {"queue": queue} if queue else {}
            visit.apply_async(
                args=[group, job], producer=producer, retry=False, headers={"_schema_name": "public"},
                expires=due.LEASE.total_seconds() * 2, **options,
            )  # fmt: skip
            point("sweep.sending")


def _queue_of(task_name: str) -> str | None:
    """The queue that a task is routed to, for the visit that does it alone."""
    route = visit.app.amqp.router.route({}, task_name)
    queue = route.get("queue")
    return str(getattr(queue, "name", queue)) if queue else None


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
