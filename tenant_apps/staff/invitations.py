"""Invitations: how people who are not here yet come onto the staff, or to one event.

Whoever is not here is always invited, known to the platform or not, so that nobody learns who has an account.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from shared_apps.accounts.models import User, small_letters
from shared_apps.billing import limits as plan_limits
from shared_apps.core import limits
from shared_apps.core.codes import unguessable_secret
from shared_apps.core.errors import FieldError, InvalidInput, NotFound, TooManyRequests
from shared_apps.core.schemas import present_schema
from tenant_apps.activity.services import before_and_after, made, record
from tenant_apps.staff.actors import KeyActor, actor_by_id, person_of
from tenant_apps.staff.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationClosed,
    InvitationForOther,
    InvitationInvalid,
    InvitationLapsed,
    MoreThanHeld,
)
from tenant_apps.staff.models import Invitation, Membership, Role
from tenant_apps.staff.permissions import event_model, grants_model, permissions_of, permissions_on
from tenant_apps.staff.presets import EVENT_PERMISSIONS, PERMISSIONS
from tenant_apps.staff.services import add_member, locked_role, within_own_rights

LIVES = timedelta(days=7)
# Letters to strangers in the tenant's name: as many as a large staff needs, too few for a mass mailing.
MOST_AN_HOUR, MOST_TO_ONE_AN_HOUR, HOUR = 200, 5, 3600
_TOKEN = re.compile(r"([0-9]{1,18})-([0-9a-f]{64})")


def is_member(user: User) -> bool:
    return Membership.objects.filter(user_id=user.pk).exists()


def person_here(email: str) -> User | None:
    """Return the person with this address if they work here already: a member, or with a grant on some event."""
    user = User.objects.by_email(email)
    # The same statements for a stranger's address: time must not tell who has an account either (I7).
    pk = user.pk if user is not None and user.is_active else 0
    member = Membership.objects.filter(user_id=pk).exists()
    granted = grants_model()._default_manager.filter(user_id=pk).exists()
    return user if member or granted else None


def add_or_invite(email: str, role: Role, *, actor: Any) -> Membership | Invitation:
    """Give the role to a person who works here already by a grant; invite everybody else."""
    here = person_here(email)
    if here is not None and not is_member(here):
        with transaction.atomic():
            plan_limits.require("staff")
            return add_member(here, role, actor=actor)
    return invite(email, role, actor=actor)


def invite(email: str, role: Role, *, actor: Any) -> Invitation:
    """Invite somebody to the staff. Raises AlreadyMember, AlreadyInvited, MoreThanHeld, LimitReached."""
    _count(email)
    here = person_here(email)
    if here is not None and is_member(here):
        raise AlreadyMember(field="email")
    with transaction.atomic():
        role = locked_role(role.pk)
        within_own_rights(actor, role.rights)
        if not _is_open(email):
            plan_limits.require("staff")
        return _open(Invitation(email=small_letters(email), role=role), actor)


def invite_to_event(email: str, event: Any, permissions: Iterable[str], *, actor: Any) -> Invitation:
    """Invite somebody to one event and nothing else. Raises AlreadyInvited, MoreThanHeld, InvalidInput."""
    _count(email)
    wanted = sorted(set(permissions))
    if not wanted or set(wanted) - EVENT_PERMISSIONS.keys():
        message = _("This cannot be granted on an event.")
        raise InvalidInput(errors=[FieldError("permissions", "not_grantable", message)])
    _within_rights_on(actor, event, wanted)
    with transaction.atomic():
        return _open(Invitation(email=small_letters(email), event_id=event.pk, permissions=wanted), actor)


def _is_open(email: str) -> bool:
    """True if this address was invited and may still come: another letter is refused in words of its own."""
    return Invitation.objects.pending().for_same(small_letters(email), None).exists()


def _open(invitation: Invitation, actor: Any) -> Invitation:
    """Write the row and leave word for the letter. One that was never answered in time makes room."""
    now = timezone.now()
    earlier = Invitation.objects.unanswered().for_same(invitation.email, invitation.event_id)
    earlier.filter(expires_at__lte=now).update(revoked_at=now)
    invitation.expires_at = now + LIVES
    _sign(invitation, actor)
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError:
        raise AlreadyInvited(field="email") from None
    described = _described(invitation)
    record("staff.invited", invitation, actor=actor, details={**described, **made(**described)})
    return invitation


@transaction.atomic
def resend(invitation: Invitation, *, actor: Any) -> Invitation:
    """Send a new letter, good for another week; the link in the old one is void.

    Whoever sends it again answers for it from now on, and must hold what it gives. Raises InvitationClosed.
    """
    _count(invitation.email)
    invitation = _locked(invitation.pk)
    if invitation.state in ("accepted", "revoked"):
        raise InvitationClosed
    if invitation.role is not None:
        within_own_rights(actor, invitation.role.rights)
        if invitation.state == "expired":
            plan_limits.require("staff")
    elif invitation.event_id is not None:
        event = event_model()._default_manager.filter(pk=invitation.event_id).first()
        if event is None:
            raise InvitationClosed
        _within_rights_on(actor, event, invitation.permissions)
    _sign(invitation, actor)
    invitation.nonce, expired = unguessable_secret(), invitation.expires_at
    invitation.expires_at = timezone.now() + LIVES
    invitation.save(update_fields=["nonce", "expires_at", "invited_by", "api_key", "modified_at"])
    later = before_and_after({"expires_at": expired}, {"expires_at": invitation.expires_at})
    record("staff.invited", invitation, actor=actor, details={**_described(invitation), "again": True, **later})
    return invitation


@transaction.atomic
def revoke(invitation: Invitation, *, actor: Any) -> None:
    """Take the invitation back; its link is void at once. Raises InvitationClosed if it was accepted."""
    invitation = _locked(invitation.pk)
    if invitation.state == "accepted":
        raise InvitationClosed
    if invitation.revoked_at is None:
        before = invitation.state
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at", "modified_at"])
        change = before_and_after({"state": before}, {"state": "revoked"})
        record("staff.uninvited", invitation, actor=actor, details={**_described(invitation), **change})


# --- The letter's token, and accepting ----------------------------------------------------------------------------


def token_of(invitation: Invitation) -> str:
    """Return what the letter's link carries: the row and 256 bits that only we can derive, for this tenant only."""
    given = f"{present_schema()}:{invitation.pk}:{invitation.nonce}"
    return f"{invitation.pk}-{salted_hmac('staff.invitation', given, algorithm='sha256').hexdigest()}"


