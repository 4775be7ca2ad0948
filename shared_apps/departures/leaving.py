"""What an owner does about the site as a whole: pause, go on, close with days of grace, take that back."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from shared_apps.accounts import limits, trail
from shared_apps.accounts.errors import WrongPassword
from shared_apps.departures import hindrances, letters
from shared_apps.departures.errors import NotThisOne
from shared_apps.departures.models import DepartureLetter
from tenants import provisioning
from tenants.context import in_public
from tenants.models import Tenant

# So long before the end a second letter reminds of it.
REMINDED = timedelta(days=5)
OWNER = Tenant.Cause.OWNER
_SERVING = (Tenant.Status.OPEN, Tenant.Status.SUSPENDED)


def pause(tenant: Tenant, *, reason: str = "") -> Tenant:
    """Stop serving for as long as the owner wishes."""
    return provisioning.suspend(tenant, cause=OWNER, reason=reason)


def go_on(tenant: Tenant) -> Tenant:
    """End a pause. What the platform or an unpaid invoice set stays."""
    return provisioning.resume(tenant, cause=OWNER)


def close(tenant: Tenant, *, actor: Any, password: str, slug: str, reason: str = "") -> Tenant:
    """Begin to close, by an owner who proves who they are and which site they mean.

    Raises NotThisOne, WrongPassword, WrongState for what is closed already, and what `hindrances` raise: of a site
    that serves, or that its owner can have serve again to bring it to an end.
    """
    if slug.strip().lower() != tenant.slug:
        raise NotThisOne(field="slug", slug=tenant.slug)
    with in_public():
        counted = limits.count("password_check", f"user:{actor.pk}")
        if not actor.check_password(password):
            trail.note_refusal("proof.refused", user_id=actor.pk, code=WrongPassword.code)
            raise WrongPassword(field="password")
        limits.take_back(counted)
        if tenant.status in _SERVING and set(tenant.suspensions) <= {OWNER}:
            hindrances.ask_all(tenant)
        tenant = provisioning.begin_closing(tenant, reason=reason)
        _tell(tenant)
    return tenant


def stay(tenant: Tenant) -> Tenant:
    """Take a closing back, with the letters that were still to come."""
    with in_public():
        tenant = provisioning.stay_open(tenant)
        letters.take_back(tenant, DepartureLetter.Kind.CLOSING)
        letters.take_back(tenant, DepartureLetter.Kind.SOON)
    return tenant


def _tell(tenant: Tenant) -> None:
    assert tenant.closes_at is not None
    about = tenant.closes_at.isoformat()
    letters.write(tenant, DepartureLetter.Kind.CLOSING, about)
    if tenant.closes_at - REMINDED > timezone.now():
        letters.write(tenant, DepartureLetter.Kind.SOON, about, due_at=tenant.closes_at - REMINDED)
