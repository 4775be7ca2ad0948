"""What tests of carts begin with."""

import pytest

from tenant_apps.catalog.models import DeliveryMethod
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type
from tests.orders.shops import Basket, make_shirt


@pytest.fixture
def shop(alpha):
    """Two events, a T-shirt, and a courier."""
    with in_tenant(alpha):

        class Shop:
            one = make_ticket_type(make_event("Strings"), price_minor=1200, capacity=3)
            two = make_ticket_type(make_event("Brass"), price_minor=1500, capacity=3)
            shirt = make_shirt()
            courier = DeliveryMethod.objects.create(name="Courier", kind="courier", currency="EUR", price_minor=500)

    return Shop


@pytest.fixture
def basket(alpha, client_for):
    return Basket(client_for(alpha))
