"""The narrow rows that reports are read from: equal to the ledger whatever happened, however often it is told."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F, Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due, subscribers
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.orders.lifecycle import advance
from tenant_apps.orders.models import Order
from tenant_apps.payments import line_refunds
from tenant_apps.payments.models import LedgerEntry, Payment, Refund
from tenant_apps.payments.refunds import cancel_order, carry_out, refund_order
from tenant_apps.payments.services import mark_paid, settle
from tenant_apps.reports import building, figures
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.reports.models import DayFigure, Part
from tenants import due
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type

MONEY = ("ticket", "product", "fee", "delivery", "other")


def net() -> int:
    """What the day's sums say was kept."""
    sums = DayFigure.objects.filter(kind__in=MONEY).aggregate(
        **{name: Sum(f"{name}_minor", default=0) for name in ("gross", "refunded", "fees", "adjustments")}
    )
    return sums["gross"] - sums["refunded"] - sums["fees"] + sums["adjustments"]


def ledger() -> int:
    return LedgerEntry.objects.aggregate(sum=Sum("amount_minor", default=0))["sum"]


def day_figures() -> list[dict[str, Any]]:
    """All that is not zero, without the ids."""
    rows = DayFigure.objects.order_by("day", "kind", "event_id", "item_id", "name").values()
    told = [{name: value for name, value in row.items() if name != "id"} for row in rows]
    return [row for row in told if any(row[name] for name in figures.MEASURES)]


def test_a_paid_order_is_in_the_figures_as_soon_as_its_message_is_delivered(in_alpha):
    order = make_paid_order(make_ticket_type(price_minor=2500), quantity=2)
    assert not DayFigure.objects.exists()
    deliver_due(1000)
    (row,) = day_figures()
    assert (row["orders"], row["quantity"], row["gross_minor"], row["kind"]) == (1, 2, 5000, "ticket")
    assert row["item_id"] == order.lines.first().ticket_type_id


def of_two(one: Any, other: Any) -> Order:
    """A paid order of one ticket of each type."""
    lines = [BasketLine(ticket_type=kind.pk, quantity=1) for kind in (one, other)]
    order = place_order(Basket(email="two@example.test", lines=lines, provider="manual"))
    mark_paid(order)
    return order


def refunded_by_event() -> dict[int, int]:
    return dict(Part.objects.values_list("event_id").annotate(Sum("refunded_minor")).order_by())


def test_messages_that_come_twice_late_or_in_another_order_change_nothing(in_alpha):
    order = make_paid_order(make_ticket_type(price_minor=2500), quantity=3)
    refund_order(order, 1000)
    line_refunds.cancel_lines(order, [order.lines.first().pk], by_staff=True)
    deliver_due(1000)
    before = day_figures()
    told = 0
    for message in OutboxMessage.objects.order_by("-created_at", "-id"):
        for subscriber in subscribers(message.topic):
            if subscriber.__module__ == "tenant_apps.reports.subscribers":
                subscriber(message)
                subscriber(message)
                told += 1
    assert told >= 4
    assert day_figures() == before
    assert net() == ledger() == 7500 - 2500


def test_a_refund_of_a_line_is_that_line_s_and_any_other_comes_off_all(in_alpha):
    gala, ball = make_event("Gala"), make_event("Ball")
    order = of_two(make_ticket_type(gala, price_minor=3000), make_ticket_type(ball, price_minor=1000))
    line_refunds.cancel_lines(order, [order.lines.get(event=ball).pk], by_staff=True)
    building.bring_up_to_date()
    assert refunded_by_event() == {gala.pk: 0, ball.pk: 1000}
    refund_order(order, 500)
    building.bring_up_to_date()
    assert refunded_by_event() == {gala.pk: 500, ball.pk: 1000}
    cancel_order(order, by_staff=True)
    building.bring_up_to_date()
    assert refunded_by_event() == {gala.pk: 3000, ball.pk: 1000}
    assert net() == ledger() == 0


