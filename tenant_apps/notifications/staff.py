"""Letters to people who are invited to work here."""

from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from shared_apps.accounts.models import User
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.notifications.channels import email
from tenant_apps.staff.invitations import token_of
from tenant_apps.staff.models import Invitation
from tenant_apps.staff.presets import EVENT_PERMISSIONS
from tenants import links
from tenants.context import current_tenant


@subscribe("staff.invited")
def send_invitation(message: OutboxMessage) -> None:
    """Mail the link of an invitation that still waits for its answer; only this mail holds its token."""
    if email.was_sent(message):
        return
    found = Invitation.objects.pending().select_related("role", "invited_by")
    invitation = found.filter(pk=message.aggregate.partition(":")[2]).first()
    if invitation is None:
        return
    event = Event.objects.select_related("venue").filter(pk=invitation.event_id).first()
    if event is None and invitation.role is None:
        return
    tenant = current_tenant()
    with translation.override(_language(invitation, tenant.language)):
        what = event.title if event else tenant.name
        mail = email.compose(
            "notifications/staff_invited",
            {
                "invitation": invitation,
                "inviter": invitation.invited_by.display_name if invitation.invited_by else tenant.name,
                "event": event,
                "permissions": [str(EVENT_PERMISSIONS[name]) for name in invitation.permissions],
                "accept_url": links.url(tenant, f"/invitations/{token_of(invitation)}/"),
                "home_url": links.url(tenant, "/"),
            },
            tenant=tenant,
            subject=_("You are invited to work on %(what)s") % {"what": what},
            to=invitation.email,
        )
    email.send_once(message, mail)


def _language(invitation: Invitation, usual: str) -> str:
    """The reader's own language, if they have an account and chose one; else the tenant's."""
    reader = User.objects.by_email(invitation.email)
    offered: Any = dict(settings.LANGUAGES)
    return next((one for one in ((reader.language if reader else ""), usual) if one in offered), "en")
