"""The end of a tenant's subscription when the tenant is erased: nobody is charged for what is not there (N6).

Our row goes with the tenant's other rows, and with it all that knows of the subscription. So it is ended at Stripe
before; while Stripe does not answer the row stays, and the erasure comes again.
"""

import logging
from typing import Any

from shared_apps.billing import gateway, standing
from shared_apps.billing.errors import StripeRefused
from shared_apps.billing.models import Subscription
from shared_apps.departures.farewells import farewell
from tenants.context import in_public
from tenants.models import Tenant

logger = logging.getLogger(__name__)


def end_for_good(tenant: Tenant) -> dict[str, Any]:
    """End whatever of the tenant's would go on charging, an open page for a card too; return how many. Twice is once.

    Must not run inside a transaction (O3). Raises BillingUnavailable.
    """
    with in_public():
        row = Subscription.objects.filter(tenant=tenant).first()
        if row is None or not row.stripe_customer:
            return {"ended": 0}
        if not gateway.is_on():
            # The platform gave its account up: nothing is charged by it, and there is nobody to ask.
            logger.error("subscription_not_ended", extra={"tenant": tenant.pk, "customer": row.stripe_customer})
            return {"ended": 0}
        if row.checkout_session not in ("", standing.USED):
            gateway.close_checkout(row.checkout_session)
        try:
            told = gateway.told_of(row.stripe_customer)
        except StripeRefused:
            logger.exception("subscription_not_ended", extra={"tenant": tenant.pk, "customer": row.stripe_customer})
            return {"ended": 0}
        running = [sold for sold in told.subscriptions if not sold.is_over]
        for sold in running:
            gateway.end_now(sold.id)
        return {"ended": len(running)}


farewell("subscription", end_for_good)
