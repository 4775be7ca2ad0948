"""The last part of `make faults`: the queue is emptied every 30 s and the worker killed at random, for five minutes,
while people buy, return and bring in files. What nobody may lose is in rows (G3): two minutes later all is done, no
effect is lost, and at most one came twice for each kill, where a mail server was told and we died before we noted it.
"""

import os
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from bench import effects, outcomes, stories
from bench.crowd import Crowd
from bench.figures import Table
from bench.stack import Stack
from platform_config.launcher import processes

SHOPS = 4
PEOPLE = 4
PLACES = 100_000
LONGEST_CALM_SECONDS = 120.0


@dataclass(frozen=True)
class Weather:
    """How long, how often the queue is emptied, and how far apart the worker's deaths are in the mean."""

    seconds: float
    flush_every: float
    mean_life: float
    shortest_life: float
    most_kills: int = 1000


FIVE_MINUTES = Weather(300.0, 30.0, 12.0, 4.0)
# One flush and one kill, for CI.
SHORT = Weather(24.0, 16.0, 0.1, 8.0, most_kills=1)


class Storm:
    """One run on a stack. `strike()` returns True if nothing was lost, too much doubled, or late."""

    def __init__(self, table: Table, stack: Stack, fake: stories.Provider, weather: Weather):
        self.table, self.stack, self.fake, self.weather = table, stack, fake, weather
        self.kills = self.child_kills = self.flushes = 0
        self._over = threading.Event()
        self._seed = int(os.environ.get("STORM_SEED", "7"))

    def strike(self) -> bool:
        shops = [stories.Shop(self.stack, self.fake, places=PLACES) for _ in range(SHOPS)]
        crowd = Crowd(shops, PEOPLE, seed=self._seed)
        strikers = [threading.Thread(target=target) for target in (self._kill_now_and_then, self._flush_now_and_then)]
        began = time.monotonic()
        crowd.start()
        for striker in strikers:
            striker.start()
        self._over.wait(self.weather.seconds)
        self._over.set()
        for striker in strikers:
            striker.join()
        crowd.stop()
        lasted = time.monotonic() - began
        calm_after, left = self._wait_for_calm(crowd)
        return self._report(crowd, lasted, calm_after, left)

    # --- Bad weather -------------------------------------------------------------------------------------------------

    def _kill_now_and_then(self) -> None:
        """The whole worker, or one of the processes that it works with."""
        chance = random.Random(self._seed)
        while self.kills < self.weather.most_kills:
            while not self.stack.works("worker"):  # one that is on its way up cannot be interrupted at its work
                if self._over.wait(0.1):
                    return
            life = max(self.weather.shortest_life, chance.expovariate(1 / self.weather.mean_life))
            if self._over.wait(life):
                return
            if self.kills and chance.random() < 0.3:
                hit = self.stack.kill_one_child("worker")
                self.child_kills += hit
            else:
                with suppress(OSError):  # it may be on its way up
                    self.stack.kill("worker")
                hit = True
            self.kills += hit

    def _flush_now_and_then(self) -> None:
        """The queue alone and the whole of Valkey in turn."""
        while not self._over.wait(self.weather.flush_every):
            self.stack.flush(everything=self.flushes % 2 == 1)
            self.flushes += 1

    # --- Calm --------------------------------------------------------------------------------------------------------

    def _wait_for_calm(self, crowd: Crowd) -> tuple[float, list[str]]:
        """Leave everything alone until all is done or the time is up; returns how long that took and what is left."""
        began = time.monotonic()
        self.stack.wait_until_ready()
        left: list[str] = []

        def calm() -> bool:
            left[:] = effects.what_is_left(crowd)
            return not left

        processes.wait_until(calm, LONGEST_CALM_SECONDS, 1)
        return time.monotonic() - began, left

    def _report(self, crowd: Crowd, lasted: float, calm_after: float, left: list[str]) -> bool:
        counted = effects.count(crowd, self.fake, self.stack.mail)
        totals = outcomes.totals(crowd.shops, self.fake, self.stack.mail)
        breaches = [breach for shop in crowd.shops for breach in outcomes.breaches_of(shop)]
        copies = [each for shop in crowd.shops for each in outcomes.projection_of(shop)]
        table = self.table
        table.line(
            "storm",
            f"{lasted:.0f} s, {self.kills} kills of the worker ({self.child_kills} of one process), "
            f"{self.flushes} times everything in the queue lost",
        )
        table.line("what people did", ", ".join(f"{name} {count}" for name, count in sorted(crowd.done.items())))
        for kind, wanted in counted.wanted.items():
            table.line(f"  {kind}", f"{wanted} wanted, {counted.lost[kind]} lost, {counted.twice[kind]} twice")
        table.line("all done after", f"{calm_after:.0f} s" if not left else f"NOT after {calm_after:.0f} s")
        for each in [*left[:20], *crowd.troubles[:20], *breaches[:20], *copies[:20]]:
            table.line("  TROUBLE", each)
        figures = {
            "storm_s": lasted,
            "storm_kills": self.kills,
            "storm_flushes": self.flushes,
            "storm_acts": sum(crowd.done.values()),
            "storm_effects": sum(counted.wanted.values()),
            "storm_lost": sum(counted.lost.values()),
            "storm_twice": sum(counted.twice.values()),
            "storm_done_after_s": calm_after,
            "storm_left": len(left),
            "storm_client_errors": len(crowd.troubles),
            "storm_breaches": len(breaches),
            "storm_copies_differing": len(copies),
            "storm_paid_without_ticket": totals["paid_without_ticket"] + totals["ticket_without_payment"],
            "storm_ledger_difference_minor": totals["ledger_difference_minor"],
        }
        for name, value in figures.items():
            table.figure(name, value, 1 if name.endswith("_s") else 0)
        nothing = (
            "lost", "left", "client_errors", "breaches", "copies_differing", "paid_without_ticket",
            "ledger_difference_minor",
        )  # fmt: skip
        only_mails = not sum(count for kind, count in counted.twice.items() if kind != "mails")
        return (
            not any(figures[f"storm_{name}"] for name in nothing)
            and only_mails
            and counted.twice["mails"] <= self.kills
            and self.kills > 0
            and self.flushes > 0
        )
