"""`make faults`: kill -9 at named points of web, worker and Postgres, and what is left 120 s later (G4); and a storm.

Starts the whole product (Postgres with fsync, Valkey, web, worker, beat) in a throw-away folder with the fake of
Stripe, plays a story up to each point (shared_apps.core.faults), kills there, starts the part again as any
supervisor would, and leaves the rest to the product: each story has a tenant of its own, in which nobody else asks
for anything. Before that five minutes of storm (bench.storm). `--quick` takes a few points, for CI; `--only NAME` one
point, victim or life (Erased), `--only storm` the storm alone, `--quick --only storm` a short one.
"""

import argparse
import logging
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import lives, outcomes, stories
from bench.figures import Table, spread, stopwatch
from bench.stack import Stack
from bench.stories import Story
from bench.storm import FIVE_MINUTES, SHORT, Storm
from platform_config.launcher import processes

LONGEST_HEALING_SECONDS = 120
# Dozens of shops have their jobs each minute by then, and the story waits in line.
REACH_SECONDS = 100
# A minute's sweep may bring a story to its end just before its point is armed: then it is played again.
PLAYS = 3
# Orders that are paid while the provider says nothing, and nobody comes back; polling finds them (O9).
UNHEARD = 10
UNHEARD_SECONDS = 15 * 60
# So many kills follow each other before everything is left alone until it has healed.
WAVE = 6

# Part, point, and the story that leads there.
WEB: dict[str, type[Story]] = {
    "request.before_commit": stories.Purchase,
    "request.committed": stories.Purchase,
    "request.final_answer": stories.Purchase,
    "order.written": stories.Purchase,
    "order.claimed": stories.Purchase,
    "payment.before_start": stories.Purchase,
    "payment.started": stories.Purchase,
    "webhook.verified": stories.Purchase,
    "webhook.kept": stories.Purchase,
    "payment.settled": stories.Purchase,
    "payment.booked": stories.Purchase,
    "order.effect": stories.Purchase,
    "tickets.issued": stories.Purchase,
    "order.moved": stories.Purchase,
    "webhook.effect": stories.Purchase,
    "webhook.done": stories.Purchase,
    "poll.answered": stories.PurchaseSeenOnReturn,
    "refund.intended": stories.RefundByStaff,
    "refund.before_call": stories.RefundByStaff,
    "refund.after_call": stories.RefundByStaff,
    "refund.booked": stories.RefundByStaff,
    "cancellation.moved": stories.CancelledByBuyer,
}
WORKER: dict[str, type[Story]] = {
    "outbox.claimed": stories.FreeTicket,
    "mail.before_send": stories.FreeTicket,
    "mail.sent": stories.FreeTicket,
    "mail.recorded": stories.FreeTicket,
    "projection.read": stories.FreeTicket,
    "projection.kept": stories.FreeTicket,
    "outbox.handed_over": stories.FreeTicket,
    "outbox.delivered": stories.FreeTicket,
    "sweep.sending": stories.FreeTicketBySweep,
    "visit.taken": stories.FreeTicketBySweep,
    "expiry.begun": stories.NeverPaid,
    "order.effect": stories.NeverPaid,
    "order.moved": stories.NeverPaid,
    "expiry.done": stories.NeverPaid,
    "poll.closed": stories.ClosedAtTheProvider,
    "poll.claimed": stories.PurchaseSeenByPolling,
    "poll.answered": stories.PurchaseSeenByPolling,
    "payment.settled": stories.PurchaseSeenByPolling,
    "payment.booked": stories.PurchaseSeenByPolling,
    "tickets.issued": stories.PurchaseSeenByPolling,
    "refund.intended": stories.MoneyTooLate,
    "refund.before_call": stories.MoneyTooLate,
    "refund.after_call": stories.MoneyTooLate,
    "refund.booked": stories.MoneyTooLate,
    "poll.refund_claimed": stories.RefundThatTakesDays,
    "mass.intended": stories.EventCalledOff,
}
# Where a death is played by a test of that file, as an exception, and by no kill -9 here yet.
ELSEWHERE = {
    "round.written": "tests/notifications/test_reminders.py",
    "message.batch": "tests/notifications/test_messages.py",
    "retention.forgotten": "tests/orders/test_retention.py",
    "billing.asked": "tests/billing/test_broken_off.py",
    "billing.kept": "tests/billing/test_broken_off.py",
    "billing.customer": "tests/billing/test_broken_off.py",
    "billing.checkout": "tests/billing/test_broken_off.py",
    "billing.changed": "tests/billing/test_broken_off.py",
    "billing.cancelled": "tests/billing/test_broken_off.py",
    "billing.fees": "tests/billing/test_broken_off.py",
}
QUICK = [
    ("web", "payment.started"), ("worker", "mail.sent"), ("postgres", "order.moved"),
    ("worker", "erasing.schema_done"), ("worker", "projection.read"),
]  # fmt: skip


