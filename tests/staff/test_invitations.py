"""Invitations: by mail, for a week, for one person, once."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.grants import grant
from tenant_apps.events.models import EventUserPermission
from tenant_apps.staff import keys, services
from tenant_apps.staff.invitations import invite
from tenant_apps.staff.models import Invitation
from tenant_apps.staff.permissions import permissions_of, permissions_on
from tenants.context import in_tenant
from tests.factories import make_event, make_user, owner_of
from tests.staff.people import member, membership_of, newest_token

INVITATIONS = "/api/v1/staff/invitations/"
ACCEPT = f"{INVITATIONS}accept/"


def code(response):
    return response.status_code, response.json()["code"]


def letter(tenant):
    """The one letter that the outbox has sent since, and the token of its link."""
    mail.outbox.clear()
    with in_tenant(tenant):
        deliver_due()
    assert len(mail.outbox) == 1, [one.subject for one in mail.outbox]
    found = re.search(r"http://alpha\.localhost/invitations/([0-9a-f-]+)/", mail.outbox[0].body)
    return mail.outbox[0], found[1]


@pytest.fixture(autouse=True)
def nothing_waits(alpha):
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()


def test_somebody_is_invited_by_mail_accepts_and_belongs(alpha, owner, client_for, roles):
    asked = owner.post(INVITATIONS, {"email": "New@Person.test", "role": roles["box_office"]})
    assert asked.status_code == 201, asked.content
    shown = asked.json()
    assert (shown["email"], shown["state"], shown["role"]) == ("new@person.test", "pending", roles["box_office"])
    assert "token" not in shown and "nonce" not in shown
    message, token = letter(alpha)
    assert message.to == ["new@person.test"]
    assert message.subject == "You are invited to work on Alpha"
    assert "Box office" in message.body and "New@Person" not in message.subject
    with in_tenant(alpha):
        stored = str(list(Invitation.objects.values())) + str(list(OutboxMessage.objects.values()))
    assert token.partition("-")[2] not in stored
    person = make_user("new@person.test")
    theirs = client_for(alpha, person)
    assert theirs.get("/api/v1/events/").status_code == 200
    joined = theirs.post(ACCEPT, {"token": token})
    assert (joined.status_code, joined.json()["role_name"]) == (200, "Box office")
    with in_tenant(alpha):
        assert permissions_of(person) == {"view_orders", "change_orders", "check_in"}
    assert code(theirs.post(ACCEPT, {"token": token})) == (400, "invitation_invalid")
    assert owner.get(INVITATIONS).json()["count"] == 0


def test_known_and_unknown_addresses_are_answered_alike(alpha, owner, roles):
    make_user("known@example.test")
    answers = [
        owner.post("/api/v1/staff/", {"email": email, "role": roles["door"]})
        for email in ("known@example.test", "unknown@example.test")
    ]
    assert {answer.status_code for answer in answers} == {202}
    plain = [{**answer.json(), "id": 0, "email": "", "created_at": "", "expires_at": ""} for answer in answers]
    assert plain[0] == plain[1]
    with in_tenant(alpha):
        event = make_event()
    answers = [
        owner.post(f"/api/v1/events/{event.slug}/grants/", {"email": email, "permissions": ["check_in"]})
        for email in ("known@example.test", "unknown@example.test")
    ]
    assert {answer.status_code for answer in answers} == {202}


def test_who_is_here_by_a_grant_is_given_the_role_at_once(alpha, owner, roles):
    helper = make_user("helper@example.test")
    with in_tenant(alpha):
        grant(make_event(), helper, "check_in", actor=None)
    made = owner.post("/api/v1/staff/", {"email": "Helper@example.test", "role": roles["door"]})
    assert (made.status_code, made.json()["user"]["id"]) == (201, helper.pk)


def test_an_invitation_to_one_event_gives_that_event_and_nothing_else(alpha, owner, client_for):
    with in_tenant(alpha):
        event, other = make_event("Night of Strings", published=False), make_event(published=False)
    asked = owner.post(
        INVITATIONS, {"email": "door@example.test", "event": event.slug, "permissions": ["check_in", "view_orders"]}
    )
    assert (asked.status_code, asked.json()["event"], asked.json()["role"]) == (201, event.slug, None)
    message, token = letter(alpha)
    assert "Night of Strings" in message.subject and "- Scan tickets" in message.body
    person = make_user("door@example.test")
    theirs = client_for(alpha, person)
    joined = theirs.post(ACCEPT, {"token": token})
    assert joined.json()["event"] == event.slug
    with in_tenant(alpha):
        assert permissions_of(person) == frozenset()
        assert permissions_on(person, event) == {"check_in", "view_orders"}
    assert [row["slug"] for row in theirs.get("/api/v1/events/").json()["results"]] == [event.slug]
    assert theirs.get(f"/api/v1/events/{other.slug}/").status_code == 404


@pytest.mark.parametrize("email_verified", [True, False])
def test_only_the_confirmed_owner_of_the_address_can_accept(alpha, owner, client_for, roles, email_verified):
    owner.post(INVITATIONS, {"email": "right@example.test", "role": roles["door"]})
    token = newest_token(alpha)
    person = make_user("right@example.test", confirmed=False) if not email_verified else make_user("x@example.test")
    assert code(client_for(alpha, person).post(ACCEPT, {"token": token})) == (403, "invitation_for_other")
    assert client_for(alpha).post(ACCEPT, {"token": token}).status_code == 401
    with in_tenant(alpha):
        assert permissions_of(person) == frozenset()
        assert Invitation.objects.get().state == "pending"


def test_it_is_void_after_a_week_when_taken_back_and_when_sent_anew(alpha, owner, client_for, roles):
    theirs = client_for(alpha, make_user("late@example.test"))
    asked = owner.post(INVITATIONS, {"email": "late@example.test", "role": roles["door"]}).json()["id"]
    first = newest_token(alpha)
    with in_tenant(alpha):
        assert timedelta(days=6.9) < Invitation.objects.get().expires_at - timezone.now() < timedelta(days=7)
        Invitation.objects.update(expires_at=timezone.now())
    assert code(theirs.post(ACCEPT, {"token": first})) == (400, "invitation_invalid")
    assert owner.get(f"{INVITATIONS}{asked}/").json()["state"] == "expired"
    assert owner.post(f"{INVITATIONS}{asked}/resend/").json()["state"] == "pending"
    second = newest_token(alpha)
    assert second != first
    assert code(theirs.post(ACCEPT, {"token": first})) == (400, "invitation_invalid")
    assert owner.delete(f"{INVITATIONS}{asked}/").status_code == 204
    assert code(theirs.post(ACCEPT, {"token": second})) == (400, "invitation_invalid")
    assert code(owner.post(f"{INVITATIONS}{asked}/resend/")) == (409, "invitation_closed")
    # The letters that were still on their way are not sent any more.
    mail.outbox.clear()
    with in_tenant(alpha):
        deliver_due()
    assert mail.outbox == []


def test_a_person_has_one_invitation_at_a_time_to_the_same_thing(alpha, owner, roles):
    body = {"email": "once@example.test", "role": roles["door"]}
    assert owner.post(INVITATIONS, body).status_code == 201
    assert code(owner.post(INVITATIONS, {**body, "email": "ONCE@example.test"})) == (409, "already_invited")
    with in_tenant(alpha):
        event = make_event()
        Invitation.objects.update(expires_at=timezone.now())
    assert owner.post(INVITATIONS, body).status_code == 201
    assert (
        owner.post(INVITATIONS, {"email": body["email"], "event": event.slug, "permissions": ["check_in"]}).status_code
        == 201
    )


def test_what_the_inviter_no_longer_holds_is_not_given(alpha, client_for, roles):
    boss = member(alpha, "manager")
    manager = client_for(alpha, boss)
    with in_tenant(alpha):
        event = make_event()
    assert manager.post(INVITATIONS, {"email": "a@example.test", "role": roles["manager"]}).status_code == 201
    to_staff = newest_token(alpha)
    body = {"email": "a@example.test", "event": event.slug, "permissions": ["check_in", "refund_orders"]}
    assert manager.post(INVITATIONS, body).status_code == 201
    to_event = newest_token(alpha)
    with in_tenant(alpha):
        less = services.preset_role("door")
        less.permissions = ["check_in", "manage_staff"]
        less.save()
        services.change_role(membership_of(alpha, boss), less, actor=None)
    person = make_user("a@example.test")
    theirs = client_for(alpha, person)
    assert code(theirs.post(ACCEPT, {"token": to_staff})) == (409, "invitation_lapsed")
    assert theirs.post(ACCEPT, {"token": to_event}).status_code == 200
    with in_tenant(alpha):
        assert permissions_of(person) == frozenset()
        assert permissions_on(person, event) == {"check_in"}


def test_who_left_or_may_not_invite_any_more_invited_nobody(alpha, client_for, roles):
    boss = member(alpha, "manager")
    assert (
        client_for(alpha, boss).post(INVITATIONS, {"email": "b@example.test", "role": roles["door"]}).status_code == 201
    )
    with in_tenant(alpha):
        services.remove_member(membership_of(alpha, boss), actor=None)
    theirs = client_for(alpha, make_user("b@example.test"))
    assert code(theirs.post(ACCEPT, {"token": newest_token(alpha)})) == (409, "invitation_lapsed")
    with in_tenant(alpha):
        assert not EventUserPermission.objects.exists()


def test_whoever_sends_it_again_answers_for_it(alpha, owner, client_for, roles):
    boss = member(alpha, "manager")
    asked = client_for(alpha, boss).post(INVITATIONS, {"email": "c@example.test", "role": roles["door"]}).json()["id"]
    with in_tenant(alpha):
        services.remove_member(membership_of(alpha, boss), actor=None)
    assert owner.post(f"{INVITATIONS}{asked}/resend/").status_code == 200
    theirs = client_for(alpha, make_user("c@example.test"))
    assert theirs.post(ACCEPT, {"token": newest_token(alpha)}).status_code == 200


def test_nobody_invites_to_more_than_they_hold(alpha, client_for, roles):
    manager = client_for(alpha, member(alpha, "manager"))
    assert code(manager.post(INVITATIONS, {"email": "d@example.test", "role": roles["owner"]})) == (
        403,
        "more_than_held",
    )
    with in_tenant(alpha):
        event = make_event()
        less = services.preset_role("door")
        less.permissions = ["check_in", "manage_staff"]
        less.save()
    lesser = client_for(alpha, member(alpha, "door"))
    body = {"email": "d@example.test", "event": event.slug, "permissions": ["refund_orders"]}
    assert code(lesser.post(INVITATIONS, body)) == (403, "more_than_held")
    with in_tenant(alpha):
        assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "nobody"},
        {"email": "a@example.test"},
        {"email": "a@example.test", "role": 987654},
        {"email": "a@example.test", "event": "no-such-event", "permissions": ["check_in"]},
        {"email": "a@example.test", "event": "{event}"},
        {"email": "a@example.test", "event": "{event}", "permissions": []},
        {"email": "a@example.test", "event": "{event}", "permissions": ["manage_staff"]},
        {"email": "a@example.test", "event": "{event}", "role": 1, "permissions": ["check_in"]},
        {"email": "a@example.test\r\nBcc: x@example.test", "role": 1},
    ],
)
def test_bad_invitations_are_refused(alpha, owner, body):
    with in_tenant(alpha):
        slug = make_event().slug
    body = {name: slug if value == "{event}" else value for name, value in body.items()}
    assert owner.post(INVITATIONS, body).status_code == 400
    with in_tenant(alpha):
        assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "token", ["", "x", "1-", "1-" + "0" * 64, "9" * 30 + "-" + "a" * 64, "1-" + "G" * 64, "☃" * 60]
)
def test_a_made_up_token_opens_nothing(alpha, owner, client_for, roles, token):
    owner.post(INVITATIONS, {"email": "e@example.test", "role": roles["door"]})
    answer = client_for(alpha, make_user("e@example.test")).post(ACCEPT, {"token": token})
    assert answer.status_code == 400


def test_a_letter_of_one_tenant_opens_nothing_at_another(alpha, beta, owner, client_for, roles):
    with in_tenant(beta):
        invite("f@example.test", services.preset_role("door"), actor=owner_of(beta))
        Invitation.objects.update(id=77)
    with in_tenant(alpha):
        invite("f@example.test", services.preset_role("door"), actor=owner_of(alpha))
        Invitation.objects.update(id=77, nonce="same")
    with in_tenant(beta):
        Invitation.objects.update(nonce="same")
    theirs = client_for(alpha, make_user("f@example.test"))
    assert code(theirs.post(ACCEPT, {"token": newest_token(beta)})) == (400, "invitation_invalid")
    assert theirs.post(ACCEPT, {"token": newest_token(alpha)}).status_code == 200


def test_an_invitation_to_an_event_that_is_gone_is_void(alpha, owner, client_for):
    with in_tenant(alpha):
        event = make_event()
    owner.post(INVITATIONS, {"email": "g@example.test", "event": event.slug, "permissions": ["check_in"]})
    token = newest_token(alpha)
    with in_tenant(alpha):
        event.delete()
    assert code(client_for(alpha, make_user("g@example.test")).post(ACCEPT, {"token": token})) == (
        400,
        "invitation_invalid",
    )


def test_nobody_is_written_to_all_the_time(owner, roles):
    for _number in range(2):
        asked = owner.post(INVITATIONS, {"email": "h@example.test", "role": roles["door"]}).json()["id"]
        assert owner.post(f"{INVITATIONS}{asked}/resend/").status_code == 200
        assert owner.delete(f"{INVITATIONS}{asked}/").status_code == 204
    asked = owner.post(INVITATIONS, {"email": "h@example.test", "role": roles["door"]}).json()["id"]
    refused = owner.post(f"{INVITATIONS}{asked}/resend/")
    assert code(refused) == (429, "rate_limited") and int(refused["Retry-After"]) > 0


def test_a_program_that_manages_staff_invites_within_its_scopes(alpha, client_for, roles):
    with in_tenant(alpha):
        key, text = keys.make_key(name="HR", scopes=["manage_staff", "check_in"], actor=owner_of(alpha))
    program = client_for(alpha)
    program.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    assert code(program.post(INVITATIONS, {"email": "i@example.test", "role": roles["manager"]})) == (
        403,
        "more_than_held",
    )
    assert program.post(INVITATIONS, {"email": "i@example.test", "role": roles["door"]}).status_code == 201
    token = newest_token(alpha)
    theirs = client_for(alpha, make_user("i@example.test"))
    with in_tenant(alpha):
        keys.revoke(key, actor=owner_of(alpha))
    assert code(theirs.post(ACCEPT, {"token": token})) == (409, "invitation_lapsed")


def test_an_erased_person_is_invited_nowhere_and_named_nowhere(alpha, owner, client_for, roles):
    from shared_apps.core.personal import Person, holdings

    person = make_user("gone@example.test")
    owner.post(INVITATIONS, {"email": "gone@example.test", "role": roles["door"]})
    token = newest_token(alpha)
    other = owner.post(INVITATIONS, {"email": "stays@example.test", "role": roles["door"]}).json()["id"]
    who = Person(user_id=person.pk, email="gone@example.test", alias="erased-1@erased.invalid")
    (held,) = [each for each in holdings({"staff"}) if each.title == "staff_invitations"]
    with in_tenant(alpha):
        assert [row["email"] for row in held.export(who)] == ["gone@example.test"]
        assert held.locate(who)["addresses"] == {"gone@example.test"}
        assert held.erase(who) == 1
        assert held.erase(who) == 0
        assert set(Invitation.objects.values_list("email", flat=True)) == {who.alias, "stays@example.test"}
    assert code(client_for(alpha, person).post(ACCEPT, {"token": token})) == (400, "invitation_invalid")
    assert owner.get(f"{INVITATIONS}{other}/").json()["state"] == "pending"
