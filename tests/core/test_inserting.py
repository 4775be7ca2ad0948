"""Rows of several tables in one statement are what the ORM would have written."""

import uuid
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shared_apps.core.inserting import insert_all
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.payments.models import Payment
from tenant_apps.ticketing.models import Ticket
from tests.factories import make_order, make_ticket_type


def stored(row):
    """Every column as the database has it, without what tells rows apart."""
    told = type(row).objects.filter(pk=row.pk).values().get()
    return {name: value for name, value in told.items() if name not in ("id", "modified_at", "code", "token")}


def make_rows(kind):
    """One row of each table of an order, with values of every sort, NULLs and the columns' own defaults."""
    at = timezone.now()
    order = Order(
        code=f"C{uuid.uuid4().hex[:8]}", secret="s", email="ä@example.test", currency="EUR", total_minor=5,
        created_at=at, expires_at=at, rules={"discounts": [{"id": 1, "percent": "12.5"}]}, fees=[],
    )  # fmt: skip
    ticket = Ticket(
        event=kind.event, ticket_type=kind, token=uuid.uuid4(), short_code="SHORT", price_minor=5, currency="EUR",
        created_at=at,
    )  # fmt: skip
    line = OrderLine(
        order=order, position=1, kind="ticket", event=kind.event, ticket_type=kind, ticket=ticket, quotas=[3, 4],
        title="100 % %s {x}", unit_price_minor=5, total_minor=5, tax_rate=Decimal("7.50"), answers=[{"answer": None}],
    )  # fmt: skip
    bare = OrderLine(
        order=order, position=2, kind="ticket", title="Bare", unit_price_minor=0, total_minor=0,
        status=OrderLine.Status.CANCELLED,
    )  # fmt: skip
    audit = AuditEntry(topic="t", details={"before": {"a": 1}}, address="2001:db8::1", at=at)
    outbox = OutboxMessage(topic="t", aggregate="a", created_at=at, due_at=at)
    payment = Payment(order=order, provider="manual", amount_minor=5, currency="EUR", created_at=at)
    return [order, ticket, line, bare, audit, outbox, payment]


def test_every_column_is_what_the_orm_writes(in_alpha):
    kind = make_ticket_type()
    ours, the_orms = make_rows(kind), make_rows(kind)
    for one, other in zip(ours, the_orms, strict=True):
        for field in type(one)._meta.concrete_fields:
            if field.name.endswith("_at") or field.name == "at":
                setattr(other, field.attname, getattr(one, field.attname))
    with CaptureQueriesContext(connection) as captured:
        insert_all(ours)
    assert len(captured) == 1
    for row in the_orms:
        row.save(force_insert=True)
    same = {"order_id", "ticket_id"}
    for one, other in zip(ours, the_orms, strict=True):
        told, expected = stored(one), stored(other)
        assert {k: v for k, v in told.items() if k not in same} == {k: v for k, v in expected.items() if k not in same}
        assert not one._state.adding
    assert OrderLine.objects.get(pk=ours[2].pk).ticket_id == ours[1].pk


def test_an_orders_rows_lack_no_column(in_alpha):
    order = make_order(make_ticket_type(price_minor=0), quantity=2)
    for row in (order, *order.lines.all(), *Ticket.objects.filter(order_line__order=order)):
        again = type(row).objects.get(pk=row.pk)
        assert all(getattr(row, field.attname) == getattr(again, field.attname) for field in row._meta.concrete_fields)


def test_a_question_comes_with_the_rows(in_alpha):
    kind = make_ticket_type()
    rows = [AuditEntry(topic="t")]
    assert insert_all(rows, "SELECT id FROM ticketing_tickettype WHERE id = ANY(%s)", [[kind.pk]]) == [(kind.pk,)]
    assert AuditEntry.objects.filter(pk=rows[0].pk).exists()


def test_a_constraint_that_is_broken_leaves_nothing_of_the_rows(in_alpha):
    kind = make_ticket_type()
    first, second = make_rows(kind), make_rows(kind)
    insert_all(first)
    second[0].code = first[0].code
    with pytest.raises(IntegrityError, match="orders_order_code"), transaction.atomic():
        insert_all(second)
    assert not Ticket.objects.filter(pk=second[1].pk).exists()
