"""A tenant ends: nothing of it is left, nobody else loses anything, and a certificate tells (N5, N6, P2)."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections
from django.utils import timezone

from shared_apps.accounts.models import PlatformAuditEntry
from shared_apps.departures import erasing, exports, keeping, leaving, letters
from shared_apps.departures.errors import NotClosed
from shared_apps.departures.models import DepartureLetter, Erasure
from shared_apps.departures.tasks import sweep
from tenants import lookup, migrating, provisioning
from tenants.context import in_tenant
from tenants.errors import SlugTaken
from tenants.models import ConnectedAccount, Domain, RetiredSlug, Tenant
from tests.factories import PASSWORD, make_user


def schema_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [name])
        return bool(cursor.fetchone()[0])


def assert_nothing_is_left(tenant: Tenant) -> None:
    assert not schema_exists(tenant.schema_name)
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.webp"))
    assert not Domain.objects.filter(tenant=tenant).exists()
    assert not ConnectedAccount.objects.filter(tenant=tenant).exists()
    row = Tenant.objects.get(pk=tenant.pk)
    assert (row.status, row.name, row.owner, row.tagline, row.preferences) == ("closed", "doomed", None, "", {})
    assert row.erased_at is not None and row.closes_at is None
    assert RetiredSlug.objects.get(slug="doomed").tenant_id == tenant.pk
    assert lookup.by_host("doomed.localhost") is None and lookup.by_host("tickets.doomed.test") is None
    assert Erasure.objects.filter(tenant=tenant).count() == 1


def test_what_is_erased_is_gone_everywhere_and_certified(doomed: Any, grace: Any, page_for: Any) -> None:
    from django.core.cache import caches

    with in_tenant(doomed):
        caches["default"].set("kept", "of doomed")
    leaving.pause(doomed, reason="We stop.")
    erasure = erasing.erase(doomed, reason="asked for", at_once=True)
    assert_nothing_is_left(doomed)
    certificate = erasure.certificate
    assert certificate is not None and erasing.is_genuine(erasure)
    counted = certificate["steps"]["counted"]
    assert (certificate["name"], certificate["reason"]) == ("Doomed Hall", "asked for")
    assert counted["rows_by_table"]["orders_order"] == 1 and counted["files"] == 2 and counted["file_bytes"] == 11
    assert certificate["steps"]["files"]["files"] == 2
    assert certificate["steps"]["caches"]["keys"] >= 1
    removed, kept = certificate["steps"]["rows"]["removed"], certificate["steps"]["rows"]["kept"]
    assert removed["tenants.Domain"] == 2 and removed["tenants.ConnectedAccount"] == 1
    assert "departures.Erasure" in kept
    assert "buyer@doomed.test" not in json.dumps(certificate) and "grace" not in json.dumps(certificate)
    entry = PlatformAuditEntry.objects.get(topic="tenant.erased")
    assert entry.user_id == grace.pk and entry.details["erasure"] == str(erasure.pk)

    erasure.certificate = {**certificate, "name": "Somebody Else"}
    assert not erasing.is_genuine(erasure)

    page = page_for().get(f"/erasures/{erasure.secret}/")
    assert page.status_code == 200 and "Doomed Hall" in page.content.decode() and erasure.signature in str(page.content)
    file = page_for().get(f"/erasures/{erasure.secret}/certificate.json")
    assert json.loads(file.content)["signature"] == erasure.signature
    told = page_for().get(f"/api/v1/erasures/{erasure.secret}/").json()
    assert told["status"] == "done" and told["certificate"]["name"] == "Doomed Hall"
    assert page_for().get("/erasures/nothing/").status_code == 404
    assert page_for().get("/api/v1/erasures/nothing/").status_code == 404

    with pytest.raises(SlugTaken):
        provisioning.open_tenant(name="Other", slug="doomed", owner=make_user())
    assert erasing.erase(doomed).pk == erasure.pk, "a second erasure finds the first"


class Killed(BaseException):
    """As sudden as a SIGKILL: no handler of ours sees it, the connection goes with it."""


@pytest.mark.parametrize(
    "where",
    [*(f"erasing.{name}{end}" for name in erasing.STEPS for end in ("", "_done")), "erasing.file", "erasing.batch",
     "erasing.sealing", "erasing.sealed"],
)  # fmt: skip
def test_killed_at_any_step_the_sweep_ends_it(doomed: Any, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provisioning.begin_closing(doomed, days=0)
    erasure = erasing.begin(doomed)

    def die(name: str) -> None:
        if name == where:
            connection.connection.close()
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "point", die)
        with pytest.raises(Killed):
            erasing.work(erasure.pk)
    connections.close_all()
    erasing.work(erasure.pk)
    assert_nothing_is_left(doomed)
    erasure.refresh_from_db()
    assert erasure.finished_at is not None and erasing.is_genuine(erasure)
    assert erasure.steps["counted"]["rows_by_table"]["orders_order"] == 1, "counted before anything went"


def test_two_workers_at_one_erasure_do_it_once(doomed: Any) -> None:
    erasure = erasing.begin(doomed, at_once=True)
    other = migrating.connector()()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7104, hashtext(%s))", [str(erasure.pk)])
    erasing.work(erasure.pk)
    assert schema_exists(doomed.schema_name), "somebody else is at it"
    # Said aloud: the server notices a closed connection when it likes.
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
    other.close()
    erasing.work(erasure.pk)
    assert_nothing_is_left(doomed)


def test_what_stands_in_the_way_is_told_and_tried_again(doomed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    erasure = erasing.begin(doomed, at_once=True)
    with monkeypatch.context() as patched:
        patched.setitem(erasing.STEPS, "files", lambda erasure: 1 / 0)
        erasing.work(erasure.pk)
    erasure.refresh_from_db()
    assert erasure.error == "ZeroDivisionError" and erasure.due_at > timezone.now() and erasure.finished_at is None
    assert set(erasure.steps) == {"counted", "schema"} and not erasing.unfinished().exists()
    erasing.work(erasure.pk)
    assert_nothing_is_left(doomed)


def test_one_whose_end_cannot_begin_keeps_no_other_open(doomed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    other = provisioning.open_tenant(name="Other", slug="other-hall", owner=make_user())
    provisioning.begin_closing(doomed, days=0)
    provisioning.begin_closing(other, days=0)
    whole = provisioning.close

    def locked(tenant: Tenant) -> Tenant:
        if tenant.pk == doomed.pk:
            raise OperationalError("lock timeout")
        return whole(tenant)

    monkeypatch.setattr(provisioning, "close", locked)
    assert erasing.begin_those_over() == 1
    assert Erasure.objects.get().tenant_id == other.pk
    assert Tenant.objects.get(pk=doomed.pk).status == "closing"


def test_after_the_days_of_grace_the_sweep_erases_and_writes_to_the_owner(
    doomed: Any, grace: Any, settings: Any
) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = True
    leaving.close(doomed, actor=grace, password=PASSWORD, slug="doomed")
    sweep()
    assert [each.subject for each in mail.outbox] == ["Doomed Hall is closing"]
    assert "/dashboard/export/" in str(mail.outbox[0].body)
    with pytest.raises(NotClosed):
        erasing.begin(doomed)
    assert letters.send_due(timezone.now() + timedelta(days=26)) == 1
    assert mail.outbox[-1].subject == "Doomed Hall will be erased soon"
    Tenant.objects.filter(pk=doomed.pk).update(closes_at=timezone.now() - timedelta(seconds=1))
    sweep()
    erasing.work(Erasure.objects.get().pk)
    sweep()
    assert_nothing_is_left(doomed)
    assert mail.outbox[-1].subject == "Doomed Hall is erased" and mail.outbox[-1].to == ["grace@doomed.test"]
    assert Erasure.objects.get().secret in str(mail.outbox[-1].body)
    assert not DepartureLetter.objects.exclude(to="").exists(), "the address is forgotten with the letter"
    before = len(mail.outbox)
    sweep()
    assert len(mail.outbox) == before


def test_an_erasure_of_who_was_restored_meanwhile_is_given_up(doomed: Any) -> None:
    erasure = erasing.begin(doomed, at_once=True)
    Tenant.objects.filter(pk=doomed.pk).update(status="open")
    erasing.work(erasure.pk)
    erasure.refresh_from_db()
    assert (erasure.error, erasure.certificate) == ("restored", None) and erasure.finished_at is not None
    assert schema_exists(doomed.schema_name) and not DepartureLetter.objects.exists()
    assert erasing.begin(doomed, at_once=True).pk != erasure.pk


def test_taking_back_at_the_last_moment_saves_everything(doomed: Any, grace: Any) -> None:
    leaving.close(doomed, actor=grace, password=PASSWORD, slug="doomed")
    Tenant.objects.filter(pk=doomed.pk).update(closes_at=timezone.now() - timedelta(seconds=1))
    leaving.stay(doomed)
    assert erasing.begin_those_over() == 0 and not Erasure.objects.exists()
    assert not DepartureLetter.objects.exists()
    assert schema_exists(doomed.schema_name)


def test_the_neighbours_keep_every_row_and_file(doomed: Any, alpha: Any) -> None:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from tests.factories import make_event, make_paid_order, make_ticket_type

    with in_tenant(alpha):
        make_paid_order(make_ticket_type(make_event(), price_minor=1500))
        default_storage.save(f"{alpha.schema_name}/logos/logo.jpg", ContentFile(b"alpha"))
    before = {label: rows.count() for label, rows, _why in keeping.rows_of(alpha)}
    erasing.erase(doomed, at_once=True)
    assert {label: rows.count() for label, rows, _why in keeping.rows_of(alpha)} == before
    assert default_storage.exists(f"{alpha.schema_name}/logos/logo.jpg")
    with in_tenant(alpha):
        from tenant_apps.orders.models import Order

        assert Order.objects.count() == 1


def test_the_command_asks_twice_and_prints_the_certificate(doomed: Any) -> None:
    with pytest.raises(CommandError, match="--sure doomed"):
        call_command("tenant_erase", "doomed")
    with pytest.raises(CommandError, match="grace"):
        call_command("tenant_erase", "doomed", sure="doomed")
    with pytest.raises(CommandError, match="no tenant"):
        call_command("tenant_erase", "nobody", sure="nobody")
    assert schema_exists(doomed.schema_name)
    out = StringIO()
    call_command("tenant_erase", "doomed", sure="doomed", at_once=True, stdout=out)
    assert json.loads(out.getvalue())["slug"] == "doomed"
    assert_nothing_is_left(doomed)


def test_an_archive_goes_with_its_tenant(doomed: Any) -> None:
    export = exports.ask(doomed)
    exports.work(export.pk)
    assert exports.path_of(exports.of(doomed).get()).is_file()
    erasing.erase(doomed, at_once=True)
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.zip"))
