"""Guests are forgotten when the tenant's months are over: once, for good, and nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from django.utils import timezone

from shared_apps.core.personal import is_erased
from shared_apps.people.models import BoughtOrder
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry
from tenant_apps.events.models import Event
from tenant_apps.orders import footprints, retention
from tenant_apps.orders.models import Order
from tenant_apps.staff.site_settings import change_settings
from tenant_apps.ticketing.models import Ticket
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of


@pytest.fixture
def rule(in_alpha: Any) -> Any:
    change_settings({"retention_guests_months": 12}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    return in_alpha


def aged(order: Any, months: int) -> Any:
    """The order and its events as if they had been so many months ago."""
    moved = timezone.now() - relativedelta(months=months)
    Order.objects.filter(pk=order.pk).update(created_at=moved, paid_at=moved)
    Ticket.objects.filter(order_line__order=order).update(created_at=moved)
    Event.objects.filter(order_lines__order=order).update(starts_at=moved, ends_at=None)
    order.refresh_from_db()
    return order


def sold(email: str, **options: Any) -> Any:
    return make_paid_order(make_ticket_type(make_event()), email=email, **options)


def test_nothing_is_forgotten_unless_the_tenant_says_so(in_alpha):
    order = aged(sold("ada@example.test"), 200)
    assert retention.retain() is False
    order.refresh_from_db()
    assert order.email == "ada@example.test"
    assert retention.has_rules(in_alpha) is False


def test_a_guest_is_forgotten_and_the_money_stays(rule):
    order = aged(sold("Ada@example.test"), 13)
    total = order.total_minor
    deliver_due(100)
    assert retention.retain() is False
    order.refresh_from_db()
    ticket = Ticket.objects.get(order_line__order=order)
    assert is_erased(order.email) and is_erased(ticket.holder_email)
    assert (order.name, ticket.holder_name, order.total_minor, order.status) == ("", "", total, "paid")
    assert AuditEntry.objects.get(topic="retention.applied").details["guests"] == 1
    alias = order.email
    retention.retain()
    order.refresh_from_db()
    assert order.email == alias
    assert AuditEntry.objects.filter(topic="retention.applied").count() == 1


def test_the_copy_in_public_follows(rule):
    order = aged(sold("ada@example.test"), 13)
    deliver_due(100)
    assert BoughtOrder.objects.filter(order_id=order.pk).exists()
    retention.retain()
    deliver_due(100)
    assert not BoughtOrder.objects.filter(order_id=order.pk).exists()
    assert list(footprints.differences()) == []


def test_whoever_came_back_or_has_yet_to_come_is_kept(rule):
    old, again = aged(sold("ada@example.test"), 20), sold("ada@example.test")
    coming = sold("bob@example.test")
    long_ago = timezone.now() - timedelta(days=900)
    Order.objects.filter(pk=coming.pk).update(created_at=long_ago, paid_at=long_ago)
    Ticket.objects.filter(order_line__order=coming).update(created_at=long_ago)
    young = aged(sold("eve@example.test"), 11)
    retention.retain()
    for order in (old, again, coming, young):
        order.refresh_from_db()
        assert not is_erased(order.email)


def test_people_with_an_account_are_left_alone(rule):
    user = make_user("member@example.test")
    own = aged(sold("member@example.test", user=user), 30)
    as_guest = aged(sold("member@example.test"), 30)
    retention.retain()
    for order in (own, as_guest):
        order.refresh_from_db()
        assert order.email == "member@example.test"


def test_a_companion_without_an_account_is_forgotten_on_a_members_order(rule):
    order = aged(sold("member@example.test", user=make_user("member@example.test")), 30)
    Ticket.objects.filter(order_line__order=order).update(holder_email="friend@example.test", holder_name="Friend")
    order.lines.update(attendee_email="friend@example.test", attendee_name="Friend")
    retention.retain()
    order.refresh_from_db()
    line = order.lines.get()
    ticket = Ticket.objects.get(order_line__order=order)
    assert order.email == "member@example.test"
    assert (line.attendee_email, line.attendee_name) == ("", "")
    assert is_erased(ticket.holder_email) and ticket.holder_name == ""


def test_many_guests_go_in_stretches_and_a_death_in_between_loses_nothing(rule, monkeypatch):
    kind = make_ticket_type(make_event(), price_minor=0, capacity=None)
    gone = [make_order(kind, email=f"guest{number}@example.test") for number in range(7)]
    for order in gone:
        aged(order, 15)
    monkeypatch.setattr(retention, "BATCH", 3)
    assert retention.retain(seconds=-1) is True
    seen: list[str] = []

    def dies(name: str) -> None:
        seen.append(name)
        if len(seen) == 4:
            raise SystemExit

    monkeypatch.setattr(retention, "point", dies)
    with pytest.raises(SystemExit):
        retention.retain()
    assert retention.retain() is False
    assert all(is_erased(email) for email in Order.objects.values_list("email", flat=True))
    assert len(set(Order.objects.values_list("email", flat=True))) == len(gone)


def test_network_addresses_of_the_trail_go_after_a_time_of_their_own(in_alpha):
    change_settings({"retention_addresses_months": 6}, actor=owner_of(in_alpha))
    in_alpha.refresh_from_db()
    old = AuditEntry.objects.create(topic="t.old", address="192.0.2.7", actor="Ada")
    AuditEntry.objects.filter(pk=old.pk).update(at=timezone.now() - relativedelta(months=7))
    new = AuditEntry.objects.create(topic="t.new", address="192.0.2.7")
    retention.retain()
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.address, old.actor, new.address) == (None, "Ada", "192.0.2.7")
