"""The boxes that buyers tick, as pages show and send them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenant_apps.consents.texts import Asked, asked

# What a form may name; more is nobody's who ticks boxes.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Box:
    """One text to agree to: whether it is ticked, and what is wrong with that."""

    text: Asked
    ticked: bool
    fault: str = ""


def boxes(typed: Any = None, faults: Mapping[str, str] | None = None) -> list[Box]:
    """Return a box for each text that is asked for now. None is ticked before somebody did so."""
    return [Box(one, bool(typed) and one.field in typed, (faults or {}).get(one.field, "")) for one in asked()]


def agreed_in(typed: Any) -> list[int]:
    """Return the ids of the texts whose boxes a form sent ticked; those of the page that was shown, whatever is asked
    for by now."""
    ids = [name.removeprefix("agree_") for name in typed if name.startswith("agree_")]
    return [int(each) for each in ids[:_MOST] if each.isascii() and each.isdigit() and len(each) <= 18]