@dataclass
class Kill:
    """One death: who dies while which part is at which point, in which story."""

    victim: str
    part: str
    point: str
    story_type: type[Story]
    story: Any = None
    # When everything ran again.
    restarted: float = 0.0
    healed_after: float | None = None
    left: list[str] = field(default_factory=list)
    trouble: str = ""

    @property
    def is_life(self) -> bool:
        """Whether it is about a tenant's own life, in which nothing of a shop need be left to count."""
        return issubclass(self.story_type, lives.Life)

    @property
    def name(self) -> str:
        story = f", {self.story_type.__name__}" if self.is_life else ""
        return f"{self.victim} at {self.point}" + (f" of {self.part}" if self.victim != self.part else "") + story


def plan() -> list[Kill]:
    """Every point with the part that comes by dying, and every point once with Postgres dying."""
    kills = [Kill("web", "web", point, story) for point, story in WEB.items()]
    kills += [Kill("worker", "worker", point, story) for point, story in WORKER.items()]
    kills += [Kill("postgres", "web", point, story) for point, story in WEB.items()]
    kills += [Kill("postgres", "worker", point, story) for point, story in WORKER.items() if point not in WEB]
    for part, point, life in lives.POINTS:
        kills += [Kill(part, part, point, life), Kill("postgres", part, point, life)]
    return kills


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="five kills and no waiting for polls, for CI")
    parser.add_argument("--only", action="append", default=[], help="kills whose name contains this, or storm")
    parser.add_argument("--keep", action="store_true", help="leave the data folder in place")
    options = parser.parse_args()
    kills = plan()
    if options.quick:
        kills = [kill for kill in kills if (kill.victim, kill.point) in QUICK]
    if options.only:
        kills = [kill for kill in kills if any(word in kill.name for word in options.only)]
    weather = (SHORT if options.quick else FIVE_MINUTES) if _storms(options) else None
    home = Path(tempfile.mkdtemp(prefix="foyer-faults-"))
    home.chmod(0o755)  # the servers run as another user where we are root
    table = Table(f"Faults: {len(kills)} kills -9 at {len({kill.point for kill in kills})} points")
    ok = False
    try:
        with stopwatch() as elapsed, stories.Provider() as fake, Stack(home, fake.url) as stack:
            logging.disable(logging.CRITICAL)
            ok = weather is None or Storm(table, stack, fake, weather).strike()
            if kills:
                unheard = 0 if options.quick or options.only else UNHEARD
                ok = Run(table, stack, fake).run(kills, unheard=unheard) and ok
            table.line("whole run", f"{elapsed():.0f} s")
    finally:
        if options.keep:
            print(f"kept: {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)
    table.finish()
    sys.exit(0 if ok else 1)


def _storms(options: argparse.Namespace) -> bool:
    return "storm" in options.only if options.quick or options.only else True


class Run:
    """All kills on one stack."""

    def __init__(self, table: Table, stack: Stack, fake: stories.Provider):
        self.table, self.stack, self.fake = table, stack, fake
        self.shops: list[stories.Shop] = []
        self.breaches: list[str] = []

    def run(self, kills: list[Kill], *, unheard: int) -> bool:
        waiting, paid_at = self._pay_unheard(unheard), datetime.now(UTC)
        for start in range(0, len(kills), WAVE):
            wave = kills[start : start + WAVE]
            for kill in wave:
                self._kill(kill)
                self._look(kills[: start + WAVE])
            self._wait(wave)
        unheard_for = self._wait_for_polling(waiting, paid_at)
        return self._report(kills, unheard, unheard_for)

    # --- Killing -----------------------------------------------------------------------------------------------------

    def _kill(self, kill: Kill) -> None:
        """Play the story, kill at the point, and wait until the client has its answer from what was restarted."""
        try:
            for _play in range(PLAYS):
                reached, actor = self._play(kill)
                if processes.wait_until(reached.exists, REACH_SECONDS, 0.005):
                    break
                self.stack.disarm()
                if actor.trouble or outcomes.what_is_left(kill.story):
                    break
            if not reached.exists():
                kill.trouble = f"the point was not reached {actor.trouble}"
                return
            if kill.victim == "postgres":
                outcomes.reconnect()
                self.stack.kill("postgres")
                reached.unlink(missing_ok=True)
            processes.wait_until(lambda: not self.stack.ready(), 5, 0.01)
            self.stack.wait_until_ready()
            kill.restarted = time.monotonic()
            actor.join(stories.PATIENCE_SECONDS + 30)
            kill.trouble = actor.trouble
        except Exception as error:
            kill.trouble = kill.trouble or f"{type(error).__name__}: {error}"
        finally:
            self.stack.disarm()
            outcomes.reconnect()
            if kill.trouble:
                self.table.line(kill.name, f"TROUBLE {kill.trouble[:300]}")

    def _play(self, kill: Kill) -> tuple[Path, "_Actor"]:
        """Begin the kill's story in a new shop; return the file that tells when its point is reached, and who acts."""
        kill.story = kill.story_type(self.stack, self.fake)
        if not kill.is_life:
            self.shops.append(kill.story.shop)
        kill.story.prepare()
        reached = self.stack.arm(kill.point, kill.part, "wait" if kill.victim == "postgres" else "part")
        actor = _Actor(kill.story)
        actor.start()
        return reached, actor

    def _look(self, kills: list[Kill]) -> None:
        """Note which of the killed stories have come to their end by now."""
        for kill in kills:
            if kill.restarted and not kill.trouble and kill.healed_after is None:
                kill.left = outcomes.what_is_left(kill.story)
                if not kill.left:
                    kill.healed_after = time.monotonic() - kill.restarted

    def _wait(self, wave: list[Kill]) -> None:
        """Leave everything alone until all has healed, or two minutes after the wave's last restart."""
        until = max((kill.restarted for kill in wave), default=0.0) + LONGEST_HEALING_SECONDS
        while time.monotonic() < until:
            self._look(wave)
            if all(kill.healed_after is not None or kill.trouble for kill in wave):
                break
            time.sleep(1)
        for kill in wave:
            if not kill.is_life:
                self.breaches += [f"{kill.name}: {breach}" for breach in outcomes.breaches(kill.story)]
            stuck = "NOT HEALED: " + "; ".join(kill.left)
            healed = stuck if kill.healed_after is None else f"{kill.healed_after:.1f} s"
            self.table.line(kill.name, kill.trouble[:200] or healed)

    # --- The provider says nothing at all ----------------------------------------------------------------------------

    def _pay_unheard(self, count: int) -> list[tuple[stories.Shop, dict[str, Any]]]:
        if not count:
            return []
        shop = stories.Shop(self.stack, self.fake)
        self.fake.silent_to.add(shop.slug)
        self.shops.append(shop)
        orders = [shop.place() for _ in range(count)]
        for order in orders:
            shop.pay(order)
        return [(shop, order) for order in orders]

    def _wait_for_polling(self, waiting: list[tuple[stories.Shop, dict[str, Any]]], since: datetime) -> float | None:
        """Return after how many seconds the last one was known to be paid; None if one is not within 15 minutes."""
        everything, until = list(waiting), since + timedelta(seconds=UNHEARD_SECONDS)
        while waiting := [(shop, order) for shop, order in waiting if shop.state(order)["status"] != "paid"]:
            if datetime.now(UTC) > until:
                return None
            time.sleep(2)
        seconds = outcomes.seconds_until_paid(everything, since)
        return seconds if seconds <= UNHEARD_SECONDS else None

    # --- Telling -----------------------------------------------------------------------------------------------------

    def _report(self, kills: list[Kill], unheard: int, unheard_for: float | None) -> bool:
        totals = outcomes.totals(self.shops, self.fake, self.stack.mail)
        healed = [kill.healed_after for kill in kills if kill.healed_after is not None]
        stuck = [kill for kill in kills if kill.healed_after is None]
        self.table.line("restarts", ", ".join(f"{name} {count}" for name, count in sorted(self.stack.restarts.items())))
        if healed:
            self.table.line("healed after", spread(healed, "s", 1))
            self.table.figure("longest_healing_s", max(healed), 1)
        for breach in self.breaches:
            self.table.line("BREACH", breach)
        figures = {
            "kills": sum(1 for kill in kills if kill.restarted),
            "points": len({kill.point for kill in kills if kill.restarted}),
            **totals,
            "breaches": len(self.breaches),
            "stuck_after_120s": len(stuck),
        }
        if unheard:
            known = "NOT all known within 15 min" if unheard_for is None else f"all known after {unheard_for:.0f} s"
            self.table.line(f"{unheard} payments without any webhook", known)
            figures["unheard_not_healed"] = int(unheard_for is None)
        for name, value in figures.items():
            self.table.figure(name, value, 0)
            self.table.line(name, str(value))
        bad = set(figures) - {"kills", "points", "mails", "mails_twice", "orders_paid"}
        return not any(figures[name] for name in bad)


class _Actor(threading.Thread):
    """The client of a story, who repeats what was not answered."""

    def __init__(self, story: Story):
        super().__init__(daemon=True)
        self.story, self.trouble = story, ""

    def run(self) -> None:
        try:
            self.story.act()
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"
        finally:
            outcomes.reconnect()


if __name__ == "__main__":
    main()
