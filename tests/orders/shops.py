"""A shop with a bit of everything, and a guest's cart in it, as tests of carts need them."""

from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing.models import Quota, TicketType
from tenants.context import in_tenant
from tests.factories import make_variant


class Basket:
    """A guest's cart, as a storefront's script would keep it."""

    def __init__(self, client, token=None):
        self.client, self.token = client, token

    def call(self, method, path="", body=None, **headers):
        if self.token:
            headers["HTTP_X_CART_TOKEN"] = self.token
        answer = getattr(self.client, method)(f"/api/v1/cart/{path}", body, format="json", **headers)
        if answer.status_code < 300 and "X-Cart-Token" in answer:
            self.token = answer["X-Cart-Token"]
        return answer

    def add(self, thing, quantity=1, **more):
        kind = "ticket_type" if isinstance(thing, TicketType) else "variant"
        return self.call("post", "lines/", {kind: thing.pk, "quantity": quantity, **more})

    def shown(self):
        return self.call("get").json()

    def order(self, key="key-1", **more):
        body = {"email": "buyer@example.test", "cart": self.token, "provider": "manual", **more}
        return self.client.post("/api/v1/orders/", body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def make_shirt(name="T-shirt", **fields):
    """Goods in size M that weigh something, so that delivery may ask."""
    return make_variant(name, variant="M", slug=name.lower(), weight_grams=200, **fields)


def make_voucher(alpha, code="SPRING", **fields):
    from tenant_apps.promotions import services

    with in_tenant(alpha):
        return services.create_voucher(actor=None, code=code, **{"kind": "percent", "percent": 20, **fields})


def held(alpha, thing):
    with in_tenant(alpha):
        if isinstance(thing, TicketType):
            quota = Quota.objects.get(ticket_types=thing)
            return quota.held, quota.sold
        thing.refresh_from_db()
        return thing.held, thing.sold


def sound(alpha):
    assert breaches_in(alpha) == []
