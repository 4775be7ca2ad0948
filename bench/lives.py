"""A tenant's life, killed at each step: opened, paused, closed, erased, taken along, restored (N6). Afterwards it is
what was asked for, or as if nobody had asked; never something between."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.stack import Stack
from bench.stories import PATIENCE_SECONDS, Provider, Shop, Story, _numbers

PASSWORD = "a-long-test-password"
COMMAND = "command"


class Life(Story):
    """What happens to a tenant itself. `left` says what is still to come."""

    def __init__(self, stack: Stack, fake: Provider):
        from tests.factories import make_user

        super().__init__(stack, fake)
        self.person = make_user(f"owner{next(_numbers)}@lives.test", password=PASSWORD)
        self._own(self.shop)

    def _own(self, shop: Shop) -> None:
        from tenants.models import Tenant

        Tenant.objects.filter(pk=shop.tenant.pk).update(owner=self.person)
        shop.tenant.refresh_from_db()

    def wanted(self) -> dict[str, str]:
        return {}

    def left(self) -> list[str]:
        raise NotImplementedError

    def platform(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the platform's host as the tenant's owner, until there is an answer."""
        from tests.factories import bearer

        keys = {"Host": f"localhost:{self.shop.stack.port}", "Authorization": f"Bearer {bearer(self.person)}"}
        return self.shop.call(method, f"/api/v1/{path}", body, **keys)

    def row(self) -> Any:
        from tenants.models import Tenant

        return Tenant.objects.get(pk=self.shop.tenant.pk)

    def front(self) -> int:
        """How the site answers now, in whichever process. (Pages need files that this stack does not gather.)"""
        return self.shop.call("GET", "/api/v1/events/").status_code


