"""The order's life as a plain model: what must be true after each act, with no database, no HTTP and no clock.

Written from the invariants, not from the product: M1, M3, M7, O1, O4, O5, T2, T4. Amounts are minor units.
"""

from collections import Counter
from dataclasses import dataclass, field

PRICES = {"stalls": 2500, "balcony": 1000}
# Which counters a ticket of each kind draws from, and how much there is of each.
DRAWS = {"stalls": ("stalls", "house"), "balcony": ("balcony", "house")}
PLACES = {"stalls": 3, "balcony": 4, "house": 6}
FINAL = frozenset({"succeeded", "cancelled", "refunded", "partially_refunded"})


class Refused(Exception):
    """The model's word for why something is not done; the product must say the same code."""


@dataclass
class Ticket:
    status: str = "active"
    code: str = ""
    # The scan that admitted its holder, as long as that stands.
    inside: str = ""


@dataclass
class AtProvider:
    """A page of the provider: open until it is paid or closed."""

    state: str = "open"  # open, complete, expired
    intent: str = ""  # "", declined, requires_action, succeeded
    taken_minor: int = 0


@dataclass
class Payment:
    amount_minor: int
    page: AtProvider | None = None  # None: by hand
    status: str = "pending"
    captured_minor: int = 0
    refunded_minor: int = 0
    # Reserved for going back, and not gone yet.
    returning: list[int] = field(default_factory=list)

    @property
    def left_minor(self) -> int:
        return self.captured_minor - self.refunded_minor - sum(self.returning)

    def give_back(self) -> None:
        """What was reserved has gone."""
        for amount in self.returning:
            self.refunded_minor += amount
            self.status = "refunded" if self.refunded_minor == self.captured_minor else "partially_refunded"
        self.returning = []


@dataclass
class Order:
    kinds: tuple[str, ...]
    status: str = "pending"
    overdue: bool = False
    ever_paid: bool = False
    tickets: list[Ticket] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)

    @property
    def total_minor(self) -> int:
        return sum(PRICES[kind] for kind in self.kinds)

    @property
    def draws(self) -> Counter[str]:
        return Counter(counter for kind in self.kinds for counter in DRAWS[kind])

    @property
    def owed_minor(self) -> int:
        """Money on its way back pays nothing."""
        return self.total_minor - sum(payment.left_minor for payment in self.payments)

    @property
    def left_minor(self) -> int:
        return sum(payment.left_minor for payment in self.payments)

    @property
    def refunded_minor(self) -> int:
        """What the buyer sees as refunded: not what was paid on top, nor what never paid the order."""
        captured = sum(payment.captured_minor for payment in self.payments)
        returned = sum(payment.refunded_minor for payment in self.payments)
        excess = max(0, captured - self.total_minor) if self.ever_paid else captured
        return min(self.total_minor, max(0, returned - excess))