def test_parts_of_a_partial_refund_sum_to_it_to_the_minor_unit(in_alpha):
    kinds = [make_ticket_type(make_event(f"E{price}"), price_minor=price) for price in (3333, 1111)]
    order = of_two(*kinds)
    for amount in (1, 1, 1, 997):
        refund_order(order, amount)
    building.bring_up_to_date()
    assert sum(refunded_by_event().values()) == 1000
    assert net() == ledger() == 3444


def test_money_that_came_twice_or_too_late_belongs_to_nothing_that_was_sold(in_alpha):
    order = make_paid_order(make_ticket_type(price_minor=2500))
    late = make_order(make_ticket_type(price_minor=700))
    advance(late, "cancelled")
    for one in (order, late):
        payment = Payment.objects.create(
            order=one, provider="manual", amount_minor=one.total_minor, currency="EUR", reference=f"again{one.pk}"
        )
        settle(payment, "succeeded", reference=payment.reference)
    building.bring_up_to_date()
    gross = dict(DayFigure.objects.values_list("kind").annotate(Sum("gross_minor")))
    assert gross == {"ticket": 2500, "other": 2500 + 700}
    for refund in Refund.objects.all():
        carry_out(refund)
    building.bring_up_to_date()
    assert dict(DayFigure.objects.values_list("kind").annotate(Sum("refunded_minor"))) == {"ticket": 0, "other": 3200}
    assert net() == ledger() == 2500


def test_fees_and_disputes_are_told_of_what_was_sold(in_alpha):
    order = of_two(make_ticket_type(price_minor=1000), make_ticket_type(price_minor=2000))
    for number, (kind, amount) in enumerate([("fee", -91), ("fee", 30), ("adjustment", -3000), ("adjustment", 3000)]):
        LedgerEntry.objects.create(
            order=order, provider="manual", kind=kind, amount_minor=amount, currency="EUR", reference=f"x{number}"
        )
    building.bring_up_to_date()
    sums = Part.objects.aggregate(fees=Sum("fees_minor"), adjustments=Sum("adjustments_minor"))
    assert sums == {"fees": 61, "adjustments": 0}
    assert net() == ledger()


def test_the_first_build_takes_what_was_there_before_and_goes_on_where_it_stopped(in_alpha, monkeypatch):
    monkeypatch.setattr(figures, "BATCH", 2)
    kind = make_ticket_type(price_minor=1000)
    for _each in range(5):
        make_paid_order(kind)
    assert not building.bring_up_to_date(seconds=-1)
    assert not building.is_complete()
    assert building.bring_up_to_date()
    assert building.is_complete()
    assert net() == ledger() == 5000
    before = day_figures()
    building.start_again()
    building.bring_up_to_date()
    assert day_figures() == before


def test_what_nobody_told_of_is_found_by_its_rows(in_alpha):
    kind = make_ticket_type(price_minor=1000)
    building.bring_up_to_date()
    make_paid_order(kind)
    make_order(make_ticket_type(price_minor=0))
    OutboxMessage.objects.all().delete()
    building.bring_up_to_date()
    assert net() == ledger() == 1000
    assert DayFigure.objects.aggregate(Sum("quantity"))["quantity__sum"] == 2
    with CaptureQueriesContext(connection) as asked:
        building.bring_up_to_date()
    assert not any("reports_part" in query["sql"] and "DELETE" in query["sql"] for query in asked)


def test_days_follow_the_tenant_and_the_event_and_move_with_their_zones(in_alpha):
    event = make_event(timezone="Pacific/Auckland")
    order = make_paid_order(make_ticket_type(event, price_minor=1000))
    at = datetime(2030, 3, 1, 23, 30, tzinfo=UTC)
    Order.objects.update(paid_at=at)
    LedgerEntry.objects.update(at=at)
    figures.refresh([order.pk])
    building.bring_up_to_date()
    assert DayFigure.objects.filter(quantity=1).values_list("day", "event_day").get() == (
        at.astimezone(ZoneInfo(in_alpha.timezone)).date(), date(2030, 3, 2),
    )  # fmt: skip
    event.timezone = "America/Chicago"
    event.save()
    building.follow_zone(event.pk)
    assert DayFigure.objects.filter(quantity=1).values_list("event_day", flat=True).get() == date(2030, 3, 1)
    type(in_alpha).objects.filter(pk=in_alpha.pk).update(timezone="Asia/Tokyo")
    in_alpha.timezone = "Asia/Tokyo"
    building.bring_up_to_date()
    assert DayFigure.objects.filter(quantity=1).values_list("day", flat=True).get() == date(2030, 3, 2)
    assert net() == ledger()


