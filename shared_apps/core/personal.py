"""What is held about people, said by each app for its own tables (P3).

    hold("orders", "orders.Order", {"email", "name", "user"}, export=…, erase=…)
    harmless("events.Venue", {"name", "address"}, "a place is no person")

Export and erasure (`shared_apps.people`) ask every holding in every tenant; they know no app. A test walks all models
and fails for a column that could name a person and that nobody spoke for here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Addresses of people who had themselves erased. `.invalid` leads nowhere (RFC 2606): nothing is ever sent there.
ERASED_DOMAIN = "erased.invalid"


@dataclass(frozen=True)
class Person:
    """Whose data it is. `email` is a confirmed address in small letters, or empty: only proof opens guests' data."""

    user_id: int
    email: str = ""
    name: str = ""
    # The address that stands where theirs stood, one for all their rows, so that counts of buyers stay what they were.
    alias: str = ""
    # What is theirs in the present tenant, as the audit trail names it ("orders.order:…").
    targets: frozenset[str] = frozenset()
    # What they were called there, besides: addresses and names that they gave with an order.
    addresses: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def scrubbed(self, value: Any) -> Any:
        """Return a JSON value without the person's addresses and names."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self._text(str(key)): self.scrubbed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.scrubbed(each) for each in value]
        return value

    def _text(self, text: str) -> str:
        if text.strip() and text.strip() in self.names | ({self.name} if self.name else frozenset()):
            return ""
        for address in self.addresses | ({self.email} if self.email else frozenset()):
            start = text.lower().find(address.lower())
            while start >= 0:
                text = text[:start] + self.alias + text[start + len(address) :]
                start = text.lower().find(address.lower(), start + len(self.alias))
        return text


Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Holding:
    """Columns of one table that say something of a person, and how they are handed out and replaced."""

    title: str
    model: str
    fields: frozenset[str]
    export: Callable[[Person], Rows] | None
    erase: Callable[[Person], int] | None
    # What else belongs to the person here: {"targets": …, "addresses": …, "names": …}.
    locate: Callable[[Person], Mapping[str, Collection[str]]] | None
    # Lower ones are erased first: what is found through another row goes before that row.
    order: int = 50


@dataclass
class _Registry:
    holdings: dict[str, Holding] = field(default_factory=dict)
    harmless: dict[tuple[str, str], str] = field(default_factory=dict)


_known = _Registry()


def hold(
    title: str,
    model: str,
    fields: Collection[str],
    *,
    export: Callable[[Person], Rows] | None = None,
    erase: Callable[[Person], int] | None = None,
    locate: Callable[[Person], Mapping[str, Collection[str]]] | None = None,
    order: int = 50,
) -> None:
    """Speak for columns that hold personal data. `title` names the file in an export; once each, from `ready()`."""
    _known.holdings[title] = Holding(title, model.lower(), frozenset(fields), export, erase, locate, order)


def harmless(model: str, fields: Collection[str], why: str) -> None:
    """Say of columns that only look personal why they are not."""
    for name in fields:
        _known.harmless[model.lower(), name] = why


def holdings(labels: Collection[str]) -> list[Holding]:
    """Return what the apps of these labels hold, in the order in which it is erased."""
    found = [each for each in _known.holdings.values() if each.model.partition(".")[0] in labels]
    return sorted(found, key=lambda each: (each.order, each.title))


def spoken_for() -> set[tuple[str, str]]:
    """Return every column, as (model, field), that an app has spoken for."""
    held = {(each.model, name) for each in _known.holdings.values() for name in each.fields}
    return held | set(_known.harmless)


def located(person: Person, labels: Collection[str]) -> Person:
    """Return the person with what is theirs in the present tenant."""
    found: dict[str, set[str]] = {"targets": set(), "addresses": set(), "names": set()}
    for holding in holdings(labels):
        for kind, values in (holding.locate(person) if holding.locate else {}).items():
            found[kind].update(value for value in values if value)
    return replace(
        person,
        targets=frozenset(found["targets"]),
        addresses=frozenset(found["addresses"]),
        names=frozenset(found["names"]),
    )


def is_erased(address: str) -> bool:
    """Tell whether an address is one that stands for an erased person."""
    return address.lower().endswith(f"@{ERASED_DOMAIN}")
