"""What personal data is left: numbers that go down when people are forgotten, and nothing of anybody."""

from typing import Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.utils import timezone

from shared_apps.core import personal
from tenant_apps.events.models import Event
from tenant_apps.orders import retention
from tenant_apps.orders.models import Order
from tenant_apps.reports import personal_left
from tenant_apps.staff.site_settings import change_settings
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_tenant
from tenants.schema_state import labels_of
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of

PAGE, API = "/dashboard/settings/personal-data/", "/api/v1/personal-data/"


def test_every_kind_that_an_app_speaks_for_is_on_the_page_with_its_fate() -> None:
    held = {each.title for each in personal.holdings(labels_of(settings.TENANT_APPS))}
    assert held == set(personal_left.KINDS) | personal_left.ELSEWHERE
    assert {kind.fate for kind in personal_left.KINDS.values()} == set(personal_left.FATES)


def numbers() -> dict[str, int | None]:
    return {each.title: each.rows for each in personal_left.left()}


def sold_long_ago(email: str) -> Order:
    order = make_paid_order(make_ticket_type(make_event()), email=email)
    moved = timezone.now() - relativedelta(months=20)
    Order.objects.filter(pk=order.pk).update(created_at=moved, paid_at=moved)
    Ticket.objects.filter(order_line__order=order).update(created_at=moved)
    Event.objects.filter(order_lines__order=order).update(starts_at=moved, ends_at=None)
    return order


def test_the_numbers_go_down_when_guests_are_forgotten(in_alpha: Any) -> None:
    before = numbers()
    sold_long_ago("ada@example.test")
    make_paid_order(make_ticket_type(make_event()), email="bob@example.test")
    assert numbers()["orders"] == (before["orders"] or 0) + 2
    tickets = numbers()["tickets"]
    change_settings({"retention_guests_months": 12}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    found = personal_left.overview()
    assert (found.due_guests, found.applied_at) == (1, None)
    oldest = next(each.oldest for each in found.kinds if each.title == "orders")
    assert oldest is not None and oldest < timezone.now() - relativedelta(months=19)
    retention.retain()
    after = personal_left.overview()
    assert (after.due_guests, after.applied["guests"]) == (0, 1)
    assert numbers()["orders"] == (before["orders"] or 0) + 1 and numbers()["tickets"] == (tickets or 0) - 1


def test_many_are_many_and_what_takes_too_long_is_said(in_alpha: Any, monkeypatch: Any) -> None:
    for _number in range(3):
        make_paid_order(make_ticket_type(make_event()))
    monkeypatch.setattr(personal_left, "MOST", 2)
    (orders,) = personal_left.left(["orders"])
    assert (orders.rows, orders.more, orders.oldest) == (2, True, None)


def test_page_and_api_show_numbers_and_nobody(alpha: Any, client_for: Any, page_for: Any) -> None:
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(make_event()), email="ada@example.test")
    answer = client_for(alpha, owner_of(alpha)).get(API)
    orders = next(each for each in answer.json()["kinds"] if each["kind"] == "orders")
    assert answer.status_code == 200 and orders["rows"] == 1
    shown = page_for(alpha, owner_of(alpha)).get(PAGE)
    assert shown.status_code == 200 and "Buyers of orders" in shown.content.decode()
    for text in (answer.content.decode(), shown.content.decode()):
        assert "ada@" not in text
