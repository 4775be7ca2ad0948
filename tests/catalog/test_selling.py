"""Many products at once, and whether orders are taken at all: by the tenant, by a partner, by the product."""

import json
import re

import pytest

from shared_apps.core.pictures import stored_bytes
from tenant_apps.activity.models import AuditEntry
from tenant_apps.catalog import categories, services
from tenant_apps.catalog.images import add_image
from tenant_apps.catalog.models import DeliveryMethod, Product, ProductVariant
from tenants.context import in_tenant
from tests.factories import make_user, owner_of
from tests.pictures import picture_file

BULK = "/api/v1/product-bulk/"


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    """Files of this test alone."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def staff(alpha, client_for):
    return client_for(alpha, owner_of(alpha))


@pytest.fixture
def goods(alpha):
    """Two cups, one of them with a variant that has a price of its own."""
    with in_tenant(alpha):
        mugs = categories.create_category(actor=None, name="Mugs")
        one = services.create_product(actor=None, name="Cup", price_minor=1005, category=mugs)
        variants = [{"name": "small", "capacity": 4}, {"name": "large", "price_minor": 1999}]
        two = services.create_product(actor=None, name="Bowl", price_minor=200, variants=variants)
    return one, two


def prices(tenant):
    with in_tenant(tenant):
        found = {one.slug: one.price_minor for one in Product.objects.all()}
        return found | {one.name: one.price_minor for one in ProductVariant.objects.exclude(price_minor=None)}


def test_prices_move_by_percent_half_up_and_all_or_none(alpha, staff, goods):
    answer = staff.post(BULK, {"products": ["cup", str(goods[1].pk)], "price_percent": "10"}, format="json")
    assert (answer.status_code, answer.json()) == (200, {"changed": 2})
    # 100.5 of 1005 is 101; 199.9 of 1999 is 200.
    assert prices(alpha) == {"cup": 1106, "bowl": 220, "large": 2199}
    with in_tenant(alpha):
        entry = AuditEntry.objects.filter(topic="product.updated").order_by("at").first()
        assert entry.details == {
            "fields": ["price_minor"], "before": {"price_minor": 1005}, "after": {"price_minor": 1106}
        }  # fmt: skip
    missing = staff.post(BULK, {"products": ["cup", "none"], "price_percent": "-50"}, format="json")
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (400, "products.1")
    assert prices(alpha)["cup"] == 1106, "nothing was done"
    for body, field in [
        ({"products": [], "published": True}, "products"),
        ({"products": ["cup"] * 201, "published": True}, "products"),
        ({"products": ["cup"], "price_percent": "-96"}, "price_percent"),
        ({"products": ["cup"], "price_percent": "1001"}, "price_percent"),
        ({"products": ["cup"], "category": "none"}, "category"),
        ({"products": ["cup"]}, ""),
    ]:
        refused = staff.post(BULK, body, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field), body


def test_many_are_hidden_and_put_into_a_category_from_the_list(alpha, page_for, goods):
    page = page_for(alpha, owner_of(alpha))
    shown = page.get("/dashboard/products/").content.decode()
    assert all(f'name="chosen" value="{one.pk}" form="bulk"' in shown for one in goods)
    chosen = [str(one.pk) for one in goods]
    done = page.post("/dashboard/product-bulk/", {"chosen": chosen, "change": "hide", "back": "?show=all"}, follow=True)
    assert "2 products are changed." in done.content.decode() and done.redirect_chain[0][0].endswith("?show=all")
    page.post("/dashboard/product-bulk/", {"chosen": chosen, "change": "category", "category": "mugs"})
    page.post("/dashboard/product-bulk/", {"chosen": chosen[:1], "change": "price", "percent": "-20"})
    with in_tenant(alpha):
        found = Product.objects.select_related("category").order_by("pk")
        assert [(one.published, one.category.slug, one.price_minor) for one in found] == [
            (False, "mugs", 804),
            (False, "mugs", 200),
        ]
    assert "2 products" in page.get("/dashboard/product-categories/").content.decode()
    assert "Bowl" in page.get("/dashboard/products/?category=mugs&show=hidden").content.decode()
    assert (
        "Say by how many percent."
        in page.post("/dashboard/product-bulk/", {"chosen": chosen, "change": "price"}, follow=True).content.decode()
    )


def test_a_partner_changes_many_of_their_own_and_none_of_the_others(alpha, client_for, goods):
    partner = make_user()
    with in_tenant(alpha):
        categories.grant(goods[0].category, partner, "change_catalog", actor=owner_of(alpha))
    theirs = client_for(alpha, partner)
    assert theirs.post(BULK, {"products": ["cup"], "published": False}, format="json").json() == {"changed": 1}
    mixed = theirs.post(BULK, {"products": ["cup", "bowl"], "published": True}, format="json")
    assert (mixed.status_code, mixed.json()["errors"][0]["code"]) == (400, "does_not_exist")
    with in_tenant(alpha):
        assert not Product.objects.get(slug="cup").published


def test_a_partner_stops_taking_orders_for_the_category_and_all_below_it(alpha, client_for, page_for, staff, goods):
    partner = make_user()
    with in_tenant(alpha):
        mugs = goods[0].category
        below = categories.create_category(actor=None, name="Tall", parent=mugs)
        services.update_product(goods[1], actor=None, category=below)
        other = services.create_product(actor=None, name="Plate", price_minor=100)
        categories.grant(mugs, partner, "change_catalog", actor=owner_of(alpha))
    theirs, anyone = client_for(alpha, partner), client_for(alpha)
    there = "/api/v1/products/?in_stock=true"

    def in_stock():
        return [one["slug"] for one in anyone.get(there).json()["results"]]

    assert in_stock() == ["bowl", "cup", "plate"]
    address = "/api/v1/product-categories/mugs/accepting-orders/"
    assert theirs.put(address, {"accepting_orders": False}, format="json").json()["accepting_orders"] is False
    assert in_stock() == ["plate"]
    assert anyone.get("/api/v1/products/bowl/").json()["in_stock"] is False
    with in_tenant(alpha):
        assert [one.slug for one in Product.objects.taking_orders()] == [other.slug]
    assert "Not on sale" in page_for(alpha).get("/products/bowl/").content.decode()
    assert client_for(alpha, make_user()).put(address, {"accepting_orders": True}, format="json").status_code == 403
    page = page_for(alpha, partner)
    assert "Closed for orders" in page.get("/dashboard/products/").content.decode()
    page.post("/dashboard/product-categories/mugs/orders/", {"accepting": "on"})
    assert in_stock() == ["bowl", "cup", "plate"]


def test_the_tenant_stops_taking_orders_for_goods_altogether(alpha, client_for, page_for, staff, goods):
    anyone = client_for(alpha)
    changed = staff.patch("/api/v1/settings/", {"goods_accepting_orders": False}, format="json")
    assert changed.status_code == 200, changed.content
    assert anyone.get("/api/v1/products/?in_stock=true").json()["count"] == 0
    assert [one["in_stock"] for one in anyone.get("/api/v1/products/").json()["results"]] == [False, False]
    assert "Orders are not taken at the moment." in page_for(alpha).get("/products/").content.decode()
    assert structured(page_for(alpha).get("/products/cup/"))["offers"][0]["availability"].endswith("/OutOfStock")


def structured(response):
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', response.content.decode(), re.DOTALL)
    return json.loads(found[1])


def test_search_engines_read_what_is_true_now(alpha, page_for, staff, goods):
    with in_tenant(alpha):
        name = "Bowl </script><b>"
        services.update_product(goods[1], actor=None, name=name, description="<p>Deep</p><p>blue</p>", weight_grams=300)
        ProductVariant.objects.filter(name="small").update(sold=4)
        add_image(goods[1], picture_file(size=(800, 400)), alt="A bowl", actor=None)
        assert stored_bytes() > 0
    response = page_for(alpha).get("/products/bowl/")
    data = structured(response)
    # What Google's and schema.org's Product ask for: name, image, description, offers with price and availability.
    assert (data["@context"], data["@type"], data["name"]) == ("https://schema.org", "Product", name)
    assert data["description"] == "Deep blue" and data["weight"]["value"] == 300
    site = data["url"].removesuffix("/products/bowl/")
    assert site.startswith("http") and data["image"][0].startswith(f"{site}/media/products/")
    offers = [(one["price"], one["priceCurrency"], one["availability"].rpartition("/")[2]) for one in data["offers"]]
    assert offers == [("2.00", "EUR", "OutOfStock"), ("19.99", "EUR", "InStock")]
    body = response.content.decode()
    assert re.search(rf'og:image" content="{re.escape(site)}/media/products/[0-9a-f]+-800.jpg"', body)
    assert re.search(r'<img class="cover" [^>]*width="800" height="400" alt="A bowl"', body)
    assert 'type="image/webp"' in body
    card = page_for(alpha).get("/products/").content.decode()
    assert re.search(r'<img class="cover" [^>]*alt="" loading="lazy"', card)
    with in_tenant(alpha):
        listed = list(Product.objects.for_sitemap())
        assert [slug for slug, _at in listed] == ["bowl", "cup"] and all(at for _slug, at in listed)
        services.update_product(goods[0], actor=None, published=False)
        assert [slug for slug, _at in Product.objects.for_sitemap()] == ["bowl"]


def test_ways_of_delivery_are_made_changed_and_deleted_on_their_page(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    form = {
        "name": "Courier", "kind": "courier", "price": "5", "free_from": "100", "most_grams": "20000", "active": "on",
        "rates-TOTAL_FORMS": "2", "rates-INITIAL_FORMS": "0", "rates-0-from_grams": "5000", "rates-0-price": "9,50",
        "rates-1-from_grams": "", "rates-1-from_total": "", "rates-1-price": "",
    }  # fmt: skip
    assert page.post("/dashboard/delivery-methods/", form).status_code == 302
    with in_tenant(alpha):
        made = DeliveryMethod.objects.get()
        assert (made.price_minor, made.free_from_minor, made.most_grams, made.active) == (500, 10000, 20000, True)
        assert [(one.from_grams, one.price_minor) for one in made.rates.all()] == [(5000, 950)]
    path = f"/dashboard/delivery-methods/{made.pk}/"
    shown = page.get(path).content.decode()
    assert 'value="9.50"' in shown and "Courier" in shown
    changed = form | {"price": "6", "rates-INITIAL_FORMS": "1", "rates-0-DELETE": "on"}
    changed.pop("active")
    assert page.post(path, changed).status_code == 302
    with in_tenant(alpha):
        made.refresh_from_db()
        assert (made.price_minor, made.active, made.rates.count()) == (600, False, 0)
        entry = AuditEntry.objects.get(topic="delivery_method.updated").details
        assert (entry["before"]["price_minor"], entry["after"]["price_minor"]) == (500, 600)
    wrong = page.post(path, form | {"name": "", "price": "-1"})
    assert wrong.status_code == 400 and "A price cannot be negative." in wrong.content.decode()
    page.post(path, {"delete": "1"})
    with in_tenant(alpha):
        assert not DeliveryMethod.objects.exists()
