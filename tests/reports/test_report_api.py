"""Reports over HTTP: figures, files, runs, and who sees what of them."""

import csv
import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.utils import timezone

from shared_apps.core.clock import local
from tenant_apps.events.grants import grant
from tenant_apps.events.models import Event
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.payments.refunds import refund_order
from tenant_apps.payments.services import mark_paid
from tenant_apps.reports.models import ReportRun
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, make_variant, owner_of

API = "/api/v1/reports/"
RUNS = "/api/v1/report-runs/"
PAGES = "/dashboard/reports/runs/"
BY_EVENT = ("sales", "attendance", "promotions", "taxes", "customers")
WHOLE = ("stock", "fulfilment")


def get(client: Any, slug: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"{API}{slug}/", params)
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def shop(alpha):
    """Two events, one order over both, one of goods."""
    with in_tenant(alpha):
        gala = make_event("Gala")
        ball = make_event("Ball")
        kinds = [make_ticket_type(gala, price_minor=3000), make_ticket_type(ball, price_minor=1000)]
        variant = make_variant(price_minor=700)
        lines = [BasketLine(ticket_type=kind.pk, quantity=1) for kind in kinds]
        goods = BasketLine(variant=variant.pk, quantity=2)
        order = place_order(Basket(email="ada@example.test", lines=[*lines, goods], provider="manual"))
        mark_paid(order)
        make_paid_order(kinds[0], email="ada@example.test")
        yesterday = timezone.now() - timedelta(days=1)
        Event.objects.update(starts_at=yesterday, ends_at=yesterday + timedelta(hours=3))
    return gala, ball, order


def test_sales_sum_to_the_ledger_by_whatever_they_are_grouped(alpha, shop, client_for):
    gala, _ball, order = shop
    with in_tenant(alpha):
        refund_order(order, 540)
    client = client_for(alpha, owner_of(alpha))
    for groups in ("day", "week", "month", "event", "ticket_type", "channel", "kind", "day,event,channel", "total"):
        report = get(client, "sales", group_by=groups)
        assert report["totals"]["net"] == "78.60", groups
        assert report["totals"]["gross"] == "84.00", groups
        assert report["totals"]["quantity"] == 5, groups
        assert all(row["currency"] == "EUR" for row in report["rows"])
    by_event = {row["event"]: row["gross"] for row in get(client, "sales", group_by="event")["rows"]}
    assert by_event == {"Gala": "60.00", "Ball": "10.00", "": "14.00"}
    only = get(client, "sales", event=gala.slug)
    assert (only["totals"]["gross"], only["totals"]["orders"]) == ("60.00", 2)


def test_who_has_the_right_on_one_event_sees_its_figures_and_no_others(alpha, shop, client_for):
    gala, ball, _order = shop
    with in_tenant(alpha):
        person = make_user()
        grant(ball, person, "view_reports", actor=owner_of(alpha))
    client = client_for(alpha, person)
    for slug in BY_EVENT:
        report = get(client, slug, group_by="total")
        assert "Gala" not in str(report)
    assert get(client, "sales", group_by="event")["totals"]["gross"] == "10.00"
    assert get(client, "customers")["totals"]["gross"] == "10.00"
    assert [row["event"] for row in get(client, "attendance")["rows"]] == ["Ball"]
    refused = client.get(f"{API}sales/", {"event": gala.slug})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "does_not_exist")
    for slug in WHOLE:
        assert client.get(f"{API}{slug}/").status_code in (403, 404)
    assert client.get(f"{API}settlement/").status_code in (403, 404)
    assert {row["slug"] for row in client.get(API).json()} == set(BY_EVENT)
    stranger = client_for(alpha, make_user())
    for slug in (*BY_EVENT, *WHOLE):
        assert stranger.get(f"{API}{slug}/").status_code in (403, 404)


def test_stock_fulfilment_taxes_and_customers_tell_what_is_there(alpha, shop, client_for):
    client = client_for(alpha, owner_of(alpha))
    (stock,) = get(client, "stock")["rows"]
    assert (stock["quantity"], stock["gross"]) == (2, "14.00")
    (row,) = get(client, "fulfilment")["rows"]
    assert (row["fulfilment"], row["quantity"], row["gross"]) == ("unpacked", 2, "14.00")
    assert get(client, "taxes", group_by="tax_rate")["totals"]["gross"] == "84.00"
    customers = get(client, "customers")
    (row,) = customers["rows"]
    assert (row["customers"], row["new"], row["orders"], row["rate"], row["gross"]) == (1, 1, 2, 100, "84.00")
    came = {row["event"]: (row["quantity"], row["no_shows"]) for row in get(client, "attendance")["rows"]}
    assert came == {"Gala": (2, 2), "Ball": (1, 1)}


