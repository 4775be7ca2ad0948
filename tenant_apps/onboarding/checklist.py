"""What a new tenant has still to do before it sells: reckoned from what is there, so nothing can be ticked by hand."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from tenant_apps.catalog.models import DeliveryMethod, Product
from tenant_apps.events.models import Event
from tenant_apps.onboarding.sample import PREFIX
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import ProviderAccount
from tenant_apps.staff.models import Invitation, Membership, Role
from tenants.context import current_tenant
from tenants.models import Tenant
from tenants.preferences import preference

SHOWN, MAILS = "onboarding_checklist", "onboarding_mails"
_COLOUR = Tenant._meta.get_field("colour").default


@dataclass(frozen=True)
class Step:
    """One thing to do: what it is called in addresses and programs, what people read, and where it is done.

    An optional one does not keep the list open.
    """

    name: str
    label: str
    url: str
    done: bool
    optional: bool = False


@dataclass(frozen=True)
class Checklist:
    steps: tuple[Step, ...]

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def is_complete(self) -> bool:
        return all(step.done or step.optional for step in self.steps)

    @property
    def has_sold(self) -> bool:
        return self.is_done("sale")

    def is_done(self, name: str) -> bool:
        """Whether that step is done; what is no step of this tenant's is nothing to do."""
        return all(step.done for step in self.steps if step.name == name)


def is_shown(tenant: Tenant) -> bool:
    """Whether the dashboard shows the list, as long as it is not complete."""
    return bool(preference(tenant, SHOWN))


def checklist() -> Checklist:
    """Return the present tenant's list; one statement. Examples do not count as one's own."""
    tenant = current_tenant()
    own = Event.objects.exclude(external_id__startswith=PREFIX)
    goods = Product.objects.exclude(external_id__startswith=PREFIX)
    sold = Order.objects.filter(status=Order.Status.PAID)
    there = _which(
        {
            "event": own,
            "published": own.exclude(status=Event.Status.DRAFT),
            "goods": goods,
            "goods_published": goods.filter(published=True),
            "delivery": DeliveryMethod.objects.all(),
            "account": ProviderAccount.objects.filter(enabled=True),
            "team": Membership.objects.all()[1:],
            "invited": Invitation.objects.all(),
            "sold": sold,
            "paid": sold.filter(total_minor__gt=0),
        }
    )
    looks = bool(tenant.logo or tenant.tagline or tenant.colour != _COLOUR)
    pays = there["account"] or there["paid"] or bool(preference(tenant, "bank_transfer_details"))
    helped = there["team"] or there["invited"]
    site = _step("looks", _("Give your site its colour, tagline and logo"), "dashboard-settings", looks, optional=True)
    rest = (
        _step("payments", _("Say how buyers pay you"), "dashboard-payment-accounts", pays),
        _step("team", _("Invite those who help you"), "dashboard-staff", helped, optional=True),
        Step("sale", _("Sell something for the first time"), "/", there["sold"]),
    )
    if tenant.kind == Tenant.Kind.RETAIL:
        goods_in = _step("goods", _("Put your first goods in"), "dashboard-product-new", there["goods"])
        on_sale = _step("publish", _("Put them on sale"), "dashboard-products", there["goods_published"])
        delivery = _step("delivery", _("Say how goods reach people"), "dashboard-delivery", there["delivery"])
        return Checklist((site, goods_in, on_sale, delivery, *rest))
    event = _step("event", _("Make your first event"), "dashboard-event-new", there["event"])
    publish = _step("publish", _("Publish it"), "dashboard-events", there["published"])
    return Checklist((site, event, publish, *rest))


def _step(name: str, label: str, page: str, done: bool, *, optional: bool = False) -> Step:
    return Step(name, label, reverse(page), done, optional)


def _which(questions: dict[str, QuerySet[Any]]) -> dict[str, bool]:
    """Return which of the querysets hold anything, asked in one statement."""
    asked = {f"has_{name}": Exists(rows) for name, rows in questions.items()}
    found: Any = _one_row().annotate(**asked).values(*asked).get()
    return {name: found[f"has_{name}"] for name in questions}


def _one_row() -> QuerySet[Any]:
    """A row that is always there, to ask from: the owner's role."""
    return Role.objects.order_by("pk")[:1]
