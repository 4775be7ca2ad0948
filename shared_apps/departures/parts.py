"""What an export's archive is made of: each app that has something names its files.

    part("orders", lambda: [("csv/orders.csv", pieces)])

A part is asked inside the tenant. It gives files one by one, each as a path and its bytes in pieces, so that nothing is
in memory as a whole.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

Files = Iterable[tuple[str, Iterable[bytes]]]


class Part(NamedTuple):
    """A named part of every archive; lower orders come first."""

    name: str
    files: Callable[[], Files]
    order: int


_parts: dict[str, Part] = {}


def part(name: str, files: Callable[[], Files], *, order: int = 50) -> None:
    """Add a part. Once each, from `ready()`."""
    _parts[name] = Part(name, files, order)


def parts() -> list[Part]:
    return sorted(_parts.values(), key=lambda each: (each.order, each.name))
