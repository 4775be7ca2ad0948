"""Numbers of invoices when many pay at once: none twice, none left out."""

import pytest
from django.db import transaction

from shared_apps.core.errors import DomainError
from tenant_apps.orders.invoice_models import DocumentCounter, Invoice
from tenant_apps.payments.models import Refund
from tenant_apps.payments.refunds import refund_order
from tenant_apps.payments.services import mark_paid
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_order, make_paid_order, make_ticket_type

pytestmark = pytest.mark.usefixtures("transactional_db")


class PaymentBroken(DomainError):
    code = "broken"


def test_fifty_payments_at_once_have_the_numbers_one_to_fifty(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type()
        orders = [make_order(kind) for _ in range(50)]
    outcome = at_once(alpha, [lambda order=order: mark_paid(order) for order in orders])
    assert outcome == {"ok": 50}
    with in_tenant(alpha):
        assert list(Invoice.objects.values_list("sequence", flat=True)) == list(range(1, 51))
        assert Invoice.objects.values("order").distinct().count() == 50


def test_payments_that_are_rolled_back_leave_no_gap(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type()
        orders = [make_order(kind) for _ in range(40)]

    def pay(order, *, fails):
        with transaction.atomic():
            mark_paid(order)
            if fails:
                raise PaymentBroken

    acts = [lambda order=order, number=number: pay(order, fails=number % 2) for number, order in enumerate(orders)]
    assert at_once(alpha, acts) == {"ok": 20, "broken": 20}
    with in_tenant(alpha):
        assert list(Invoice.objects.values_list("sequence", flat=True)) == list(range(1, 21))
        assert DocumentCounter.objects.get().last == 20


def test_payments_and_refunds_at_once_share_the_numbers(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1000)
        paid = [make_paid_order(kind) for _ in range(5)]
        unpaid = [make_order(kind) for _ in range(15)]
    acts = [lambda order=order: mark_paid(order) for order in unpaid]
    acts += [lambda order=order: refund_order(order, 100) for order in paid for _ in range(4)]
    outcome = at_once(alpha, acts)
    assert outcome == {"ok": 35}
    with in_tenant(alpha):
        assert Refund.objects.filter(status="succeeded").count() == 20
        assert list(Invoice.objects.values_list("sequence", flat=True)) == list(range(1, 41))
        for order in paid:
            notes = order.invoices.filter(kind="credit_note")
            assert sum(note.total_minor for note in notes) == 400
