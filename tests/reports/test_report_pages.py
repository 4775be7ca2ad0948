"""The reports' pages: what is asked stands in the address, the plot says what the table says, and who may sees it."""

import re
from datetime import date, timedelta

import pytest
from django.utils import translation

from tenant_apps.events.grants import grant
from tenant_apps.reports import charts, tables
from tenant_apps.reports.periods import PERIODS, days_of
from tenant_apps.reports.registry import COUNT, DAY, MONEY, TEXT, Column, ReportResult, reports
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of

DIMENSION = Column("day", "Day", DAY, dimension=True)
EVENT = Column("event", "Event", TEXT, dimension=True)
GROSS, QUANTITY = Column("gross", "Gross", MONEY), Column("quantity", "Tickets", COUNT)
FIRST = date(2026, 6, 1)


def result(rows, columns=(DIMENSION, QUANTITY, GROSS), days=10, previous=None, first=FIRST, **fields):
    rows = [{"currency": "EUR", "quantity": 1, **row} for row in rows]
    totals = {}
    for row in rows:
        total = totals.setdefault(row["currency"], {"currency": row["currency"], "gross": 0, "quantity": 0})
        for name in ("gross", "quantity"):
            total[name] += row[name]
    return ReportResult(
        columns=columns, rows=rows, totals=[totals[key] for key in sorted(totals)], currency="EUR", from_=first,
        to=first + timedelta(days=days - 1), previous=previous, **fields,
    )  # fmt: skip


def on(index, gross, **fields):
    return {"day": FIRST + timedelta(days=index), "gross": gross, **fields}


@pytest.fixture
def shop(alpha):
    with in_tenant(alpha):
        gala, ball = make_event("Gala"), make_event("<b>Ball</b>")
        make_paid_order(make_ticket_type(gala, price_minor=3000), quantity=2)
        make_paid_order(make_ticket_type(ball, price_minor=1000))
        from tenant_apps.activity.delivery import deliver_due

        deliver_due(100)
        from tenant_apps.reports import building

        building.bring_up_to_date()
    return gala, ball


def test_every_day_has_its_place_and_bars_are_as_high_as_their_figures():
    (chart,) = charts.charts(result([on(0, 1000), on(4, 4000), on(9, 2000)]))
    assert len(chart.ticks) == 10
    heights = [float(piece.height) for piece in chart.pieces]
    assert heights == [25.0, 100.0, 50.0]
    assert [float(piece.x) for piece in chart.pieces] == [1.4, 41.4, 91.4]
    assert [float(piece.y) + float(piece.height) for piece in chart.pieces] == [100.0] * 3
    assert chart.pieces[1].said.endswith("€40.00")
    assert (chart.marks, chart.lines[-1], chart.zero) == (["€40", "€30", "€20", "€10", "€0"], "100", "100")


def test_what_went_out_stands_below_the_line_of_zero():
    (chart,) = charts.charts(result([on(0, 3000), on(1, -1000)]))
    assert chart.marks[-1].startswith("\N{MINUS SIGN}")
    up, down = chart.pieces
    assert float(up.y) + float(up.height) == pytest.approx(float(chart.zero), abs=0.05)
    assert float(down.y) == pytest.approx(float(chart.zero), abs=0.05)


def test_two_years_are_a_curve_with_few_labels():
    (chart,) = charts.charts(result([on(index, index) for index in range(0, 700, 3)], days=700))
    assert not chart.pieces
    assert len(chart.ticks) == charts.TICKS
    assert len(chart.curves[0].points.split(" ")) == 700
    assert all(0 <= float(number) <= 1000 for number in re.split("[ ,]", chart.curves[0].points))


def test_within_a_day_the_largest_few_are_apart_and_the_rest_is_one():
    rows = [on(0, 100 * (n + 1), event=f"Event {n}") for n in range(9)]
    (chart,) = charts.charts(result(rows, columns=(DIMENSION, EVENT, GROSS)))
    assert len(chart.series) == charts.MOST_SERIES
    assert chart.series[0] == "Event 8"
    assert chart.series[-1] == "others"
    assert sum(float(piece.height) for piece in chart.pieces) == pytest.approx(75, abs=1)


def test_the_time_before_is_beside_it_day_by_day():
    before = result([{"day": FIRST - timedelta(days=10), "gross": 500}], first=FIRST - timedelta(days=10))
    found = result([on(0, 1000)], previous=before)
    (chart,) = charts.charts(found)
    assert [piece.said for piece in chart.before] == ["before: €5.00"]
    table = tables.table(found, chart.measure)
    assert (table.lines[0].before, table.lines[0].change.percent) == ("€5.00", 100)
    head = {total.label: total for total in tables.heads(found)[0].totals}
    assert (head["Gross"].text, head["Gross"].change.before) == ("€10.00", 500)


def test_things_are_bars_with_names_and_each_currency_is_a_plot():
    rows = [{"event": f"Event {n}", "gross": 100 * n} for n in range(20)]
    rows.append({"event": "Tokyo", "gross": 5000, "currency": "JPY"})
    euro, yen = charts.charts(result(rows, columns=(EVENT, QUANTITY, GROSS)))
    assert (euro.currency, yen.currency) == ("EUR", "JPY")
    assert len(euro.things) == charts.MOST_THINGS + 1
    assert (euro.things[0].name, float(euro.things[0].width)) == ("Event 19", float(euro.things[0].width))
    assert euro.things[-1].name == "8 others"
    assert yen.things[0].value.endswith("5,000")


