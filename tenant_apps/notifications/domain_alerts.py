"""Word for staff of domains whose proof is missing, and of those that were dropped for it."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.clock import local
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.staff_alerts import alert
from tenant_apps.notifications.topics import EMAIL, FEED, PUSH, Topic, register
from tenants import domains
from tenants.context import current_tenant, in_public
from tenants.models import Domain, DomainClaim

PAGE = "/dashboard/settings/address/"

FAILING = register(
    Topic(
        "staff.domain_failing", _("Staff: the proof of a domain is missing"), (EMAIL, PUSH, FEED), urgent=True,
        staff=True, placeholders=("domain", "until"),
        samples={"domain": "tickets.example.org"},
        title=_("DNS does not show any more that {domain} is yours"),
        body=_("Put the record back. If it is not there until {until}, the domain leads nowhere any more."),
    )
)  # fmt: skip
LOST = register(
    Topic(
        "staff.domain_lost", _("Staff: a domain was dropped"), (EMAIL, PUSH, FEED), urgent=True, staff=True,
        placeholders=("domain",),
        samples={"domain": "tickets.example.org"},
        title=_("{domain} leads to your site no more"),
        body=_("DNS does not show that the domain is yours. Your site is found at its subdomain."),
    )
)  # fmt: skip


@subscribe("domain.failing")
def tell_of_failing(message: OutboxMessage) -> None:
    """Tell who looks after the settings until when the record has to be back. Not if it is."""
    here = current_tenant()
    domain = str(message.payload.get("domain", ""))
    with in_public():
        claim = DomainClaim.objects.filter(tenant=here, domain=domain, state=DomainClaim.State.FAILING).first()
    if claim is not None and claim.failing_since is not None:
        until = local(claim.failing_since + domains.GRACE, here.timezone)
        values = {"domain": domain, "until": f"{until:%Y-%m-%d %H:%M}"}
        alert(FAILING, message, "manage_settings", values, url=PAGE)


@subscribe("domain.lost")
def tell_of_lost(message: OutboxMessage) -> None:
    """Tell who looks after the settings that a host leads nowhere. Not if it does again."""
    here = current_tenant()
    domain = str(message.payload.get("domain", ""))
    with in_public():
        leads = Domain.objects.proved().filter(tenant=here, domain=domain).exists()
    if not leads:
        alert(LOST, message, "manage_settings", {"domain": domain}, url=PAGE)
