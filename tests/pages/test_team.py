"""The team's pages, without JavaScript: inviting, roles, keys, and what a letter leads to."""

import re

import pytest

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.events.grants import grant
from tenant_apps.staff.invitations import invite, invite_to_event
from tenant_apps.staff.models import ApiKey, Invitation, Role
from tenant_apps.staff.permissions import permissions_of, permissions_on
from tenant_apps.staff.presets import GROUPS, PERMISSIONS
from tenant_apps.staff.services import preset_role
from tenants.context import in_tenant
from tests.factories import PASSWORD, make_event, make_user, owner_of
from tests.pages.test_dashboard import member, text_of
from tests.staff.people import membership_of, newest_token

TEAM = ("/dashboard/staff/", "/dashboard/staff/invite/", "/dashboard/roles/", "/dashboard/roles/new/")
KEYS = ("/dashboard/api-keys/", "/dashboard/api-keys/new/")


@pytest.fixture
def boss(alpha, page_for):
    return page_for(alpha, owner_of(alpha))


def test_every_permission_is_grouped_and_explained_once():
    grouped = [name for _title, names in GROUPS for name in names]
    assert sorted(grouped) == sorted(PERMISSIONS)


@pytest.mark.parametrize(
    "preset", ["owner", "manager", "event_manager", "box_office", "door", "accountant", "read_only"]
)
def test_the_teams_pages_open_for_those_who_manage_it(alpha, page_for, preset):
    client = page_for(alpha, owner_of(alpha) if preset == "owner" else member(alpha, preset))
    manages = preset in ("owner", "manager")
    assert {client.get(path).status_code for path in TEAM} == ({200} if manages else {403})
    assert {client.get(path).status_code for path in KEYS} == ({200} if preset == "owner" else {403})
    assert ('href="/dashboard/staff/"' in client.get("/dashboard/").content.decode()) is manages
    if manages:
        assert ('href="/dashboard/api-keys/"' in client.get(TEAM[0]).content.decode()) is (preset == "owner")


def test_somebody_is_invited_and_the_invitation_sent_again_and_taken_back(alpha, boss):
    with in_tenant(alpha):
        door = preset_role("door").pk
    page = boss.post("/dashboard/staff/invite/", {"email": "New@example.test", "role": door}, follow=True)
    words = text_of(page)
    assert "The invitation is on its way." in words and "new@example.test" in words and "Door" in words
    again = boss.post("/dashboard/staff/invite/", {"email": "new@example.test", "role": door})
    assert again.status_code == 400 and "is on its way" in text_of(again)
    with in_tenant(alpha):
        pk = Invitation.objects.get().pk
    assert "new letter" in text_of(boss.post(f"/dashboard/staff/invitations/{pk}/resend/", follow=True))
    assert "taken back" in text_of(boss.post(f"/dashboard/staff/invitations/{pk}/revoke/", follow=True))
    assert boss.post(f"/dashboard/staff/invitations/{pk}/steal/").status_code == 404


def test_a_helper_is_invited_to_one_event_and_taken_off_again(alpha, boss, page_for):
    with in_tenant(alpha):
        event = make_event("Night of Strings")
    people = f"/dashboard/events/{event.slug}/people/"
    assert f'href="{people}"' in boss.get(f"/dashboard/events/{event.slug}/").content.decode()
    words = text_of(boss.post(people, {"email": "helper@example.test", "permissions": ["check_in"]}, follow=True))
    assert "The invitation is on its way." in words and "helper@example.test" in words
    helper = make_user("helper@example.test", name="Hilda")
    link = f"/invitations/{newest_token(alpha)}/"
    theirs = page_for(alpha, helper)
    shown = theirs.get(link)
    assert "Help at Night of Strings" in text_of(shown) and shown["Referrer-Policy"] == "same-origin"
    assert "Night of Strings" in text_of(theirs.post(link, follow=True))
    assert theirs.get("/scan/").status_code == 200
    assert theirs.get("/dashboard/staff/").status_code == 403 and theirs.get(people).status_code == 403
    assert "Hilda" in text_of(boss.get("/dashboard/staff/"))
    given = boss.post(people, {"email": "helper@example.test", "permissions": ["view_orders"]}, follow=True)
    assert "They may do that now." in text_of(given)
    with in_tenant(alpha):
        assert permissions_on(helper, event) == {"check_in", "view_orders"}
    gone = boss.post(f"{people}{helper.pk}/remove/", follow=True)
    assert "Hilda no longer works at this event." in text_of(gone)
    assert theirs.get("/scan/").status_code == 403
    assert boss.post(f"{people}{helper.pk}/remove/").status_code == 404


