"""Staff hear of what is nearly sold out once for each time that it comes to that."""

from typing import Any

import pytest

from tenant_apps.activity.models import OutboxMessage
from tenant_apps.catalog.models import ProductVariant
from tenant_apps.notifications import stock_watch
from tenant_apps.staff.site_settings import change_settings
from tenant_apps.ticketing.models import Quota
from tests.factories import make_event, make_ticket_type, make_variant, owner_of


def news() -> list[dict[str, Any]]:
    """What was recorded since it was last asked."""
    stock_watch.watch()
    rows = OutboxMessage.objects.filter(topic="stock.low").order_by("created_at", "id")
    found = [item for row in rows for item in row.payload["items"]]
    rows.delete()
    return found


def sell(row: Any, sold: int) -> None:
    type(row).objects.filter(pk=row.pk).update(sold=sold)


@pytest.fixture
def quota(in_alpha: Any) -> Quota:
    kind = make_ticket_type(make_event("Gala"), capacity=100, name="Hall")
    found: Quota = kind.quotas.get()
    return found


def test_a_quota_that_is_nearly_sold_out_is_told_once_and_again_after_it_recovered(quota):
    sell(quota, 89)
    assert news() == []
    sell(quota, 90)
    assert news() == [{"name": "Gala: Hall", "left": 10}]
    sell(quota, 95)
    assert news() == news() == []
    sell(quota, 50)
    assert news() == []
    sell(quota, 100)
    assert news() == [{"name": "Gala: Hall", "left": 0}]


def test_places_that_a_cart_holds_are_no_news(quota):
    Quota.objects.filter(pk=quota.pk).update(held=99)
    assert news() == []


def test_goods_are_low_at_their_own_level_or_the_tenants(in_alpha):
    own: ProductVariant = make_variant("Mug", capacity=50, low_stock_level=20)
    usual = make_variant("Cap", capacity=50, variant="red")
    never = make_variant("Bag", capacity=50, low_stock_level=0)
    for row, sold in ((own, 30), (usual, 44), (never, 49)):
        sell(row, sold)
    assert news() == [{"name": "Mug", "left": 20}]
    sell(usual, 45)
    assert news() == [{"name": "Cap (red)", "left": 5}]
    sell(never, 50)
    assert news() == [{"name": "Bag", "left": 0}]


def test_what_is_not_on_sale_is_no_news(in_alpha):
    past = make_ticket_type(make_event(published=False), capacity=10)
    sell(past.quotas.get(), 10)
    hidden = make_variant("Old", capacity=5, published=False)
    sell(hidden, 5)
    unlimited = make_ticket_type(make_event(), capacity=None)
    sell(unlimited.quotas.get(), 500)
    assert news() == []


def test_a_tenant_that_wants_no_word_gets_none(quota, in_alpha):
    sell(quota, 100)
    sell(make_variant("Cap", capacity=5), 5)
    change_settings({"low_places_percent": 0, "low_stock_level": 0}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    assert news() == []
