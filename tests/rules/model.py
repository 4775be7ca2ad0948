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
    # Reserved for going back, and not gone yet: money that never belonged to the order (O5).
    returning: list[int] = field(default_factory=list)

    @property
    def left_minor(self) -> int:
        return self.captured_minor - self.refunded_minor - sum(self.returning)

    def give_back(self, amount_minor: int) -> None:
        self.refunded_minor += amount_minor
        self.status = "refunded" if self.refunded_minor == self.captured_minor else "partially_refunded"


@dataclass
class Line:
    kind: str
    standing: bool = True
    ticket: Ticket | None = None


@dataclass
class Order:
    lines: list[Line]
    status: str = "pending"
    overdue: bool = False
    # What it was paid for: lines that are cancelled later do not change it (M6).
    paid_for_minor: int | None = None
    payments: list[Payment] = field(default_factory=list)
    # What the buyer sees as refunded: not what was paid on top, nor what never paid the order.
    refunded_minor: int = 0

    @property
    def worth_minor(self) -> int:
        """What the lines cost that are left."""
        return sum(PRICES[line.kind] for line in self.lines if line.standing)

    @property
    def total_minor(self) -> int:
        return self.worth_minor if self.paid_for_minor is None else self.paid_for_minor

    @property
    def tickets(self) -> list[Ticket]:
        return [line.ticket for line in self.lines if line.ticket]

    @property
    def draws(self) -> Counter[str]:
        return Counter(counter for line in self.lines if line.standing for counter in DRAWS[line.kind])

    @property
    def owed_minor(self) -> int:
        """Money on its way back pays nothing."""
        return self.total_minor - sum(payment.left_minor for payment in self.payments)

    @property
    def left_minor(self) -> int:
        return sum(payment.left_minor for payment in self.payments)


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
        order = Order([Line(kind) for kind in kinds])
        overdue = [
            each for each in self.orders
            if each.status == "pending" and each.overdue and each.draws.keys() & order.draws.keys()
        ]  # fmt: skip
        if not self._fits(order.draws, overdue):
            raise Refused("sold_out")
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
            order.status, order.paid_for_minor = "paid", order.worth_minor
            for line in order.lines:
                line.ticket = Ticket() if line.standing else None
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
                for amount in payment.returning:
                    payment.give_back(amount)
                payment.returning = []

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
                payment.give_back(part)
                order.refunded_minor += part
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

    def cancel_line(self, order: Order, line: Line, *, by_staff: bool) -> None:
        """Its place is free and its ticket dead; a paid order gives back what the rest does not cost."""
        if not line.standing or order.status == "cancelled":
            return
        if order.status == "expired":
            raise Refused("wrong_state")
        if sum(each.standing for each in order.lines) == 1:
            self.cancel(order, by_staff=by_staff)
            return
        if line.ticket and line.ticket.status == "used" and not by_staff:
            raise Refused("tickets_used")
        line.standing = False
        if line.ticket:
            line.ticket.status = "cancelled"
            back = min(PRICES[line.kind], max(0, order.left_minor - order.worth_minor))
            if back:
                self.refund(order, back)

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