def test_the_days_before_are_compared(alpha, shop, client_for):
    today = local(timezone.now(), alpha.timezone).date()
    report = get(client_for(alpha, owner_of(alpha)), "sales", compare="1", to=today.isoformat())
    assert report["previous"]["totals"]["gross"] == "0.00"
    assert report["previous"]["change"]["gross"] is None
    after = today + timedelta(days=30)
    report = get(
        client_for(alpha, owner_of(alpha)), "sales", compare="1",
        **{"from": (today + timedelta(days=1)).isoformat(), "to": after.isoformat()},
    )  # fmt: skip
    assert report["previous"]["change"]["gross"] == -100


@pytest.mark.parametrize("slug", [*BY_EVENT, *WHOLE, "settlement"])
@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_each_report_is_a_file_of_each_kind(alpha, shop, client_for, slug, kind):
    answer = client_for(alpha, owner_of(alpha)).get(f"{API}{slug}/", {"format": kind, "compare": "1"})
    assert answer.status_code == 200, answer.content
    assert f'filename="{slug}-' in answer["Content-Disposition"]
    content = answer.content
    if kind == "csv":
        head, *rows = csv.reader(io.StringIO(content.decode()))
        assert "currency" in head
        assert all(len(row) == len(head) for row in rows)
    elif kind == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        assert len(book.worksheets) == 2
        assert all(len(list(sheet.rows)) >= 1 for sheet in book.worksheets)
    else:
        assert content.startswith(b"%PDF-")


def test_names_in_files_are_no_formulas(alpha, client_for):
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(make_event("=cmd|' /C calc'!A0"), price_minor=100))
    client = client_for(alpha, owner_of(alpha))
    text = client.get(f"{API}sales/", {"format": "csv", "group_by": "event"}).content.decode()
    assert "'=cmd" in text
    book = openpyxl.load_workbook(
        io.BytesIO(client.get(f"{API}sales/", {"format": "xlsx", "group_by": "event"}).content)
    )
    assert book.worksheets[0]["A2"].value.startswith("'=cmd")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from": "2030-13-01"}, "from"),
        ({"from": "2030-02-01", "to": "2030-01-01"}, "to"),
        ({"from": "2020-01-01", "to": "2030-01-01"}, "to"),
        ({"group_by": "email"}, "group_by"),
        ({"group_by": "day,week"}, "group_by"),
        ({"group_by": "event,ticket_type,channel,kind"}, "group_by"),
        ({"event": "nothing"}, "event"),
        ({"compare": "maybe"}, "compare"),
        ({"format": "exe"}, "format"),
    ],
)
def test_what_is_no_question_is_refused(alpha, client_for, given, field):
    answer = client_for(alpha, owner_of(alpha)).get(f"{API}sales/", given)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["field"] == field


def test_a_report_is_made_in_the_background_and_told_of_its_progress(alpha, shop, client_for):
    from tenant_apps.reports.runs import make

    client = client_for(alpha, owner_of(alpha))
    asked = client.post(
        RUNS, {"report": "sales", "format": "csv", "group_by": "event"}, content_type="application/json"
    )
    assert asked.status_code == 202, asked.content
    run = asked.json()
    assert (run["status"], run["progress"], run["file"]) == ("waiting", 0, None)
    assert client.get(f"{RUNS}{run['id']}/file/").status_code == 409
    with in_tenant(alpha):
        make(run["id"])
        make(run["id"])
    done = client.get(asked["Location"]).json()
    assert (done["status"], done["progress"], done["rows"]) == ("done", 100, 3)
    file = client.get(done["file"])
    assert "Gala" in file.content.decode()
    assert [row["id"] for row in client.get(RUNS).json()["results"]] == [run["id"]]