class Shop:
    """One event with two kinds of tickets that share a house."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.cancelled = False

    # --- Places ------------------------------------------------------------------------------------------------------

    def count(self, status: str) -> Counter[str]:
        """How many places the orders of that status have, by counter."""
        return sum((order.draws for order in self.orders if order.status == status), Counter[str]())

    def _fits(self, draws: Counter[str], without: list[Order] | None = None) -> bool:
        gone = sum((order.draws for order in without or []), Counter[str]())
        held, sold = self.count("pending"), self.count("paid")
        return all(held[name] + sold[name] - gone[name] + wanted <= PLACES[name] for name, wanted in draws.items())

    # --- Buying ------------------------------------------------------------------------------------------------------

    def place(self, kinds: tuple[str, ...]) -> Order:
        """Places of orders whose time is up are free for whoever needs them (M3). Raises Refused."""
        if self.cancelled:
            raise Refused("not_on_sale")
        order = Order(kinds)
        if not self._fits(order.draws):
            overdue = [
                each for each in self.orders
                if each.status == "pending" and each.overdue and each.draws.keys() & order.draws.keys()
            ]  # fmt: skip
            if not self._fits(order.draws, overdue):
                raise Refused("sold_out")
            for each in overdue:
                each.status = "expired"
        order.payments.append(Payment(order.total_minor, AtProvider()))
        self.orders.append(order)
        return order

    def try_again(self, order: Order) -> Payment:
        if order.status != "pending":
            raise Refused("nothing_to_pay")
        payment = Payment(order.owed_minor, AtProvider())
        order.payments.append(payment)
        return payment

    def sweep(self) -> None:
        for order in self.orders:
            if order.status == "pending" and order.overdue:
                order.status = "expired"

    # --- Money -------------------------------------------------------------------------------------------------------

    def settle(self, order: Order, payment: Payment, status: str, amount_minor: int = 0) -> None:
        """What the provider says becomes true once, in whichever way and however often it is said (O8)."""
        late = payment.status == "cancelled" and status == "succeeded"
        if payment.status == status or (payment.status in FINAL and not late):
            return
        payment.status = status
        if status != "succeeded":
            return
        payment.captured_minor = amount_minor
        twice, too_little = order.status == "paid", amount_minor < payment.amount_minor
        too_late = order.status == "cancelled" or (order.status == "expired" and not self._fits(order.draws))
        if twice or too_little or too_late:
            payment.returning.append(amount_minor)
        else:
            order.status, order.ever_paid = "paid", True
            order.tickets = [Ticket() for _ in order.kinds]
            if order.owed_minor < 0:
                payment.returning.append(-order.owed_minor)

    def ask(self, order: Order, payment: Payment) -> None:
        """Ask the provider how a payment stands; what nobody may pay any more is closed there first."""
        page = payment.page
        if page is None or payment.status in FINAL:
            return
        if order.status != "pending" and page.state == "open":
            page.state = "expired"
        if page.state == "expired":
            self.settle(order, payment, "cancelled")
        elif page.intent == "succeeded":
            self.settle(order, payment, "succeeded", page.taken_minor)
        elif page.intent == "requires_action":
            self.settle(order, payment, "requires_action")

    def work(self) -> None:
        """The worker sends back what is to go back."""
        for order in self.orders:
            for payment in order.payments:
                payment.give_back()

    def mark_paid(self, order: Order) -> None:
        if order.status == "paid":
            return
        if order.status == "cancelled":
            raise Refused("nothing_to_pay")
        if order.status == "expired" and not self._fits(order.draws):
            raise Refused("sold_out")
        payment = Payment(order.owed_minor)
        order.payments.append(payment)
        self.settle(order, payment, "succeeded", payment.amount_minor)

    def refund(self, order: Order, amount_minor: int | None) -> None:
        """The newest payment first; gone at once."""
        wanted = order.left_minor if amount_minor is None else amount_minor
        if not 0 < wanted <= order.left_minor:
            raise Refused("refund_too_large")
        for payment in reversed(order.payments):
            part = min(wanted, payment.left_minor)
            if part > 0:
                before, payment.returning = payment.returning, [part]
                payment.give_back()
                payment.returning = before
                wanted -= part

    # --- Ending ------------------------------------------------------------------------------------------------------

    def cancel(self, order: Order, *, by_staff: bool) -> None:
        if order.status == "cancelled":
            return
        if order.status == "paid" and not by_staff and any(ticket.status == "used" for ticket in order.tickets):
            raise Refused("tickets_used")
        if order.status == "expired":
            raise Refused("wrong_state")
        order.status = "cancelled"
        for ticket in order.tickets:
            ticket.status = "cancelled"
        if order.left_minor:
            self.refund(order, None)

    # --- The door ----------------------------------------------------------------------------------------------------

    def scan(self, ticket: Ticket, scan_id: str) -> str:
        """Return why the holder is not admitted, "" if they are (T2, T4)."""
        if ticket.status == "cancelled" or self.cancelled:
            return "cancelled"
        if ticket.inside:
            return "already_used"
        ticket.status, ticket.inside = "used", scan_id
        return ""

    def undo(self, ticket: Ticket, scan_id: str) -> None:
        if ticket.inside == scan_id:
            ticket.inside = ""
            if ticket.status == "used":
                ticket.status = "active"
