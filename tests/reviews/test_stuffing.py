"""A thousand accounts do not make a good event: who was not there is refused, and who comes in hordes waits."""

import os

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from shared_apps.accounts.models import User
from tenant_apps.reviews import services
from tenant_apps.reviews.errors import NotAttended
from tenant_apps.reviews.models import Review
from tenants.context import in_tenant
from tests.reviews.making import came, night, over, scan_in, standing_of

ACCOUNTS = int(os.environ.get("STUFFING_ACCOUNTS", "60"))
OUTSIDE = "93.184.216.34"


def accounts(count):
    now, password = timezone.now(), make_password(None)
    rows = [User(email=f"puppet{n}@example.test", password=password, email_verified_at=now) for n in range(count)]
    return User.objects.bulk_create(rows)


def test_accounts_that_were_not_there_change_nothing(alpha):
    puppets = accounts(ACCOUNTS)
    with in_tenant(alpha):
        kind = night()
        honest = came(kind)
        event = over(kind)
        services.write(event, user=honest, rating=2)
        for puppet in puppets:
            with pytest.raises(NotAttended):
                services.write(event, user=puppet, rating=5, comment="Best ever", address=OUTSIDE)
        assert standing_of(event) == (1, 2.0)
        assert Review.objects.count() == 1


def test_free_tickets_for_puppets_of_one_network_wait_for_staff(alpha):
    """Where nobody is scanned and tickets cost nothing, a ticket proves little: more than a household's wait."""
    with in_tenant(alpha):
        kind = night()
        puppets = accounts(12)
        for puppet in puppets:
            came(kind, puppet)
        event = over(kind)
        found = [services.write(event, user=puppet, rating=5, address=OUTSIDE) for puppet in puppets]
        assert [each.status for each in found] == ["published"] * 5 + ["held"] * 7
        assert {tuple(each.held_for) for each in found[5:]} == {("network",)}
        assert standing_of(event) == (5, 5.0)


def test_people_who_were_scanned_share_a_network_as_they_like(alpha):
    with in_tenant(alpha):
        kind = night()
        people = accounts(7)
        for person in people:
            came(kind, person)
            scan_in(kind, person)
        event = over(kind)
        found = [services.write(event, user=person, rating=4, address=OUTSIDE) for person in people]
        assert {each.status for each in found} == {"published"}
        assert standing_of(event) == (7, 4.0)