def test_a_run_is_open_to_those_only_whose_right_reaches_as_far(alpha, beta, shop, client_for):
    from tenant_apps.reports.runs import make

    _gala, ball, _order = shop
    owner = client_for(alpha, owner_of(alpha))
    run = owner.post(RUNS, {"report": "sales", "format": "csv"}, content_type="application/json").json()["id"]
    with in_tenant(alpha):
        person = make_user()
        grant(ball, person, "view_reports", actor=owner_of(alpha))
        make(run)
    client = client_for(alpha, person)
    for address in (f"{RUNS}{run}/", f"{RUNS}{run}/file/"):
        assert client.get(address).status_code == 404
        assert client_for(beta, owner_of(beta)).get(address).status_code == 404
    own = client.post(RUNS, {"report": "sales", "format": "csv", "group_by": "event"}, content_type="application/json")
    assert own.status_code == 202, own.content
    with in_tenant(alpha):
        make(own.json()["id"])
    file = client.get(f"{RUNS}{own.json()['id']}/file/").content.decode()
    assert "Ball" in file
    assert "Gala" not in file
    assert owner.get(f"{RUNS}{own.json()['id']}/file/").status_code == 200
    refused = client.post(RUNS, {"report": "settlement", "format": "csv"}, content_type="application/json")
    assert refused.json()["errors"][0]["code"] == "does_not_exist"
    late = client.post(RUNS, {"report": "sales", "format": "csv"}, content_type="application/json").json()["id"]
    with in_tenant(alpha):
        ball.grants.all().delete()
        make(late)
        assert ReportRun.objects.get(pk=late).status == "failed"
    assert client.get(f"{RUNS}{own.json()['id']}/file/").status_code == 404


def test_a_report_is_asked_for_and_fetched_on_pages(alpha, shop, page_for):
    from tenant_apps.reports.runs import make

    page = page_for(alpha, owner_of(alpha))
    form = page.get(f"{PAGES}?report=sales&group_by=event&from=2026-01-01&to=2026-02-01").content.decode()
    assert 'name="group_by" value="event"' in form and 'value="2026-01-01"' in form
    asked = page.post(PAGES, {"report": "sales", "format": "csv", "group_by": "event"})
    assert asked.status_code == 302
    address = asked["Location"]
    assert 'hx-trigger="every 1s"' in page.get(address).content.decode()
    assert page.get(f"{address}file/").status_code == 404
    with in_tenant(alpha):
        make(ReportRun.objects.get().pk)
    assert f'href="{address}file/"' in page.get(address).content.decode()
    assert "Gala" in page.get(f"{address}file/").content.decode()
    assert address in page.get(PAGES).content.decode()
    refused = page.post(PAGES, {"report": "sales", "format": "csv", "group_by": "email"})
    assert (refused.status_code, b"Choose one of" in refused.content) == (400, True)
    assert page.post(PAGES, {"report": "sales", "format": "exe"}).status_code == 404


def test_what_is_too_large_for_an_answer_is_made_in_the_background(alpha, shop, client_for, monkeypatch):
    from tenant_apps.reports import registry
    from tenant_apps.reports.runs import make

    monkeypatch.setattr(registry, "MOST_ROWS", 2)
    client = client_for(alpha, owner_of(alpha))
    refused = client.get(f"{API}sales/", {"group_by": "event"})
    assert (refused.status_code, refused.json()["code"]) == (409, "report_too_large")
    wanted = {"report": "sales", "format": "csv", "group_by": "event"}
    run = client.post(RUNS, wanted, content_type="application/json").json()["id"]
    with in_tenant(alpha):
        make(run)
    assert client.get(f"{RUNS}{run}/").json()["status"] == "done"


def test_runs_are_bounded_resumed_given_up_and_forgotten(alpha, shop, client_for, monkeypatch):
    from tenant_apps.reports import runs

    client = client_for(alpha, owner_of(alpha))
    wanted = {"report": "sales", "format": "csv"}
    monkeypatch.setattr(runs, "MOST_OPEN", 1)
    first = client.post(RUNS, wanted, content_type="application/json").json()["id"]
    refused = client.post(RUNS, wanted, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_report_runs")
    later = timezone.now() + timedelta(hours=1)
    with in_tenant(alpha):
        assert [str(pk) for pk in runs.unfinished(later)] == [first]
        died = ReportRun.objects.filter(pk=first)
        died.update(status="running", tries=3, modified_at=timezone.now() - timedelta(hours=1))
        assert [str(pk) for pk in runs.unfinished()] == [first]
        runs.make(first)
        assert died.get().status == "failed"
        assert runs.forget_old(timezone.now() + timedelta(days=8)) == 1
    assert client.get(f"{RUNS}{first}/").status_code == 404
