"""Reports equal SQL over the ledger to the minor unit: the short version of `make prove-reports`."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench import report_truth
from bench.report_equality import differences
from bench.report_orders import generate
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import LedgerEntry
from tenant_apps.reports import building, figures
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.reports.models import DayFigure
from tenant_apps.reports.registry import ReportQuery, reports

ORDERS = 2000
# What each report asks at most, however many orders and rows there are.
STATEMENTS = {
    "sales": 4, "attendance": 1, "promotions": 4, "stock": 5, "fulfilment": 1, "taxes": 4, "settlement": 1,
    "customers": 1,
}  # fmt: skip


@pytest.fixture
def generated(in_alpha):
    with connection.cursor() as cursor:
        generate(cursor, ORDERS)
    return in_alpha


def test_reports_equal_sql_over_the_ledger_and_stay_so(generated):
    assert Order.objects.count() == ORDERS
    assert LedgerEntry.objects.values("currency").distinct().count() == 3
    assert building.bring_up_to_date()
    assert differences() == []
    assert breaches_in(generated) == []
    ids = list(Order.objects.order_by("code").values_list("pk", flat=True)[:300])
    figures.refresh([*ids, *reversed(ids)])
    Order.objects.filter(pk__in=ids[:50], status="paid").update(status="cancelled")
    figures.refresh(ids)
    assert differences() == []
    # What compares can find something.
    DayFigure.objects.filter(pk=DayFigure.objects.filter(gross_minor__gt=0).first().pk).update(gross_minor=1)
    assert differences() != []


def test_a_report_is_a_few_statements_however_much_there_is(generated):
    building.bring_up_to_date()
    with connection.cursor() as cursor:
        days = report_truth.span(cursor)
    for report in reports():
        query = ReportQuery(*days, report.usual)
        report.answer(query)
        with CaptureQueriesContext(connection) as asked:
            report.answer(query)
        assert len(asked) <= STATEMENTS[report.slug], (report.slug, [one["sql"][:200] for one in asked])
