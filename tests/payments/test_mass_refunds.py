"""An event is called off: everybody's money goes back, order by order, whatever happens meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.events import services as events
from tenant_apps.orders.checkout import Basket, BasketLine
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import expire_overdue
from tenant_apps.payments import mass, refunds, services
from tenant_apps.payments.errors import EventStillOn
from tenant_apps.payments.models import LedgerEntry, MassRefund, MassRefundRow, Payment, Refund
from tenant_apps.payments.providers.base import ProviderFailed, ProviderRefused, Refunded
from tenant_apps.payments.providers.manual import ManualProvider
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing.models import Quota, Ticket
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_variant, owner_of


@pytest.fixture
def kind(alpha):
    """A ticket type of 25.00 of an event that will be called off."""
    with in_tenant(alpha):
        return make_ticket_type(make_event("Gala"), price_minor=2500)


def call_off(tenant, kind, **options):
    """Cancel the event with everybody's money, and let the worker work."""
    events.cancel(kind.event, actor=owner_of(tenant), refund=True, **options)
    deliver_due()
    run = MassRefund.objects.get(event=kind.event)
    assert mass.work(run)
    run.refresh_from_db()
    return run


def mixed_order(*kinds):
    basket = Basket(
        email="m@example.test", lines=[BasketLine(ticket_type=kind.pk) for kind in kinds], provider="manual"
    )
    order = services.place(basket)[0]
    services.mark_paid(order)
    return order


def states(run):
    return dict(run.rows.values_list("order__code", "status"))


def test_everybody_gets_all_money_back_and_no_ticket_admits(alpha, kind):
    with in_tenant(alpha):
        paid = [make_paid_order(kind, quantity=2) for _ in range(3)]
        pending = make_order(kind)
        refunds.refund_order(paid[0], 1000)
        run = call_off(alpha, kind)
        assert set(states(run).values()) == {"done"} and len(states(run)) == 4
        assert run.status == "done" and run.finished_at
        assert {(o.status, o.refunded_minor) for o in Order.objects.filter(paid_at__isnull=False)} == {
            ("cancelled", 5000)
        }
        pending.refresh_from_db()
        assert pending.status == "cancelled"
        assert set(Ticket.objects.values_list("status", flat=True)) == {"cancelled"}
        assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
        assert Quota.objects.values_list("held", "sold").get() == (0, 0)
    assert breaches_in(alpha) == []


def test_of_an_order_for_several_events_only_that_event_s_lines_go(alpha, kind):
    with in_tenant(alpha):
        other = make_ticket_type(make_event("Other"), price_minor=1000)
        order = mixed_order(kind, other)
        call_off(alpha, kind)
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 2500)
        lines = {line.event.title: (line.status, line.ticket.status) for line in order.lines.all()}
        assert lines == {"Gala": ("cancelled", "cancelled"), "Other": ("active", "active")}
        assert set(Quota.objects.values_list("event__title", "sold")) == {("Gala", 0), ("Other", 1)}
    assert breaches_in(alpha) == []


def test_goods_of_the_same_order_are_kept(alpha, kind):
    with in_tenant(alpha):
        variant = make_variant()
        basket = Basket(
            email="m@example.test", provider="manual",
            lines=[BasketLine(ticket_type=kind.pk), BasketLine(variant=variant.pk, quantity=2)],
        )  # fmt: skip
        order = services.place(basket)[0]
        services.mark_paid(order)
        call_off(alpha, kind)
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 2500)
        assert {(line.kind, line.status) for line in order.lines.all()} == {
            ("ticket", "cancelled"),
            ("product", "active"),
        }
        variant.refresh_from_db()
        assert variant.sold == 2
    assert breaches_in(alpha) == []


def test_an_event_that_is_on_is_not_refunded_and_a_postponed_one_only_when_asked(alpha, kind):
    with in_tenant(alpha):
        order = make_paid_order(kind)
        with pytest.raises(EventStillOn):
            mass.start(kind.event)
        later = timezone.now() + timedelta(days=60)
        events.postpone(kind.event, starts_at=later, actor=None)
        deliver_due()
        assert not MassRefund.objects.exists()
        run = mass.start(kind.event, reason="Illness")
        assert mass.start(kind.event).pk == run.pk
        assert mass.work(run)
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("cancelled", 2500)
        assert Refund.objects.get().reason == "Illness"


def test_whoever_cancels_without_wanting_to_refund_refunds_nobody(alpha, kind):
    with in_tenant(alpha):
        order = make_paid_order(kind)
        events.cancel(kind.event, actor=owner_of(alpha))
        deliver_due()
        assert not MassRefund.objects.exists()
        order.refresh_from_db()
        assert order.status == "paid"


def test_what_the_buyer_cancelled_before_stays_as_it_was(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event(refund_tiers=[{"days": 3, "percent": 50}]), price_minor=2500)
        order = make_paid_order(kind)
        refunds.cancel_order(order)
        run = call_off(alpha, kind)
        order.refresh_from_db()
        assert (order.refunded_minor, run.rows.count()) == (1250, 0)