def by_token(token: str) -> Invitation:
    """Return the pending invitation of a letter. Raises InvitationInvalid for whatever is amiss."""
    found = _TOKEN.fullmatch(token)
    invitation = Invitation.objects.pending().filter(pk=int(found[1])).first() if found else None
    if invitation is None or not constant_time_compare(token_of(invitation), token):
        raise InvitationInvalid(field="token")
    return invitation


def claim(token: str, user: User) -> Invitation:
    """Lock the letter's invitation for its reader, inside their transaction. What it gives is given by the caller.

    Raises InvitationInvalid, and InvitationForOther unless the address is theirs and confirmed.
    """
    locked = _locked(by_token(token).pk)
    if locked.state != "pending":
        raise InvitationInvalid(field="token")
    if small_letters(user.email) != locked.email or not user.email_verified:
        raise InvitationForOther
    return locked


def close(invitation: Invitation, user: User, *, details: dict[str, Any]) -> None:
    """Note that it was accepted: it is good once."""
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by", "modified_at"])
    change = before_and_after({"state": "pending"}, {"state": "accepted"})
    record("staff.accepted", invitation, actor=user, details={**_described(invitation), **change, **details})


def inviter_of(invitation: Invitation) -> Any:
    """Return who invited, as they are now. Raises InvitationLapsed if that is nobody any more who may invite."""
    if invitation.api_key_id is None and invitation.invited_by_id is None:
        return None  # the platform
    pk = invitation.invited_by_id if invitation.api_key_id is None else -invitation.api_key_id
    inviter = actor_by_id(pk)
    if inviter is None or "manage_staff" not in permissions_of(inviter):
        raise InvitationLapsed
    return inviter


def join(invitation: Invitation, user: User) -> Membership:
    """Give the reader of an invitation to the staff its role, if the inviter could still give it."""
    if invitation.role is None:
        raise InvitationInvalid(field="token")
    try:
        return add_member(user, invitation.role, actor=inviter_of(invitation))
    except MoreThanHeld:
        raise InvitationLapsed from None


def _sign(invitation: Invitation, actor: Any) -> None:
    invitation.api_key = actor.key if isinstance(actor, KeyActor) else None
    invitation.invited_by = person_of(actor)


def _within_rights_on(actor: Any, event: Any, permissions: list[str]) -> None:
    if actor is None:
        return
    missing = sorted(set(permissions) - permissions_on(actor, event))
    if missing:
        raise MoreThanHeld(missing=", ".join(str(PERMISSIONS[name]) for name in missing))


def _count(email: str) -> None:
    """Keep the tenant from writing to everybody, and anybody from being written to all the time (I8)."""
    kept = [
        limits.hit(f"invitations:{present_schema()}", MOST_AN_HOUR, HOUR),
        limits.hit(f"invitations:{present_schema()}:{small_letters(email)}", MOST_TO_ONE_AN_HOUR, HOUR),
    ]
    if not all(each.allowed for each in kept):
        raise TooManyRequests(retry_after=max(each.reset_after for each in kept if not each.allowed))


def _described(invitation: Invitation) -> dict[str, Any]:
    if invitation.event_id is not None:
        return {"email": invitation.email, "event": invitation.event_id, "permissions": invitation.permissions}
    return {"email": invitation.email, "role": invitation.role.name if invitation.role else None}


def _locked(pk: int) -> Invitation:
    found = Invitation.objects.select_for_update(of=("self",)).select_related("role").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
