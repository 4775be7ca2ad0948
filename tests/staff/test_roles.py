"""Roles of one's own: made by ticking, never beyond what one holds."""

import pytest

from tenant_apps.activity.models import AuditEntry
from tenant_apps.staff import services
from tenant_apps.staff.models import Role
from tenant_apps.staff.permissions import permissions_of
from tenant_apps.staff.presets import PERMISSIONS
from tenants.context import in_tenant
from tests.factories import make_user
from tests.staff.people import member, membership_of

ROLES = "/api/v1/roles/"


def code(response):
    return response.status_code, response.json()["code"]


def test_an_organizer_makes_a_role_gives_it_and_changes_it(alpha, owner):
    made = owner.post(ROLES, {"name": " Merch  desk ", "permissions": ["check_in", "view_orders", "check_in"]})
    assert made.status_code == 201, made.content
    assert made.json() | {"id": 0} == {
        "id": 0,
        "name": "Merch desk",
        "preset": "",
        "permissions": ["check_in", "view_orders"],
    }
    person = member(alpha, "door")
    one = f"/api/v1/staff/{membership_of(alpha, person).pk}/"
    assert owner.patch(one, {"role": made.json()["id"]}).json()["role_name"] == "Merch desk"
    changed = owner.patch(f"{ROLES}{made.json()['id']}/", {"permissions": ["view_reports"]})
    assert changed.json()["permissions"] == ["view_reports"]
    with in_tenant(alpha):
        assert permissions_of(person) == {"view_reports"}
        entry = AuditEntry.objects.get(topic="role.changed")
    assert entry.details["before"]["permissions"] == ["check_in", "view_orders"]
    assert entry.details["after"]["permissions"] == ["view_reports"]


def test_a_ready_made_role_can_be_copied_and_changed_but_neither_emptied_nor_deleted(owner, roles):
    copy = owner.post(ROLES, {"name": "Second door", "copy_of": roles["door"]})
    assert (copy.status_code, copy.json()["permissions"]) == (201, ["check_in"])
    door = f"{ROLES}{roles['door']}/"
    assert owner.patch(door, {"permissions": ["check_in", "view_orders"]}).status_code == 200
    assert code(owner.patch(door, {"permissions": []})) == (400, "role_empty")
    assert code(owner.delete(door)) == (409, "role_ready_made")
    assert owner.delete(f"{ROLES}{copy.json()['id']}/").status_code == 204
    assert owner.get(f"{ROLES}{copy.json()['id']}/").status_code == 404


def test_the_owners_role_is_fixed(owner, roles):
    one = f"{ROLES}{roles['owner']}/"
    assert code(owner.patch(one, {"permissions": ["check_in"]})) == (409, "role_fixed")
    assert code(owner.patch(one, {"permissions": []})) == (400, "role_empty")
    assert owner.patch(one, {"name": "Boss"}).json()["permissions"] == sorted(PERMISSIONS)


def test_a_role_in_use_or_on_its_way_cannot_be_deleted(alpha, owner):
    made = owner.post(ROLES, {"name": "Ushers", "permissions": ["check_in"]}).json()["id"]
    invited = owner.post("/api/v1/staff/", {"email": "usher@example.test", "role": made})
    assert invited.status_code == 202
    assert code(owner.delete(f"{ROLES}{made}/")) == (409, "role_in_use")
    assert owner.delete(f"/api/v1/staff/invitations/{invited.json()['id']}/").status_code == 204
    with in_tenant(alpha):
        usher = services.add_member(make_user(), Role.objects.get(pk=made), actor=None)
    assert code(owner.delete(f"{ROLES}{made}/")) == (409, "role_in_use")
    assert owner.delete(f"/api/v1/staff/{usher.pk}/").status_code == 204
    assert owner.delete(f"{ROLES}{made}/").status_code == 204


def test_nobody_makes_a_role_above_their_own(alpha, client_for, roles):
    manager = client_for(alpha, member(alpha, "manager"))  # everything but manage_integrations
    above = {"name": "Tech", "permissions": ["manage_integrations"]}
    assert code(manager.post(ROLES, above)) == (403, "more_than_held")
    assert code(manager.post(ROLES, {"name": "Me too", "copy_of": roles["owner"]})) == (403, "more_than_held")
    assert manager.post(ROLES, {"name": "Helpers", "permissions": ["check_in"]}).status_code == 201