def refusing(monkeypatch, error, codes):
    """Let the provider refuse the refunds of these orders, until the list is emptied."""

    def refund(self, refund):
        if refund.payment.order.code in codes:
            raise error
        return Refunded("succeeded", str(refund.pk))

    monkeypatch.setattr(ManualProvider, "refund", refund)
    monkeypatch.setattr(ManualProvider, "ask_refund", refund)


def test_what_a_provider_refuses_is_listed_and_sent_once_when_repeated(alpha, kind, monkeypatch):
    with in_tenant(alpha):
        good, bad = make_paid_order(kind), make_paid_order(kind)
        codes = [bad.code]
        refusing(monkeypatch, ProviderRefused("the account is empty"), codes)
        run = call_off(alpha, kind)
        assert states(run) == {good.code: "done", bad.code: "failed"}
        (row,) = mass.failures(run)
        assert (row.order.code, row.code, row.words) == (bad.code, "refund_failed", "the account is empty")
        assert mass.sums(run) == [("EUR", 5000, 2500)]
        codes.clear()
        mass.repeat(run, actor=owner_of(alpha))
        assert mass.work(MassRefund.objects.get())
        assert mass.repeat(run).status == "done"
        assert set(states(run).values()) == {"done"}
        assert mass.sums(run) == [("EUR", 5000, 5000)]
        assert sorted(LedgerEntry.objects.filter(kind="refund").values_list("amount_minor", flat=True)) == [
            -2500,
            -2500,
        ]
    assert breaches_in(alpha) == []


def test_what_failed_is_still_there_to_be_repeated_after_another_run(alpha, kind, monkeypatch):
    with in_tenant(alpha):
        bad = make_paid_order(kind)
        codes = [bad.code]
        refusing(monkeypatch, ProviderRefused("the account is empty"), codes)
        first = call_off(alpha, kind)
        codes.clear()
        second = mass.start(kind.event)
        # As long as the second one runs, nobody would work on the first.
        mass.repeat(first)
        assert states(first) == {bad.code: "failed"}
        assert mass.work(second)
        mass.repeat(first)
        assert mass.work(MassRefund.objects.get(pk=first.pk))
        assert states(first) == {bad.code: "done"}
        bad.refresh_from_db()
        assert bad.refunded_minor == 2500
    assert breaches_in(alpha) == []


def test_a_provider_that_does_not_answer_leaves_it_on_its_way(alpha, kind, monkeypatch):
    with in_tenant(alpha):
        order = make_paid_order(kind)
        codes = [order.code]
        refusing(monkeypatch, ProviderFailed("no answer"), codes)
        run = call_off(alpha, kind)
        assert (states(run), run.status) == ({order.code: "sent"}, "done")
        mass.repeat(run)
        assert states(run) == {order.code: "sent"}
        codes.clear()
        from tenant_apps.payments.polling import poll_due

        poll_due(now=timezone.now() + timedelta(hours=1))
        assert states(run) == {order.code: "done"}


@pytest.mark.parametrize("where", ["mass.intended", "refund.sent"])
def test_a_worker_that_is_killed_anywhere_sends_nothing_twice(alpha, kind, monkeypatch, where):
    """After the commit that intends a refund, and after the provider sent it."""
    with in_tenant(alpha):
        orders = [make_paid_order(kind) for _ in range(3)]
        sent = []

        def refund(self, refund):
            sent.append(refund.pk)
            if where == "refund.sent" and len(sent) == 2:
                raise SystemExit
            return Refunded("succeeded", str(refund.pk))

        monkeypatch.setattr(ManualProvider, "refund", refund)
        monkeypatch.setattr(ManualProvider, "ask_refund", refund)
        passed = []

        def point(name):
            passed.append(name)
            if name == where and passed.count(name) == 2:
                raise SystemExit

        monkeypatch.setattr(mass, "point", point)
        events.cancel(kind.event, actor=None, refund=True)
        deliver_due()
        run = MassRefund.objects.get()
        with pytest.raises(SystemExit):
            mass.work(run)
        assert run.rows.filter(status="waiting").count() == 1
        MassRefund.objects.update(modified_at=timezone.now() - timedelta(minutes=2))
        assert mass.unfinished() == [run]
        assert mass.work(run)
        deliver_due()
        deliver_due()
        assert set(states(run).values()) == {"done"}
        # By its own key each: asked again, never anew.
        assert len(set(sent)) == 3
        assert {order.status for order in Order.objects.filter(pk__in=[o.pk for o in orders])} == {"cancelled"}
        assert LedgerEntry.objects.filter(kind="refund").count() == 3
    assert breaches_in(alpha) == []