def test_who_has_no_account_registers_on_the_way_and_comes_back(alpha, page_for, mailoutbox):
    with in_tenant(alpha):
        invite("nova@example.test", preset_role("door"), actor=owner_of(alpha))
        deliver_due()
    link = re.search(r"http://alpha\.localhost(/invitations/\S+/)", mailoutbox[-1].body)[1]
    newcomer = page_for(alpha)
    page = newcomer.get(link).content.decode()
    register = re.search(r'href="(/account/register/\?next=[^"]+)"', page)[1]
    form = newcomer.get(register).content.decode()
    onward = re.search(r'name="next" value="([^"]+)"', form)[1]
    assert onward == link
    typed = {"email": "nova@example.test", "name": "Nova", "password1": PASSWORD, "password2": PASSWORD, "next": onward}
    assert newcomer.post("/account/register/", typed).status_code == 302
    from shared_apps.accounts.mail import send
    from shared_apps.accounts.models import EmailCode

    send(EmailCode.objects.get(email="nova@example.test").pk)
    # The letter's link knows nothing of where one came from; the browser does.
    key = re.search(r"/account/confirm/\?key=(\S+)", mailoutbox[-1].body)[1]
    confirmed = newcomer.post("/account/confirm/", {"key": key})
    assert confirmed.status_code == 302 and "next=%2Finvitations%2F" in confirmed["Location"]
    signed_in = newcomer.post("/account/login/", {"email": "nova@example.test", "password": PASSWORD, "next": onward})
    assert signed_in["Location"] == link
    assert "Accept" in text_of(newcomer.get(link))
    assert newcomer.post(link)["Location"] == "/dashboard/"
    assert newcomer.get("/scan/").status_code == 200
    assert newcomer.get(link).status_code == 404


def test_a_letter_for_somebody_else_says_so_and_gives_nothing(alpha, page_for):
    with in_tenant(alpha):
        event = make_event()
        invite_to_event("right@example.test", event, ["check_in"], actor=owner_of(alpha))
    link = f"/invitations/{newest_token(alpha)}/"
    wrong = make_user("wrong@example.test")
    client = page_for(alpha, wrong)
    assert "This invitation is for right@example.test." in text_of(client.get(link))
    assert client.post(link).status_code == 403
    assert page_for(alpha).post(link).status_code == 200  # shows the ways to sign in
    with in_tenant(alpha):
        assert Invitation.objects.get().state == "pending"
        assert not permissions_on(wrong, event)
    assert page_for(alpha).get("/invitations/1-" + "0" * 64 + "/").status_code == 404


def test_a_role_is_made_copied_changed_and_deleted(alpha, boss):
    made = boss.post(
        "/dashboard/roles/new/", {"name": "Ushers", "permissions": ["check_in", "view_orders"]}, follow=True
    )
    assert "The role is made." in text_of(made) and "Ushers" in text_of(made)
    with in_tenant(alpha):
        role = Role.objects.get(name="Ushers")
    copy = boss.get(f"/dashboard/roles/new/?copy={role.pk}").content.decode()
    assert re.search(r'value="check_in" checked', copy) and "Ushers, copy" in copy
    assert boss.post(f"/dashboard/roles/{role.pk}/", {"name": "Ushers", "permissions": []}).status_code == 400
    saved = boss.post(f"/dashboard/roles/{role.pk}/", {"name": "Ushers", "permissions": ["check_in"]}, follow=True)
    assert "Saved." in text_of(saved)
    with in_tenant(alpha):
        role.refresh_from_db()
        assert role.permissions == ["check_in"]
    assert "The role is deleted." in text_of(boss.post(f"/dashboard/roles/{role.pk}/delete/", follow=True))


