"""Ticket types with all that they can be, through the API's front door: staff set them up, buyers order."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders.lifecycle import advance
from tenant_apps.orders.models import Order
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing.models import Quota, TicketPriceTier, TicketType
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_quota, make_ticket_type, make_user, owner_of


@pytest.fixture
def event(alpha):
    with in_tenant(alpha):
        return make_event("Gala", timezone="Europe/Berlin", slug="gala")


@pytest.fixture
def staff(alpha, client_for):
    return client_for(alpha, owner_of(alpha))


TYPES = "/api/v1/events/gala/ticket-types/"


def make(staff, **fields):
    answer = staff.post(TYPES, {"name": "Standard", "price": "20.00", "capacity": 50, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def order(client, kind, quantity=1, *, email="ada@example.test", **line):
    body = {"email": email, "lines": [{"ticket_type": kind["id"], "quantity": quantity, **line}]}
    order.number = getattr(order, "number", 0) + 1
    return client.post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY=f"types-{order.number}")


def prices(answer):
    assert answer.status_code == 201, answer.content
    return [line["unit_price"] for line in answer.json()["lines"]]


class TestTiers:
    def test_early_birds_are_sold_first_and_the_rest_of_the_order_at_the_next_price(
        self, alpha, client_for, staff, event
    ):
        kind = make(
            staff,
            tiers=[
                {"name": "Early bird", "price": "10.00", "quantity": 3},
                {"name": "Advance", "price": "15.00", "until": "2099-01-01T00:00"},
            ],
        )
        assert (kind["price"], kind["regular_price"]) == ("10.00", "20.00")
        assert [(tier["name"], tier["left"]) for tier in kind["tiers"]] == [("Early bird", 3), ("Advance", None)]
        buyer = client_for(alpha)
        answer = order(buyer, kind, 5)
        assert prices(answer) == ["10.00"] * 3 + ["15.00"] * 2
        assert [line["tier"] for line in answer.json()["lines"]] == ["Early bird"] * 3 + ["Advance"] * 2
        assert answer.json()["total"] == "60.00"
        shown = buyer.get(f"{TYPES}{kind['id']}/").json()
        assert (shown["price"], shown["tiers"][0]["left"]) == ("15.00", 0)
        assert buyer.get("/api/v1/events/gala/").json()["price_from"] == "15.00"

    def test_an_order_that_ends_unpaid_gives_its_early_birds_back(self, alpha, client_for, staff, event):
        kind = make(staff, tiers=[{"name": "Early bird", "price": "10.00", "quantity": 2}])
        first = order(client_for(alpha), kind, 2).json()
        assert prices(order(client_for(alpha), kind, email="b@example.test")) == ["20.00"]
        with in_tenant(alpha):
            advance(Order.objects.get(code=first["code"]), Order.Status.EXPIRED)
        assert prices(order(client_for(alpha), kind, email="c@example.test")) == ["10.00"]
        with in_tenant(alpha):
            assert breaches_in(alpha) == []

    def test_a_price_that_was_ordered_at_stays_when_the_tier_changes(self, alpha, client_for, staff, event):
        kind = make(staff, tiers=[{"name": "Early bird", "price": "10.00", "until": "2099-01-01T00:00"}])
        code = order(client_for(alpha), kind).json()["code"]
        tier = kind["tiers"][0]
        changed = staff.patch(f"{TYPES}{kind['id']}/", {"tiers": [{**tier, "price": "12.00"}]}, format="json")
        assert changed.json()["price"] == "12.00"
        assert changed.json()["tiers"][0]["id"] == tier["id"]
        assert staff.get(f"/api/v1/orders/{code}/").json()["total"] == "10.00"

    def test_a_tier_whose_tickets_were_sold_is_neither_removed_nor_made_smaller_than_that(
        self, alpha, client_for, staff, event
    ):
        kind = make(staff, tiers=[{"name": "Early bird", "price": "10.00", "quantity": 5}])
        order(client_for(alpha), kind, 3)
        place = f"{TYPES}{kind['id']}/"
        removed = staff.patch(place, {"tiers": []}, format="json")
        assert (removed.status_code, removed.json()["code"]) == (409, "tier_in_use")
        fewer = [{**kind["tiers"][0], "quantity": 2}]
        smaller = staff.patch(place, {"tiers": fewer}, format="json")
        assert (smaller.status_code, smaller.json()["code"]) == (409, "capacity_below_sold")
        assert smaller.json()["errors"][0]["field"] == "tiers.0.quantity"
        assert staff.patch(place, {"tiers": [{**fewer[0], "quantity": 3}]}, format="json").status_code == 200

    def test_what_was_read_can_be_sent_back_and_changes_nothing(self, alpha, staff, event):
        kind = make(staff, tiers=[{"name": "Early bird", "price": "10.00", "quantity": 5}], max_per_person=4)
        answer = staff.put(
            f"{TYPES}{kind['id']}/", {**kind, "quotas": None} | {"quotas": _quotas(alpha)}, format="json"
        )
        assert answer.status_code == 200, answer.content
        assert answer.json() == kind

    def test_its_quota_is_no_quota_of_the_event(self, alpha, staff, event):
        make(staff, tiers=[{"name": "Early bird", "price": "10.00", "quantity": 5}])
        assert [quota["name"] for quota in staff.get("/api/v1/events/gala/quotas/").json()["results"]] == ["Standard"]

    @pytest.mark.parametrize(
        ("row", "field", "code"),
        [
            ({"name": "x", "price": "1"}, "tiers.0.until", "tier_without_end"),
            ({"name": " ", "price": "1", "quantity": 1}, "tiers.0.name", "blank"),
            ({"name": "x", "price": "-1", "quantity": 1}, "tiers.0.price", "min_value"),
            ({"name": "x", "price": "1", "quantity": 0}, "tiers.0.quantity", "min_value"),
            ({"name": "x", "price": "1", "until": "2027-03-28T02:30"}, "tiers.0.until", "nonexistent_time"),
            ({"name": "x", "price": "1", "quantity": 1, "id": 987654}, "tiers.0.id", "does_not_exist"),
        ],
    )
    def test_a_row_that_makes_no_sense_is_refused_by_name(self, staff, event, row, field, code):
        answer = staff.post(TYPES, {"name": "A", "price": "2", "tiers": [row]}, format="json")
        assert answer.status_code == 400
        assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [(field, code)]

    def test_duplicating_an_event_takes_its_tiers_along_with_nothing_sold(self, alpha, client_for, staff, event):
        kind = make(staff, tiers=[{"name": "Early bird", "price": "10.00", "quantity": 5, "until": "2030-01-01T00:00"}])
        order(client_for(alpha), kind, 2)
        starts = (event.starts_at + timedelta(days=7)).isoformat()
        copy = staff.post("/api/v1/events/gala/duplicate/", {"starts_at": starts}, format="json").json()
        tier = copy["ticket_types"][0]["tiers"][0]
        assert tier["left"] == 5
        assert parse_datetime(tier["until"]) - parse_datetime(kind["tiers"][0]["until"]) == timedelta(days=7)


class TestWhoSaysThePrice:
    @pytest.fixture
    def kind(self, staff, event):
        return make(staff, price_kind="pay_what_you_want", price="5.00", suggested_price="12.00")

    def test_buyers_pay_what_they_say(self, alpha, client_for, kind):
        assert prices(order(client_for(alpha), kind, 2, price="7.50")) == ["7.50", "7.50"]

    def test_who_says_nothing_pays_the_least(self, alpha, client_for, kind):
        assert prices(order(client_for(alpha), kind)) == ["5.00"]

    @pytest.mark.parametrize(
        ("price", "code"),
        [
            ("4.99", "price_too_low"),
            ("-7", "price_too_low"),
            ("10000000.01", "price_too_high"),
            ("7.505", "invalid_price"),
            ("NaN", "invalid_price"),
            ("1e400", "invalid_price"),
            ("much", "invalid_price"),
        ],
    )
    def test_a_price_out_of_bounds_is_refused_at_its_line(self, alpha, client_for, kind, price, code):
        answer = order(client_for(alpha), kind, price=price)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert answer.json()["errors"][0]["field"] == "lines.0.price"

    @pytest.mark.parametrize("fields", [{}, {"price_kind": "free", "price": "0"}])
    def test_nobody_says_the_price_of_other_tickets(self, alpha, client_for, staff, event, fields):
        answer = order(client_for(alpha), make(staff, **fields), price="0.01")
        assert (answer.status_code, answer.json()["code"]) == (400, "price_not_allowed")

    def test_nothing_is_a_price_where_nothing_is_the_least(self, alpha, client_for, staff, event):
        kind = make(staff, price_kind="pay_what_you_want", price="0")
        answer = order(client_for(alpha), kind, price="0")
        assert answer.json()["status"] == "paid"

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"price_kind": "free", "price": "1"}, "free_has_no_price"),
            ({"price_kind": "pay_what_you_want", "price": "5", "suggested_price": "4"}, "out_of_range"),
            ({"suggested_price": "4"}, "not_pay_what_you_want"),
            ({"price_kind": "free", "price": "0", "tiers": [{"name": "x", "price": "1", "quantity": 2}]}, "not_fixed"),
        ],
    )
    def test_kinds_of_price_that_contradict_themselves_are_refused(self, staff, event, fields, code):
        answer = staff.post(TYPES, {"name": "A", "price": "2", **fields}, format="json")
        assert answer.status_code == 400
        assert code in [one["code"] for one in answer.json()["errors"]]


class TestTax:
    def test_tax_is_added_where_the_type_says_so_and_fixed_in_the_order(self, alpha, client_for, staff, event):
        kind = make(staff, tax_rate="19", tax_included=False)
        assert (kind["price"], kind["total_price"]) == ("20.00", "23.80")
        placed = order(client_for(alpha), kind, 3).json()
        assert (placed["subtotal"], placed["tax"], placed["total"]) == ("60.00", "11.40", "71.40")
        staff.patch(f"{TYPES}{kind['id']}/", {"tax_included": True, "tax_rate": "7"}, format="json")
        kept = staff.get(f"/api/v1/orders/{placed['code']}/").json()
        assert (kept["tax"], kept["total"], kept["lines"][0]["tax_included"]) == ("11.40", "71.40", False)
        assert breaches_in(alpha) == []
        with in_tenant(alpha):
            Order.objects.filter(code=placed["code"]).update(total_minor=6000)
        assert [breach.invariant for breach in breaches_in(alpha)] == ["M5"]

    def test_a_type_that_does_not_say_has_it_as_the_tenant(self, alpha, client_for, staff, event):
        answer = staff.patch("/api/v1/settings/", {"prices_include_tax": False, "tax_rate": "10"}, format="json")
        assert answer.status_code == 200, answer.content
        kind = make(staff)
        assert (kind["tax_rate"], kind["tax_included"], kind["total_price"]) == ("10.00", False, "22.00")
        assert order(client_for(alpha), kind).json()["total"] == "22.00"

    @pytest.mark.parametrize("rate", ["101", "-1", "a", "1.234", "1e1", 7, ""])
    def test_a_rate_that_is_none_is_no_setting(self, staff, rate):
        assert staff.patch("/api/v1/settings/", {"tax_rate": rate}, format="json").status_code == 400


class TestOnePerson:
    def test_the_limit_counts_all_live_orders_of_an_address_whatever_its_case(self, alpha, client_for, staff, event):
        kind = make(staff, max_per_person=3)
        buyer = client_for(alpha)
        assert order(buyer, kind, 2).status_code == 201
        refused = order(buyer, kind, 2, email="ADA@Example.test")
        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_per_person")
        assert order(buyer, kind, 1).status_code == 201
        assert order(buyer, kind, 1, email="bob@example.test").status_code == 201

    def test_the_account_is_counted_with_its_addresses(self, alpha, client_for, staff, event):
        kind = make(staff, max_per_person=2)
        person = make_user("ada@example.test")
        assert order(client_for(alpha, person), kind, email="other@example.test").status_code == 201
        assert order(client_for(alpha), kind).status_code == 201
        assert (
            order(client_for(alpha, person), kind, email="third@example.test").json()["code"] == "too_many_per_person"
        )

    def test_tickets_of_ended_orders_do_not_count(self, alpha, client_for, staff, event):
        kind = make(staff, max_per_person=1)
        first = order(client_for(alpha), kind).json()
        with in_tenant(alpha):
            advance(Order.objects.get(code=first["code"]), Order.Status.CANCELLED)
        assert order(client_for(alpha), kind).status_code == 201
        with in_tenant(alpha):
            Order.objects.filter(status="pending").update(expires_at=timezone.now())
        assert order(client_for(alpha), kind).status_code == 201

    def test_free_tickets_are_limited_as_well(self, alpha, client_for, staff, event):
        kind = make(staff, price="0", max_per_person=1)
        assert order(client_for(alpha), kind).json()["status"] == "paid"
        assert order(client_for(alpha), kind).json()["code"] == "too_many_per_person"

    def test_a_limit_below_the_smallest_order_is_refused(self, staff, event):
        answer = staff.post(TYPES, {"name": "A", "min_per_order": 2, "max_per_person": 1}, format="json")
        assert [one["field"] for one in answer.json()["errors"]] == ["max_per_person"]


class TestSaleWindow:
    @pytest.mark.parametrize(
        ("starts", "ends", "code"),
        [(1, None, "sale_not_started"), (None, -1, "sale_ended"), (-2, -1, "sale_ended"), (None, None, None)],
    )
    def test_orders_outside_of_it_are_refused_by_code(self, alpha, client_for, event, starts, ends, code):
        now = timezone.now()
        at = [None if hours is None else now + timedelta(hours=hours) for hours in (starts, ends)]
        with in_tenant(alpha):
            kind = make_ticket_type(event, sale_starts_at=at[0], sale_ends_at=at[1])
        answer = order(client_for(alpha), {"id": kind.pk})
        assert (answer.status_code == 201) if code is None else (answer.json()["code"] == code)

    def test_a_hidden_type_is_sold_to_nobody_whose_voucher_does_not_open_it(self, alpha, client_for, event):
        from tenant_apps.orders.checkout import Basket, BasketLine, place_order

        with in_tenant(alpha):
            kind = make_ticket_type(event, hidden=True)
            opened = Basket(email="a@example.test", lines=[BasketLine(kind.pk)], unlocked=[kind.pk])
            assert place_order(opened).status == "pending"
            assert list(TicketType.objects.visible_to([])) == []
            assert list(TicketType.objects.visible_to([kind.pk])) == [kind]
        assert order(client_for(alpha), {"id": kind.pk}).json()["code"] == "does_not_exist"


class TestRules:
    def test_a_ticket_that_cannot_be_cancelled_is_not_cancelled_by_its_buyer_but_by_staff(
        self, alpha, client_for, staff, event
    ):
        kind = make(staff, cancel_allowed=False)
        with in_tenant(alpha):
            paid = make_paid_order(TicketType.objects.get(pk=kind["id"]))
        buyer = client_for(alpha)
        answer = buyer.post(f"/api/v1/orders/{paid.code}/cancel/", HTTP_X_ORDER_SECRET=paid.secret)
        assert (answer.status_code, answer.json()["code"]) == (409, "cancellation_not_allowed")
        assert staff.post(f"/api/v1/orders/{paid.code}/cancel/").status_code == 200

    def test_the_earlier_of_the_types_and_the_events_deadline_counts(self, alpha, client_for, staff, event):
        past, later = timezone.now() - timedelta(hours=1), timezone.now() + timedelta(hours=1)
        kind = make(staff, cancel_until=past.isoformat())
        with in_tenant(alpha):
            paid = make_paid_order(TicketType.objects.get(pk=kind["id"]))
        url, secret = f"/api/v1/orders/{paid.code}/cancel/", {"HTTP_X_ORDER_SECRET": paid.secret}
        assert client_for(alpha).post(url, **secret).json()["code"] == "cancellation_closed"
        staff.patch(f"{TYPES}{kind['id']}/", {"cancel_until": later.isoformat()}, format="json")
        staff.patch("/api/v1/events/gala/", {"cancel_until": past.isoformat()}, format="json")
        assert client_for(alpha).post(url, **secret).json()["code"] == "cancellation_closed"
        staff.patch("/api/v1/events/gala/", {"cancel_until": None}, format="json")
        assert client_for(alpha).post(url, **secret).status_code == 200


class TestStock:
    def test_buyers_are_told_the_last_few_only_and_staff_everything(self, alpha, client_for, staff, event):
        kind = make(staff, capacity=7, show_stock_below=5)
        buyer = client_for(alpha)
        place = "/api/v1/events/gala/availability/"

        def told(client):
            answers = client.get(f"{TYPES}{kind['id']}/").json(), client.get(place).json()["ticket_types"][0]
            assert answers[0]["available"] == answers[1]["available"]
            return answers[0]["available"], answers[0]["sold_out"]

        assert (told(buyer), told(staff)) == ((None, False), (7, False))
        order(buyer, kind, 2)
        assert told(buyer) == (5, False)
        order(buyer, kind, 5, email="b@example.test")
        assert told(buyer) == (0, True)
        assert buyer.get("/api/v1/events/gala/").json()["available"] is False


class TestQuotasThatTypesJoin:
    def test_what_was_sold_and_held_before_is_counted_in_the_hall(self, alpha, client_for, staff, event):
        with in_tenant(alpha):
            kind = make_ticket_type(event, capacity=50)
            make_paid_order(kind, quantity=3)
            make_order(kind, quantity=2)
            ended = make_order(kind, quantity=4)
            advance(ended, Order.Status.EXPIRED)
        made = staff.post(
            "/api/v1/events/gala/quotas/", {"name": "Hall", "capacity": 6, "ticket_types": [kind.pk]}, format="json"
        ).json()
        assert (made["held"], made["sold"]) == (2, 3)
        assert order(client_for(alpha), {"id": kind.pk}, 1).status_code == 201
        assert order(client_for(alpha), {"id": kind.pk}, 1, email="c@example.test").json()["code"] == "sold_out"
        with in_tenant(alpha):
            assert breaches_in(alpha) == []
            advance(Order.objects.filter(status="paid").get(), Order.Status.CANCELLED)
            assert Quota.objects.get(name="Hall").sold == 0
            assert breaches_in(alpha) == []

    def test_a_hall_too_small_for_what_was_sold_is_refused(self, alpha, staff, event):
        with in_tenant(alpha):
            kind = make_ticket_type(event)
            make_paid_order(kind, quantity=3)
            hall = make_quota(event, capacity=2, name="Hall")
        for url, body in (
            (f"/api/v1/events/gala/quotas/{hall.pk}/", {"ticket_types": [kind.pk]}),
            (f"{TYPES}{kind.pk}/", {"quotas": [hall.pk]}),
        ):
            answer = staff.patch(url, body, format="json")
            assert (answer.status_code, answer.json()["code"]) == (409, "capacity_below_sold")
        with in_tenant(alpha):
            hall.refresh_from_db()
            assert hall.sold == 0
        grown = staff.patch(
            f"/api/v1/events/gala/quotas/{hall.pk}/", {"ticket_types": [kind.pk], "capacity": 3}, format="json"
        )
        assert grown.json()["sold"] == 3

    def test_a_type_that_leaves_takes_nothing_with_it(self, alpha, staff, event):
        with in_tenant(alpha):
            kind = make_ticket_type(event)
            paid = make_paid_order(kind)
            quota = kind.quotas.get()
        staff.patch(f"/api/v1/events/gala/quotas/{quota.pk}/", {"ticket_types": []}, format="json")
        with in_tenant(alpha):
            quota.refresh_from_db()
            assert quota.sold == 1
            advance(paid, Order.Status.CANCELLED)
            quota.refresh_from_db()
            assert quota.sold == 0


def test_search_engines_are_told_what_one_pays_now(alpha, page_for, staff, event):
    make(
        staff,
        tax_rate="10",
        tax_included=False,
        tiers=[{"name": "Early bird", "price": "10.00", "until": "2099-01-01T00:00"}],
    )
    assert '"price": "11.00"' in page_for(alpha).get("/events/gala/").content.decode().replace(
        '"price":"', '"price": "'
    )


def test_changes_are_recorded_with_what_was_before(alpha, staff, event):
    kind = make(staff, tiers=[{"name": "Early bird", "price": "10.00", "quantity": 5}])
    staff.patch(f"{TYPES}{kind['id']}/", {"max_per_person": 4, "tiers": []}, format="json")
    with in_tenant(alpha):
        details = AuditEntry.objects.filter(topic="ticket_type.updated").latest("pk").details
        assert details["before"]["max_per_person"] is None
        assert details["after"]["max_per_person"] == 4
        assert details["before"]["tiers"] == ["01. Early bird: 1000, 5 tickets"]
        assert details["after"]["tiers"] == []
        assert not TicketPriceTier.objects.exists()
        assert not Quota.objects.filter(event=None).exists()


def test_reading_types_with_tiers_costs_the_same_statements_as_without(
    alpha, client_for, staff, event, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    make(staff, name="Plain")
    buyer = client_for(alpha)
    buyer.get(TYPES)
    with CaptureQueriesContext(connection) as plain:
        buyer.get(TYPES)
        cost = len(plain)
    for number in range(6):
        make(staff, name=f"T{number}", tiers=[{"name": "E", "price": "1", "quantity": 5}] * 3)
    with django_assert_num_queries(cost):
        assert len(buyer.get(TYPES).json()["results"]) == 7


def _quotas(tenant):
    with in_tenant(tenant):
        return list(Quota.objects.exclude(event=None).values_list("pk", flat=True))
