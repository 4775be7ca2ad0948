"""People who buy, return, cancel, forget to pay and bring in files, all at once over HTTP; and what must come of it."""

import csv
import io
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from bench import outcomes, stories

ROWS_OF_A_FILE = 10
# Between two acts of one person.
LONGEST_PAUSE_SECONDS = 4.0
# Until the provider's word of a payment must be here, although workers die: web takes it.
PAYMENT_SECONDS = 60
_files = itertools.count(1)


class Crowd:
    """`people` threads, each of which does one thing after the other until `stop()`.

    `orders` holds by shop and order code what the order must come to, as `Story.wanted` says it; `files` by shop and
    import id what the events in it are called (their external ids begin so).
    """

    def __init__(self, shops: list[stories.Shop], people: int, *, seed: int):
        self.shops, self.seed = shops, seed
        self.orders: dict[str, dict[str, str]] = {shop.slug: {} for shop in shops}
        self.files: dict[str, dict[str, str]] = {shop.slug: {} for shop in shops}
        self.done: Counter[str] = Counter()
        self.troubles: list[str] = []
        self._over, self._lock = threading.Event(), threading.Lock()
        self._people = [threading.Thread(target=self._live, args=(number,), daemon=True) for number in range(people)]
        self._acts: list[tuple[int, Callable[[stories.Shop], None]]] = [
            (45, self.buys), (25, self.takes_free_ticket), (10, self.sends_back), (6, self.cancels),
            (8, self.never_pays), (6, self.brings_file),
        ]  # fmt: skip

    def start(self) -> None:
        for person in self._people:
            person.start()

    def stop(self) -> None:
        """Let everybody end what they have begun, then nobody begins anything."""
        self._over.set()
        for person in self._people:
            person.join(stories.PATIENCE_SECONDS + PAYMENT_SECONDS + 30)
        self.troubles += [f"{person.name} did not come back" for person in self._people if person.is_alive()]

    def _live(self, number: int) -> None:
        chance = random.Random(self.seed * 1000 + number)
        weights, acts = [weight for weight, _act in self._acts], [act for _weight, act in self._acts]
        try:
            while not self._over.wait(chance.uniform(0, LONGEST_PAUSE_SECONDS)):
                act = chance.choices(acts, weights)[0]
                try:
                    act(chance.choice(self.shops))
                except Exception as error:  # told at the end; the others go on
                    with self._lock:
                        self.troubles.append(f"{act.__name__}: {type(error).__name__}: {str(error)[:200]}")
                else:
                    with self._lock:
                        self.done[act.__name__] += 1
        finally:
            with suppress(Exception):
                outcomes.reconnect()

    def _wants(self, shop: stories.Shop, order: stories.Order, what: str) -> None:
        self.orders[shop.slug][order["code"]] = what

    # --- What people do ----------------------------------------------------------------------------------------------

    def buys(self, shop: stories.Shop) -> None:
        """Pays and closes the window: the provider's message has to do."""
        order = shop.place()
        shop.pay(order)
        self._wants(shop, order, "paid")

    def takes_free_ticket(self, shop: stories.Shop) -> None:
        self._wants(shop, shop.place(shop.free), "paid")

    def _buys_and_sees_it(self, shop: stories.Shop) -> stories.Order:
        order = shop.place()
        shop.pay(order)
        self._wants(shop, order, "paid")
        shop.wait_for(order, "paid", PAYMENT_SECONDS)
        return order

    def sends_back(self, shop: stories.Shop) -> None:
        order = self._buys_and_sees_it(shop)
        shop.send_back(order)
        self._wants(shop, order, "paid refunded")

    def cancels(self, shop: stories.Shop) -> None:
        order = self._buys_and_sees_it(shop)
        shop.cancel(order)
        self._wants(shop, order, "cancelled refunded")

    def never_pays(self, shop: stories.Shop) -> None:
        """The order's time is up; only the schedule ends it."""
        order = shop.place()
        shop.overdue(order)
        self._wants(shop, order, "expired")

    def brings_file(self, shop: stories.Shop) -> None:
        name = f"storm-{next(_files)}"
        self.files[shop.slug][shop.upload(f"{name}.csv", _events(name))] = name


def _events(name: str) -> bytes:
    """A file of events whose external ids begin with the name."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(("external_id", "title", "starts_at", "timezone", "ticket_type", "price", "capacity"))
    for number in range(ROWS_OF_A_FILE):
        writer.writerow((
            f"{name}-{number}", f"Evening {name} {number}", f"2031-05-{number % 28 + 1:02}T20:00", "Europe/Berlin",
            "Standard", "10.50", "40",
        ))  # fmt: skip
    return target.getvalue().encode()
