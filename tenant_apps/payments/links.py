"""Where buyers come back to from a provider, and what the provider shows them."""

from django.urls import reverse
from django.utils.translation import gettext as _

from tenant_apps.payments.models import Payment
from tenants.context import current_tenant
from tenants.links import url


def back(payment: Payment) -> str:
    """The page that asks the provider how it went and then shows the order; on the tenant's own host (N1)."""
    order = payment.order
    path = reverse("storefront-pay-back", args=[order.code, order.secret], urlconf="platform_config.urls_tenant")
    return url(current_tenant(), f"{path}?payment={payment.pk}")


def title(payment: Payment) -> str:
    """What is paid for, in words for a bank statement or a payment page."""
    return _("{tenant}: order {code}").format(tenant=current_tenant().name, code=payment.order.code)[:120]
