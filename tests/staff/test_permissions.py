"""Who may do what: by role everywhere, by grant on one event, and by nothing else (I1, I3, I4)."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenant_apps.activity.models import AuditEntry
from tenant_apps.events.grants import grant, revoke
from tenant_apps.events.models import Event, EventUserPermission
from tenant_apps.staff import services
from tenant_apps.staff.errors import AlreadyMember, LastOwner, MoreThanHeld
from tenant_apps.staff.models import Membership, Role
from tenant_apps.staff.permissions import (
    PERMISSIONS,
    allowed,
    events_where,
    is_staff_here,
    permissions_of,
)
from tenant_apps.staff.presets import EVENT_PERMISSIONS, PRESETS
from tenants.context import in_tenant
from tests.factories import make_event, make_user, owner_of


def member(preset):
    user = make_user()
    services.add_member(user, services.preset_role(preset), actor=None)
    return user


@pytest.mark.parametrize("preset", PRESETS)
def test_each_role_may_do_exactly_what_it_says(in_alpha, preset):
    user, event = member(preset), make_event()
    for permission in PERMISSIONS:
        wanted = permission in PRESETS[preset].permissions
        assert allowed(user, permission) is wanted
        assert allowed(user, permission, event) is wanted
    assert is_staff_here(user)


def test_a_new_tenant_has_its_roles_and_its_owner(in_alpha):
    assert set(Role.objects.values_list("preset", flat=True)) == set(PRESETS)
    assert permissions_of(owner_of(in_alpha)) == frozenset(PERMISSIONS)


def test_seeding_twice_changes_nothing(in_alpha):
    before = list(Role.objects.values()), list(Membership.objects.values())
    services.seed(in_alpha, owner_of(in_alpha))
    assert (list(Role.objects.values()), list(Membership.objects.values())) == before


def test_a_grant_on_one_event_gives_that_event_only(in_alpha):
    user, mine, other = make_user(), make_event(), make_event()
    assert not is_staff_here(user)
    grant(mine, user, "check_in", actor=owner_of(in_alpha))
    assert allowed(user, "check_in", mine)
    assert not allowed(user, "check_in", other)
    assert not allowed(user, "check_in")
    assert not allowed(user, "view_orders", mine)
    assert list(events_where(user, "check_in")) == [mine]
    assert not events_where(user, "view_orders").exists()
    assert is_staff_here(user)
    revoke(mine, user, "check_in", actor=owner_of(in_alpha))
    assert not allowed(user, "check_in", mine)
    assert not is_staff_here(user)


def test_a_grant_goes_with_its_event(in_alpha):
    user, event = make_user(), make_event()
    grant(event, user, "check_in", actor=None)
    event.delete()
    assert not EventUserPermission.objects.exists()


def test_rights_stay_in_their_tenant_even_on_the_same_user_object(alpha, beta):
    with in_tenant(alpha):
        user = member("manager")
        event = make_event()
        grant(event, user, "check_in", actor=None)
        assert allowed(user, "view_orders")
    with in_tenant(beta):
        twin = make_event()
        assert not allowed(user, "view_orders")
        assert not allowed(user, "check_in", twin)
        assert not events_where(user, "check_in").exists()
        assert not is_staff_here(user)
    with in_tenant(alpha):
        assert allowed(user, "view_orders")


def test_platform_wide_rights_give_nothing_in_a_tenant(in_alpha):
    operator = make_user(is_staff=True, is_superuser=True)
    event = make_event()
    assert Group.objects.count() >= 0
    assert permissions_of(operator) == frozenset()
    assert not any(allowed(operator, name, event) for name in PERMISSIONS)
    assert not is_staff_here(operator)


def test_a_role_taken_away_works_on_the_next_question(in_alpha):
    user = member("door")
    assert allowed(user, "check_in")
    services.remove_member(Membership.objects.get(user=user), actor=None)
    assert not allowed(user, "check_in")


def test_leaving_the_staff_ends_every_grant(in_alpha):
    user, event = member("door"), make_event()
    grant(event, user, "view_orders", actor=None)
    services.remove_member(Membership.objects.get(user=user), actor=owner_of(in_alpha))
    assert not allowed(user, "view_orders", event)


def test_an_inactive_person_may_do_nothing(in_alpha):
    user = member("manager")
    user.is_active = False
    assert permissions_of(user) == frozenset()


def test_nobody_grants_more_than_they_hold(in_alpha):
    boss, event = member("manager"), make_event()
    with pytest.raises(MoreThanHeld):
        services.add_member(make_user(), services.preset_role("owner"), actor=boss)
    scanner = make_user()
    grant(event, scanner, "check_in", actor=boss)
    with pytest.raises(MoreThanHeld):
        grant(event, make_user(), "view_orders", actor=scanner)
    grant(event, make_user(), "check_in", actor=scanner)


def test_a_manager_can_neither_demote_nor_remove_the_owner(in_alpha):
    boss = member("manager")
    owner = Membership.objects.get(user_id=in_alpha.owner_id)
    with pytest.raises(MoreThanHeld):
        services.change_role(owner, services.preset_role("door"), actor=boss)
    with pytest.raises(MoreThanHeld):
        services.remove_member(owner, actor=boss)


def test_the_last_owner_stays_until_there_is_another(in_alpha):
    person = owner_of(in_alpha)
    owner = Membership.objects.get(user=person)
    with pytest.raises(LastOwner):
        services.remove_member(owner, actor=person)
    with pytest.raises(LastOwner):
        services.change_role(owner, services.preset_role("manager"), actor=person)
    heir = member("owner")
    services.change_role(owner, services.preset_role("manager"), actor=person)
    assert "manage_integrations" not in permissions_of(person)
    with pytest.raises(LastOwner):
        services.remove_member(Membership.objects.get(user=heir), actor=heir)


def test_nobody_is_on_the_staff_twice(in_alpha):
    user = member("door")
    with pytest.raises(AlreadyMember):
        services.add_member(user, services.preset_role("manager"), actor=None)
    assert permissions_of(user) == PRESETS["door"].permissions


def test_the_owner_holds_what_the_roles_row_does_not_name(in_alpha):
    Role.objects.filter(preset="owner").update(permissions=[])
    assert permissions_of(owner_of(in_alpha)) == frozenset(PERMISSIONS)


def test_a_permission_that_does_not_exist_is_a_mistake_of_ours(in_alpha):
    with pytest.raises(ValueError, match="no permission"):
        allowed(owner_of(in_alpha), "fly")


def test_every_event_permission_can_be_granted(in_alpha):
    event, user = make_event(), make_user()
    for permission in EVENT_PERMISSIONS:
        grant(event, user, permission, actor=None)
        grant(event, user, permission, actor=None)
        assert allowed(user, permission, event)
    assert EventUserPermission.objects.count() == len(EVENT_PERMISSIONS)
    assert set(Permission.objects.filter(content_type__app_label="events").values_list("codename", flat=True)) >= set(
        EVENT_PERMISSIONS
    )


def test_what_is_done_about_staff_is_written_down(in_alpha):
    boss = owner_of(in_alpha)
    user = make_user()
    membership = services.add_member(user, services.preset_role("door"), actor=boss)
    services.change_role(membership, services.preset_role("box_office"), actor=boss)
    services.remove_member(membership, actor=boss)
    topics = AuditEntry.objects.filter(actor_id=boss.pk).order_by("at").values_list("topic", flat=True)
    assert list(topics) == ["staff.added", "staff.role_changed", "staff.removed"]


def test_a_question_about_a_right_costs_one_statement_by_role_and_two_by_grant(in_alpha):
    user, event = member("door"), make_event()
    with CaptureQueriesContext(connection) as queries:
        assert allowed(user, "check_in", event)
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        assert not allowed(user, "view_orders", Event.objects.get(pk=event.pk))
    assert len(queries) == 3
