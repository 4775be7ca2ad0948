"""What goes out comes back in without a difference: every event, venue and product, in every format (B5)."""

import csv
import io
import json

import openpyxl
import pytest

from tenant_apps.catalog import services as catalog
from tenant_apps.events import services as events
from tenant_apps.events.models import Event, Venue
from tenant_apps.events.taxonomy import make
from tenant_apps.imports import exporting, services
from tenant_apps.promotions.services import create_voucher
from tenant_apps.ticketing import services as ticketing
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of
from tests.imports.test_open_house import bring_in

KINDS = ("csv", "xlsx")


def file_of(resource, kind, actor):
    return b"".join(exporting.body(exporting.export(resource, actor), kind))


def bring_back(resource, kind, content, actor):
    job = services.start(resource=resource, file_name=f"{resource}.{kind}", content=content, actor=actor)
    job = services.validate(job)
    assert job.errors == []
    return job.counts


@pytest.mark.parametrize("kind", KINDS)
def test_the_festival_goes_out_and_comes_back_without_a_difference(in_alpha, kind):
    actor = owner_of(in_alpha)
    assert bring_in(actor, dry_run=False).status == "applied"
    content = file_of("events", kind, actor)
    assert bring_back("events", kind, content, actor) == {"new": 0, "changed": 0, "unchanged": 2028, "refused": 0}
    venues = Venue.objects.count()
    counts = bring_back("venues", kind, file_of("venues", kind, actor), actor)
    assert counts == {"new": 0, "changed": 0, "unchanged": venues, "refused": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_made_by_hand_goes_out_and_comes_back_without_a_difference(in_alpha, kind):
    actor = owner_of(in_alpha)
    nasty = events.create_event(
        actor=actor, title="=SUM(A1)", summary="'=1", description="<p>a\n\n b</p>  \n",
        starts_at="2031-10-26T02:30+01:00",
        timezone="Europe/Berlin", tags=[make(_tag(), actor=None, name="one, two")],
        venue={"name": "@home", "address": "-1 + 1"},
    )  # fmt: skip
    ticketing.create_quota(
        nasty, "Places", 7, [ticketing.create_ticket_type(nasty, actor=actor, name="+1", price_minor=1250)]
    )
    free = events.create_event(actor=actor, title="Nothing on sale", starts_at="2031-05-01T20:00", ends_at=None)
    events.publish(free, actor=actor)
    content = file_of("events", kind, actor)
    assert bring_back("events", kind, content, actor) == {"new": 0, "changed": 0, "unchanged": 2, "refused": 0}
    # A tenant that has none of it gets the same, and gives the same out again.
    before = file_of("events", "json", actor)
    for event in Event.objects.all():
        event.delete()
    assert bring_back("events", kind, content, actor)["new"] == 2
    job = services.run_now(resource="events", file_name=f"e.{kind}", content=content, actor=actor)
    assert job.status == "applied"
    assert file_of("events", "json", actor) == before


@pytest.mark.parametrize("kind", KINDS)
def test_goods_go_out_and_come_back_without_a_difference(in_alpha, kind):
    actor = owner_of(in_alpha)
    catalog.create_product(actor=None, name="-5 % cup", price_minor=450, parameters={"Colour": "=red", "Size": 5.5},
                           description="<p>Good</p>", variants=[{"capacity": 3, "sku": "007"}])  # fmt: skip
    catalog.create_product(actor=None, name="Shirt", price_minor=2000, external_id="shirt",
                           variants=[{"sku": "S", "name": "Small"},
                                     {"sku": "L", "name": "Large", "price_minor": 2200}])  # fmt: skip
    content = file_of("products", kind, actor)
    counts = bring_back("products", kind, content, actor)
    assert counts == {"new": 0, "changed": 0, "unchanged": 3, "refused": 0}


def test_cells_that_a_spreadsheet_would_run_are_guarded(in_alpha):
    make_event(title="=cmd|' /C calc'!A0")
    make_event(title="'=already")
    rows = list(csv.DictReader(io.StringIO(file_of("events", "csv", owner_of(in_alpha)).decode())))
    assert [row["title"] for row in rows] == ["'=cmd|' /C calc'!A0", "''=already"]
    book = openpyxl.load_workbook(io.BytesIO(file_of("events", "xlsx", owner_of(in_alpha))))
    assert [cell.value for cell in book.active["B"]] == ["title", "'=cmd|' /C calc'!A0", "''=already"]
    assert {cell.data_type for cell in book.active["B"]} == {"s"}
    told = json.loads(file_of("events", "json", owner_of(in_alpha)))
    assert [row["title"] for row in told] == ["=cmd|' /C calc'!A0", "'=already"]


@pytest.mark.parametrize("resource", sorted(exporting.EXPORTS))
def test_every_resource_comes_in_every_format(in_alpha, resource):
    order = make_paid_order(make_ticket_type(name="Standard", price_minor=1250), quantity=2, email="a@buyers.test")
    catalog.create_product(actor=None, name="Cup", price_minor=450)
    make(Venue, actor=None, name="Hall")
    create_voucher(actor=None, code="SPRING", kind="percent", percent=20)
    actor = owner_of(in_alpha)
    told = json.loads(file_of(resource, "json", actor))
    rows = list(csv.DictReader(io.StringIO(file_of(resource, "csv", actor).decode())))
    sheet = openpyxl.load_workbook(io.BytesIO(file_of(resource, "xlsx", actor))).active
    assert len(told) == len(rows) == sheet.max_row - 1
    expected = {"orders": [("code", order.code), ("total", "25.00"), ("tickets", "2")],
                "attendees": [("email", order.email)],
                "tickets": [("order", order.code)], "customers": [("spent", "25.00"), ("orders", "1")],
                "events": [("price", "12.50"), ("capacity", "100")], "ticket_types": [("sold", "2")],
                "products": [("price", "4.50")], "venues": [("name", "Hall")], "check_ins": [],
                "vouchers": [("code", "SPRING")]}[resource]  # fmt: skip
    for name, value in expected:
        assert rows[0][name] == value
    assert len(rows) == (0 if resource == "check_ins" else 2 if resource in ("tickets", "attendees") else 1)


def test_over_http_a_file_is_streamed_to_who_may_have_it(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    answer = client.get("/api/v1/exports/events.csv")
    assert answer.status_code == 200 and answer.streaming
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert b"".join(answer.streaming_content).startswith(b"external_id,title")
    assert client.get("/api/v1/exports/planets.csv").status_code == 404
    assert client.get("/api/v1/exports/events.exe").status_code == 404
    assert client_for(alpha).get("/api/v1/exports/events.csv").status_code == 401
    assert client_for(alpha, make_user()).get("/api/v1/exports/events.csv").status_code in (403, 404)


def test_who_manages_goods_exports_no_buyers(alpha, client_for):
    from tenant_apps.staff.services import add_member, preset_role
    from tenants.context import in_tenant

    with in_tenant(alpha):
        member = make_user()
        add_member(member, preset_role("catalog_manager"), actor=None)
    client = client_for(alpha, member)
    assert client.get("/api/v1/exports/products.csv").status_code == 200
    assert client.get("/api/v1/exports/orders.csv").status_code == 403
    assert client.get("/api/v1/exports/customers.json").status_code == 403


def _tag():
    from tenant_apps.events.models import Tag

    return Tag
