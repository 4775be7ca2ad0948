"""The one flow that needs a person and a tenant together."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts import services as accounts
from shared_apps.accounts.models import EmailCode
from shared_apps.accounts.services import Visit
from shared_apps.billing import limits, plans
from shared_apps.core.addresses import network_of
from shared_apps.core.errors import Forbidden, TooManyRequests
from shared_apps.people import agreements
from shared_apps.signup import guard
from tenants.errors import SlugTaken
from tenants.models import Tenant
from tenants.provisioning import open_tenant
from tenants.slugs import check_free

# A schema is not free; more than these a person asks the platform for.
MOST_TENANTS = 10
# Pressing twice opens one: so long the second press is taken for the first.
PRESSED_TWICE = timedelta(minutes=10)


class EmailNotConfirmed(Forbidden):
    code = "email_not_verified"
    message = _("Please confirm your email address first.")


class TooManyTenants(TooManyRequests):
    code, status = "too_many_tenants", 409
    message = _("You have {limit} organizers already. Please write to us if you need more.")


def open_for(
    user: Any,
    *,
    address: str | None = None,
    sample_content: bool = False,
    agreed: Collection[int] = (),
    **fields: Any,
) -> Tenant:
    """Open a tenant owned by this person, with examples in it if wanted. `agreed` are the ids of the platform's texts
    that they agree to, which is kept before anything is opened (`people.agreements`).

    `address` is the network address that asks, for the limits. Raises EmailNotConfirmed, TooManyTenants,
    TooManyRequests, and what `open_tenant` raises.
    """
    if not user.email_verified:
        raise EmailNotConfirmed
    if Tenant.objects.filter(owner=user).exclude(status=Tenant.Status.CLOSED).count() >= MOST_TENANTS:
        raise TooManyTenants(limit=MOST_TENANTS)
    guard.count("open_person", str(user.pk))
    guard.count("open_source", network_of(address))
    agreements.agree(user, agreed, address=address)
    wishes = {"sample_content": True} if sample_content else {}
    tenant = open_tenant(owner=user, preferences=wishes, **fields)
    limits.refresh(tenant)
    return tenant


def first_page(plan_slug: str) -> str:
    """Return where a new owner begins: with the card, if a plan was asked for that costs something; else with the
    first steps. A plan that is not on sale (any more) is the free one."""
    plan = plans.named(plan_slug) if plan_slug else None
    if plan is None or plan.is_free:
        return "/dashboard/"
    return reverse("dashboard-subscription-plan", urlconf=settings.ROOT_URLCONF, args=[plan.slug])


def open_once(user: Any, **fields: Any) -> Tenant:
    """The same for a page: whoever presses twice gets the one that the first press opened, or is opening."""
    try:
        return open_for(user, **fields)
    except SlugTaken:
        recent = timezone.now() - PRESSED_TWICE
        mine = Tenant.objects.filter(owner=user, slug=fields.get("slug", ""), created_at__gte=recent)
        found = mine.filter(status__in=(Tenant.Status.OPEN, Tenant.Status.OPENING)).first()
        if found is None:
            raise
        return found


def begin(email: str, password: str, *, slug: str, visit: Visit) -> EmailCode:
    """Ask for the account that a tenant is to be opened for. Nothing of either is there before the code comes back.

    Raises what `check_free` and `accounts.services.register` raise; the answer does not tell whether there is an
    account of that address (I7).
    """
    guard.count("page_source", network_of(visit.address))
    check_free(slug)
    return accounts.register(email, password, visit=visit, field="password")


def tenants_of(user: Any) -> Any:
    """Return the tenants that the person owns, newest first, with their hosts."""
    return Tenant.objects.filter(owner=user).exclude(status=Tenant.Status.CLOSED).with_host().order_by("-created_at")
