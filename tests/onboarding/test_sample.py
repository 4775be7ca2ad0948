"""Examples for a new tenant: there with the opening, like real things, and gone with one call."""

import pytest
from django.utils import translation

from tenant_apps.activity.models import AuditEntry
from tenant_apps.catalog.models import Product, ProductCategory
from tenant_apps.events.models import Category, Event, Venue
from tenant_apps.onboarding import sample
from tenant_apps.orders.models import Order
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import make_event, make_order, make_user, owner_of


def opened(client_for, **fields):
    owner = make_user()
    made = client_for(None, owner).post(
        "/api/v1/tenants/", {"name": "Sun", "slug": "sun-hall", "sample_content": True, **fields}
    )
    assert made.status_code == 201, made.content
    tenant = Tenant.objects.get(slug="sun-hall")
    return tenant, owner, client_for(tenant, owner)


def test_a_tenant_opens_with_examples_on_its_storefront_in_its_language_and_currency(db, client_for):
    tenant, _owner, _client = opened(client_for, language="ru", currency="RUB", timezone="Asia/Vladivostok")
    shown = client_for(tenant).get("/api/v1/events/").json()["results"]
    assert len(shown) == 2 and all("(пример)" in one["title"] for one in shown), [one["title"] for one in shown]
    prices = {one["price"] for each in shown for one in each["ticket_types"]}
    assert prices == {"1500.00", "900.00", "0.00"} and {one["currency"] for one in shown} == {"RUB"}
    with in_tenant(tenant):
        assert {event.starts_at.minute for event in Event.objects.all()} == {0}
    assert breaches_in(tenant) == []


def test_a_shop_opens_with_goods_that_can_be_ordered(db, client_for):
    tenant, _owner, client = opened(client_for, kind="retail", currency="JPY")
    goods = client_for(tenant).get("/api/v1/products/").json()["results"]
    assert {one["price"] for one in goods} == {"1400", "1680"} and all(one["in_stock"] for one in goods)
    variant = goods[0]["variants"][0]["id"]
    placed = client_for(tenant).post(
        "/api/v1/orders/",
        {"email": "a@example.test", "lines": [{"variant": variant, "quantity": 1}]},
        HTTP_IDEMPOTENCY_KEY="one",
    )
    assert placed.status_code == 201, placed.content
    # What was ordered stays, and is named.
    left = client.delete("/api/v1/sample-content/").json()
    assert left["kept"] == [goods[0]["name"]] and len(left["removed"]) == 1
    with in_tenant(tenant):
        assert Product.objects.count() == 1 and ProductCategory.objects.count() == 1


def test_without_the_wish_a_tenant_opens_empty(db, client_for):
    tenant, _owner, client = opened(client_for, sample_content=False)
    assert client.get("/api/v1/sample-content/").json() == {"present": []}
    with in_tenant(tenant):
        assert not Event.objects.exists()


def test_examples_are_added_once_and_leave_nothing_behind(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    with in_tenant(alpha):
        own = make_event("My own")
    made = client.post("/api/v1/sample-content/")
    assert made.status_code == 201 and len(made.json()["present"]) == 2
    again = client.post("/api/v1/sample-content/")
    assert again.status_code == 409 and again.json()["code"] == "sample_content_there"
    left = client.delete("/api/v1/sample-content/").json()
    assert len(left["removed"]) == 2 and left["kept"] == []
    assert client.delete("/api/v1/sample-content/").json() == {"removed": [], "kept": []}
    with in_tenant(alpha):
        assert list(Event.objects.all()) == [own]
        assert not Venue.objects.exists() and not Category.objects.exists()
        topics = AuditEntry.objects.filter(topic__startswith="sample_content.").values_list("topic", flat=True)
        assert sorted(topics) == ["sample_content.added", "sample_content.removed"]


def test_what_somebody_ordered_stays_when_the_examples_go(alpha):
    owner = owner_of(alpha)
    with in_tenant(alpha):
        sample.add(actor=owner)
        event = Event.objects.get(external_id=f"{sample.PREFIX}rehearsal")
        order = make_order(event.ticket_types.get())
        left = sample.remove(actor=owner)
        assert left.kept == [event.title] and len(left.removed) == 1
        assert Event.objects.get() == event and Order.objects.get() == order
        assert Venue.objects.exists()
    assert breaches_in(alpha) == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_hall_that_one_uses_oneself_stays(alpha, language):
    Tenant.objects.filter(pk=alpha.pk).update(language=language)
    alpha.language = language
    with in_tenant(alpha), translation.override("en"):
        sample.add(actor=owner_of(alpha))
        hall = Venue.objects.get()
        make_event("My own", venue=hall)
        sample.remove(actor=owner_of(alpha))
        assert list(Venue.objects.all()) == [hall] and not Category.objects.exists()


def test_only_who_manages_the_settings_adds_and_removes_examples(alpha, client_for, page_for):
    stranger = make_user()
    for method in ("get", "post", "delete"):
        assert getattr(client_for(alpha, stranger), method)("/api/v1/sample-content/").status_code in (403, 404)
    assert page_for(alpha, stranger).get("/dashboard/first-steps/").status_code == 403