def test_nobody_widens_or_narrows_a_role_beyond_what_they_hold(alpha, owner, client_for, roles):
    boss = member(alpha, "manager")
    manager = client_for(alpha, boss)
    helpers = owner.post(ROLES, {"name": "Tech", "permissions": ["manage_integrations", "check_in"]}).json()["id"]
    colleague = member(alpha, "door")
    door = f"{ROLES}{roles['door']}/"
    assert code(manager.patch(door, {"permissions": ["check_in", "manage_integrations"]})) == (403, "more_than_held")
    # Not by way of one's own role either.
    own = f"{ROLES}{roles['manager']}/"
    everything = {"permissions": sorted(PERMISSIONS)}
    assert code(manager.patch(own, everything)) == (403, "more_than_held")
    assert code(manager.patch(f"{ROLES}{helpers}/", {"permissions": ["check_in"]})) == (403, "more_than_held")
    assert code(manager.patch(f"{ROLES}{helpers}/", {"name": "Door helpers"})) == (403, "more_than_held")
    assert code(manager.delete(f"{ROLES}{helpers}/")) == (403, "more_than_held")
    # What they hold they may add to and take from it.
    assert (
        manager.patch(f"{ROLES}{helpers}/", {"permissions": ["manage_integrations", "view_orders"]}).status_code == 200
    )
    assert manager.patch(door, {"permissions": ["check_in", "view_orders"]}).status_code == 200
    with in_tenant(alpha):
        assert permissions_of(colleague) == {"check_in", "view_orders"}
        assert "manage_integrations" not in permissions_of(boss)


def test_nobody_gives_a_role_above_their_own(alpha, owner, client_for):
    tech = owner.post(ROLES, {"name": "Tech", "permissions": ["manage_integrations"]}).json()["id"]
    manager = client_for(alpha, member(alpha, "manager"))
    colleague = membership_of(alpha, member(alpha, "door")).pk
    assert code(manager.patch(f"/api/v1/staff/{colleague}/", {"role": tech})) == (403, "more_than_held")
    assert code(manager.post("/api/v1/staff/", {"email": "x@example.test", "role": tech})) == (403, "more_than_held")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"name": "Door", "permissions": ["check_in"]}, (409, "role_name_taken")),
        ({"name": "dOOr", "permissions": ["check_in"]}, (409, "role_name_taken")),
        ({"name": "Empty", "permissions": []}, (400, "role_empty")),
        ({"name": "Nothing"}, (400, "role_empty")),
        ({"name": " ", "permissions": ["check_in"]}, (400, "invalid")),
        ({"name": "x" * 81, "permissions": ["check_in"]}, (400, "invalid")),
        ({"name": "Flier", "permissions": ["fly"]}, (400, "invalid")),
        ({"name": "Copy", "copy_of": 987654}, (400, "invalid")),
        ({"permissions": ["check_in"]}, (400, "invalid")),
    ],
)
def test_bad_roles_are_refused(owner, body, wanted):
    before = len(owner.get(ROLES).json()["results"])
    assert code(owner.post(ROLES, body)) == wanted
    assert len(owner.get(ROLES).json()["results"]) == before


def test_what_a_client_may_not_set_is_not_set(owner):
    made = owner.post(ROLES, {"name": "Sly", "permissions": ["check_in"], "preset": "owner", "id": 1})
    assert made.json()["preset"] == "" and made.json()["permissions"] == ["check_in"]


def test_a_neighbours_role_is_not_there(alpha, beta, owner):
    with in_tenant(beta):
        theirs = Role.objects.create(name="Beta only", permissions=["check_in"], id=5_000_000)
    assert owner.get(f"{ROLES}{theirs.pk}/").status_code == 404
    assert owner.patch(f"{ROLES}{theirs.pk}/", {"name": "Mine"}).status_code == 404
    assert owner.delete(f"{ROLES}{theirs.pk}/").status_code == 404
