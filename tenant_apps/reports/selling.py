"""Sales, taxes and promotions: sums of the narrow rows of each day, equal to the ledger (decision 0042)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenant_apps.reports import building, reading
from tenant_apps.reports.reading import MONEY_KINDS, PRICE_KINDS
from tenant_apps.reports.registry import COUNT, MONEY, Column, Report, ReportQuery, ReportResult, Row, add_up, register
from tenants.context import current_tenant

TIMES: Mapping[str, Any] = {"day": gettext_lazy("Day"), "week": gettext_lazy("Week"), "month": gettext_lazy("Month")}


def _orders(query: ReportQuery) -> str:
    """Orders are counted once each; where single events are looked at, once for each of those."""
    return "sum(event_orders)" if query.counted is not None or "event" in query.group_by else "sum(orders)"


def _answer(
    query: ReportQuery, measures: Mapping[str, str], figures: Sequence[Column], kinds: Sequence[str]
) -> ReportResult:
    complete = building.take_along()
    columns = [*reading.dimensions(query), *figures]
    rows = reading.in_order(reading.name_rows(reading.sums(query, measures, kinds), query), columns)
    return ReportResult(
        columns, rows, add_up(rows, figures), current_tenant().currency, query.from_, query.to,
        complete=complete, notes=_notes(query),
    )  # fmt: skip


def _notes(query: ReportQuery) -> list[str]:
    if query.event is None and query.events is None:
        return []
    return [_("Fees and delivery belong to whole orders and are not in the figures of single events.")]


_SALES = {
    "quantity": "sum(quantity)",
    "cancelled": "sum(cancelled)",
    "gross": "sum(gross_minor)",
    "refunded": "sum(refunded_minor)",
    "fees": "sum(fees_minor)",
    "adjustments": "sum(adjustments_minor)",
    "net": "sum(gross_minor - refunded_minor - fees_minor + adjustments_minor)",
    "tax": "sum(tax_minor - tax_back_minor)",
}


def _sales(query: ReportQuery) -> ReportResult:
    figures = [
        Column("orders", _("Orders"), COUNT),
        Column("quantity", _("Sold"), COUNT),
        Column("cancelled", _("Of these cancelled"), COUNT),
        Column("gross", _("Came in"), MONEY),
        Column("refunded", _("Given back"), MONEY),
        Column("fees", _("Fees"), MONEY),
        Column("adjustments", _("Disputes"), MONEY),
        Column("net", _("Kept"), MONEY),
        Column("tax", _("Tax in it"), MONEY),
    ]
    return _answer(query, {"orders": _orders(query), **_SALES}, figures, MONEY_KINDS)


def _taxes(query: ReportQuery) -> ReportResult:
    figures = [
        Column("quantity", _("Sold"), COUNT),
        Column("gross", _("Came in"), MONEY),
        Column("tax_in", _("Tax in it"), MONEY),
        Column("refunded", _("Given back"), MONEY),
        Column("tax_back", _("Tax in that"), MONEY),
        Column("tax", _("Tax that is left"), MONEY),
        Column("net", _("Left without tax"), MONEY),
    ]
    measures = {
        "quantity": "sum(quantity)",
        "gross": "sum(gross_minor)",
        "tax_in": "sum(tax_minor)",
        "refunded": "sum(refunded_minor)",
        "tax_back": "sum(tax_back_minor)",
        "tax": "sum(tax_minor - tax_back_minor)",
        "net": "sum(gross_minor - refunded_minor - tax_minor + tax_back_minor)",
    }
    return _answer(query, measures, figures, MONEY_KINDS)


def _promotions(query: ReportQuery) -> ReportResult:
    figures = [
        Column("orders", _("Orders"), COUNT),
        Column("quantity", _("Pieces"), COUNT),
        Column("gross", _("List price"), MONEY),
        Column("discount", _("Taken off"), MONEY),
        Column("net", _("Paid"), MONEY),
    ]
    measures = {
        "orders": _orders(query),
        "quantity": "sum(quantity)",
        "gross": "sum(list_minor)",
        "discount": "sum(discount_minor)",
        "net": "sum(gross_minor)",
    }
    found = _answer(query, measures, figures, PRICE_KINDS)
    if query.group_by == ("promotion",):
        # What took off most comes first.
        by_discount: Callable[[Row], Any] = lambda row: (row["currency"], -row["discount"], row["kind"], row["name"])  # noqa: E731  (typed)
        return ReportResult(
            found.columns, sorted(found.rows, key=by_discount), found.totals, found.currency, found.from_, found.to,
            complete=found.complete, notes=found.notes,
        )  # fmt: skip
    return found


SALES = register(
    Report(
        slug="sales",
        label=gettext_lazy("Sales"),
        about=gettext_lazy("What was sold, what came in, what went back, day by day."),
        dimensions={
            **TIMES,
            "event": gettext_lazy("Event"),
            "ticket_type": gettext_lazy("Ticket type or goods"),
            "channel": gettext_lazy("Channel"),
            "kind": gettext_lazy("Kind"),
        },
        run=_sales,
        usual=("day",),
        by_event=True,
    )
)
TAXES = register(
    Report(
        slug="taxes",
        label=gettext_lazy("Taxes"),
        about=gettext_lazy("The tax in what came in and in what went back, by rate."),
        dimensions={
            **TIMES,
            "tax_rate": gettext_lazy("Tax rate"),
            "event": gettext_lazy("Event"),
            "kind": gettext_lazy("Kind"),
        },
        run=_taxes,
        usual=("month", "tax_rate"),
        by_event=True,
    )
)
PROMOTIONS = register(
    Report(
        slug="promotions",
        label=gettext_lazy("Promotions"),
        about=gettext_lazy("What discounts and vouchers took off orders that were paid."),
        dimensions={
            "promotion": gettext_lazy("Discount or code"),
            **TIMES,
            "event": gettext_lazy("Event"),
            "channel": gettext_lazy("Channel"),
        },
        run=_promotions,
        usual=("promotion",),
        by_event=True,
    )
)
