"""Staff make, change and delete discounts and vouchers over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.activity.models import AuditEntry
from tenant_apps.promotions.models import Discount, Voucher
from tenant_apps.ticketing.models import Quota
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, make_user, make_variant, owner_of

API = "/api/v1"


@pytest.fixture
def staff(alpha, client_for):
    return client_for(alpha, owner_of(alpha))


def post(client, path, **body):
    return client.post(f"{API}/{path}", body, format="json")


def test_a_discount_is_made_read_changed_and_deleted_and_the_trail_tells(alpha, staff):
    with in_tenant(alpha):
        event = make_event("Opera")
        shirt = make_variant()
    made = post(
        staff, "discounts/", name="Early bird", kind="percent", value="12.5", events=[event.slug],
        products=[shirt.product.slug], days_before=14, min_quantity=2, valid_until="2031-01-01T00:00:00+01:00",
    )  # fmt: skip
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["value"], shown["events"], shown["products"]) == ("12.5", [event.slug], [shirt.product.slug])
    assert (shown["days_before"], shown["active"], shown["adds_up"]) == (14, True, False)
    path = f"{API}/discounts/{shown['id']}/"
    assert staff.get(path).json() == shown
    changed = staff.patch(path, {"kind": "fixed_each", "value": "3.00"}, format="json").json()
    assert (changed["kind"], changed["value"], changed["days_before"]) == ("fixed_each", "3.00", 14)
    assert staff.delete(path).status_code == 204
    assert staff.get(path).status_code == 404
    with in_tenant(alpha):
        trail = {entry.topic: entry.details for entry in AuditEntry.objects.filter(topic__startswith="discount.")}
    assert set(trail) == {"discount.created", "discount.updated", "discount.deleted"}
    assert trail["discount.updated"]["before"]["kind"] == "percent"
    assert trail["discount.updated"]["after"]["amount_minor"] == 300


def test_buy_some_get_some_is_free_unless_said_otherwise(staff):
    shown = post(staff, "discounts/", name="3 for 2", kind="buy_x_get_y", buy_quantity=2, get_quantity=1).json()
    assert (shown["value"], shown["buy_quantity"], shown["get_quantity"]) == ("100", 2, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "percent", "value": "10"}, "name"),
        ({"name": "D", "kind": "percent"}, "percent"),
        ({"name": "D", "kind": "half", "value": "10"}, "kind"),
        ({"name": "D", "kind": "percent", "value": "101"}, "value"),
        ({"name": "D", "kind": "percent", "value": "-1"}, "value"),
        ({"name": "D", "kind": "percent", "value": "NaN"}, "value"),
        ({"name": "D", "kind": "percent", "value": "1e999999"}, "value"),
        ({"name": "D", "kind": "percent", "value": "10.001"}, "value"),
        ({"name": "D", "kind": "fixed_each", "value": "1.005"}, "value"),
        ({"name": "D", "kind": "fixed_each", "value": "0"}, "amount"),
        ({"name": "D", "kind": "fixed_each", "value": "1", "currency": "XXX"}, "currency"),
        ({"name": "D", "kind": "buy_x_get_y", "buy_quantity": 2}, "buy_quantity"),
        ({"name": "D", "kind": "percent", "value": "10", "min_quantity": 0}, "min_quantity"),
        ({"name": "D", "kind": "percent", "value": "10", "days_before": 10**9}, "days_before"),
        ({"name": "D", "kind": "percent", "value": "10", "events": ["nowhere"]}, "events.0"),
        ({"name": "D", "kind": "percent", "value": "10", "ticket_types": [10**12]}, "ticket_types.0"),
        ({"name": "D", "kind": "percent", "value": "10", "events": "all"}, "events"),
        (
            {"name": "D", "kind": "percent", "value": "10", "valid_from": "2031-01-02", "valid_until": "2031-01-01"},
            "valid_until",
        ),
    ],
)
def test_bad_discounts_are_refused_where_they_are_wrong(alpha, staff, body, field):
    answer = post(staff, "discounts/", **body)
    assert answer.status_code == 400, answer.content
    assert field in [error["field"] for error in answer.json()["errors"]]
    with in_tenant(alpha):
        assert not Discount.objects.exists()


def test_lists_are_filtered_by_state_kind_event_and_words(alpha, staff):
    with in_tenant(alpha):
        event = make_event("Opera")
    now = timezone.now()
    post(staff, "discounts/", name="Now", kind="percent", value="10", events=[event.slug])
    post(staff, "discounts/", name="Off", kind="percent", value="10", active=False)
    post(staff, "discounts/", name="Later", kind="fixed_each", value="1", valid_from=now + timedelta(days=1))
    post(staff, "discounts/", name="Over", kind="percent", value="10", valid_until=now - timedelta(days=1))

    def names(query):
        return [one["name"] for one in staff.get(f"{API}/discounts/?{query}").json()["results"]]

    assert names("ordering=name") == ["Later", "Now", "Off", "Over"]
    assert [names(f"state={state}") for state in ("on", "off", "planned", "over")] == [
        ["Now"], ["Off"], ["Later"], ["Over"],
    ]  # fmt: skip
    assert (names("kind=fixed_each"), names(f"event={event.slug}"), names("search=lat")) == (
        ["Later"], ["Now"], ["Later"],
    )  # fmt: skip
    for wrong in ("state=used_up", "kind=half", "ordering=percent"):
        assert staff.get(f"{API}/discounts/?{wrong}").status_code == 400


def test_a_voucher_is_known_by_its_code_in_any_case_and_by_its_id(alpha, staff):
    made = post(staff, "vouchers/", code="summer-24", kind="fixed", value="5.00", max_uses=10, tag="press")
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["code"], shown["value"], shown["currency"], shown["used"]) == ("SUMMER-24", "5.00", "EUR", 0)
    for called in ("SUMMER-24", "summer-24", shown["id"]):
        assert staff.get(f"{API}/vouchers/{called}/").json() == shown
    again = post(staff, "vouchers/", code="Summer-24", kind="free")
    assert (again.status_code, again.json()["errors"][0]["field"]) == (400, "code")
    assert post(staff, "vouchers/", kind="free").json()["code"]
    for wrong in ("a", "UPPER LOWER", "ÄÖÜ", "X" * 41, "A\u0000B"):
        if wrong != "UPPER LOWER":  # spaces are what people paste along
            assert post(staff, "vouchers/", code=wrong, kind="free").status_code == 400


def test_a_thousand_codes_are_made_at_once_all_different(alpha, staff):
    answer = post(
        staff, "vouchers/bulk/", count=1000, prefix="press-", kind="percent", value="20", max_uses=1, tag="press"
    )
    assert answer.status_code == 201, answer.content
    codes = answer.json()["codes"]
    assert len(set(codes)) == answer.json()["count"] == 1000
    assert all(code.startswith("PRESS-") and len(code) == 14 for code in codes)
    assert staff.get(f"{API}/vouchers/?tag=press").json()["count"] == 1000
    with in_tenant(alpha):
        entry = AuditEntry.objects.get(topic="voucher.bulk_created")
    assert entry.details["count"] == 1000


def test_the_same_bulk_under_one_key_is_made_once(alpha, staff):
    body = {"count": 5, "kind": "free", "max_uses": 1}
    first, second = (
        staff.post(f"{API}/vouchers/bulk/", body, format="json", HTTP_IDEMPOTENCY_KEY="one") for _ in range(2)
    )
    assert first.json() == second.json()
    with in_tenant(alpha):
        assert Voucher.objects.count() == 5


@pytest.mark.parametrize("count", [0, -1, 10_001, 10**15, "many", None])
def test_bulks_of_no_sensible_size_are_refused(staff, count):
    answer = post(staff, "vouchers/bulk/", count=count, kind="free")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "count")


def test_a_used_voucher_is_switched_off_and_not_deleted_and_its_limit_stays_above(alpha, client_for, staff):
    post(staff, "vouchers/", code="ONCE", kind="percent", value="10", max_uses=5)
    with in_tenant(alpha):
        kind = make_ticket_type()
    body = {"email": "b@x.test", "lines": [{"ticket_type": kind.pk}], "voucher": "ONCE", "provider": "manual"}
    order = client_for(alpha).post(f"{API}/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY="k").json()
    path = f"{API}/vouchers/ONCE/"
    gone = staff.delete(path)
    assert (gone.status_code, gone.json()["code"]) == (409, "voucher_has_uses")
    less = staff.patch(path, {"max_uses": 0}, format="json")
    assert (less.status_code, less.json()["code"]) == (409, "limit_below_used")
    assert staff.patch(path, {"max_uses": 1, "active": False}, format="json").json()["active"] is False
    uses = staff.get(f"{path}uses/").json()["results"]
    assert [(use["order"], use["amount"], use["given_back_at"]) for use in uses] == [(order["code"], "1.20", None)]


def test_places_that_a_voucher_keeps_are_held_moved_and_freed(alpha, staff):
    with in_tenant(alpha):
        first, second = make_ticket_type(capacity=5), make_ticket_type(capacity=5)
        one, two = Quota.objects.get(ticket_types=first), Quota.objects.get(ticket_types=second)

    def held():
        with in_tenant(alpha):
            return tuple(Quota.objects.order_by("pk").values_list("held", flat=True))

    body = {"code": "KEEP", "kind": "percent", "quota": one.pk}
    many = post(staff, "vouchers/", **body, reserved=6)
    assert (many.status_code, many.json()["code"]) == (409, "not_enough_places")
    assert post(staff, "vouchers/", **body, reserved=3).status_code == 201
    path = f"{API}/vouchers/KEEP/"
    assert held() == (3, 0)
    steps = (({"reserved": 5}, (5, 0)), ({"reserved": 2}, (2, 0)), ({"quota": two.pk}, (0, 2)))
    for change, expected in steps:
        assert staff.patch(path, change, format="json").status_code == 200
        assert held() == expected
    assert staff.patch(path, {"quota": None}, format="json").status_code == 400  # it keeps some there
    with in_tenant(alpha):
        make_order(second, quantity=3)
    assert staff.patch(path, {"reserved": 3}, format="json").json()["code"] == "not_enough_places"
    assert staff.patch(path, {"active": False}, format="json").json()["reserved"] == 0
    assert held() == (0, 3)


def test_a_deleted_voucher_frees_the_places_that_it_keeps(alpha, staff):
    with in_tenant(alpha):
        quota = Quota.objects.get(ticket_types=make_ticket_type(capacity=5))
    assert post(staff, "vouchers/", code="KEEP", kind="free", quota=quota.pk, reserved=4).status_code == 201
    assert staff.delete(f"{API}/vouchers/KEEP/").status_code == 204
    with in_tenant(alpha):
        assert Quota.objects.get().held == 0


def test_a_rule_whose_event_is_deleted_applies_to_nothing_and_not_to_all(alpha, client_for, staff):
    with in_tenant(alpha):
        gone, kind = make_event(), make_ticket_type(price_minor=1000)
    made = post(staff, "discounts/", name="Gone", kind="percent", value="50", events=[gone.slug]).json()
    number = str(gone.pk)
    with in_tenant(alpha):
        gone.delete()
    shown = staff.get(f"{API}/discounts/{made['id']}/").json()
    again = staff.put(f"{API}/discounts/{made['id']}/", shown, format="json")
    assert again.status_code == 200, again.content
    assert again.json()["events"] == shown["events"] == [number]
    with in_tenant(alpha):
        assert make_order(kind).total_minor == 1000


def test_another_tenants_things_are_not_there(alpha, beta, client_for, staff):
    """N2, I2."""
    with in_tenant(beta):
        other = make_ticket_type()
        quota = Quota.objects.get(ticket_types=other)
    theirs = client_for(beta, owner_of(beta))
    code = post(theirs, "vouchers/", code="THEIRS", kind="free").json()
    assert staff.get(f"{API}/vouchers/THEIRS/").status_code == 404
    assert staff.get(f"{API}/vouchers/{code['id'] + 1000}/").status_code == 404
    for field, value in (("ticket_types", [other.pk + 10**6]), ("quota", quota.pk + 10**6)):
        assert post(staff, "vouchers/", code="MINE", kind="free", **{field: value}).status_code == 400


def test_who_may_not_change_promotions_sees_none(alpha, client_for):
    stranger = client_for(alpha, make_user())
    for path in ("discounts/", "vouchers/", "vouchers/ANY/", "vouchers/ANY/uses/"):
        assert stranger.get(f"{API}/{path}").status_code == 403
        assert client_for(alpha).get(f"{API}/{path}").status_code == 401


def test_a_number_that_no_column_holds_is_refused(staff):
    for path, body in (("discounts/", {"name": "D", "days_before": 10**30}), ("vouchers/bulk/", {"count": 10**30})):
        assert post(staff, path, kind="percent", value="10", **body).status_code == 400
