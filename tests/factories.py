"""Plain makers of what a test needs. Those of a tenant's rows run inside the tenant."""

import itertools
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from shared_apps.accounts.models import User

_numbers = itertools.count(1)
PASSWORD = "a-long-test-password"


def make_user(email: str | None = None, *, confirmed: bool = True, **fields: Any) -> User:
    """A person who can sign in, with a confirmed address unless told otherwise."""
    email = email or f"person{next(_numbers)}@example.test"
    password = fields.pop("password", PASSWORD)
    return User.objects.create_user(email, password, email_verified_at=timezone.now() if confirmed else None, **fields)


def bearer(user: User) -> str:
    """A good access token for the user, as sign-in would give."""
    from shared_apps.accounts.tokens import open_session

    return str(open_session(user).access)


def sign_in(client: Any, user: User) -> None:
    """Put the cookies of a fresh sign-in into a Django test client."""
    from shared_apps.accounts.tokens import open_session

    pair = open_session(user)
    client.cookies[settings.ACCESS_COOKIE_NAME] = str(pair.access)
    client.cookies[settings.REFRESH_COOKIE_NAME] = str(pair.refresh)


def owner_of(tenant: Any) -> User:
    return User.objects.get(pk=tenant.owner_id)


def make_event(title: str | None = None, *, published: bool = True, **fields: Any) -> Any:
    """An event in a week, on sale unless told otherwise, without ticket types."""
    from tenant_apps.events.models import Event

    number = next(_numbers)
    fields.setdefault("starts_at", timezone.now() + timedelta(days=7))
    fields.setdefault("timezone", "Europe/Berlin")
    fields.setdefault("currency", "EUR")
    fields.setdefault("slug", f"event-{number}")
    fields.setdefault("status", Event.Status.PUBLISHED if published else Event.Status.DRAFT)
    return Event.objects.create(title=title or f"Event {number}", **fields)


def make_ticket_type(
    event: Any = None, *, price_minor: int = 1200, capacity: int | None = 100, name: str = "Standard", **fields: Any
) -> Any:
    """A ticket type with a quota of its own."""
    from tenant_apps.ticketing.models import Quota, TicketType

    event = event or make_event()
    ticket_type = TicketType.objects.create(event=event, name=name, price_minor=price_minor, **fields)
    quota = Quota.objects.create(event=event, name=name, capacity=capacity)
    ticket_type.quotas.add(quota)
    return ticket_type


def make_quota(event: Any = None, *, capacity: int | None = 100, name: str = "Places", ticket_types: Any = ()) -> Any:
    from tenant_apps.ticketing.models import Quota

    quota = Quota.objects.create(event=event or make_event(), name=name, capacity=capacity)
    for ticket_type in ticket_types:
        ticket_type.quotas.add(quota)
    return quota


def make_variant(
    name: str = "T-shirt",
    *,
    price_minor: int = 2000,
    capacity: int | None = 10,
    currency: str = "EUR",
    variant: str = "",
    **fields: Any,
) -> Any:
    """Goods with one variant that has a stock. Fields that `Product` has are set there, the rest on the variant."""
    from tenant_apps.catalog.models import Product, ProductVariant

    of_product = {each.name for each in Product._meta.get_fields()}
    fields.setdefault("slug", f"goods-{next(_numbers)}")
    product = Product.objects.create(
        name=name,
        price_minor=price_minor,
        currency=currency,
        **{key: value for key, value in fields.items() if key in of_product},
    )
    rest = {key: value for key, value in fields.items() if key not in of_product}
    return ProductVariant.objects.create(product=product, name=variant, capacity=capacity, **rest)


def make_delivery(name: str = "Courier", *, kind: str = "courier", price_minor: int = 500, **fields: Any) -> Any:
    from tenant_apps.catalog.models import DeliveryMethod

    fields.setdefault("currency", "EUR")
    return DeliveryMethod.objects.create(name=name, kind=kind, price_minor=price_minor, **fields)


def make_order(
    ticket_type: Any = None, *, quantity: int = 1, email: str | None = None, provider: str = "manual", user: Any = None
) -> Any:
    """An order placed as a buyer would: pending, or paid at once if it is free."""
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    ticket_type = ticket_type or make_ticket_type()
    basket = Basket(
        email=email or f"buyer{next(_numbers)}@example.test",
        lines=[BasketLine(ticket_type=ticket_type.pk, quantity=quantity)],
        provider=provider,
    )
    return place_order(basket, user=user)


def make_paid_order(ticket_type: Any = None, **options: Any) -> Any:
    """An order whose money has come in by hand."""
    from tenant_apps.payments.services import mark_paid

    order = make_order(ticket_type, **options)
    if order.status == "pending":
        mark_paid(order)
        order.refresh_from_db()
    return order