def test_a_refresh_is_two_statements_however_many_orders(in_alpha):
    kind = make_ticket_type(price_minor=1000)
    ids = [make_paid_order(kind).pk for _each in range(4)]
    with CaptureQueriesContext(connection) as asked:
        figures.refresh(ids)
    assert len([one for one in asked if "SAVEPOINT" not in one["sql"]]) == 2


def test_a_figure_that_is_not_its_ledger_s_is_a_breach(in_alpha):
    order = make_paid_order(make_ticket_type(price_minor=1000))
    building.bring_up_to_date()
    deliver_due(1000)
    assert breaches_in(in_alpha) == []
    DayFigure.objects.update(gross_minor=F("gross_minor") + 1)
    (breach,) = breaches_in(in_alpha)
    assert "the day has 1001, its orders 1000" in breach.found
    Part.objects.update(gross_minor=F("gross_minor") + 1)
    assert breaches_in(in_alpha) == [], "the order is of this hour, and may still be told of"
    Order.objects.filter(pk=order.pk).update(modified_at=timezone.now() - timedelta(hours=2))
    old = LedgerEntry.objects.get(order=order)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_ledgerentry SET id = %s WHERE id = %s",
            [building._first_id(timezone.now() - timedelta(hours=2)), old.pk],
        )
    (breach,) = breaches_in(in_alpha)
    assert (breach.invariant, "figures 1001" in breach.found) == ("M8", True)
    figures.refresh([order.pk])
    assert breaches_in(in_alpha) == []


def test_the_command_makes_figures_anew_and_mends_what_was_wrong(alpha):
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(price_minor=1000))
        building.bring_up_to_date()
        DayFigure.objects.update(gross_minor=7)
    out = StringIO()
    call_command("rebuild_reports", only=["alpha"], empty=True, stdout=out)
    assert "alpha: 1 rows" in out.getvalue()
    with in_tenant(alpha):
        assert net() == ledger() == 1000
    call_command("rebuild_reports", only=["alpha"], stdout=out)
    with in_tenant(alpha):
        assert net() == ledger() == 1000
    with pytest.raises(CommandError):
        call_command("rebuild_reports", only=["nobody"], stdout=out)


def test_an_event_that_a_file_moved_to_another_zone_is_found_at_night(in_alpha):
    event = make_event(timezone="Pacific/Auckland")
    order = make_paid_order(make_ticket_type(event, price_minor=1000))
    at = datetime(2030, 3, 1, 23, 30, tzinfo=UTC)
    Order.objects.update(paid_at=at)
    LedgerEntry.objects.update(at=at)
    figures.refresh([order.pk])
    building.bring_up_to_date()
    type(event).objects.update(timezone="America/Chicago")
    building.follow_zones()
    assert DayFigure.objects.filter(quantity=1).values_list("event_day", flat=True).get() == date(2030, 3, 1)
    with CaptureQueriesContext(connection) as asked:
        building.follow_zones()
    assert len(asked) == 2


def test_tenants_are_visited_only_if_there_is_something_to_catch_up(in_alpha):
    import tenant_apps.reports.tasks  # noqa: F401  (says when it is due)

    now = timezone.now()
    assert due.ask(now)["reports.catch_up"] is None
    order = make_paid_order(make_ticket_type(price_minor=1000))
    assert due.ask(now)["reports.catch_up"] <= timezone.now()
    building.bring_up_to_date()
    assert due.ask(now)["reports.catch_up"] is None
    refund_order(order, 100)
    assert due.ask(now)["reports.catch_up"] > timezone.now() + timedelta(minutes=4)