def test_an_order_that_cannot_be_cancelled_does_not_stop_the_others(alpha, kind, monkeypatch):
    with in_tenant(alpha):
        odd, good = make_paid_order(kind), make_paid_order(kind)
        intend = mass.intend_line_cancellation

        def broken(order, *args, **options):
            if order.code == odd.code:
                raise RuntimeError("a counter is wrong")
            return intend(order, *args, **options)

        monkeypatch.setattr(mass, "intend_line_cancellation", broken)
        run = call_off(alpha, kind)
        assert states(run) == {odd.code: "failed", good.code: "done"}
        assert mass.failures(run)[0].code == "internal_error"
        monkeypatch.setattr(mass, "intend_line_cancellation", intend)
        mass.repeat(run)
        assert mass.work(MassRefund.objects.get())
        assert states(run) == {odd.code: "done", good.code: "done"}


def test_many_workers_and_staff_who_refund_by_hand_never_send_more_than_came_in(alpha, transactional_db):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Gala"), price_minor=2500)
        orders = [make_paid_order(kind) for _ in range(12)]
        events.cancel(kind.event, actor=None)
        run = mass.start(kind.event)

    def by_hand(order):
        refunds.refund_order(order, 1500)

    answers = at_once(
        alpha, [lambda: mass.work(run)] * 4 + [lambda each=each: by_hand(each) for each in orders[:6]] * 2
    )
    assert set(answers) <= {"ok", "refund_too_large", "RefundTooLarge", "Busy", "busy"}, answers
    with in_tenant(alpha):
        while not mass.work(MassRefund.objects.get()):
            pass
        assert MassRefundRow.objects.exclude(status="done").count() == 0
        assert {(p.captured_minor, p.refunded_minor, p.refunding_minor) for p in Payment.objects.all()} == {
            (2500, 2500, 0)
        }
        assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
    assert breaches_in(alpha) == []


def test_late_money_for_an_event_that_was_called_off_goes_back(alpha, kind):
    with in_tenant(alpha):
        order = make_order(kind)
        expire_overdue(now=timezone.now() + timedelta(days=1))
        call_off(alpha, kind)
        payment = services.begin_by_hand(order, services.providers.by_name("manual"))
        services.settle(payment, "succeeded", reference="late")
        deliver_due()
        order.refresh_from_db()
        payment.refresh_from_db()
        assert (order.status, payment.status, Ticket.objects.count()) == ("expired", "refunded", 0)


def test_whoever_buys_after_a_postponed_event_is_on_again_is_left_alone(alpha, kind):
    with in_tenant(alpha):
        first = make_paid_order(kind)
        events.postpone(kind.event, starts_at=timezone.now() + timedelta(days=60), actor=None)
        run = mass.start(kind.event)
        kind.event.refresh_from_db()
        events.publish(kind.event, actor=None)
        second = make_paid_order(kind)
        assert mass.work(run)
        assert states(run) == {first.code: "done"}
        second.refresh_from_db()
        assert second.status == "paid"


def test_a_mail_tells_each_buyer_once(alpha, kind, mailoutbox):
    with in_tenant(alpha):
        order = make_paid_order(kind, email="ann@example.test")
        other = make_ticket_type(make_event("Other"), price_minor=1000)
        mixed = mixed_order(kind, other)
        deliver_due()
        mailoutbox.clear()
        run = call_off(alpha, kind)
        for _ in range(3):
            deliver_due()
        assert mass.work(run)
        deliver_due()
    told = {mail.to[0]: mail for mail in mailoutbox if "cancelled" in mail.subject}
    about = [mail for mail in mailoutbox if "cancelled" in mail.subject]
    assert len(about) == 2
    assert order.code in told[next(to for to in told if "ann@" in to)].body
    partial = told[next(to for to in told if "m@example" in to)]
    assert mixed.code in partial.body and "Gala" in partial.body and "25" in partial.body


@pytest.mark.parametrize("trouble", ["none", "answers get lost", "down for a while", "refunds take days"])
def test_through_real_providers_the_books_agree_whatever_they_do(shop, trouble):
    """Over HTTP to the fakes of all three providers, whose own books are compared with ours."""
    orders = [shop.order() for _ in range(3)]
    for order in orders:
        shop.come_back(shop.pay(order))
    shop.fake.settled()
    # FreedomPay has no refunds that stay pending.
    knobs = {"answers get lost": ("error_after", 3), "down for a while": ("error_before", 4)}
    if trouble == "refunds take days" and shop.name == "stripe":
        shop.fake.knobs.refunds_stay_pending = True
    elif trouble in knobs:
        setattr(shop.fake.knobs, *knobs[trouble])
    with in_tenant(shop.tenant):
        run = call_off(shop.tenant, shop.ticket_type)
        if trouble == "refunds take days" and shop.name == "stripe":
            assert set(states(run).values()) == {"sent"}
            for reference in Refund.objects.values_list("reference", flat=True):
                shop.fake.finish_refund(reference)
    shop.fake.settled()
    from tenant_apps.payments.polling import poll_due

    with in_tenant(shop.tenant):
        for hours in (1, 2, 3):
            deliver_due()
            poll_due(now=timezone.now() + timedelta(hours=hours))
        assert set(states(run).values()) == {"done"}
    assert shop.payments() == [("refunded", 2500, 2500)] * 3
    assert shop.tickets() == 0
    shop.books_agree()
    assert breaches_in(shop.tenant) == []
