"""Staff through HTTP: who belongs, who was granted what on one event."""

import pytest

from tenant_apps.staff import services
from tenant_apps.staff.models import Membership
from tenant_apps.staff.presets import PRESETS
from tenants.context import in_tenant
from tests.factories import make_event, make_user, owner_of
from tests.staff.people import newest_token

STAFF = "/api/v1/staff/"


def test_roles_are_listed_with_what_they_grant(owner, roles):
    assert set(roles) == set(PRESETS)
    listed = {role["preset"]: role for role in owner.get("/api/v1/roles/").json()["results"]}
    assert listed["door"]["permissions"] == ["check_in"]
    assert "manage_staff" in listed["owner"]["permissions"]


def test_a_person_joins_changes_role_and_leaves(alpha, owner, client_for, roles):
    person = make_user("New@Person.test")
    theirs = client_for(alpha, person)
    assert owner.post(STAFF, {"email": "new@person.TEST", "role": roles["door"]}).status_code == 202
    assert theirs.post(f"{STAFF}invitations/accept/", {"token": newest_token(alpha)}).status_code == 200
    assert owner.post(STAFF, {"email": "new@person.test", "role": roles["door"]}).json()["code"] == "already_member"
    joined = next(row for row in owner.get(STAFF).json()["results"] if row["user"]["id"] == person.pk)
    assert joined["role"] == roles["door"]
    one = f"{STAFF}{joined['id']}/"
    assert theirs.get(STAFF).status_code == 403
    assert owner.patch(one, {"role": roles["manager"]}).json()["role"] == roles["manager"]
    assert theirs.get(STAFF).status_code == 200
    assert owner.delete(one).status_code == 204
    assert theirs.get(STAFF).status_code == 403
    assert owner.get(one).status_code == 404


def test_a_manager_makes_nobody_an_owner_and_removes_none(alpha, client_for, roles):
    boss = make_user()
    with in_tenant(alpha):
        services.add_member(boss, services.preset_role("manager"), actor=None)
        first = Membership.objects.get(user_id=alpha.owner_id)
    manager = client_for(alpha, boss)
    person = make_user()
    refused = manager.post(STAFF, {"email": person.email, "role": roles["owner"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "more_than_held")
    assert manager.delete(f"{STAFF}{first.pk}/").status_code == 403
    assert manager.patch(f"{STAFF}{first.pk}/", {"role": roles["door"]}).status_code == 403
    assert manager.post(STAFF, {"email": person.email, "role": roles["door"]}).status_code == 202


def test_the_last_owner_cannot_leave(alpha, owner, roles):
    with in_tenant(alpha):
        pk = Membership.objects.get(user_id=alpha.owner_id).pk
    assert owner.delete(f"{STAFF}{pk}/").json()["code"] == "last_owner"
    assert owner.patch(f"{STAFF}{pk}/", {"role": roles["door"]}).json()["code"] == "last_owner"


@pytest.mark.parametrize(
    "body", [{}, {"email": "x"}, {"email": "a@b.test", "role": 987654}, {"email": "a@b.test", "role": 2**63}]
)
def test_bad_input_about_staff_is_refused(owner, body):
    assert owner.post(STAFF, body).status_code == 400


def test_a_grant_gives_one_event_to_one_person_until_it_is_taken_back(alpha, owner, client_for):
    helper = make_user()
    with in_tenant(alpha):
        mine, other = make_event(published=False), make_event(published=False)
    root = f"/api/v1/events/{mine.slug}/grants/"
    theirs = client_for(alpha, helper)
    assert theirs.get(f"/api/v1/events/{mine.slug}/").status_code == 404
    asked = owner.post(root, {"email": helper.email, "permissions": ["change_event"]})
    assert (asked.status_code, asked.json()["state"]) == (202, "pending"), asked.content
    assert theirs.get(f"/api/v1/events/{mine.slug}/").status_code == 404
    assert theirs.post(f"{STAFF}invitations/accept/", {"token": newest_token(alpha)}).status_code == 200
    given = owner.post(root, {"email": helper.email, "permissions": ["check_in"]})
    assert given.status_code == 201, given.content
    assert given.json()["permissions"] == ["change_event", "check_in"]
    assert theirs.patch(f"/api/v1/events/{mine.slug}/", {"title": "Ours"}).status_code == 200
    assert theirs.get(f"/api/v1/events/{other.slug}/").status_code == 404
    assert [event["slug"] for event in theirs.get("/api/v1/events/").json()["results"]] == [mine.slug]
    assert theirs.post("/api/v1/events/", {"title": "X", "starts_at": "2027-05-31T19:30"}).status_code == 403
    assert theirs.post(f"/api/v1/events/{mine.slug}/duplicate/").status_code == 403
    assert theirs.get(root).status_code == 403
    assert [row["id"] for row in owner.get(root).json()["results"]] == [helper.pk]
    assert owner.delete(f"{root}{helper.pk}/").status_code == 204
    assert theirs.get(f"/api/v1/events/{mine.slug}/").status_code == 404
    assert owner.delete(f"{root}{helper.pk}/").status_code == 404


@pytest.mark.parametrize("permission", ["manage_staff", "manage_settings", "everything", ""])
def test_only_rights_on_events_can_be_granted_on_one(alpha, owner, permission):
    with in_tenant(alpha):
        event = make_event()
    body = {"email": make_user().email, "permissions": [permission]}
    assert owner.post(f"/api/v1/events/{event.slug}/grants/", body).status_code == 400


def test_a_neighbours_owner_is_a_stranger_here(alpha, beta, client_for):
    with in_tenant(alpha):
        event = make_event()
    stranger = client_for(alpha, owner_of(beta))
    assert stranger.get(STAFF).status_code == 403
    assert stranger.get("/api/v1/roles/").status_code == 403
    assert stranger.get(f"/api/v1/events/{event.slug}/grants/").status_code in (403, 404)
    assert client_for(alpha).get(STAFF).status_code == 401
