"""The parts of an archive that no app has to know of: the tenant's row, its files, and a backup to restore from."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder

from shared_apps.departures.parts import Files, part
from tenants import backup
from tenants.context import current_tenant, in_public
from tenants.models import Domain

BLOCK = 1 << 20
_FACTS = (
    "slug", "name", "kind", "status", "currency", "timezone", "language", "colour", "tagline", "preferences",
    "created_at", "suspensions", "closes_at",
)  # fmt: skip


def _settings() -> Files:
    tenant = current_tenant()
    with in_public():
        hosts = list(
            Domain.objects.filter(tenant=tenant).order_by("domain").values("domain", "is_primary", "verified_at")
        )
    facts: dict[str, Any] = {name: getattr(tenant, name) for name in _FACTS}
    text = json.dumps({**facts, "domains": hosts}, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
    yield "tenant.json", [text.encode()]


def files_below(folder: str) -> Iterator[str]:
    """Give the paths of all files below a folder of the storage; none if it is not there."""
    try:
        folders, files = default_storage.listdir(folder)
    except OSError:
        return
    yield from (f"{folder}/{name}" for name in sorted(files))
    for name in sorted(folders):
        yield from files_below(f"{folder}/{name}")


def _media() -> Files:
    root = current_tenant().schema_name
    for path in files_below(root):
        yield f"media/{path.removeprefix(f'{root}/')}", _pieces(path)


def _pieces(path: str) -> Iterable[bytes]:
    try:
        with default_storage.open(path) as opened:
            while piece := opened.read(BLOCK):
                yield piece
    except FileNotFoundError:
        return  # deleted since it was listed


def _backup() -> Files:
    tenant = current_tenant()
    with TemporaryDirectory(prefix="foyer-export-") as folder:
        target = Path(folder) / "backup.zip"
        with in_public():
            backup.back_up(tenant, target)
        yield f"backup/{tenant.slug}.zip", _of_file(target)


def _of_file(path: Path) -> Iterable[bytes]:
    with path.open("rb") as opened:
        while piece := opened.read(BLOCK):
            yield piece


part("settings", _settings, order=0)
part("media", _media, order=90)
part("backup", _backup, order=100)
