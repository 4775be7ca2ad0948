"""Two hundred people review one event at once, over real connections: everybody is counted, nobody waits."""

import pytest

from bench.hearts import at_once
from tenant_apps.events.models import EventStanding, StandingChange
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.reviews import moderation, services
from tenant_apps.reviews.errors import AlreadyReviewed
from tenant_apps.reviews.models import Review
from tenants.context import in_tenant
from tests.factories import owner_of
from tests.reviews.making import came, night, over
from tests.reviews.test_stuffing import accounts

pytestmark = pytest.mark.usefixtures("transactional_db")
PEOPLE = 200


def counted(event):
    row = EventStanding.objects.get(event=event)
    return [getattr(row, f"stars_{stars}") for stars in range(1, 6)]


def shown(event):
    rows = Review.objects.shown().filter(event=event)
    return [rows.filter(rating=stars).count() for stars in range(1, 6)]


def test_two_hundred_reviews_at_once_are_two_hundred_and_wait_for_nobody(alpha):
    with in_tenant(alpha):
        kind = night()
        people = accounts(PEOPLE)
        for person in people:
            came(kind, person)
        event = over(kind)
    acts = [
        lambda person=person, n=n: services.write(event, user=person, rating=1 + n % 5)
        for n, person in enumerate(people)
    ]
    found = at_once(alpha, acts, 40)
    with in_tenant(alpha):
        assert found.refused == 0 and Review.objects.count() == PEOPLE
        assert counted(event) == shown(event) == [PEOPLE // 5] * 5
        assert not StandingChange.objects.exists()
    assert found.wait_p95_ms <= 50
    assert breaches_in(alpha) == []


def test_one_person_at_many_windows_is_one_review_and_two_of_the_staff_decide_once(alpha):
    with in_tenant(alpha):
        kind = night()
        ada = came(kind)
        event = over(kind)
    refusals = []

    def write():
        try:
            services.write(event, user=ada, rating=5)
        except AlreadyReviewed as refusal:
            refusals.append(refusal.code)

    assert at_once(alpha, [write] * 12, 12).refused == 0
    with in_tenant(alpha):
        review = Review.objects.get()
        assert len(refusals) == 11 and counted(event) == [0, 0, 0, 0, 1]
    owner = owner_of(alpha)

    def decide(decision):
        return lambda: moderation.decide([review.pk], decision, actor=owner, reason="Spam")

    assert at_once(alpha, [decide("reject"), decide("approve")] * 6, 12).refused == 0
    with in_tenant(alpha):
        assert counted(event) == shown(event) and not StandingChange.objects.exists()
    assert breaches_in(alpha) == []


def test_stars_that_no_review_gave_are_found(alpha):
    with in_tenant(alpha):
        kind = night()
        ada = came(kind)
        event = over(kind)
        services.write(event, user=ada, rating=5)
    assert breaches_in(alpha) == []
    with in_tenant(alpha):
        EventStanding.objects.filter(event=event).update(stars_1=3)
    assert [each.invariant for each in breaches_in(alpha)] == ["E1"]
