"""The refusals of the tenants package."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, DomainError, InvalidInput
from tenants.models import SLUG_HINT


class TenantMissing(LookupError):
    """No such tenant, or its schema is gone. A fault, not a refusal: code never goes on in public instead (G2)."""


class NotInTenant(RuntimeError):
    """Code that needs a tenant ran in the public schema."""


class _SlugRefused(DomainError):
    """A slug that cannot be had; `suggestions` are free ones."""

    def __init__(self, message: Any = None, *, suggestions: Sequence[str] = (), **facts: Any):
        facts.setdefault("field", "slug")
        super().__init__(message, **facts)
        self.suggestions = list(suggestions)


class SlugInvalid(_SlugRefused, InvalidInput):
    code = "slug_invalid"
    message = SLUG_HINT


class SlugReserved(_SlugRefused, InvalidInput):
    code = "slug_reserved"
    message = _("This address is reserved.")


class SlugTaken(_SlugRefused, Conflict):
    code = "slug_taken"
    message = _("This address is taken.")


class SlugLooksAlike(_SlugRefused, Conflict):
    code = "slug_looks_alike"
    message = _("This address looks too much like another one.")


class TenantSuspended(DomainError):
    code, status = "tenant_suspended", 403
    message = _("This organizer is suspended.")


class TenantClosing(DomainError):
    code, status = "tenant_closing", 403
    message = _("This organizer is closing its site.")


class TenantNotReady(DomainError):
    code, status, retry_after = "tenant_not_ready", 503, 5
    message = _("This site is being prepared. Please try again in a moment.")


class HostUnknown(DomainError):
    code, status = "not_found", 404
    message = _("There is no site at this address.")


class TooManyRenames(Conflict):
    """Each name that is given up is kept from others for good (N5), so nobody goes through them one after the other."""

    code = "too_many_renames"
    message = _("The address was changed {most} times in 30 days. Please wait before you change it again.")


class DomainInvalid(InvalidInput):
    code = "domain_invalid"

    def __init__(self, message: Any = None, **facts: Any):
        super().__init__(message, **{"field": "domain", **facts})


class DomainClaimed(Conflict):
    code = "domain_claimed"
    message = _("This domain is on your list already.")


class TooManyDomains(Conflict):
    code = "too_many_domains"
    message = _("More than {most} domains are not possible. Please remove one first.")


class DomainNotProved(Conflict):
    code = "domain_not_proved"
    message = _("Show by DNS first that this domain is yours.")


class DomainLeadsNowhere(Conflict):
    code = "domain_leads_nowhere"
    message = _("DNS has no address for this domain yet: visitors would find nothing. Set the CNAME record first.")