def test_a_managers_boxes_for_what_they_lack_are_locked_and_stay_as_they_are(alpha, page_for):
    with in_tenant(alpha):
        tech = Role.objects.create(name="Tech", permissions=["manage_integrations", "check_in"])
    client = page_for(alpha, member(alpha, "manager"))
    page = client.get(f"/dashboard/roles/{tech.pk}/").content.decode()
    assert re.search(r'value="manage_integrations" checked disabled', page)
    assert '<input type="hidden" name="permissions" value="manage_integrations">' in page
    refused = client.post(f"/dashboard/roles/{tech.pk}/", {"name": "Tech", "permissions": ["check_in"]})
    assert refused.status_code == 400 and "rights that you do not have yourself" in text_of(refused)


def test_a_role_changes_a_person_leaves_and_the_last_owner_stays(alpha, boss):
    person = member(alpha, "door")
    pk = membership_of(alpha, person).pk
    with in_tenant(alpha):
        office = preset_role("box_office").pk
    assert "The role is changed." in text_of(boss.post(f"/dashboard/staff/{pk}/role/", {"role": office}, follow=True))
    with in_tenant(alpha):
        assert "change_orders" in permissions_of(person)
    assert "no longer on the staff" in text_of(boss.post(f"/dashboard/staff/{pk}/remove/", follow=True))
    own = membership_of(alpha, owner_of(alpha)).pk
    assert "needs at least one owner" in text_of(boss.post(f"/dashboard/staff/{own}/remove/", follow=True))


def test_the_ownership_is_handed_over_with_the_password(alpha, boss):
    owner = owner_of(alpha)
    heir = member(alpha, "manager")
    owner.set_password(PASSWORD)
    owner.save()
    path = f"/dashboard/staff/{membership_of(alpha, heir).pk}/make-owner/"
    assert "The present password is wrong." in text_of(boss.post(path, {"password": "no"}))
    assert "is an owner now." in text_of(boss.post(path, {"password": PASSWORD, "step_down": "on"}, follow=True))
    assert membership_of(alpha, heir).role.is_owner and membership_of(alpha, owner).role.preset == "manager"


def test_a_key_is_shown_on_one_page_only(alpha, boss, client_for):
    with in_tenant(alpha):
        event = make_event("Night of Strings")
    typed = {"name": "Gate", "expires": "30", "scopes": ["check_in"], "events": [event.slug]}
    made = boss.post("/dashboard/api-keys/new/", typed)
    text = re.search(r"foyer_\w{10}_[\w-]{43}", made.content.decode())[0]
    assert made.status_code == 200 and "no-store" in made["Cache-Control"]
    listed = boss.get("/dashboard/api-keys/")
    assert (
        text not in listed.content.decode()
        and "Night of Strings" in text_of(listed)
        and "never used" in text_of(listed)
    )
    program = client_for(alpha)
    program.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    assert program.get(f"/api/v1/events/{event.slug}/check-in-lists/").status_code == 200
    with in_tenant(alpha):
        pk = ApiKey.objects.get().pk
    assert "The key is revoked." in text_of(boss.post(f"/dashboard/api-keys/{pk}/revoke/", follow=True))
    assert program.get("/api/v1/events/").status_code == 401
    assert boss.post("/dashboard/api-keys/new/", {"name": "", "scopes": []}).status_code == 400


def test_a_neighbours_people_and_invitations_are_not_there(alpha, beta, boss):
    with in_tenant(beta):
        helper = make_user()
        event = make_event(slug="beta-night")
        grant(event, helper, "check_in", actor=None)
        theirs = invite("x@example.test", preset_role("door"), actor=owner_of(beta))
        Invitation.objects.filter(pk=theirs.pk).update(id=5_000_001)
    assert boss.get("/dashboard/events/beta-night/people/").status_code == 404
    assert boss.post("/dashboard/staff/invitations/5000001/revoke/").status_code == 404
    assert helper.email not in text_of(boss.get("/dashboard/staff/"))
