"""`make race`: many buyers at once over HTTP, and not one place, voucher, refund or effect too many.

Starts a Postgres (fsync on), a Valkey and the product on gunicorn with four workers, and asks from 64 connections.
At the end the same is asked of a product whose claims have no condition: that must be seen to oversell, else
nothing above is worth anything. `--quick` takes few rounds, for CI.
"""

import argparse
import random
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import prepared
from bench.figures import Table, spread
from bench.posting import Answer, Post, post_all
from bench.tenants import WEB_WORKERS, measured, owner
from bench.web import gunicorn

CONNECTIONS = 64
PLACES = (1, 10, 500)
# Without the condition two that read at once are needed, which a busy machine may spare one round.
MUTATED_ROUNDS = 4
ORDERS, READY = "/api/v1/orders/", "/healthz"
# The refusals that a buyer may meet in a race for places; any other is an error of ours.
SOLD_OUT = {"sold_out"}
BAD_KEYS = ("oversold", "undersold", "client_errors", "voucher_over", "voucher_under", "refund_over", "breaches")
VOUCHER_USES = 10
# "Come back in a moment": a row was waited for in vain for 3 s (M2), or the first request with that key still runs.
BUSY = "busy"
COME_AGAIN = {BUSY, "idempotency_in_progress"}
MOST_VISITS, PAUSE = 20, 1.0  # seconds, as Retry-After says


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int
    attempts: int
    baskets: int
    payments: int
    refunds: int
    keys: int
    repeats: int
    vouchers: int


FULL = Size(rounds=50, attempts=1000, baskets=3000, payments=200, refunds=20, keys=40, repeats=50, vouchers=4)
QUICK = Size(rounds=2, attempts=120, baskets=80, payments=4, refunds=20, keys=2, repeats=50, vouchers=2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.race", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, for CI")
    parser.add_argument("--rounds", type=int, help="rounds of 1,000 attempts for each number of places (50)")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    if options.rounds:
        size = Size(**{**{name: getattr(size, name) for name in size.__slots__}, "rounds": options.rounds})
    with measured(f"Races over HTTP: {WEB_WORKERS} workers, {CONNECTIONS} connections") as (table, home):
        ok = run(table, home, size)
    sys.exit(0 if ok else 1)


def run(table: Table, home: Path, size: Size) -> bool:
    import django

    django.setup()
    from tenants.context import in_tenant
    from tenants.provisioning import open_tenant

    prepared.migrate()
    tenant = open_tenant(name="Rush", slug="rush", owner=owner(), currency="EUR")
    with gunicorn(home, "platform_config.wsgi:application", {}, READY) as web, in_tenant(tenant):
        port = web.port
        race = Race(table, tenant, port)
        for places in PLACES:
            race.for_places(places, size)
        race.with_mixed_baskets(size)
        race.for_a_voucher(size)
        race.of_refunds(size)
        race.of_repeats(size)
        race.look_for_breaches()
    with_mutation(table, home, size)
    for key in (*BAD_KEYS, "came_again"):
        table.line(key, str(race.counts[key]))
        table.figure(key, race.counts[key], 0)
    return not any(race.counts[key] for key in BAD_KEYS) and race.counts["idempotency_effects"] == 1 and bool(
        table.figures["mutation_detected"]
    )  # fmt: skip


