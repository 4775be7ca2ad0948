"""People with a place on the staff, and the letters that bring them there."""

from tenant_apps.staff import services
from tenant_apps.staff.invitations import token_of
from tenant_apps.staff.models import Invitation, Membership
from tenants.context import in_tenant
from tests.factories import make_user


def member(tenant, preset, **fields):
    """A person with a ready-made role."""
    user = make_user(**fields)
    with in_tenant(tenant):
        services.add_member(user, services.preset_role(preset), actor=None)
    return user


def membership_of(tenant, user):
    with in_tenant(tenant):
        return Membership.objects.select_related("role").get(user_id=user.pk)


def newest_token(tenant):
    """The token of the last invitation's letter."""
    with in_tenant(tenant):
        return token_of(Invitation.objects.order_by("pk").last())
