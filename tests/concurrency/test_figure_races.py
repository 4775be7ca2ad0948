"""Figures of reports beside everybody else: real connections and real commits."""

from functools import partial

import pytest
from django.db.models import Sum

from tenant_apps.payments.models import LedgerEntry
from tenant_apps.payments.refunds import refund_order
from tenant_apps.reports import building, figures
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.reports.models import DayFigure, Part
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_paid_order, make_ticket_type

pytestmark = pytest.mark.usefixtures("transactional_db")


def test_messages_refunds_and_a_first_build_at_once_leave_one_truth(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1000)
        orders = [make_paid_order(kind) for _each in range(4)]
        ids = [order.pk for order in orders]
    told = [partial(figures.refresh, ids), partial(figures.refresh, ids[::-1])] * 4
    others = [partial(refund_order, order, 100) for order in orders]
    done = at_once(alpha, [*told, *others, *[partial(building.bring_up_to_date, seconds=30)] * 3])
    assert done == {"ok": 15}
    with in_tenant(alpha):
        figures.refresh(ids)
        assert breaches_in(alpha) == []
        sums = DayFigure.objects.aggregate(gross=Sum("gross_minor"), back=Sum("refunded_minor"), sold=Sum("quantity"))
        assert sums == {"gross": 4000, "back": 400, "sold": 4}
        assert Part.objects.aggregate(sum=Sum("gross_minor"))["sum"] == 4000
        assert LedgerEntry.objects.aggregate(sum=Sum("amount_minor"))["sum"] == 3600
