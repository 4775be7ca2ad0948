"""How people come to an event or onto the staff: by a grant at once, or by accepting an invitation."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from shared_apps.accounts.models import User
from tenant_apps.events.grants import grant
from tenant_apps.events.models import Event
from tenant_apps.staff import invitations
from tenant_apps.staff.errors import InvitationInvalid, InvitationLapsed
from tenant_apps.staff.models import Invitation
from tenant_apps.staff.permissions import permissions_on


def grant_or_invite(email: str, event: Event, permissions: Iterable[str], *, actor: Any) -> User | Invitation:
    """Give a person who works here already these rights on the event; invite everybody else to it."""
    here = invitations.person_here(email)
    if here is None:
        return invitations.invite_to_event(email, event, permissions, actor=actor)
    with transaction.atomic():
        for permission in sorted(set(permissions)):
            grant(event, here, permission, actor=actor)
    return here


@transaction.atomic
def accept(token: str, user: User) -> Invitation:
    """Give the person what the letter promised, as far as whoever invited them may still give it (I4).

    Raises InvitationInvalid, InvitationForOther, InvitationLapsed if nothing is left to give, AlreadyMember.
    """
    invitation = invitations.claim(token, user)
    if invitation.event_id is None:
        membership = invitations.join(invitation, user)
        invitations.close(invitation, user, details={"member": membership.pk})
        return invitation
    given = _grant_on_event(invitation, user)
    invitations.close(invitation, user, details={"given": given})
    return invitation


def _grant_on_event(invitation: Invitation, user: User) -> list[str]:
    event = Event.objects.filter(pk=invitation.event_id or 0).first()
    if event is None:
        raise InvitationInvalid(field="token")
    inviter: Any = invitations.inviter_of(invitation)
    given = list(invitation.permissions)
    if inviter is not None:
        given = sorted(set(given) & permissions_on(inviter, event))
    if not given:
        raise InvitationLapsed
    for permission in given:
        grant(event, user, permission, actor=inviter)
    return given
