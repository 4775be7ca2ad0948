"""Letters to people who are invited to work here."""

from shared_apps.accounts.models import User
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.notifications.channels import email
from tenant_apps.notifications.sending import tell
from tenant_apps.notifications.topics import Recipient, Text, topic
from tenant_apps.notifications.wording import known_language
from tenant_apps.staff.invitations import token_of
from tenant_apps.staff.models import Invitation
from tenant_apps.staff.presets import EVENT_PERMISSIONS
from tenants import links
from tenants.context import current_tenant


@subscribe("staff.invited")
def send_invitation(message: OutboxMessage) -> None:
    """Mail the link of an invitation that still waits for its answer; only this mail holds its token."""
    found = Invitation.objects.pending().select_related("role", "invited_by")
    invitation = found.filter(pk=message.aggregate.partition(":")[2]).first()
    if invitation is None:
        return
    event = Event.objects.select_related("venue").filter(pk=invitation.event_id).first()
    if event is None and invitation.role is None:
        return
    tenant = current_tenant()
    inviter = invitation.invited_by.display_name if invitation.invited_by else tenant.name
    to = Recipient(email=invitation.email, language=_language(invitation, tenant.language))

    def mail(text: Text) -> email.Mail:
        context = {
            "invitation": invitation,
            "inviter": inviter,
            "event": event,
            "permissions": [str(EVENT_PERMISSIONS[name]) for name in invitation.permissions],
            "accept_url": links.url(tenant, f"/invitations/{token_of(invitation)}/"),
        }
        return email.compose(
            "notifications/staff_invited", context, tenant=tenant, text=text, topic=topic("staff.invited"), to=to
        )

    tell(message, "staff.invited", to, {"what": event.title if event else tenant.name, "who": inviter}, mail=mail)


def _language(invitation: Invitation, usual: str) -> str:
    """The reader's own language, if they have an account and chose one; else the tenant's."""
    reader = User.objects.by_email(invitation.email)
    return known_language(reader.language if reader else "", usual)
