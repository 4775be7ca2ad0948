"""What of the staff a plan limits."""

from shared_apps.billing.limits import counted_by
from tenant_apps.staff.models import Invitation, Membership


def staff() -> int:
    """Members, and those who may still accept an invitation to be one. Who helps at single events is none."""
    return Membership.objects.count() + Invitation.objects.pending().filter(event_id=None).count()


counted_by("staff", staff)
