"""Permissions as boxes to tick, grouped in words that people understand."""

from collections.abc import Collection
from typing import Any, NamedTuple

from tenant_apps.staff.presets import GROUPS, PERMISSIONS


class Tick(NamedTuple):
    """One box. A locked one cannot be changed: its permission is not held by who looks at it."""

    name: str
    label: Any
    hint: Any
    ticked: bool
    locked: bool


def ticks(
    held: Collection[str], *, ticked: Collection[str] = (), only: Collection[str] = PERMISSIONS
) -> list[tuple[Any, list[Tick]]]:
    """Return the boxes by group; groups without a box are left out."""
    groups = []
    for title, hints in GROUPS:
        boxes = [
            Tick(name, PERMISSIONS[name], hint, name in ticked, name not in held)
            for name, hint in hints.items()
            if name in only
        ]
        if boxes:
            groups.append((title, boxes))
    return groups