class Race:
    """The races of one shop. Inside the tenant."""

    def __init__(self, table: Table, tenant: Any, port: int):
        self.table, self.tenant, self.port = table, tenant, port
        self.host = f"{tenant.slug}.localhost"
        self.counts: Counter[str] = Counter()

    # --- For places --------------------------------------------------------------------------------------------------

    def for_places(self, places: int, size: Size) -> None:
        """So many attempts at so many places, in each round anew: free ones, and in turn such as are paid at once."""
        seconds, places = [], min(places, size.attempts)
        for number in range(size.rounds):
            sold, answers, took = self.round(places, size.attempts, price_minor=1200 * (number % 2))
            seconds.append(took)
            done = sum(answer.status == 201 for answer in answers)
            self.counts["oversold"] += max(0, sold - places) + max(0, done - places)
            self.counts["undersold"] += max(0, places - sold) + max(0, places - done)
            self._errors(answers, SOLD_OUT)
        self.table.line(f"{size.rounds} rounds of {size.attempts} for {places} places", spread(seconds, "s", 1))
        self.table.figure("rounds", self.table.figures.get("rounds", 0) + size.rounds, 0)
        self.table.figure("attempts", self.table.figures.get("attempts", 0) + size.rounds * size.attempts, 0)

    def round(self, places: int, attempts: int, *, price_minor: int = 0) -> tuple[int, list[Answer], float]:
        """Return how many tickets there are afterwards, the answers and the seconds."""
        from tenant_apps.ticketing.models import Ticket
        from tests.factories import make_ticket_type

        kind = make_ticket_type(price_minor=price_minor, capacity=places)
        answers, took = self._until_answered([self._order([kind.pk]) for _ in range(attempts)])
        counter = kind.quotas.get()
        tickets = Ticket.objects.filter(ticket_type=kind, status="active").count()
        if counter.held or counter.sold != tickets or counter.held + counter.sold > (counter.capacity or 0):
            self.counts["breaches"] += 1
            self.table.line("BREACH", f"held {counter.held}, sold {counter.sold}, tickets {tickets}")
        return tickets, answers, took

    def with_mixed_baskets(self, size: Size) -> None:
        """Baskets of up to 20 types in any order, all drawing from the house as well: nobody waits in a circle."""
        from django.db import connection

        from tenant_apps.ticketing.models import Ticket
        from tests.factories import make_event, make_quota, make_ticket_type

        event = make_event()
        each = size.baskets // 6
        kinds = [make_ticket_type(event, price_minor=0, capacity=each, name=f"Type {n}") for n in range(20)]
        house = make_quota(event, capacity=each * 16, name="House", ticket_types=kinds)
        chance = random.Random(20)
        baskets = [
            chance.sample([kind.pk for kind in kinds], chance.choice((2, 5, 5, 20))) for _ in range(size.baskets)
        ]
        with connection.cursor() as cursor:
            before = _deadlocks(cursor)
            posts = [self._order(basket) for basket in baskets]
            # In CI many tests share a machine, and a row may be waited for in vain: an answer (M2), and no proof.
            quick = size is QUICK
            answers, took = self._until_answered(posts) if quick else post_all(self.port, posts, CONNECTIONS)
            deadlocks = _deadlocks(cursor) - before
        wrong = self._errors(answers, SOLD_OUT)
        for quota in [kind.quotas.exclude(pk=house.pk).get() for kind in kinds]:
            self.counts["oversold"] += max(0, quota.sold - quota.capacity)
        house.refresh_from_db()
        tickets = Ticket.objects.filter(event=event).count()
        if house.sold != tickets:
            self.counts["breaches"] += 1
        done = sum(answer.status == 201 for answer in answers)
        self.table.line(
            f"{size.baskets} mixed baskets of 20 types",
            f"{done} orders, {tickets} tickets, {wrong} errors, {deadlocks} deadlocks in the database, {took:.1f} s",
        )
        self.table.figure("mixed_baskets", size.baskets, 0)
        self.table.figure("deadlocks", deadlocks, 0)

    # --- For a voucher -----------------------------------------------------------------------------------------------

    def for_a_voucher(self, size: Size) -> None:
        """A code with ten uses, and everybody at once; in turn one that makes free and one that takes a part off."""
        from tenant_apps.orders.models import Order
        from tenant_apps.promotions import services
        from tenant_apps.promotions.models import VoucherUse
        from tests.factories import make_ticket_type

        for number in range(size.vouchers):
            kind = make_ticket_type(price_minor=2000, capacity=None)
            code = f"RUSH{number}"
            percent = {"kind": "percent", "percent": 50} if number % 2 else {"kind": "free", "percent": 0}
            voucher = services.create_voucher(actor=owner(), code=code, max_uses=VOUCHER_USES, **percent)
            posts = [self._order([kind.pk], voucher=code) for _ in range(size.attempts)]
            answers, took = self._until_answered(posts)
            self._errors(answers, {"voucher_used_up"})
            voucher.refresh_from_db()
            uses = VoucherUse.objects.filter(voucher=voucher).count()
            orders = Order.objects.filter(lines__ticket_type=kind).distinct().count()
            done = sum(answer.status == 201 for answer in answers)
            found = (voucher.used, uses, orders, done)
            self.counts["voucher_over"] += max(0, max(found) - VOUCHER_USES)
            self.counts["voucher_under"] += max(0, VOUCHER_USES - min(found))
            self.table.line(
                f"a voucher with {VOUCHER_USES} uses, {size.attempts} at once",
                f"{uses} uses, {orders} orders, {took:.1f} s",
            )

    # --- For money ---------------------------------------------------------------------------------------------------

    def of_refunds(self, size: Size) -> None:
        """Each payment is sent back by so many at once, a part each that does not fit into the whole."""
        from django.db.models import Sum

        from tenant_apps.payments.models import LedgerEntry, Payment, Refund
        from tests.factories import bearer, make_ticket_type

        kind = make_ticket_type(price_minor=5000, capacity=None)
        paid, _took = self._until_answered([self._order([kind.pk]) for _ in range(size.payments)])
        self._errors(paid, set())
        token, chance = bearer(owner()), random.Random(4)
        codes = [answer.json["code"] for answer in paid if answer.status == 201]
        posts = [
            Post(self.host, f"{ORDERS}{code}/refund/", {"amount": chance.choice(("7.00", "13.00", "50.00"))},
                 uuid.uuid4().hex, token)
            for code in codes for _ in range(size.refunds)
        ]  # fmt: skip
        answers, took = self._until_answered(posts)
        self._errors(answers, {"refund_too_large"})
        over = back = 0
        for payment in Payment.objects.filter(order__code__in=codes):
            refunds = Refund.objects.filter(payment=payment).exclude(status="failed")
            asked = refunds.aggregate(sum=Sum("amount_minor"))["sum"] or 0
            booked = -(LedgerEntry.objects.filter(order=payment.order_id, kind="refund").aggregate(
                sum=Sum("amount_minor"))["sum"] or 0)  # fmt: skip
            over += max(0, asked - payment.captured_minor) + max(0, booked - payment.captured_minor)
            back += booked
        granted = sum(200 <= answer.status < 300 for answer in answers)
        self.counts["refund_over"] += over
        self.table.line(
            f"{len(codes)} payments x {size.refunds} refunds at once",
            f"{granted} granted, {back / 100:.2f} of {len(codes) * 50:.2f} sent back, {over} too much, {took:.1f} s",
        )
        self.table.figure("refunds", len(posts), 0)

    # --- For one effect ----------------------------------------------------------------------------------------------

    def of_repeats(self, size: Size) -> None:
        """One key so many times at once: one order, and everybody hears the same."""
        from tenant_apps.orders.models import Order
        from tests.factories import make_ticket_type

        kind = make_ticket_type(price_minor=0, capacity=None)
        most = unequal = 0
        for number in range(size.keys):
            post = self._order([kind.pk])
            answers, _took = self._until_answered([post] * size.repeats)
            self._errors(answers, set())
            effects = Order.objects.filter(email=post.body["email"]).count()
            unequal += len({(answer.status, answer.body) for answer in answers}) - 1
            most = max(most, effects) if number else effects
        self.counts["idempotency_effects"] = most
        self.counts["client_errors"] += unequal
        self.table.line(
            f"{size.keys} keys, each {size.repeats} times at once", f"{most} effect at most, {unequal} unequal answers"
        )
        self.table.figure("idempotency_effects", most, 0)

    def _until_answered(self, posts: list[Post]) -> tuple[list[Answer], float]:
        """Send all; whoever is told to come again does so with the same key, as a buyer's page does. Who is told so to
        the end has met an error. Returns the last answers, and the seconds of the first visit."""
        answers, took = post_all(self.port, posts, CONNECTIONS)
        for _visit in range(MOST_VISITS):
            again = [number for number, answer in enumerate(answers) if answer.code in COME_AGAIN]
            if not again:
                break
            self.counts["came_again"] += sum(answers[number].code == BUSY for number in again)
            time.sleep(PAUSE)
            for number, answer in zip(
                again, post_all(self.port, [posts[n] for n in again], CONNECTIONS)[0], strict=True
            ):
                answers[number] = answer
        return answers, took

    # --- Inside ------------------------------------------------------------------------------------------------------

    def look_for_breaches(self) -> None:
        from tenant_apps.reports.invariants import breaches_in

        for breach in breaches_in(self.tenant):
            self.counts["breaches"] += 1
            self.table.line("BREACH", f"{breach.invariant} {breach.found}")

    def _order(self, types: list[int], **more: Any) -> Post:
        key = uuid.uuid4().hex
        body = {
            "email": f"{key}@example.test", "lines": [{"ticket_type": pk} for pk in types], "provider": "test",
            "test_outcome": "succeed", **more,
        }  # fmt: skip
        return Post(self.host, ORDERS, body, key)

    def _errors(self, answers: list[Answer], allowed: set[str]) -> int:
        """Count what no buyer should have met, and say what it was."""
        wrong = Counter(
            f"{answer.status} {answer.code}" for answer in answers
            if not 200 <= answer.status < 300 and (answer.status not in (400, 409) or answer.code not in allowed)
        )  # fmt: skip
        for what, count in wrong.items():
            self.table.line("ERROR", f"{count} times {what}")
        self.counts["client_errors"] += wrong.total()
        return wrong.total()


def _deadlocks(cursor: Any) -> int:
    cursor.execute("SELECT pg_stat_clear_snapshot()")
    cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(cursor.fetchone()[0])


def with_mutation(table: Table, home: Path, size: Size) -> None:
    """The same race where claims have no condition (bench.mutation), and no constraint behind them."""
    from django.db import connection

    from tenants.context import in_tenant
    from tenants.provisioning import open_tenant

    tenant = open_tenant(name="Broken", slug="broken-on-purpose", owner=owner(), currency="EUR")
    mutation = {"BENCH_MUTATION": "claims"}
    with gunicorn(home, "platform_config.wsgi:application", mutation, READY) as web, in_tenant(tenant):
        port = web.port
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ticketing_quota DROP CONSTRAINT quota_within_capacity")
        race, sold = Race(table, tenant, port), 0
        for _round in range(MUTATED_ROUNDS):
            sold, _answers, _took = race.round(10, min(size.attempts, 200))
            if sold > 10:
                break
    table.figure("mutation_detected", int(sold > 10), 0)
    table.line("claims without their condition", f"{sold} sold of 10: " + ("seen" if sold > 10 else "NOT SEEN"))


if __name__ == "__main__":
    main()
