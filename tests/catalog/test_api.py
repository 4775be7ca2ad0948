"""Goods through HTTP: what anyone sees, what staff do, and who may do it where."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenant_apps.activity.models import AuditEntry
from tenant_apps.catalog import delivery
from tenant_apps.catalog.models import DeliveryMethod, Parameter, Product, ProductCategory, ProductVariant
from tenants.context import in_tenant
from tests.factories import make_user, owner_of

PRODUCTS = "/api/v1/products/"
CATEGORIES = "/api/v1/product-categories/"


@pytest.fixture
def staff(alpha, client_for):
    return client_for(alpha, owner_of(alpha))


@pytest.fixture
def anyone(alpha, client_for):
    return client_for(alpha)


def names(answer):
    assert answer.status_code == 200, answer.content
    return [one["name"] for one in answer.json()["results"]]


def make(staff, name, **fields):
    made = staff.post(PRODUCTS, {"name": name, "price": "10", **fields}, format="json")
    assert made.status_code == 201, made.content
    return made.json()


def refusal(answer):
    body = answer.json()
    return answer.status_code, body["code"], [(one["field"], one["code"]) for one in body.get("errors", [])]


def statements(queries):
    return [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "SET search_path"))]


def test_a_product_is_made_seen_changed_and_deleted(alpha, staff, anyone):
    drinks = staff.post(CATEGORIES, {"name": "Напитки"}, format="json").json()
    assert (drinks["slug"], drinks["parent"]) == ("napitki", None)
    made = make(
        staff, "Квас хлебный", category="napitki", price="120.50", recommended_price="150",
        description="<p>Чёрный хлеб</p><script>alert(1)</script>", parameters={"Объём": 0.5, "Хмель": False},
        variants=[{"sku": "K-1", "name": "0,5 л", "capacity": 10}, {"name": "3 л", "price": "400", "capacity": 0}],
    )  # fmt: skip
    assert made["slug"] == "kvas-khlebnyi"
    seen = anyone.get(f"{PRODUCTS}{made['slug']}/").json()
    assert seen == made
    assert (seen["price"], seen["recommended_price"], seen["currency"]) == ("120.50", "150.00", "EUR")
    assert (seen["description"], seen["in_stock"]) == ("<p>Чёрный хлеб</p>", True)
    assert [(one["sku"], one["price"], one["available"], one["in_stock"]) for one in seen["variants"]] == [
        ("K-1", "120.50", 10, True),
        (None, "400.00", 0, False),
    ]
    assert anyone.get(f"{PRODUCTS}{made['id']}/").json()["slug"] == made["slug"]
    changed = staff.patch(f"{PRODUCTS}{made['slug']}/", {"price": "99", "published": False}, format="json")
    assert (changed.json()["price"], changed.json()["variants"][0]["price"]) == ("99.00", "99.00")
    assert anyone.get(f"{PRODUCTS}{made['slug']}/").status_code == 404
    assert names(anyone.get(PRODUCTS)) == [] and names(staff.get(PRODUCTS)) == ["Квас хлебный"]
    assert staff.delete(f"{PRODUCTS}{made['slug']}/").status_code == 204
    with in_tenant(alpha):
        entries = AuditEntry.objects.filter(topic__startswith="product").order_by("at")
        topics = list(entries.values_list("topic", flat=True))
        assert topics == ["product_category.created", "product.created", "product.updated", "product.deleted"]


def test_wrong_input_is_named_field_by_field(staff):
    made = make(staff, "Cup", sku="C-1", external_id="x", parameters={"Size": 5})
    for body, expected in [
        ({"price": "5"}, [("name", "required")]),
        ({"name": "A"}, [("price", "required")]),
        ({"name": "A", "price": "-5"}, [("price", "min_value")]),
        ({"name": "A", "price": "1.234"}, [("price", "digits")]),
        ({"name": "A", "price": "5", "category": "none"}, [("category", "does_not_exist")]),
        ({"name": "A", "price": "5", "capacity": -1}, [("capacity", "min_value")]),
        ({"name": "A", "price": "5", "external_id": "x"}, [("external_id", "taken")]),
        ({"name": "A", "price": "5", "variants": [{"sku": "C-1"}]}, [("variants.0.sku", "taken")]),
        ({"name": "A", "price": "5", "parameters": {"a": [1]}}, [("parameters.a", "wrong_kind")]),
        ({"name": "A", "price": "5", "currency": "XXX"}, [("currency", "invalid_choice")]),
    ]:
        status, _code, errors = refusal(staff.post(PRODUCTS, body, format="json"))
        assert (status, errors) == (400, expected), body
    wrong = staff.patch(f"{PRODUCTS}{made['slug']}/", {"parameters": {"Size": "large"}}, format="json")
    assert refusal(wrong)[2] == [("parameters.Size", "wrong_kind")]
    again = staff.patch(f"{PRODUCTS}{made['slug']}/", {"parameters": {"Size": "7.5"}}, format="json").json()
    assert again["parameters"] == {"Size": 7.5}


def test_stock_cannot_fall_below_what_is_sold_and_what_was_ordered_stays(alpha, staff):
    made = make(staff, "Cup", capacity=10)
    path = f"{PRODUCTS}{made['slug']}/"
    variant = f"{path}variants/{made['variants'][0]['id']}/"
    with in_tenant(alpha):
        pk = made["variants"][0]["id"]
        assert ProductVariant.objects.hold(pk, 2) and ProductVariant.objects.sell(pk, 3)
        assert not ProductVariant.objects.sell(pk, 6)
    assert refusal(staff.patch(variant, {"capacity": 4}, format="json"))[:2] == (409, "capacity_below_sold")
    assert staff.patch(variant, {"capacity": 5}, format="json").json()["available"] == 0
    assert refusal(staff.delete(path))[:2] == (409, "product_has_orders")
    assert refusal(staff.delete(variant))[:2] == (409, "product_has_orders")
    more = staff.post(f"{path}variants/", {"name": "Large", "min_quantity": 5, "order_multiple": 4}, format="json")
    assert more.status_code == 201
    assert staff.delete(f"{path}variants/{more.json()['id']}/").status_code == 204
    alone = make(staff, "Bowl")
    only = f"{PRODUCTS}{alone['slug']}/variants/{alone['variants'][0]['id']}/"
    assert refusal(staff.delete(only))[:2] == (409, "last_variant")


def test_a_variant_is_in_stock_if_its_smallest_order_can_be_had(alpha, staff, anyone):
    for capacity, least, multiple in [(7, 5, 4), (8, 5, 4), (0, 1, 1), (None, 1, 1)]:
        variants = [{"capacity": capacity, "min_quantity": least, "order_multiple": multiple}]
        make(staff, f"{capacity} of {least} by {multiple}", variants=variants)
    make(staff, "Closed", accepting_orders=False)
    there = ["8 of 5 by 4", "None of 1 by 1"]
    assert names(anyone.get(f"{PRODUCTS}?in_stock=true")) == there
    assert set(names(anyone.get(f"{PRODUCTS}?in_stock=false"))) == {"7 of 5 by 4", "0 of 1 by 1", "Closed"}
    assert [one["name"] for one in anyone.get(PRODUCTS).json()["results"] if one["in_stock"]] == there


def test_the_list_is_narrowed_and_ordered(alpha, staff, anyone):
    root = staff.post(CATEGORIES, {"name": "Electronics"}, format="json").json()
    below = staff.post(CATEGORIES, {"name": "Phones", "parent": root["slug"]}, format="json").json()
    make(staff, "Смартфон красный", category="phones", price="600", parameters={"Цвет": "красный", "Память": 256})
    make(staff, "Смартфон чёрный", category="phones", price="500", parameters={"Цвет": "чёрный", "Память": 128})
    make(staff, "Наушники", category="electronics", price="50", parameters={"Цвет": "чёрный", "NFC": True})
    make(staff, "Cup", price="5", variants=[{"price": "5"}, {"price": "70"}])
    for query, expected in {
        "search=смартфонами": {"Смартфон красный", "Смартфон чёрный"},
        "search=смарфон": {"Смартфон красный", "Смартфон чёрный"},
        "search=smartfon": {"Смартфон красный", "Смартфон чёрный"},
        "search=наушник": {"Наушники"},
        "category=electronics": {"Смартфон красный", "Смартфон чёрный", "Наушники"},
        f"category={below['id']}": {"Смартфон красный", "Смартфон чёрный"},
        "category=none": set(),
        "price_min=60": {"Смартфон красный", "Смартфон чёрный", "Cup"},
        "price_max=50": {"Наушники", "Cup"},
        "param.Цвет=чёрный": {"Смартфон чёрный", "Наушники"},
        "param.Цвет=чёрный&param.Цвет=красный": {"Смартфон красный", "Смартфон чёрный", "Наушники"},
        "param.Цвет=чёрный&param.Память=128": {"Смартфон чёрный"},
        "param.Память=256.0": {"Смартфон красный"},
        "param.NFC=true": {"Наушники"},
        "param.None=1": set(),
    }.items():
        assert set(names(anyone.get(f"{PRODUCTS}?{query}"))) == expected, query
    assert names(anyone.get(f"{PRODUCTS}?ordering=-price"))[0] == "Смартфон красный"
    assert names(anyone.get(f"{PRODUCTS}?ordering=price"))[0] == "Cup"
    for query, code in {
        "ordering=secret": "ordering_invalid",
        "price_min=much": "invalid",
        "in_stock=maybe": "invalid_choice",
        "colour=red": "unknown_parameter",
        "param.=1": "unknown_parameter",
    }.items():
        assert refusal(anyone.get(f"{PRODUCTS}?{query}"))[:2] == (400, code), query
    facets = anyone.get("/api/v1/product-facets/?category=phones").json()["results"]
    assert {one["name"]: {each["value"]: each["count"] for each in one["values"]} for one in facets} == {
        "Цвет": {"красный": 1, "чёрный": 1},
        "Память": {128: 1, 256: 1},
    }


@pytest.mark.parametrize("text", ["' | 1", "!!", "a:*", "%", "\\", "(", "the", "' OR 1=1 --", "x" * 5000, "<->"])
def test_no_search_breaks_the_list(anyone, text):
    assert anyone.get(PRODUCTS, {"search": text}).status_code == 200


def test_a_page_of_the_list_and_a_product_cost_three_statements_at_most(alpha, staff, anyone):
    staff.post(CATEGORIES, {"name": "Things"}, format="json")
    for number in range(12):
        make(staff, f"Thing {number}", category="things", parameters={"Colour": "red"})
    path = f"{PRODUCTS}?search=thing&category=things&param.Colour=red&price_min=1&in_stock=true&ordering=-price"
    anyone.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert anyone.get(path).json()["count"] == 12
    assert len(statements(captured)) == 3, statements(captured)
    with CaptureQueriesContext(connection) as captured:
        assert anyone.get(f"{PRODUCTS}thing-3/").status_code == 200
    assert len(statements(captured)) == 2, statements(captured)


def test_who_has_the_answer_is_told_so(staff, anyone):
    made = make(staff, "Cup")
    for path in (PRODUCTS, f"{PRODUCTS}{made['slug']}/", CATEGORIES):
        first = anyone.get(path)
        assert anyone.get(path, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    before = anyone.get(f"{PRODUCTS}{made['slug']}/")["ETag"]
    staff.patch(f"{PRODUCTS}{made['slug']}/", {"price": "11"}, format="json")
    assert anyone.get(f"{PRODUCTS}{made['slug']}/", HTTP_IF_NONE_MATCH=before).status_code == 200


def test_a_grant_on_a_category_holds_for_what_is_below_it_and_for_nothing_else(alpha, staff, client_for):
    staff.post(CATEGORIES, {"name": "Partner"}, format="json")
    staff.post(CATEGORIES, {"name": "Shoes", "parent": "partner"}, format="json")
    staff.post(CATEGORIES, {"name": "Others"}, format="json")
    own, foreign = make(staff, "Boot", category="shoes", published=False), make(staff, "Cup", category="others")
    hidden = make(staff, "Secret", category="others", published=False)
    partner = make_user("partner@example.test")
    theirs = client_for(alpha, partner)
    assert theirs.patch(f"{PRODUCTS}{own['slug']}/", {"price": "1"}, format="json").status_code == 404
    body = {"email": partner.email, "permissions": ["change_catalog"]}
    given = staff.post("/api/v1/categories/partner/grants/", body, format="json")
    assert given.status_code == 201, given.content
    assert given.json()["permissions"] == ["change_catalog"]
    assert theirs.patch(f"{PRODUCTS}{own['slug']}/", {"price": "1"}, format="json").status_code == 200
    assert theirs.patch(f"{PRODUCTS}{foreign['slug']}/", {"price": "1"}, format="json").status_code == 403
    assert theirs.patch(f"{PRODUCTS}{hidden['slug']}/", {"price": "1"}, format="json").status_code == 404
    assert set(names(theirs.get(PRODUCTS))) == {"Boot", "Cup"}
    assert theirs.post(PRODUCTS, {"name": "A", "price": "1", "category": "shoes"}, format="json").status_code == 201
    assert theirs.post(PRODUCTS, {"name": "B", "price": "1", "category": "others"}, format="json").status_code == 403
    assert theirs.post(PRODUCTS, {"name": "B", "price": "1"}, format="json").status_code == 403
    # Not out of the own part of the tree either.
    moved = theirs.patch(f"{PRODUCTS}{own['slug']}/", {"category": "others"}, format="json")
    assert moved.status_code == 403
    assert theirs.post(CATEGORIES, {"name": "Mine"}, format="json").status_code == 403
    assert theirs.get("/api/v1/categories/partner/grants/").status_code == 403
    assert staff.delete(f"/api/v1/product-categories/partner/grants/{partner.pk}/").status_code == 204
    assert theirs.patch(f"{PRODUCTS}{own['slug']}/", {"price": "2"}, format="json").status_code == 404
    bad = staff.post("/api/v1/categories/partner/grants/", {**body, "permissions": ["refund_orders"]}, format="json")
    assert refusal(bad)[2] == [("permissions", "not_grantable")]


def test_the_tree_moves_with_all_below_it_and_never_below_itself(alpha, staff, anyone):
    for name, parent in [("A", None), ("B", "a"), ("C", "b"), ("D", None)]:
        assert staff.post(CATEGORIES, {"name": name, "parent": parent}, format="json").status_code == 201
    make(staff, "Deep", category="c")
    assert refusal(staff.patch(f"{CATEGORIES}a/", {"parent": "c"}, format="json"))[2] == [("parent", "below_itself")]
    assert staff.patch(f"{CATEGORIES}b/", {"parent": "d"}, format="json").json()["lineage"] == ["d", "b"]
    with in_tenant(alpha):
        assert ProductCategory.objects.get(slug="c").lineage == ["d", "b", "c"]
    assert names(anyone.get(f"{PRODUCTS}?category=d")) == ["Deep"]
    assert names(anyone.get(f"{PRODUCTS}?category=a")) == []
    assert refusal(staff.delete(f"{CATEGORIES}c/"))[:2] == (409, "category_in_use")
    assert staff.delete(f"{CATEGORIES}a/").status_code == 204
    assert refusal(staff.post(CATEGORIES, {"name": "D"}, format="json"))[2] == [("name", "taken")]


def test_another_tenants_goods_are_not_there(alpha, beta, staff, client_for):
    made = make(staff, "Cup")
    foreign = client_for(beta, owner_of(beta))
    assert foreign.get(f"{PRODUCTS}{made['slug']}/").status_code == 404
    assert client_for(alpha, owner_of(beta)).post(PRODUCTS, {"name": "A", "price": "1"}).status_code == 403
    assert client_for(alpha).post(PRODUCTS, {"name": "A", "price": "1"}).status_code == 401
    with in_tenant(beta):
        assert not Product.objects.exists() and not Parameter.objects.exists()


def test_delivery_costs_by_weight_and_sum_and_nothing_from_a_sum_on(alpha, staff, anyone):
    path = "/api/v1/delivery-methods/"
    body = {
        "name": "Courier", "kind": "courier", "price": "5", "free_from": "100", "most_grams": 20000,
        "rates": [{"from_grams": 5000, "price": "9"}, {"from_total": "50", "price": "3"}],
    }  # fmt: skip
    made = staff.post(path, body, format="json")
    assert made.status_code == 201, made.content
    with in_tenant(alpha):
        method = DeliveryMethod.objects.get()
        asked = [(1000, 100), (6000, 100), (1000, 5000), (6000, 6000), (9999, 20001), (10000, 20000)]
        assert [delivery.cost(method, *one) for one in asked] == [500, 300, 900, 900, None, 0]
    assert names(anyone.get(path)) == ["Courier"]
    assert staff.patch(f"{path}{made.json()['id']}/", {"active": False}, format="json").json()["active"] is False
    assert names(anyone.get(path)) == []
    assert anyone.post(path, body, format="json").status_code == 401
    twice = {**body, "rates": [{"price": "1"}, {"price": "2"}]}
    assert refusal(staff.post(path, twice, format="json"))[2] == [("rates", "invalid")]
    assert staff.delete(f"{path}{made.json()['id']}/").status_code == 204


def test_who_may_import_but_not_change_the_catalog_brings_no_goods_in(alpha, client_for):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tenant_apps.staff.models import Membership, Role

    manager = make_user()
    with in_tenant(alpha):
        Membership.objects.create(user_id=manager.pk, role=Role.objects.get(preset="event_manager"))
    answer = client_for(alpha, manager).post(
        "/api/v1/imports/",
        {"file": SimpleUploadedFile("a.yaml", b"goods: []"), "resource": "products"},
        format="multipart",
        HTTP_IDEMPOTENCY_KEY="k",
    )
    assert refusal(answer)[:2] == (403, "forbidden")
