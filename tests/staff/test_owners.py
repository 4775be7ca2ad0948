"""Who owns: handed over with a password, never lost, and named in public as it is in the tenant."""

import pytest

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.staff import services
from tenant_apps.staff.models import Membership
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.factories import PASSWORD, make_user, owner_of
from tests.staff.people import member, membership_of


def code(response):
    return response.status_code, response.json()["code"]


@pytest.fixture
def boss(alpha):
    owner = owner_of(alpha)
    owner.set_password(PASSWORD)
    owner.save()
    return owner


def named_owner(tenant):
    with in_tenant(tenant):
        deliver_due()
    return Tenant.objects.get(pk=tenant.pk).owner_id


def path_of(tenant, user):
    return f"/api/v1/staff/{membership_of(tenant, user).pk}/"


def test_an_owner_hands_over_steps_down_and_the_platform_knows(alpha, boss, client_for):
    heir = member(alpha, "manager")
    client = client_for(alpha, boss)
    path = f"{path_of(alpha, heir)}make-owner/"
    assert code(client.post(path, {"password": "not this one"})) == (400, "password_wrong")
    assert code(client.post(path, {})) == (400, "invalid")
    assert named_owner(alpha) == boss.pk
    given = client.post(path, {"password": PASSWORD, "step_down": True})
    assert (given.status_code, given.json()["role_name"]) == (200, "Owner")
    assert named_owner(alpha) == heir.pk
    assert membership_of(alpha, boss).role.preset == "manager"
    assert code(client.post(path, {"password": PASSWORD})) == (403, "owners_only")
    assert client_for(alpha, heir).delete(path_of(alpha, boss)).status_code == 204


def test_two_may_own_and_the_last_named_is_the_one_whom_the_platform_knows(alpha, boss, client_for):
    heir = member(alpha, "door")
    client = client_for(alpha, boss)
    assert client.post(f"{path_of(alpha, heir)}make-owner/", {"password": PASSWORD}).status_code == 200
    assert named_owner(alpha) == heir.pk
    assert membership_of(alpha, boss).role.is_owner
    assert client.delete(path_of(alpha, heir)).status_code == 204
    assert named_owner(alpha) == boss.pk
    assert code(client.delete(path_of(alpha, boss))) == (409, "last_owner")


def test_only_an_owner_hands_over(alpha, client_for):
    manager = member(alpha, "manager")
    path = f"{path_of(alpha, manager)}make-owner/"
    assert code(client_for(alpha, manager).post(path, {"password": PASSWORD})) == (403, "owners_only")
    assert client_for(alpha).post(path, {"password": PASSWORD}).status_code == 401


@pytest.mark.parametrize("fields", [{"is_active": False}, {"confirmed": False}])
def test_nobody_owns_who_cannot_sign_in(alpha, boss, client_for, fields):
    heir = member(alpha, "manager", **fields)
    answer = client_for(alpha, boss).post(f"{path_of(alpha, heir)}make-owner/", {"password": PASSWORD})
    assert code(answer) == (409, "account_not_ready")


def test_an_owner_who_cannot_sign_in_does_not_count(alpha, boss, client_for):
    ghost = member(alpha, "owner")
    ghost.is_active = False
    ghost.save()
    assert code(client_for(alpha, boss).delete(path_of(alpha, boss))) == (409, "last_owner")


def test_wrong_passwords_are_counted(alpha, boss, client_for):
    path = f"{path_of(alpha, member(alpha, 'door'))}make-owner/"
    client = client_for(alpha, boss)
    answers = [client.post(path, {"password": "wrong"}).status_code for _try in range(11)]
    assert answers == [400] * 10 + [429]
    assert client.post(path, {"password": PASSWORD}).status_code == 429


def test_telling_the_platform_twice_or_late_changes_nothing(alpha, boss):
    from tenant_apps.activity.models import OutboxMessage
    from tenant_apps.staff.owner_row import follow_owner

    heir = member(alpha, "owner")
    with in_tenant(alpha):
        services.hand_over(membership_of(alpha, heir), PASSWORD, actor=boss, step_down=True)
        messages = list(OutboxMessage.objects.filter(topic="staff.owners_changed").order_by("created_at"))
        assert messages
        for message in [*messages, *messages, *reversed(messages)]:
            follow_owner(message)
    assert named_owner(alpha) == heir.pk


def test_nobody_of_a_neighbour_can_be_made_owner(alpha, beta, boss, client_for):
    with in_tenant(beta):
        there = services.add_member(make_user(), services.preset_role("manager"), actor=None)
        Membership.objects.filter(pk=there.pk).update(id=5_000_001)
    answer = client_for(alpha, boss).post("/api/v1/staff/5000001/make-owner/", {"password": PASSWORD})
    assert answer.status_code == 404
