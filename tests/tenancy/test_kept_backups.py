"""Backups that the platform keeps: each day, by hand, so many; put back by an operator."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.accounts.models import PlatformAuditEntry
from tenant_apps.activity.models import AuditEntry
from tenant_apps.events.models import Event
from tenants import backup, backup_tasks, backups
from tenants.backup_models import Backup, Restore
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import bearer, make_event, make_user, owner_of, sign_in

Status = Backup.Status


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT, settings.BACKUP_ROOT = tmp_path / "media", tmp_path / "backups"


@pytest.fixture
def shop(transactional_db: None, alpha: Any) -> Any:
    Tenant.objects.filter(pk=alpha.pk).update(timezone="Asia/Almaty", created_at=timezone.now() - timedelta(days=30))
    alpha.refresh_from_db()
    return alpha


def made_of(tenant: Any) -> list[Backup]:
    return list(backups.backups_of(tenant.schema_name))


def run_all() -> None:
    """What workers do with what waits."""
    for each in Restore.objects.filter(status__in=backups.OPEN):
        backup_tasks.put_back(str(each.pk))
    for each in Backup.objects.filter(status__in=backups.OPEN):
        backup_tasks.write_backup(str(each.pk))


def test_each_day_after_the_hour_of_the_tenants_own_clock_one_backup_is_made(shop: Any) -> None:
    # 03:00 in Almaty is 22:00 UTC of the day before.
    before, after = datetime(2027, 3, 1, 21, 59, tzinfo=UTC), datetime(2027, 3, 1, 22, 1, tzinfo=UTC)
    backups.plan(before)
    first = made_of(shop)
    assert len(first) == 1  # of the day before, which nobody made
    run_all()
    backups.plan(before + timedelta(seconds=30))
    assert len(made_of(shop)) == 1
    for _twice in range(2):
        backups.plan(after)
    run_all()
    backups.plan(after + timedelta(hours=23))
    assert [each.status for each in made_of(shop)] == ["ready", "ready"]
    newest = made_of(shop)[0]
    assert newest.rows > 0 and newest.size_bytes == backups.path_of(newest).stat().st_size


def test_who_wants_none_gets_none_and_who_was_opened_after_the_hour_waits_for_the_next(shop: Any) -> None:
    Tenant.objects.filter(pk=shop.pk).update(preferences={"backups_kept": 0})
    backups.plan()
    assert made_of(shop) == []
    slot = backups.last_slot(shop, timezone.now())
    Tenant.objects.filter(pk=shop.pk).update(preferences={}, created_at=slot + timedelta(minutes=1))
    backups.plan()
    assert made_of(shop) == []


def test_so_many_are_kept_and_the_files_of_others_go(shop: Any) -> None:
    Tenant.objects.filter(pk=shop.pk).update(preferences={"backups_kept": 2})
    start = timezone.now() - timedelta(days=6)
    for day in range(4):
        backups.plan(start + timedelta(days=day))
        run_all()
    kept = made_of(shop)
    assert len(kept) == 2
    there = sorted(path.name for path in backups.path_of(kept[0]).parent.iterdir())
    assert there == sorted(f"{each.pk}.zip" for each in kept)


def test_the_work_of_a_worker_that_died_is_done_by_another_and_given_up_after_three(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = backups.ask(shop)

    def die(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(backup, "back_up", die)
        for _worker in range(3):
            with pytest.raises(KeyboardInterrupt):
                backups.write(kept.pk)
            backups.write(kept.pk)  # another message of the same, a moment later: somebody is at it
            Backup.objects.filter(pk=kept.pk).update(alive_at=timezone.now() - backups.SILENCE * 2)
        assert backups.resume() == 1
    backups.write(kept.pk)
    kept.refresh_from_db()
    assert (kept.status, kept.tries) == ("failed", 3)
    again = backups.ask(shop)
    backups.write(again.pk)
    again.refresh_from_db()
    assert again.status == "ready"


def test_who_sets_up_the_site_sees_backups_and_asks_for_one(shop: Any, client: Any) -> None:
    owner = owner_of(shop)
    token = {"HTTP_HOST": "alpha.localhost", "HTTP_AUTHORIZATION": f"Bearer {bearer(owner)}"}
    asked = client.post("/api/v1/backups/", **token)
    assert asked.status_code == 202 and asked.json()["status"] == "waiting"
    assert client.post("/api/v1/backups/", **token).json()["id"] == asked.json()["id"]
    run_all()
    one = client.get(f"/api/v1/backups/{asked.json()['id']}/", **token).json()
    assert (one["status"], one["cause"]) == ("ready", "asked") and one["rows"] > 0
    assert [each["id"] for each in client.get("/api/v1/backups/", **token).json()["results"]] == [one["id"]]
    sign_in(client, owner)
    page = client.get("/dashboard/settings/backups/", HTTP_HOST="alpha.localhost", HTTP_ACCEPT_LANGUAGE="ru")
    assert "Резервные копии" in page.content.decode()
    assert client.post("/dashboard/settings/backups/", HTTP_HOST="alpha.localhost").status_code == 302
    with in_tenant(shop):
        assert AuditEntry.objects.filter(topic="backup.asked").exists()


def test_by_hand_there_are_five_a_day(shop: Any) -> None:
    for _number in range(backups.MOST_ASKED_A_DAY):
        backups.ask(shop)
        run_all()
    with pytest.raises(backups.TooManyBackups):
        backups.ask(shop)


def test_anothers_backup_is_not_there(shop: Any, beta: Any, client: Any) -> None:
    mine = backups.ask(shop)
    token = {"HTTP_HOST": "beta.localhost", "HTTP_AUTHORIZATION": f"Bearer {bearer(owner_of(beta))}"}
    assert client.get(f"/api/v1/backups/{mine.pk}/", **token).status_code == 404
    assert client.get("/api/v1/backups/", **token).json()["results"] == []


def test_an_operator_puts_a_backup_back_and_what_was_there_is_kept(shop: Any, client: Any) -> None:
    with in_tenant(shop):
        make_event("Before")
    kept = backups.ask(shop)
    run_all()
    with in_tenant(shop):
        Event.objects.all().delete()
        make_event("After")
    operator = make_user(is_staff=True, is_superuser=True)
    sign_in(client, operator)
    listed = client.get("/admin/tenants/backup/", HTTP_HOST="localhost")
    assert f"/admin/tenants/restore/add/?backup={kept.pk}" in listed.content.decode()
    address = f"/admin/tenants/restore/add/?backup={kept.pk}"
    assert client.get(address, HTTP_HOST="localhost").status_code == 200
    typed = {"backup": str(kept.pk), "slug": "beta", "reason": "They asked for it"}
    refused = client.post(address, typed, HTTP_HOST="localhost")
    assert refused.status_code == 200 and not Restore.objects.exists()
    assert client.post(address, typed | {"slug": "alpha"}, HTTP_HOST="localhost").status_code == 302
    run_all()
    done = Restore.objects.get()
    assert (done.status, done.error) == ("ready", "") and done.before is not None
    with in_tenant(shop):
        assert list(Event.objects.values_list("title", flat=True)) == ["Before"]
    entry = PlatformAuditEntry.objects.get(topic="tenant.restore_asked")
    assert (entry.actor_id, entry.details["reason"]) == (operator.pk, "They asked for it")
    # And back again: what was there is a backup like any other.
    backups.ask_restore(done.before, reason="No, after all", slug="alpha")
    run_all()
    with in_tenant(shop):
        assert list(Event.objects.values_list("title", flat=True)) == ["After"]
    sign_in(client, owner_of(shop))
    assert (
        "They asked for it" in client.get("/dashboard/settings/backups/", HTTP_HOST="alpha.localhost").content.decode()
    )


def test_backups_of_an_erased_tenant_go_after_their_days(shop: Any, settings: Any) -> None:
    kept = backups.ask(shop)
    run_all()
    file = backups.path_of(kept)
    with_row = Tenant.objects.filter(pk=shop.pk)
    schema = shop.schema_name
    with_row.update(schema_name="t_somebody_else")
    try:
        assert backups.forget_erased() == 0 and file.is_file()
        later = timezone.now() + timedelta(days=settings.BACKUP_DAYS_AFTER_ERASE + 1)
        assert backups.forget_erased(later) == 1
        assert not file.exists() and made_of(shop) == []
    finally:
        with_row.update(schema_name=schema)
