"""What reports look like over HTTP. Amounts are decimal text in major units of the row's own currency (M6)."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from shared_apps.core.money import to_text
from tenant_apps.reports.models import ReportRun
from tenant_apps.reports.registry import MONEY, Column, Report, ReportResult, Row


class TotalsSerializer(serializers.Serializer[Any]):
    """The figures of all rows in one currency; which there are is told by the report's columns."""

    currency = serializers.CharField()


class PreviousSerializer(serializers.Serializer[Any]):
    """The days before, and by how many per cent each total of `currency` is more or less now."""

    totals = TotalsSerializer()
    totals_by_currency = TotalsSerializer(many=True)
    change = serializers.DictField(child=serializers.IntegerField(allow_null=True))


class RowSerializer(serializers.Serializer[Any]):
    """One group: its dimensions, its figures, its currency. Sales have quantity, gross, refunded, fees, adjustments,
    net and tax; net = gross - refunded - fees + adjustments."""

    currency = serializers.CharField()


class ReportSerializer(serializers.Serializer[Any]):
    """`totals` are in `currency`, the tenant's own. `complete` is false while the figures of older orders are built."""

    rows = RowSerializer(many=True)
    totals = TotalsSerializer()
    totals_by_currency = TotalsSerializer(many=True)
    currency = serializers.CharField()
    to = serializers.DateField()
    group_by = serializers.ListField(child=serializers.CharField())
    complete = serializers.BooleanField()
    notes = serializers.ListField(child=serializers.CharField())
    previous = PreviousSerializer(allow_null=True)


def report_json(result: ReportResult, group_by: Iterable[str]) -> dict[str, Any]:
    """The report as `ReportSerializer` documents it, with the days that it is of as `from` and `to`."""
    previous = None
    if result.previous is not None:
        previous = {**_sums(result.previous), "change": result.change}
    return {
        "rows": [_row(result.columns, row) for row in result.rows],
        **_sums(result),
        "currency": result.currency,
        "group_by": list(group_by),
        "complete": result.complete,
        "notes": [str(note) for note in result.notes],
        "previous": previous,
    }


def _sums(result: ReportResult) -> dict[str, Any]:
    return {
        "totals": _row(result.figures, result.total()),
        "totals_by_currency": [_row(result.figures, row) for row in result.totals],
        "from": result.from_,
        "to": result.to,
    }


def _row(columns: Iterable[Column], row: Row) -> dict[str, Any]:
    told = {"event_slug": row["event_slug"]} if "event_slug" in row else {}
    for column in columns:
        value = row.get(column.name)
        told[column.name] = to_text(value, row["currency"]) if column.kind == MONEY and value is not None else value
    return {**told, "currency": row.get("currency")}


class ReportKindSerializer(serializers.Serializer[Any]):
    """A report that there is for the caller, and what it can be grouped by."""

    slug = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field that is called so
    about = serializers.CharField()
    dimensions = serializers.ListField(child=serializers.CharField())
    group_by = serializers.ListField(child=serializers.CharField(), help_text="if nothing is said")


def kind_json(report: Report) -> dict[str, Any]:
    return {
        "slug": report.slug,
        "label": str(report.label),
        "about": str(report.about),
        "dimensions": list(report.dimensions),
        "group_by": list(report.usual),
    }


class RunInput(serializers.Serializer[Any]):
    """A report to be made as a file in the background; the rest is as in the report's address."""

    report = serializers.CharField(max_length=20)
    format = serializers.ChoiceField(ReportRun.Format.choices)
    to = serializers.CharField(max_length=10, required=False)
    group_by = serializers.CharField(max_length=100, required=False)
    event = serializers.CharField(max_length=200, required=False)
    compare = serializers.CharField(max_length=5, required=False)
    mode = serializers.CharField(max_length=5, required=False)

    def get_fields(self) -> dict[str, Any]:
        # A word of Python's own, so it cannot stand above.
        return {**super().get_fields(), "from": serializers.CharField(max_length=10, required=False)}


class RunSerializer(serializers.ModelSerializer[ReportRun]):
    """How the making of a report stands. `progress` is in per cent; `file` leads to the file once it is done."""

    file = serializers.SerializerMethodField()

    class Meta:
        model = ReportRun
        fields = read_only_fields = (
            "id", "report", "params", "format", "status", "progress", "rows", "error", "created_at", "finished_at",
            "file",
        )  # fmt: skip

    def get_file(self, run: ReportRun) -> str | None:
        return f"/api/v1/report-runs/{run.pk}/file/" if run.status == ReportRun.Status.DONE else None
