"""The two holes through which rights leaked between schemas in a trial (foundation.md, 3b), kept shut (I3)."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType

from shared_apps.accounts.models import User
from tenant_apps.staff.models import Membership, Role
from tenant_apps.staff.permissions import allowed, is_staff_here, permissions_of
from tenants.context import in_public, in_tenant
from tests.factories import make_event, make_user


def test_a_user_has_no_groups_and_no_permissions_of_djangos() -> None:
    names = {field.name for field in User._meta.get_fields()}
    assert not names & {"groups", "user_permissions"}


def test_a_django_group_with_the_id_of_a_role_gives_nothing(alpha: Any) -> None:
    """In the trial a public group's id 1 was read as the tenant's group of id 1, "owner"."""
    person = make_user()
    with in_public():
        for name in ("delete_event", "change_event"):
            permission, _made = Permission.objects.get_or_create(
                codename=name,
                content_type=ContentType.objects.get_or_create(app_label="events", model="event")[0],
                defaults={"name": name},
            )
            for number in range(1, 10):
                group, _made = Group.objects.get_or_create(pk=number, defaults={"name": f"support {number}"})
                group.permissions.add(permission)
    with in_tenant(alpha):
        assert Role.objects.filter(pk__lt=10).exists()
        for right in ("change_event", "view_orders", "manage_staff", "manage_settings"):
            assert not allowed(person, right)
        assert not is_staff_here(person)
        assert not person.has_perm("events.delete_event") and not person.has_perm("events.change_event")


@pytest.mark.parametrize(
    "flags", [{"is_staff": True}, {"is_superuser": True}, {"is_staff": True, "is_superuser": True}]
)
def test_an_operator_is_nobody_inside_a_tenant(alpha: Any, flags: dict[str, bool]) -> None:
    operator = make_user(**flags)
    with in_tenant(alpha):
        event = make_event()
        assert not allowed(operator, "change_event") and not allowed(operator, "change_event", event)
        assert permissions_of(operator) == frozenset()
        assert not operator.has_perm("events.change_event") and not operator.has_module_perms("events")


def test_a_user_kept_across_tenants_does_not_keep_their_rights(alpha: Any, beta: Any) -> None:
    """In the trial the first tenant's answer stood in the user's _perm_cache and was given in the second."""
    person = make_user()
    with in_tenant(alpha):
        Membership.objects.create(user=person, role=Role.objects.get(preset="owner"))
        granted = {right for right in ("change_event", "view_orders", "manage_staff") if allowed(person, right)}
        assert granted
        assert permissions_of(person)
    with in_tenant(beta):
        for right in granted:
            assert not allowed(person, right)
        assert permissions_of(person) == frozenset() and not is_staff_here(person)
    with in_tenant(alpha):
        assert all(allowed(person, right) for right in granted)


def test_a_role_that_is_taken_away_is_gone_for_the_same_user_object(alpha: Any) -> None:
    person = make_user()
    with in_tenant(alpha):
        membership = Membership.objects.create(user=person, role=Role.objects.get(preset="door"))
        assert permissions_of(person)
        membership.delete()
        assert permissions_of(person) == frozenset()
