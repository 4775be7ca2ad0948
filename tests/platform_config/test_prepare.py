"""`prepare` says what it does in short lines, does it once, and ends in one line where it cannot."""

import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from platform_config.management.commands import prepare
from platform_config.static_files import collect_static_if_changed
from platform_config.translations import compile_translations

PO = """\
msgid ""
msgstr ""
"Language: ru\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "Ticket"
msgstr "Билет"
"""


def run(**options: Any) -> tuple[str, str]:
    said, complained = StringIO(), StringIO()
    try:
        call_command("prepare", stdout=said, stderr=complained, no_color=True, **options)
    except SystemExit as end:
        return said.getvalue(), f"exit {end.code}: {complained.getvalue()}"
    return said.getvalue(), complained.getvalue()


@pytest.fixture
def own_static(tmp_path: Path, settings: Any) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.css").write_text("a {}")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    from django.contrib.staticfiles.finders import get_finder

    get_finder.cache_clear()
    yield source
    get_finder.cache_clear()


def test_on_a_database_that_is_ready_it_changes_nothing_and_says_so(db, alpha, own_static):
    run(no_demo=True)
    said, complained = run(no_demo=True)
    assert complained == ""
    for line in ("PostgreSQL", "up to date", "2 tenants", "none compiled", "unchanged", "no entries changed"):
        assert line in said


def test_a_database_with_other_tenants_gets_no_demo(db, alpha, own_static):
    said, _ = run()
    assert "left out: this database has tenants of its own" in said


def test_a_step_that_fails_ends_in_one_clear_line_and_exit_code_1(db, own_static, monkeypatch):
    def fail() -> None:
        raise OSError("No space\nleft on device")

    monkeypatch.setattr(prepare, "collect_static_if_changed", fail)
    said, complained = run(no_demo=True)
    assert complained == "exit 1: prepare: static files: No space left on device\n"
    assert "schedule" not in said


def test_a_wrong_password_is_not_waited_for(db, monkeypatch):
    tries = []

    def refuse() -> None:
        tries.append(1)
        raise OperationalError('password authentication failed for user "foyer"')

    monkeypatch.setattr(prepare.connection, "cursor", refuse)
    _, complained = run(wait=30)
    assert complained.startswith("exit 1: prepare: database: password authentication failed")
    assert len(tries) == 1


def test_static_files_are_collected_when_one_changed_and_only_then(own_static, settings):
    assert collect_static_if_changed() is True
    assert collect_static_if_changed() is False
    (own_static / "b.css").write_text("b {}")
    assert collect_static_if_changed() is True
    assert (Path(settings.STATIC_ROOT) / "b.css").exists()
    (own_static / "b.css").unlink()
    assert collect_static_if_changed() is True
    assert not (Path(settings.STATIC_ROOT) / "b.css").exists()


def test_translations_are_compiled_when_newer_and_only_then(tmp_path):
    import gettext

    folder = tmp_path / "ru" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(PO, encoding="utf-8")
    assert compile_translations([tmp_path]) == 1
    assert compile_translations([tmp_path]) == 0
    assert gettext.translation("django", tmp_path, ["ru"]).gettext("Ticket") == "Билет"
    later = (folder / "django.mo").stat().st_mtime + 5
    os.utime(folder / "django.po", (later, later))
    assert compile_translations([tmp_path]) == 1
    assert not list(folder.glob("*.part"))