def test_another_figure_can_be_drawn_and_an_unknown_one_is_the_usual():
    found = result([on(0, 1000, quantity=3)])
    assert charts.charts(found, "quantity")[0].measure.name == "quantity"
    assert charts.charts(found, "nothing")[0].measure.name == "gross"
    assert charts.charts(result([]))[0].empty


def test_periods_are_whole_days_of_the_calendar():
    today = date(2026, 11, 21)
    found = {name: days_of(name, today) for name in PERIODS}
    assert found["today"] == (today, today)
    assert found["last_7_days"] == (date(2026, 11, 14), date(2026, 11, 20))
    assert found["last_week"] == (date(2026, 11, 9), date(2026, 11, 15))
    assert found["last_month"] == (date(2026, 10, 1), date(2026, 10, 31))
    assert found["last_quarter"] == (date(2026, 7, 1), date(2026, 9, 30))
    assert found["last_year"] == (date(2025, 1, 1), date(2025, 12, 31))
    for day in (date(2026, 1, 1), date(2028, 2, 29), date(2026, 3, 31), date(2026, 12, 31)):
        for name in PERIODS:
            since, until = days_of(name, day)
            assert since <= until <= day or name == "today", (name, day)
    assert days_of("last_quarter", date(2026, 2, 1)) == (date(2025, 10, 1), date(2025, 12, 31))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_report_has_a_page_in_every_grouping(alpha, shop, page_for, language):
    page = page_for(alpha, owner_of(alpha), headers={"accept-language": language})
    for report in reports():
        for group in ("", *report.dimensions, "total"):
            answer = page.get(
                f"/dashboard/reports/{report.slug}/", {"period": "this_year", "group_by": group, "compare": "1"}
            )
            assert answer.status_code == 200, (report.slug, group)
            text = answer.content.decode()
            assert "style=" not in text.replace("<style", "")
            assert "<b>Ball</b>" not in text
    assert len(reports()) == 8


def test_the_page_shows_the_figures_and_its_files_the_same(alpha, shop, page_for):
    page = page_for(alpha, owner_of(alpha))
    text = page.get("/dashboard/reports/sales/?period=this_year&group_by=event").content.decode()
    assert "€60.00" in text
    assert "&lt;b&gt;Ball&lt;/b&gt;" in text
    for name, kind in (("csv", "text/csv"), ("pdf", "application/pdf"), ("xlsx", "application/vnd.openxml")):
        file = page.get(f"/dashboard/reports/sales.{name}?period=this_year&group_by=event")
        assert (file.status_code, file["Content-Type"].startswith(kind)) == (200, True)
        assert "attachment" in file["Content-Disposition"]
    csv = page.get("/dashboard/reports/sales.csv?period=this_year&group_by=event").content.decode()
    assert "60.00" in csv
    assert page.get("/dashboard/reports/sales.exe").status_code == 404
    assert page.get("/dashboard/reports/gossip/").status_code == 404


def test_filters_that_are_none_are_told_and_nothing_breaks(alpha, shop, page_for):
    page = page_for(alpha, owner_of(alpha))
    for query in (
        "from=yesterday", "from=2026-01-02&to=2026-01-01", "group_by=shoe", "event=none", "mode=x", "show=a b",
        "from=0001-01-01", "compare=maybe", "event=%00",
    ):  # fmt: skip
        answer = page.get(f"/dashboard/reports/sales/?{query}")
        assert answer.status_code in (200, 400), query
        assert page.get(f"/dashboard/reports/sales.csv?{query}").status_code in (200, 400), query
    refused = page.get("/dashboard/reports/sales/?from=2026-01-02&to=2026-01-01")
    assert refused.status_code == 400
    assert 'role="alert"' in refused.content.decode()
    assert page.get("/dashboard/reports/sales/?period=someday").status_code == 200


def test_who_has_the_right_on_one_event_sees_that_event_only(alpha, shop, page_for):
    gala, ball = shop
    person = make_user()
    with in_tenant(alpha):
        grant(gala, person, "view_reports", actor=owner_of(alpha))
    page = page_for(alpha, person)
    text = page.get("/dashboard/reports/sales/?period=this_year&group_by=event").content.decode()
    assert "Gala" in text
    assert "Ball" not in text
    assert page.get(f"/dashboard/reports/sales/?event={ball.slug}").status_code == 400
    assert page.get("/dashboard/reports/settlement/").status_code == 404
    assert page.get("/dashboard/reports/schedules/").status_code == 404
    assert "schedules" not in page.get("/dashboard/reports/").content.decode()
    assert page_for(alpha, make_user()).get("/dashboard/reports/").status_code == 403


def test_the_words_of_a_plot_are_russian_for_a_russian():
    with translation.override("ru"):
        (chart,) = charts.charts(result([on(0, 1_250_000_00)]))
    assert any("млн" in mark for mark in chart.marks)
