"""Numbers and how they are shown."""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: a value that was measured, never one in between."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def spread(values: Sequence[float], unit: str, digits: int = 3) -> str:
    """Return "median (least … most, how many)" of the values."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} {unit} ({least:.{digits}f} … {most:.{digits}f}, n={len(values)})"


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Time the block: call what it yields for the seconds since its beginning."""
    started = time.perf_counter()
    yield lambda: time.perf_counter() - started


class Table:
    """Lines for people as they come; at the end one line for programs."""

    def __init__(self, title: str):
        self.figures: dict[str, Any] = {}
        print(f"\n{title}\n{'-' * len(title)}", flush=True)

    def line(self, label: str, text: str) -> None:
        print(f"{label:<52} {text}", flush=True)

    def figure(self, key: str, value: float, digits: int = 4) -> None:
        self.figures[key] = round(value, digits)

    def finish(self) -> None:
        print("BENCH " + json.dumps(self.figures), flush=True)
        sys.stdout.flush()
