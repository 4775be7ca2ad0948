"""A hypothesis machine: acts in any order on the product and on the model, which must never differ."""

from typing import Any, ClassVar
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.rules import model
from tests.rules.driver import BAD, GOOD, NEEDS_3DS, Driver, Placed, seen

PICK = st.integers(min_value=0, max_value=999)
KINDS = st.lists(st.sampled_from(sorted(model.PRICES)), min_size=1, max_size=3).map(tuple)
some_order = precondition(lambda self: bool(self.pairs))
some_ticket = precondition(lambda self: any(order.tickets for order, _placed in self.pairs))


class OrdersLife(RuleBasedStateMachine):
    """Set `driver` on a subclass: it makes the event that a run is about."""

    make_driver: Any = None
    # How many steps each run had; hypothesis ends some early.
    lengths: ClassVar[list[int]] = []

    def __init__(self) -> None:
        super().__init__()
        self.driver: Driver = type(self).make_driver()
        self.shop = model.Shop()
        self.pairs: list[tuple[model.Order, Placed]] = []
        self.scans: list[tuple[model.Ticket, str, bool]] = []
        self.touched: set[int] = set()
        self.steps = 0

    # --- Choosing ----------------------------------------------------------------------------------------------------

    def pick(self, number: int) -> tuple[model.Order, Placed]:
        index = number % len(self.pairs)
        self.touched.add(index)
        return self.pairs[index]

    def pick_payment(self, number: int) -> tuple[model.Order, Placed, int]:
        """A payment that a page was made for."""
        chosen = [
            (index, place)
            for index, (order, placed) in enumerate(self.pairs)
            for place in range(len(placed.pages))
        ]  # fmt: skip
        index, place = chosen[number % len(chosen)]
        self.touched.add(index)
        return *self.pairs[index], place

    def same(self, answer: Any, act: Any, *, done: int = 200) -> Any:
        """The model acts; if it refuses, the product must have refused by the same code, else have done it."""
        try:
            result = act()
        except model.Refused as refusal:
            assert answer.status_code in (400, 409), answer.text
            assert answer.json()["code"] == str(refusal), answer.text
            return None
        assert answer.status_code == done, answer.text
        return result

    # --- The buyer ---------------------------------------------------------------------------------------------------

    @initialize(kinds=KINDS)
    def first(self, kinds: tuple[str, ...]) -> None:
        self.place(kinds, False)

    @rule(kinds=KINDS, again=st.booleans())
    def place(self, kinds: tuple[str, ...], again: bool) -> None:
        answer, placed = self.driver.place(kinds, again=again)
        order = self.same(answer, lambda: self.shop.place(kinds), done=201)
        self._see_who_expired()
        if order is not None:
            assert placed is not None
            self.touched.add(len(self.pairs))
            self.pairs.append((order, placed))

    def _see_who_expired(self) -> None:
        """Whoever wanted places may have ended overdue orders: which of them is for the product to choose."""
        self.touched = set(range(len(self.pairs)))
        for order, placed in self.pairs:
            if order.status == "pending" and order.overdue and self.driver.state(placed)["status"] == "expired":
                order.status = "expired"

    @some_order
    @rule(number=PICK)
    def try_again(self, number: int) -> None:
        order, placed = self.pick(number)
        if len(order.payments) < 6:
            self.same(self.driver.try_again(placed), lambda: self.shop.try_again(order), done=201)

    @some_order
    @rule(number=PICK, extra=st.sampled_from((0, 0, 0, 0, 100, -100)))
    def pay(self, number: int, extra: int) -> None:
        """By a good card; now and then the provider takes another amount than it was asked for."""
        self._at_the_page(number, GOOD, extra)

    @some_order
    @rule(number=PICK)
    def pay_by_a_bad_card(self, number: int) -> None:
        self._at_the_page(number, BAD, 0)

    @some_order
    @rule(number=PICK)
    def pay_by_a_card_that_asks_back(self, number: int) -> None:
        self._at_the_page(number, NEEDS_3DS, 0)

    def _at_the_page(self, number: int, card: str, extra: int) -> None:
        order, placed, place = self.pick_payment(number)
        address, page = placed.pages[place], self._page(order, place)
        assert address is not None
        answer = self.driver.pay(address, card, extra)
        if page.state != "open":
            assert answer.status_code in ((302, 303) if page.state == "complete" else (410,)), answer.text
            return
        amount = self._pages(order)[place].amount_minor
        if card == GOOD:
            assert answer.status_code in (302, 303), answer.text
            page.state, page.intent, page.taken_minor = "complete", "succeeded", amount + extra
        elif card == BAD:
            assert answer.status_code == 402, answer.text
            page.intent = "declined"
        else:
            page.intent = "requires_action"

    @some_order
    @rule(number=PICK)
    def say_yes_to_the_bank(self, number: int) -> None:
        order, placed, place = self.pick_payment(number)
        page = self._page(order, place)
        if page.intent == "requires_action":
            self.driver.authenticate(placed.pages[place] or "")
            page.state, page.intent = "complete", "succeeded"
            page.taken_minor = self._pages(order)[place].amount_minor

    @some_order
    @rule(number=PICK)
    def come_back(self, number: int) -> None:
        order, placed, place = self.pick_payment(number)
        self.driver.come_back(placed, place)
        self.shop.ask(order, self._pages(order)[place])

    def _pages(self, order: model.Order) -> list[model.Payment]:
        return [payment for payment in order.payments if payment.page is not None]

    def _page(self, order: model.Order, place: int) -> model.AtProvider:
        page = self._pages(order)[place].page
        assert page is not None
        return page

    # --- The provider's messages -------------------------------------------------------------------------------------

    @precondition(lambda self: bool(self.driver.messages()))
    @rule(number=PICK, times=st.integers(1, 2))
    def a_message_comes(self, number: int, times: int) -> None:
        """Any of those that were ever sent, once more or for the first time."""
        messages = self.driver.messages()
        about = messages[number % len(messages)]
        for _ in range(times):
            about()
        self._heard(about)

    def _heard(self, about: Any) -> None:
        event = about.event["data"]["object"]
        kind, page = about.event["type"], None
        if kind == "checkout.session.expired":
            page, status, amount = event["id"], "cancelled", 0
        elif kind == "checkout.session.completed":
            page, status, amount = event["id"], "succeeded", event["amount_total"]
        elif kind == "payment_intent.succeeded":
            page, status, amount = event["metadata"]["payment"], "succeeded", event["amount_received"]
        for index, (order, placed) in enumerate(self.pairs):
            for place, (address, identity) in enumerate(zip(placed.pages, placed.ids, strict=True)):
                if page and (page == identity or (address or "").endswith(page)):
                    self.touched.add(index)
                    self.shop.settle(order, self._pages(order)[place], status, amount)

    # --- Time and the worker -----------------------------------------------------------------------------------------

    @some_order
    @rule(number=PICK)
    def time_is_up(self, number: int) -> None:
        order, placed = self.pick(number)
        self.driver.overdue(placed)
        order.overdue = True

    @some_order
    @rule()
    def sweep(self) -> None:
        self.driver.sweep()
        self.shop.sweep()
        self.touched = set(range(len(self.pairs)))

    @some_order
    @rule(number=PICK)
    def poll(self, number: int) -> None:
        order, placed, place = self.pick_payment(number)
        self.driver.poll(placed.ids[place])
        self.shop.ask(order, self._pages(order)[place])

    @some_order
    @rule()
    def work(self) -> None:
        self.driver.work()
        self.shop.work()
        self.touched = set(range(len(self.pairs)))

    # --- Staff and the door ------------------------------------------------------------------------------------------

    @some_order
    @rule(number=PICK)
    def mark_paid(self, number: int) -> None:
        order, placed = self.pick(number)
        self.same(self.driver.mark_paid(placed), lambda: self.shop.mark_paid(order))

    @some_order
    @rule(number=PICK, amount=st.sampled_from((None, 1, 700, 1000, 2500, 4000)))
    def refund(self, number: int, amount: int | None) -> None:
        order, placed = self.pick(number)
        self.same(self.driver.refund(placed, amount), lambda: self.shop.refund(order, amount))

    @some_order
    @rule(number=PICK, by_staff=st.booleans())
    def cancel(self, number: int, by_staff: bool) -> None:
        order, placed = self.pick(number)
        answer = self.driver.cancel(placed, by_staff=by_staff)
        self.same(answer, lambda: self.shop.cancel(order, by_staff=by_staff))

    @some_order
    @rule(number=PICK, which=PICK, by_staff=st.booleans())
    def cancel_line(self, number: int, which: int, by_staff: bool) -> None:
        order, placed = self.pick(number)
        place = which % len(order.lines)
        answer = self.driver.cancel_line(placed, place, by_staff=by_staff)
        self.same(answer, lambda: self.shop.cancel_line(order, order.lines[place], by_staff=by_staff))

    @precondition(lambda self: len(self.pairs) > 3 and not self.shop.cancelled)
    @rule(sure=st.integers(0, 9))
    def cancel_event(self, sure: int) -> None:
        if sure == 0:
            assert self.driver.cancel_event().status_code == 200
            self.shop.cancelled = True

    @some_ticket
    @rule(number=PICK)
    def scan(self, number: int) -> None:
        tickets = [
            (index, ticket) for index, (order, _placed) in enumerate(self.pairs) for ticket in order.tickets
            if ticket.code
        ]  # fmt: skip
        if not tickets:
            return
        index, ticket = tickets[number % len(tickets)]
        self.touched.add(index)
        scan_id = uuid4().hex
        answer = self.driver.scan(ticket.code, scan_id)
        refusal = self.shop.scan(ticket, scan_id)
        assert answer.status_code == 201, answer.text
        assert answer.json().get("reason", "") == refusal, answer.text
        self.scans.append((ticket, scan_id, not refusal))

    @precondition(lambda self: bool(self.scans))
    @rule(number=PICK)
    def undo(self, number: int) -> None:
        ticket, scan_id, admitted = self.scans[number % len(self.scans)]
        answer = self.driver.undo(scan_id)
        if not admitted:
            assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_undo")
            return
        assert answer.status_code == 200, answer.text
        self.shop.undo(ticket, scan_id)
        self.touched = set(range(len(self.pairs)))

    # --- Comparing ---------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_differs(self) -> None:
        self.steps += 1
        for index in sorted(self.touched):
            order, placed = self.pairs[index]
            said = self.driver.state(placed)
            assert seen(said) == wanted(order)
            for ticket, told in zip(order.tickets, said["tickets"], strict=True):
                ticket.code = told["code"] or ticket.code
        self.touched.clear()
        held, sold = self.shop.count("pending"), self.shop.count("paid")
        assert self.driver.counters() == {name: (held[name], sold[name]) for name in model.PLACES}

    def teardown(self) -> None:
        """At last everything is asked about and sent back: no money is kept without an order, and all books agree."""
        self.lengths.append(self.steps)
        for order, placed in self.pairs:
            for place, identity in enumerate(placed.ids):
                self.driver.poll(identity)
                self.shop.ask(order, self._pages(order)[place])
        for message in list(self.driver.messages()):
            message()
            self._heard(message)
        self.work_undecorated()
        self.touched = set(range(len(self.pairs)))
        self.nothing_differs()
        for order, _placed in self.pairs:
            if order.status != "paid":
                assert order.left_minor == 0
        assert self.driver.breaches() == []
        ours, theirs = self.driver.books()
        assert ours == theirs

    def work_undecorated(self) -> None:
        self.driver.work()
        self.shop.work()


def wanted(order: model.Order) -> dict[str, Any]:
    return {
        "status": order.status,
        "total": order.total_minor,
        "refunded": order.refunded_minor,
        "tickets": [ticket.status for ticket in order.tickets],
        "payments": [(each.status, each.amount_minor, each.refunded_minor) for each in order.payments],
    }
