"""Two people at once about who works here, with real connections and real commits."""

from functools import partial

import pytest

from tenant_apps.events.joining import accept
from tenant_apps.staff import roles, services
from tenant_apps.staff.invitations import invite, token_of
from tenant_apps.staff.models import Membership, Role
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_user, owner_of

pytestmark = pytest.mark.usefixtures("transactional_db")


def two_owners(tenant):
    first = owner_of(tenant)
    second = make_user()
    with in_tenant(tenant):
        services.add_member(second, services.preset_role("owner"), actor=None)
        return Membership.objects.get(user_id=first.pk), Membership.objects.get(user_id=second.pk)


MOVES = {
    "leave": lambda one, two, _manager: [
        partial(services.remove_member, one, actor=one.user),
        partial(services.remove_member, two, actor=two.user),
    ],
    "remove each other": lambda one, two, _manager: [
        partial(services.remove_member, two, actor=one.user),
        partial(services.remove_member, one, actor=two.user),
    ],
    "step down": lambda one, two, manager: [
        partial(services.change_role, one, manager, actor=one.user),
        partial(services.change_role, two, manager, actor=two.user),
    ],
    "demote each other": lambda one, two, manager: [
        partial(services.change_role, two, manager, actor=one.user),
        partial(services.change_role, one, manager, actor=two.user),
    ],
}


@pytest.mark.parametrize("move", MOVES)
def test_of_two_owners_who_go_at_once_one_stays(alpha, move):
    for _round in range(5):
        with in_tenant(alpha):
            owners, manager = services.preset_role("owner"), services.preset_role("manager")
            Membership.objects.filter(role=owners).exclude(user_id=alpha.owner_id).delete()
            Membership.objects.update_or_create(user_id=alpha.owner_id, defaults={"role": owners})
        outcome = at_once(alpha, MOVES[move](*two_owners(alpha), manager))
        assert outcome["ok"] == 1, outcome
        assert set(outcome) <= {"ok", "last_owner", "more_than_held"}
        with in_tenant(alpha):
            assert Membership.objects.filter(role=owners).count() == 1


def test_an_invitation_is_accepted_once_however_often_it_is_clicked(alpha):
    person = make_user("twice@example.test")
    with in_tenant(alpha):
        invitation = invite("twice@example.test", services.preset_role("door"), actor=owner_of(alpha))
        token = token_of(invitation)
    outcome = at_once(alpha, [lambda: accept(token, person)] * 12)
    assert outcome["ok"] == 1
    assert set(outcome) == {"ok", "invitation_invalid"}


def test_many_invite_the_same_person_and_one_letter_is_written(alpha):
    boss = owner_of(alpha)
    with in_tenant(alpha):
        door = services.preset_role("door")
    outcome = at_once(alpha, [lambda: invite("same@example.test", door, actor=boss)] * 5)
    assert outcome == {"ok": 1, "already_invited": 4}


def test_a_role_is_not_deleted_under_the_hands_of_who_gives_it(alpha):
    for _round in range(8):
        with in_tenant(alpha):
            role = Role.objects.create(name=f"Short lived {_round}", permissions=["check_in"])
            person = make_user()
        give = partial(services.add_member, person, role, actor=None)
        outcome = at_once(alpha, [give, partial(roles.delete_role, role, actor=None)])
        assert outcome["ok"] == 1, outcome
        assert set(outcome) <= {"ok", "role_in_use", "invalid"}
