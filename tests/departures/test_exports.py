"""Everything of a tenant in one archive: documented, complete, and good enough to come back from (P2)."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from shared_apps.core.errors import WrongState
from shared_apps.departures import exports, letters
from shared_apps.departures.errors import ExportNotReady, TooManyExports
from shared_apps.departures.models import TenantExport
from shared_apps.departures.tasks import forget_old
from tenant_apps.imports.exporting import EXPORTS
from tenants import provisioning
from tenants.context import in_tenant
from tests.factories import make_user


def taken(tenant: Any) -> zipfile.ZipFile:
    export = exports.ask(tenant)
    exports.work(export.pk)
    _export, path = exports.ready(tenant, export.pk)
    return zipfile.ZipFile(path)


def test_the_archive_holds_tables_media_the_trail_and_a_backup(doomed: Any, tmp_path: Any) -> None:
    with taken(doomed) as archive:
        names = set(archive.namelist())
        assert {f"csv/{name}.csv" for name in EXPORTS} <= names
        assert {"csv/payments.csv", "csv/ledger.csv", "csv/staff.csv", "audit/audit.jsonl", "tenant.json"} <= names
        assert {"media/events/picture-320.webp", "media/logos/logo.webp", "backup/doomed.zip"} <= names
        manifest = json.loads(archive.read("manifest.json"))
        assert set(manifest["files"]) == names - {"manifest.json"}
        for name, facts in manifest["files"].items():
            content = archive.read(name)
            assert (len(content), hashlib.sha256(content).hexdigest()) == (facts["bytes"], facts["sha256"]), name
        orders = list(csv.DictReader(io.StringIO(archive.read("csv/orders.csv").decode())))
        assert [(row["email"], row["total"], row["currency"]) for row in orders] == [
            ("buyer@doomed.test", "15.00", "EUR")
        ]
        events = list(csv.DictReader(io.StringIO(archive.read("csv/events.csv").decode())))
        assert events[0]["title"] == "'=Last Night", "no spreadsheet takes it for a formula (B5)"
        assert [json.loads(line)["topic"] for line in archive.read("audit/audit.jsonl").splitlines()]
        facts = json.loads(archive.read("tenant.json"))
        assert facts["slug"] == "doomed" and len(facts["domains"]) == 2
        assert "Doomed Hall" in archive.read("README.txt").decode()
        archive.extract("backup/doomed.zip", tmp_path)
    with in_tenant(doomed):
        from tenant_apps.orders.models import Order

        Order.objects.update(name="Changed since")
    call_command("tenant_restore", "doomed", str(tmp_path / "backup" / "doomed.zip"), stdout=io.StringIO())
    with in_tenant(doomed):
        assert Order.objects.get().name != "Changed since"


@pytest.mark.parametrize("where", ["export.part", "export.written", "export.moved"])
def test_broken_off_anywhere_it_is_built_anew(doomed: Any, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == where:
            connection.connection.close()
            raise Killed

    export = exports.ask(doomed)
    with monkeypatch.context() as patched:
        patched.setattr(exports, "point", die)
        with pytest.raises(Killed):
            exports.work(export.pk)
    connections.close_all()
    with pytest.raises(ExportNotReady):
        exports.ready(doomed, export.pk)
    assert exports.unfinished().get() == export
    exports.work(export.pk)
    done, path = exports.ready(doomed, export.pk)
    assert done.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() and zipfile.ZipFile(path).testzip() is None
    assert done.done == done.total > 10


def test_what_cannot_be_read_is_told_tried_again_and_given_up(doomed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    export = exports.ask(doomed)
    monkeypatch.setattr(exports, "_build", lambda export: 1 / 0)
    for _try in range(exports.MOST_TRIES):
        exports.work(export.pk)
    export.refresh_from_db()
    assert (export.status, export.error, export.tries) == ("failed", "ZeroDivisionError", exports.MOST_TRIES)
    assert exports.ask(doomed).pk != export.pk


def test_only_the_newest_archives_lie_ready_so_that_nobody_fills_the_disk(
    doomed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "parts", list)
    made = []
    for _number in range(exports.MOST_READY + 2):
        made.append(exports.ask(doomed))
        exports.work(made[-1].pk)
    kept = [export.pk for export in made[2:]]
    assert set(exports.of(doomed).filter(status="ready").values_list("pk", flat=True)) == set(kept)
    assert sorted(path.stem for path in exports.folder_of(doomed.schema_name).iterdir()) == sorted(map(str, kept))
    with pytest.raises(ExportNotReady):
        exports.ready(doomed, made[0].pk)


def test_one_that_takes_its_worker_along_each_time_is_given_up(doomed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(export: TenantExport) -> None:
        raise Killed

    export = exports.ask(doomed)
    monkeypatch.setattr(exports, "_build", die)
    for _try in range(exports.MOST_TRIES):
        with pytest.raises(Killed):
            exports.work(export.pk)
    exports.work(export.pk)
    export.refresh_from_db()
    assert (export.status, export.error) == ("failed", "died")
    assert not exports.unfinished().exists()


def test_asking_while_one_is_built_finds_it_and_a_day_has_a_limit(doomed: Any) -> None:
    first = exports.ask(doomed)
    assert exports.ask(doomed) == first
    for _number in range(exports.MOST_A_DAY):
        TenantExport.objects.filter(tenant=doomed).update(status="expired")
        if TenantExport.objects.filter(tenant=doomed).count() < exports.MOST_A_DAY:
            exports.ask(doomed)
    with pytest.raises(TooManyExports):
        exports.ask(doomed)


def test_after_its_days_the_archive_is_gone(doomed: Any, settings: Any) -> None:
    settings.TENANT_EXPORT_DAYS = 3
    taken(doomed).close()
    export = exports.of(doomed).get()
    path = exports.path_of(export)
    assert letters.send_due() == 1 and mail.outbox[0].subject == "The archive of Doomed Hall is ready"
    forget_old()
    assert path.is_file()
    TenantExport.objects.filter(pk=export.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    forget_old()
    assert not path.exists() and exports.of(doomed).get().status == "expired"
    with pytest.raises(ExportNotReady):
        exports.ready(doomed, export.pk)


def test_who_is_suspended_or_closing_takes_everything_along_and_who_closed_does_not(
    doomed: Any, grace: Any, client_for: Any
) -> None:
    provisioning.suspend(doomed, cause="billing")
    provisioning.begin_closing(doomed)
    client = client_for(None, grace)
    begun = client.post("/api/v1/tenants/doomed/exports/")
    assert begun.status_code == 202 and begun.json()["archive"] is None
    exports.work(begun.json()["id"])
    [listed] = client.get("/api/v1/tenants/doomed/exports/").json()["results"]
    assert (listed["status"], listed["done"]) == ("ready", listed["total"])
    told = client.get(f"/api/v1/tenants/doomed/exports/{listed['id']}/").json()
    assert told == listed and told["archive"].startswith("http")
    answer = client.get(f"/api/v1/tenants/doomed/exports/{listed['id']}/archive/")
    content = b"".join(answer.streaming_content)
    assert hashlib.sha256(content).hexdigest() == told["sha256"] and answer["Cache-Control"] == "no-store"
    stranger = client_for(None, make_user())
    for path in ("", f"{listed['id']}/", f"{listed['id']}/archive/"):
        assert stranger.get(f"/api/v1/tenants/doomed/exports/{path}").status_code == 404
    assert stranger.post("/api/v1/tenants/doomed/exports/").status_code == 404
    provisioning.close(doomed)
    with pytest.raises(WrongState):
        exports.ask(doomed)


def test_the_command_writes_the_same_archive(doomed: Any, tmp_path: Any) -> None:
    out = io.StringIO()
    call_command("tenant_export", "doomed", str(tmp_path / "all.zip"), stdout=out)
    assert hashlib.sha256((tmp_path / "all.zip").read_bytes()).hexdigest() in out.getvalue()
