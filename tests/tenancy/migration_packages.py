"""Throw-away migrations on top of an app's real ones, for tests that migrate for real."""

import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings

from tenants import rendering, schema_state

_numbers = itertools.count(1)
More = Callable[..., None]


@pytest.fixture
def more_migrations(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[More]:
    """`more_migrations(events="<operations>")`: the next migration of events has these operations."""
    written: dict[str, str] = dict(django_settings.MIGRATION_MODULES)

    def write(app: str, operations: str, *, atomic: bool = True, name: str = "") -> str:
        package = written.get(app, "")
        folder = tmp_path / package if package else tmp_path / f"{app}_migrations_{next(_numbers)}"
        if not package:
            real = Path(apps.get_app_config(app).path) / "migrations"
            shutil.copytree(real, folder, ignore=shutil.ignore_patterns("__pycache__"))
            written[app] = folder.name
        last = sorted(path.stem for path in folder.glob("0*.py"))[-1]
        name = name or f"{int(last[:4]) + 1:04}_test"
        (folder / f"{name}.py").write_text(
            dedent(
                """\
                import django.db.models
                from django.contrib.postgres.operations import AddIndexConcurrently
                from django.db import migrations, models


                def python(apps, schema_editor):
                    apps.get_model("events", "Category").objects.create(slug="by-python", name="By Python")


                class Migration(migrations.Migration):
                    atomic = {atomic}
                    dependencies = [("{app}", "{last}")]
                    operations = [{operations}]
                """
            ).format(app=app, last=last, operations=operations, atomic=atomic)
        )
        settings.MIGRATION_MODULES = dict(written)
        for module in [known for known in sys.modules if known.startswith(f"{app}_migrations_")]:
            del sys.modules[module]
        schema_state.forget()
        rendering.forget()
        return name

    sys.path.insert(0, str(tmp_path))
    yield write
    sys.path.remove(str(tmp_path))
    # pytest-django's own undoing of `settings` comes after this fixture's.
    settings.MIGRATION_MODULES = {}
    schema_state.forget()
    rendering.forget()
