"""An evening at the door as a list of scans: who comes when, to which gate, and what goes wrong. Pure; no database.

It knows what the door must answer, so that whoever plays it (`manage.py rehearse_door`) can tell whether it did.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

# Of the people with a ticket so many: come, go out and come back, show a code that was used (a screenshot), and for
# each of them so many forgeries are tried.
COMES, GOES_OUT, SHOWS_TWICE, FORGES = 0.96, 0.12, 0.05, 0.04
# Most arrive shortly before it begins: at this part of the time that the doors are open, spread so wide.
PEAK, WIDTH = 0.62, 0.16
# The least part of the evening between two scans of one ticket that must follow each other.
GAP = 0.04


class Act(NamedTuple):
    """One scan. `at` is a part of the evening, from 0 to 1; `ticket` -1 is no ticket of ours."""

    at: float
    gate: int
    code: str
    scan_id: str
    direction: str = "in"
    ticket: int = -1


class Outage(NamedTuple):
    """A gate without network from one part of the evening to another."""

    gate: int
    begins: float
    ends: float


@dataclass(frozen=True)
class Evening:
    """All scans in order, and what must come of them."""

    acts: tuple[Act, ...]
    outages: tuple[Outage, ...]
    # Admissions and leavings that the list has in the end.
    entries: int
    leavings: int
    kinds: Counter[str] = field(default_factory=Counter)

    def is_offline(self, act: Act) -> bool:
        return any(each.gate == act.gate and each.begins <= act.at < each.ends for each in self.outages)


def plan(codes: Sequence[str], forgeries: Sequence[str], *, gates: int, seed: int, outages: int = 2) -> Evening:
    """Return an evening for these tickets. The same seed gives the same one."""
    chance = random.Random(seed)  # noqa: S311  (a play, no secret)
    dark = _outages(chance, gates, outages)
    acts: list[Act] = []
    kinds: Counter[str] = Counter()

    def scan(ticket: int, at: float, code: str, kind: str, direction: str = "in", *, online: bool = False) -> Act:
        free = [gate for gate in range(gates) if not (online and _is_dark(dark, gate, at))]
        name = f"{seed}-{kind.replace(' ', '-')}-{len(acts)}"
        act = Act(at, chance.choice(free), code, name, direction, ticket)
        acts.append(act)
        kinds[kind] += 1
        return act

    for number, code in enumerate(codes):
        if chance.random() > COMES:
            continue
        what = chance.random()
        moves = what < GOES_OUT
        arrives = min(0.85, max(0.0, chance.gauss(PEAK, WIDTH)))
        # What must happen in this order is scanned where there is network: what a gate tells later comes later.
        scan(number, arrives, code, "arrival", online=moves)
        if moves:
            leaves = arrives + GAP + chance.random() * 0.04
            scan(number, leaves, code, "leaving", "out", online=True)
            scan(number, leaves + GAP, code, "return", online=True)
        elif what < GOES_OUT + SHOWS_TWICE:
            scan(number, min(0.99, arrives + chance.random() * 0.1), code, "second try")
    for _ in range(round(len(codes) * FORGES)):
        scan(-1, chance.random(), chance.choice(forgeries), "forgery")
    acts.sort()
    return Evening(
        tuple(acts), tuple(dark), kinds["arrival"] + kinds["return"], kinds["leaving"], kinds
    )  # fmt: skip


def _outages(chance: random.Random, gates: int, count: int) -> list[Outage]:
    """Gates that lose their network in the thick of it, never all at once."""
    dark = []
    for gate in chance.sample(range(gates), min(count, gates - 1)):
        begins = chance.uniform(0.4, 0.6)
        dark.append(Outage(gate, begins, begins + chance.uniform(0.08, 0.18)))
    return dark


def _is_dark(outages: Sequence[Outage], gate: int, at: float) -> bool:
    return any(each.gate == gate and each.begins <= at < each.ends for each in outages)
