"""Two hundred people press the same heart at once, over real connections: everybody is counted, nobody waits."""

import time

import pytest
from django.db import transaction

from bench.hearts import at_once as at_once_watched
from bench.hearts import press_at_once
from tenant_apps.customers import likes
from tenant_apps.customers.models import Like
from tenant_apps.events import standing
from tenant_apps.events.models import Event, EventStanding, StandingChange
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_event, make_user

pytestmark = pytest.mark.usefixtures("transactional_db")


def test_two_hundred_likes_at_once_are_two_hundred_and_wait_for_nobody(alpha):
    found = press_at_once(alpha, people=200, connections=40)
    assert (found.refused, found.rows, found.counted, found.waiting) == (0, 200, 200, 0)
    assert found.wait_p95_ms <= 50
    assert len(found.waits_ms) == 200
    assert breaches_in(alpha) == []


def test_who_waits_for_a_lock_is_seen(alpha):
    with in_tenant(alpha):
        event = make_event()

    def hold():
        with transaction.atomic():
            Event.objects.select_for_update().get(pk=event.pk)
            time.sleep(0.02)

    assert at_once_watched(alpha, [hold] * 8, 8).wait_p95_ms > 50


def test_one_person_at_many_windows_is_one_like(alpha):
    with in_tenant(alpha):
        event, person = make_event(), make_user()
    assert at_once(alpha, [lambda: likes.like(event, person)] * 30) == {"ok": 30}
    at_once(alpha, [lambda: likes.unlike(event, person), lambda: likes.like(event, person)] * 10)
    with in_tenant(alpha):
        standing.settle()
        assert EventStanding.objects.get(event=event).likes == Like.objects.count() <= 1
    assert breaches_in(alpha) == []


def test_what_a_crash_left_waiting_is_counted_by_the_schedule(alpha, monkeypatch):
    with in_tenant(alpha):
        event, people = make_event(), [make_user() for _ in range(3)]
        monkeypatch.setattr(standing.STANDINGS, "fold", lambda _pk: False)  # killed between commit and counting
        for person in people:
            likes.like(event, person)
        assert EventStanding.objects.get(event=event).likes == 0 and likes.likes_of(event) == 3
    assert breaches_in(alpha) == []
    monkeypatch.undo()
    at_once(alpha, [standing.settle] * 4)
    with in_tenant(alpha):
        assert EventStanding.objects.get(event=event).likes == 3 and not StandingChange.objects.exists()


def test_a_counter_that_is_wrong_is_found(alpha):
    with in_tenant(alpha):
        event = make_event()
        EventStanding.objects.filter(event=event).update(likes=7)
    assert [each.invariant for each in breaches_in(alpha)] == ["E1"]