def schemas_like(name: str) -> set[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", [f"%{name}"])
        return {row[0] for row in cursor.fetchall()}


class Opened(Life):
    """Somebody signs up, and asks again where no answer came."""

    def act(self) -> None:
        self.slug = f"opened-{next(_numbers)}"
        answer = self.platform("POST", "tenants/", {"name": "Opened", "slug": self.slug})
        # Taken by oneself: the first try had gone through, and its answer was lost.
        if answer.status_code != 201 and answer.json().get("code") != "slug_taken":
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")

    def left(self) -> list[str]:
        from tenant_apps.staff.models import Membership
        from tenants import lookup
        from tenants.context import in_tenant
        from tenants.models import Tenant

        rows = list(Tenant.objects.filter(slug=self.slug))
        if [row.status for row in rows] != ["open"]:
            return [f"the tenant is {[row.status for row in rows]}"]
        tenant, found = rows[0], []
        if schemas_like(tenant.schema_name) != {tenant.schema_name}:
            found.append(f"schemas {schemas_like(tenant.schema_name)}")
        if lookup.by_host(f"{self.slug}.localhost") != tenant:
            found.append("the host leads nowhere")
        with in_tenant(tenant):
            if Membership.objects.filter(user_id=self.person.pk).count() != 1:
                found.append("the owner is not on the staff")
        return found


class OpenedByTheSweep(Opened):
    """Somebody signs up and goes away: what was begun is brought to its end, or is not there at all."""

    def act(self) -> None:
        import requests

        from tests.factories import bearer

        self.slug = f"opened-{next(_numbers)}"
        headers = {"Host": f"localhost:{self.shop.stack.port}", "Authorization": f"Bearer {bearer(self.person)}"}
        address = f"http://127.0.0.1:{self.shop.stack.port}/api/v1/tenants/"
        try:
            requests.post(address, json={"name": "Opened", "slug": self.slug}, headers=headers, timeout=30)
        except requests.RequestException:
            return

    def left(self) -> list[str]:
        from tenants.models import Tenant

        if not Tenant.objects.filter(slug=self.slug).exists():
            name = f"t_{self.slug.replace('-', '_')}"
            return [f"schemas {schemas_like(name)}"] if schemas_like(name) else []
        return super().left()


class Paused(Life):
    """An owner pauses: the next request of every process is refused."""

    def act(self) -> None:
        self.platform("POST", f"tenants/{self.shop.slug}/pause/", {"reason": "holidays"})

    def left(self) -> list[str]:
        row = self.row()
        if (row.status, set(row.suspensions)) != ("suspended", {"owner"}) or row.suspended_at is None:
            return [f"the tenant is {row.status} by {sorted(row.suspensions)}"]
        return [] if self.front() == 403 else ["the site still answers"]


class Resumed(Paused):
    """An owner ends a pause."""

    def prepare(self) -> None:
        Paused.act(self)

    def act(self) -> None:
        self.platform("DELETE", f"tenants/{self.shop.slug}/pause/")

    def left(self) -> list[str]:
        row = self.row()
        if (row.status, row.suspensions, row.suspended_at) != ("open", {}, None):
            return [f"the tenant is {row.status} by {sorted(row.suspensions)}"]
        return [] if self.front() == 200 else ["the site does not answer"]


class Closing(Life):
    """An owner begins to close, with days of grace."""

    def act(self) -> None:
        body = {"password": PASSWORD, "slug": self.shop.slug}
        answer = self.platform("POST", f"tenants/{self.shop.slug}/closing/", body)
        if answer.status_code != 202:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")

    def left(self) -> list[str]:
        from shared_apps.departures.models import DepartureLetter

        row = self.row()
        if row.status != "closing" or row.closes_at is None:
            return [f"the tenant is {row.status}"]
        letters = DepartureLetter.objects.filter(tenant=row)
        if letters.count() != 2 or letters.filter(kind="closing", sent_at=None).exists():
            return [f"{letters.count()} letters"]
        return [] if self.front() == 403 else ["the site still answers"]


class Erased(Life):
    """The days of grace are over; the sweep erases."""

    def prepare(self) -> None:
        from django.core.files.base import ContentFile
        from django.core.files.storage import default_storage

        from tenants import provisioning

        self.shop.place(self.shop.free)
        for number in range(3):
            default_storage.save(f"{self.shop.tenant.schema_name}/events/{number}.webp", ContentFile(b"x" * 1000))
        provisioning.begin_closing(self.row(), days=0)

    def act(self) -> None:
        from platform_config.celery import app

        app.send_task("departures.sweep", headers={"_schema_name": "public"}, queue="default")

    def left(self) -> list[str]:
        from django.conf import settings

        from shared_apps.departures import erasing
        from shared_apps.departures.models import DepartureLetter, Erasure
        from tenants.models import ConnectedAccount, Domain, DueJob, RetiredSlug

        row, schema = self.row(), self.shop.tenant.schema_name
        erasures = list(Erasure.objects.filter(tenant=row))
        if len(erasures) != 1 or erasures[0].finished_at is None:
            steps = [sorted(each.steps) for each in erasures]
            return [f"{len(erasures)} erasures with steps {steps}"]
        found = []
        if not erasing.is_genuine(erasures[0]) or erasures[0].steps["counted"]["files"] != 3:
            found.append("the certificate is not right")
        if (row.status, row.owner_id, row.erased_at is None) != ("closed", None, False):
            found.append(f"the row is {row.status} of {row.owner_id}")
        if schemas_like(schema):
            found.append(f"schemas {schemas_like(schema)}")
        if (Path(settings.MEDIA_ROOT) / schema).exists():
            found.append("files")
        for model in (Domain, ConnectedAccount, DueJob):
            if model.objects.filter(tenant=row).exists():
                found.append(model.__name__)
        if not RetiredSlug.objects.filter(slug=self.shop.slug).exists():
            found.append("the slug is free")
        if DepartureLetter.objects.filter(tenant=row, kind="erased", sent_at=None).exists():
            found.append("the letter waits")
        return found


class TakenAlong(Life):
    """An owner asks for everything in one archive; a worker builds it."""

    def prepare(self) -> None:
        self.shop.place(self.shop.free)

    def act(self) -> None:
        answer = self.platform("POST", f"tenants/{self.shop.slug}/exports/")
        if answer.status_code != 202:
            raise RuntimeError(f"{answer.status_code} {answer.text[:300]}")

    def left(self) -> list[str]:
        import zipfile

        from shared_apps.departures import exports

        found = list(exports.of(self.row()))
        if [each.status for each in found] != ["ready"]:
            return [f"archives {[each.status for each in found]}"]
        path = exports.path_of(found[0])
        if sorted(each.name for each in path.parent.iterdir()) != [path.name]:
            return [f"files {sorted(each.name for each in path.parent.iterdir())}"]
        with zipfile.ZipFile(path) as archive:
            return ["the archive is damaged"] if archive.testzip() else []


class Restored(Life):
    """An operator puts a backup in place of what is there, and calls the command again where it died."""

    erased = False

    def prepare(self) -> None:
        from tenants import backup

        self.kept = self.shop.place(self.shop.free)
        self.archive = self.shop.stack.home.folder / f"{self.shop.slug}.zip"
        backup.back_up(self.row(), self.archive)
        if self.erased:
            from shared_apps.departures import erasing

            erasing.erase(self.row(), at_once=True)
        else:
            self.shop.place(self.shop.free)

    def act(self) -> None:
        stack = self.shop.stack
        environment = {**os.environ, "FAULT_POINTS": str(stack.faults), "FAULT_PART": COMMAND}
        command = [sys.executable, "manage.py", "tenant_restore", self.shop.slug, str(self.archive)]
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            # A group of its own: what is killed is the command with all that it started.
            done = subprocess.run(
                command, env=environment, start_new_session=True, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return
            if time.monotonic() > until:
                raise TimeoutError(f"{done.returncode} {done.stderr[-300:]}")
            time.sleep(0.5)

    def left(self) -> list[str]:
        from tenant_apps.orders.models import Order
        from tenants.context import in_tenant

        row, schema = self.row(), self.shop.tenant.schema_name
        if row.status != "open" or schemas_like(schema) != {schema}:
            return [f"the tenant is {row.status} with schemas {schemas_like(schema)}"]
        with in_tenant(row):
            codes = set(Order.objects.values_list("code", flat=True))
        if codes != {self.kept["code"]}:
            return [f"orders {sorted(codes)}"]
        return [] if self.front() == 200 else ["the site does not answer"]


class RestoredAfterErasure(Restored):
    """The same for a tenant that was erased in between."""

    erased = True


STANDING = ("standing.asked", "standing.written", "standing.committed")
_ERASING = ("counted", "schema", "files", "elsewhere", "rows", "caches")
_RESTORING = ("restore.begun", "restore.filled", "restore.exchanging", "restore.exchanged", "restore.done")
# Part, point, and the story that leads there.
POINTS: list[tuple[str, str, type[Life]]] = [
    *(("web", f"opening.{step}", Opened) for step in ("row", "filled", "schema", "written", "open")),
    *(("web", f"opening.{step}", OpenedByTheSweep) for step in ("row", "filled", "schema", "written")),
    *(("web", point, Paused) for point in STANDING),
    *(("web", point, Resumed) for point in STANDING),
    *(("web", point, Closing) for point in STANDING),
    *(("worker", f"erasing.{step}{end}", Erased) for step in _ERASING for end in ("", "_done")),
    *(("worker", f"erasing.{step}", Erased) for step in ("begun", "file", "batch", "sealing", "sealed")),
    *(("worker", point, TakenAlong) for point in ("export.part", "export.written", "export.moved")),
    *((COMMAND, point, Restored) for point in _RESTORING),
    *((COMMAND, point, RestoredAfterErasure) for point in _RESTORING),
]
