"""Staff's pages of discounts and vouchers, without JavaScript."""

import csv
import io

import pytest

from tenant_apps.orders.models import Order
from tenant_apps.promotions import services
from tenant_apps.promotions.models import Discount, Voucher
from tenant_apps.ticketing.models import Quota
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, make_user, owner_of


@pytest.fixture
def staff(alpha, page_for):
    return page_for(alpha, owner_of(alpha))


DISCOUNT = {"name": "Early bird", "kind": "percent", "value": "12,5", "active": "on"}
VOUCHER = {"code": "spring", "kind": "fixed", "value": "5,00", "active": "on", "adds_up": "on"}


def test_a_discount_is_written_shown_changed_and_deleted(alpha, staff):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Opera"))
    answer = staff.post(
        "/dashboard/new-discount/",
        {**DISCOUNT, "events": [kind.event_id], "valid_until": "2031-06-01T12:00", "days_before": "14"},
        follow=True,
    )
    assert "Early bird" in answer.content.decode() and "12.5" in answer.content.decode()
    with in_tenant(alpha):
        made = Discount.objects.get()
    assert (made.events, made.days_before, str(made.percent)) == ([kind.event_id], 14, "12.50")
    page = staff.get(f"/dashboard/discounts/{made.pk}/").content.decode()
    assert 'value="12.5"' in page and "2031-06-01T12:00" in page and "checked" in page
    changed = {**DISCOUNT, "kind": "fixed_each", "value": "3.00", "min_quantity": "10"}
    staff.post(f"/dashboard/discounts/{made.pk}/", changed)
    with in_tenant(alpha):
        made = Discount.objects.get()
    assert (made.kind, made.amount_minor, made.min_quantity, made.events) == ("fixed_each", 300, 10, [])
    assert staff.get(f"/dashboard/discounts/{made.pk}/delete/").status_code == 405
    staff.post(f"/dashboard/discounts/{made.pk}/delete/")
    with in_tenant(alpha):
        assert not Discount.objects.exists()


def test_three_for_two_needs_no_percentage(alpha, staff):
    staff.post(
        "/dashboard/new-discount/",
        {"name": "3 for 2", "kind": "buy_x_get_y", "buy_quantity": "2", "get_quantity": "1", "active": "on"},
    )
    with in_tenant(alpha):
        assert Discount.objects.get().percent == 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "much"}, {"value": "101"}, {"value": ""}, {"name": ""}, {"kind": "half"}, {"min_quantity": "0"},
        {"valid_from": "2031-01-02T00:00", "valid_until": "2031-01-01T00:00"}, {"valid_from": "soon"},
        {"events": ["999999"]}, {"value": "1e99"}, {"days_before": "99999999999999999999"},
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_written(alpha, staff, wrong):
    answer = staff.post("/dashboard/new-discount/", {**DISCOUNT, **wrong})
    assert answer.status_code == 400
    assert answer.context["form"].errors
    with in_tenant(alpha):
        assert not Discount.objects.exists()


def test_a_voucher_is_written_used_and_its_uses_are_listed(alpha, client_for, staff):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1000)
        quota = Quota.objects.get()
    answer = staff.post(
        "/dashboard/new-voucher/",
        {**VOUCHER, "max_uses": "5", "tag": "press", "quota": quota.pk, "reserved": "2"},
        follow=True,
    )
    assert "SPRING" in answer.content.decode()
    body = {"email": "b@x.test", "lines": [{"ticket_type": kind.pk}], "voucher": "spring", "provider": "manual"}
    client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="k")
    with in_tenant(alpha):
        code, made = Order.objects.get().code, Voucher.objects.get()
    assert (made.used, made.reserved, made.amount_minor) == (1, 1, 500)
    uses = staff.get("/dashboard/vouchers/SPRING/uses/").content.decode()
    assert code in uses and "b@x.test" in uses
    page = staff.get("/dashboard/vouchers/SPRING/").content.decode()
    assert 'value="5.00"' in page and "Delete this code" not in page
    staff.post("/dashboard/vouchers/SPRING/delete/")
    staff.post("/dashboard/vouchers/SPRING/", {**VOUCHER, "active": "", "quota": quota.pk, "reserved": "1"})
    with in_tenant(alpha):
        made = Voucher.objects.get()
        assert (made.active, made.reserved, Quota.objects.get().held) == (False, 0, 1)


def test_a_form_that_was_open_while_a_code_was_used_keeps_no_places_anew(alpha, client_for, staff):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1000)
        quota = Quota.objects.get()
        services.create_voucher(actor=None, code="SPRING", kind="percent", percent=10, quota=quota.pk, reserved=3)
    place = "/dashboard/vouchers/SPRING/"
    form = staff.get(place).context["form"]
    body = {"email": "b@x.test", "lines": [{"ticket_type": kind.pk}], "voucher": "spring", "provider": "manual"}
    client_for(alpha).post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="k")
    shown = {"quota": quota.pk, "reserved": form["reserved"].value(), "kept": form["kept"].value()}
    assert staff.post(place, {**VOUCHER, **shown, "tag": "press"}).status_code == 302
    with in_tenant(alpha):
        made = Voucher.objects.get()
        assert (made.tag, made.reserved, Quota.objects.get().held) == ("press", 2, 3)
    # Whoever types another number means it.
    assert staff.post(place, {**VOUCHER, **shown, "reserved": "5"}).status_code == 302
    with in_tenant(alpha):
        assert (Voucher.objects.get().reserved, Quota.objects.get().held) == (5, 6)


