"""The public copy while orders, cancellations, moves and deliveries happen at once, over connections of their own."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from shared_apps.core.errors import DomainError
from shared_apps.people import profiles
from shared_apps.people.models import BoughtPlace, PersonFollow, Profile
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import record
from tenant_apps.events.models import Event
from tenant_apps.orders.footprints import differences, keep_footprint, move_places
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user

pytestmark = pytest.mark.usefixtures("transactional_db")


def together(acts):
    """Run the acts at one moment, each over a connection of its own; return what each gave or was refused with."""
    start = Barrier(len(acts))

    def run(act):
        try:
            start.wait(timeout=20)
            return act()
        except DomainError as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_after_load_moves_and_messages_told_twice_the_copy_is_equal(alpha, beta):
    ada = make_user("ada@example.test")
    chance = random.Random(56)

    def people_buy(tenant, kind):
        from tenant_apps.orders.services import cancel

        with in_tenant(tenant):
            for number in range(4):
                order = make_paid_order(kind, quantity=1 + number % 2, email=ada.email, user=ada)
                if number % 2:
                    cancel(order, by_staff=True)

    def event_moves(tenant, event):
        with in_tenant(tenant):
            for day in range(4):
                Event.objects.filter(pk=event.pk).update(starts_at=timezone.now() + timedelta(days=20 + day))
                record("event.updated", event)

    def delivered(tenant, seed):
        order = random.Random(seed)
        with in_tenant(tenant):
            for _round in range(6):
                deliver_due(20)
                told = list(OutboxMessage.objects.filter(topic__regex=r"^(order|event)\."))
                for message in order.sample(told, min(4, len(told))):
                    (move_places if message.aggregate.startswith("events.") else keep_footprint)(message)

    acts = []
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            event = make_event()
            kind = make_ticket_type(event)
        acts += [partial(people_buy, tenant, kind), partial(event_moves, tenant, event)]
        acts += [partial(delivered, tenant, chance.random()) for _ in range(2)]
    together(acts)
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            deliver_due(500)
            assert list(differences()) == []
    # One place of order 0 and of order 2 of each tenant.
    assert BoughtPlace.objects.filter(user=ada).count() == 4
    assert set(BoughtPlace.objects.values_list("starts_at", flat=True)) == {
        starts_at for tenant in (alpha, beta) for starts_at in _starts(tenant)
    }


def _starts(tenant):
    with in_tenant(tenant):
        return list(Event.objects.filter(order_lines__isnull=False).distinct().values_list("starts_at", flat=True))


def test_nobody_follows_who_goes_private_at_that_moment(db):
    people = [make_user(name=f"Follower {number}") for number in range(6)]
    star = make_user(name="Star")
    for _round in range(4):
        Profile.objects.update_or_create(user=star, defaults={"is_public": True})
        acts = [partial(profiles.follow, each, star.pk) for each in people]
        given = together([*acts, partial(profiles.change_profile, star, {"is_public": False})])
        assert {each for each in given if isinstance(each, str)} <= {"not_found"}
        assert not PersonFollow.objects.exists()
