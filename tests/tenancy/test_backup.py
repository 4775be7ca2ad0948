"""A tenant's backup brings back equal data, all or nothing, and touches nobody else (P2)."""

import json
import zipfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tenant_apps.events.models import Category, Event
from tenants import backup, catalog, restoring
from tenants.context import in_tenant
from tests.factories import make_event

AWKWARD = ["\t", "\n", "\\", "\\N", "\\.", "“кавычки”", "'; DROP SCHEMA public; --", "🎟", ""]


@pytest.fixture
def filled(transactional_db: None, alpha: Any) -> Any:
    """alpha with rows that a careless format would lose."""
    with in_tenant(alpha):
        for number, name in enumerate(AWKWARD):
            Category.objects.create(slug=f"awkward-{number}", name=name)
        make_event("Gala", category=Category.objects.first())
    return alpha


def everything(tenant: Any) -> dict[str, list[Any]]:
    """Every row of every table, as text."""
    rows: dict[str, list[Any]] = {}
    with connection.cursor() as cursor:
        for name in catalog.read(tenant.schema_name):
            cursor.execute(f'SELECT t::text FROM "{tenant.schema_name}"."{name}" AS t ORDER BY 1')
            rows[name] = cursor.fetchall()
    return rows


def test_after_a_restore_every_row_is_as_it_was(filled: Any, beta: Any, tmp_path: Path) -> None:
    before, neighbours, shape = everything(filled), everything(beta), catalog.read(filled.schema_name)
    call_command("tenant_backup", "alpha", to=tmp_path / "alpha.zip", stdout=StringIO())
    with in_tenant(filled):
        Event.objects.all().delete()
        Category.objects.all().delete()
        Category.objects.create(slug="later", name="Later")
    call_command("tenant_restore", "alpha", str(tmp_path / "alpha.zip"), stdout=StringIO())
    assert everything(filled) == before
    assert catalog.read(filled.schema_name) == shape
    assert everything(beta) == neighbours
    with in_tenant(filled):
        highest = max(Category.objects.values_list("pk", flat=True))
        assert Category.objects.create(slug="after", name="After").pk > highest


def test_a_tenant_whose_schema_is_lost_comes_back(filled: Any, tmp_path: Path) -> None:
    before = everything(filled)
    backup.back_up(filled, tmp_path / "alpha.zip")
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA "{filled.schema_name}" CASCADE')
    restoring.restore(tmp_path / "alpha.zip", slug="alpha")
    assert everything(filled) == before


def _flip(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0xFF
    return bytes(changed)


def _rewrite(data: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write the archive again with a changed manifest and good check sums of the zip."""
    with zipfile.ZipFile(data) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_a_damaged_archive_is_refused_in_one_line_or_was_not_damaged_in_what_counts(
    filled: Any, tmp_path: Path, part: float
) -> None:
    file = tmp_path / "alpha.zip"
    backup.back_up(filled, file)
    file.write_bytes(_flip(file.read_bytes(), int(len(file.read_bytes()) * part)))
    before = everything(filled)
    try:
        restoring.restore(file, slug="alpha")
    except backup.BackupError as refusal:
        assert "\n" not in str(refusal) and str(file) in str(refusal)
    # A bit of a time stamp inside the zip may change and harm nothing; data never does.
    assert everything(filled) == before


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_half_an_archive_is_refused(filled: Any, tmp_path: Path, kept: float) -> None:
    file = tmp_path / "alpha.zip"
    backup.back_up(filled, file)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    before = everything(filled)
    with pytest.raises(CommandError, match="damaged or no backup"):
        call_command("tenant_restore", "alpha", str(file))
    assert everything(filled) == before


def test_rows_that_were_changed_in_the_archive_are_noticed(filled: Any, tmp_path: Path) -> None:
    file = tmp_path / "alpha.zip"
    backup.back_up(filled, file)
    _rewrite(file, lambda manifest: manifest["tables"]["events_category"].update(sha256="0" * 64))
    with pytest.raises(backup.BackupError, match="events_category does not match"):
        restoring.restore(file, slug="alpha")


def test_another_migration_state_is_refused(filled: Any, tmp_path: Path) -> None:
    file = tmp_path / "alpha.zip"
    backup.back_up(filled, file)
    _rewrite(file, lambda manifest: manifest["migrations"].append("events.0999_future"))
    with pytest.raises(backup.BackupError, match="made by a newer version"):
        restoring.restore(file, slug="alpha")
    _rewrite(file, lambda manifest: manifest.update(migrations=["events.0999_future"]))
    with pytest.raises(backup.BackupError, match="was made before"):
        restoring.restore(file, slug="alpha")


def test_anothers_backup_and_no_backup_are_refused(filled: Any, beta: Any, tmp_path: Path) -> None:
    backup.back_up(filled, tmp_path / "alpha.zip")
    with pytest.raises(backup.BackupError, match="a backup of alpha, not of beta"):
        restoring.restore(tmp_path / "alpha.zip", slug="beta")
    with pytest.raises(CommandError, match="There is no file"):
        call_command("tenant_restore", "alpha", str(tmp_path / "none.zip"))
    with pytest.raises(CommandError, match="There is no tenant"):
        call_command("tenant_backup", "nobody")


def test_a_restore_that_breaks_off_leaves_the_live_data(
    filled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.back_up(filled, tmp_path / "alpha.zip")
    before = everything(filled)

    def die(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(restoring, "_exchange", die)
        with pytest.raises(KeyboardInterrupt):
            restoring.restore(tmp_path / "alpha.zip", slug="alpha")
    assert everything(filled) == before
    restoring.restore(tmp_path / "alpha.zip", slug="alpha")
    assert everything(filled) == before


def test_a_backup_that_breaks_off_leaves_no_file(filled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup.catalog, "read", lambda schema_name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backup.back_up(filled, tmp_path / "alpha.zip")
    assert list(tmp_path.iterdir()) == []