def test_many_codes_are_made_listed_by_their_tag_and_downloaded(alpha, staff):
    with in_tenant(alpha):
        services.create_voucher(actor=None, code="OTHER", kind="free")
    answer = staff.post(
        "/dashboard/new-vouchers/",
        {"count": "30", "prefix": "press-", "kind": "percent", "value": "20", "max_uses": "1", "active": "on"},
        follow=True,
    )
    shown = answer.content.decode()
    assert "PRESS-" in shown and "OTHER" not in shown
    file = staff.get("/dashboard/vouchers.csv?tag=press").content.decode()
    rows = list(csv.DictReader(io.StringIO(file)))
    assert len(rows) == 30 and all(row["code"].startswith("PRESS-") for row in rows)
    assert {(row["percent"], row["max_uses"], row["used"], row["active"]) for row in rows} == {
        ("20.00", "1", "0", "true")
    }
    assert len(list(csv.DictReader(io.StringIO(staff.get("/dashboard/vouchers.csv").content.decode())))) == 31


def test_a_tag_that_a_sheet_would_reckon_is_guarded(alpha, staff):
    """B5."""
    with in_tenant(alpha):
        services.create_voucher(actor=None, code="ONE", kind="free", tag="=1+1")
    assert "'=1+1" in staff.get("/dashboard/vouchers.csv").content.decode()
    exported = staff.get("/dashboard/exports/vouchers.csv")
    assert exported.status_code == 200, exported.status_code
    assert "'=1+1" in b"".join(exported.streaming_content).decode()


def test_lists_are_filtered_and_empty_ones_say_what_to_do(alpha, staff):
    assert "No vouchers yet" in staff.get("/dashboard/vouchers/").content.decode()
    with in_tenant(alpha):
        services.create_voucher(actor=None, code="USED", kind="free", max_uses=0)
        services.create_voucher(actor=None, code="FRESH", kind="free", tag="press")
    for query, there, not_there in (
        ("state=used_up", "USED", "FRESH"),
        ("search=fre", "FRESH", "USED<"),
        ("tag=press", "FRESH", "USED<"),
    ):
        html = staff.get(f"/dashboard/vouchers/?{query}").content.decode()
        assert there in html and f">{not_there}" not in html
    assert "No code fits" in staff.get("/dashboard/vouchers/?search=nothing").content.decode()
    for odd in ("page=0", "page=99999999", "page=x", "state=odd", "tag=" + "x" * 500):
        assert staff.get(f"/dashboard/vouchers/?{odd}").status_code == 200
        assert staff.get(f"/dashboard/discounts/?{odd}").status_code == 200


def test_a_rule_about_an_event_that_is_gone_stays_about_nothing_when_it_is_saved(alpha, staff):
    with in_tenant(alpha):
        gone = make_event()
        rule = services.create_discount(actor=None, name="D", kind="percent", percent=10, events=[gone.pk])
        number = gone.pk
        gone.delete()
    form = staff.get(f"/dashboard/discounts/{rule.pk}/").context["form"]
    assert form["events"].value() == [str(number)]
    staff.post(f"/dashboard/discounts/{rule.pk}/", {**DISCOUNT, "events": [number]})
    with in_tenant(alpha):
        assert Discount.objects.get().events == [number]


def test_pages_are_not_for_others_and_what_is_not_there_is_not_there(alpha, page_for, staff):
    stranger = page_for(alpha, make_user())
    for path in ("discounts/", "vouchers/", "new-voucher/", "vouchers.csv"):
        assert stranger.get(f"/dashboard/{path}").status_code in (403, 404)
    for path in ("discounts/999999/", "vouchers/NONE/", "vouchers/NONE/uses/"):
        assert staff.get(f"/dashboard/{path}").status_code == 404


def test_the_report_tells_what_was_taken_off_paid_orders_by_page_and_api(alpha, client_for, staff):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1000)
        services.create_discount(actor=None, name="Group", kind="percent", percent=10, min_quantity=2)
        services.create_voucher(actor=None, code="FREE", kind="free", most_items=2)
    client = client_for(alpha)

    def buy(key, quantity, **more):
        body = {"email": f"{key}@x.test", "lines": [{"ticket_type": kind.pk, "quantity": quantity}], **more}
        return client.post("/api/v1/orders/", {"provider": "manual", **body}, format="json", HTTP_IDEMPOTENCY_KEY=key)

    assert buy("paid", 2, voucher="FREE").json()["status"] == "paid"
    assert buy("open", 3).json()["status"] == "pending"
    owner = client_for(alpha, owner_of(alpha))
    told = owner.get("/api/v1/reports/promotions/").json()
    shown = [(row["kind"], row["name"], row["orders"], row["quantity"], row["discount"]) for row in told["rows"]]
    assert shown == [("voucher", "FREE", 1, 2, "18.00"), ("discount", "Group", 1, 2, "2.00")]
    assert told["totals"]["discount"] == "20.00"
    html = staff.get("/dashboard/money/promotions/").content.decode()
    assert "FREE" in html and "Group" in html
    for path in ("/api/v1/reports/promotions/", "/dashboard/money/promotions/"):
        client_of = owner if "api" in path else staff
        assert client_of.get(f"{path}?from=2031-13-01").status_code == 400
        assert client_of.get(f"{path}?from=2026-01-01&to=2025-01-01").status_code == 400
    assert owner.get("/api/v1/reports/promotions/?from=2020-01-01&to=2020-02-01").json()["rows"] == []
    assert client_for(alpha, make_user()).get("/api/v1/reports/promotions/").status_code == 403
