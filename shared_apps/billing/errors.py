"""The refusals of subscriptions."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, DomainError, InvalidInput


class SignatureRefused(DomainError):
    """A message that the platform's secret did not sign (O6)."""

    code, status = "signature_invalid", 400
    message = _("The signature is not valid.")


class BillingOff(Conflict):
    """The platform has no Stripe account."""

    code = "billing_off"
    message = _("Plans cannot be bought on this platform yet.")


class BillingUnavailable(DomainError):
    code, status, retry_after = "billing_unavailable", 503, 30
    message = _("The payment service does not answer. Nothing was changed. Please try again in a moment.")


class CardDeclined(DomainError):
    code, status = "card_declined", 402
    message = _("The card was declined: {words} Nothing was changed.")


class PlanUnknown(InvalidInput):
    code = "plan_unknown"
    message = _("There is no such plan.")


class PlanIsFree(InvalidInput):
    """A plan without a price is not bought: who cancels has it."""

    code = "plan_is_free"
    message = _("The free plan is not bought. Cancel your plan to have it.")


class PlanAlready(Conflict):
    code = "plan_already"
    message = _("You have this plan already.")


class CouponUnknown(InvalidInput):
    code = "coupon_unknown"
    message = _("This code is not valid.")


class NothingSubscribed(Conflict):
    code = "nothing_subscribed"
    message = _("There is no plan to change.")


class InvoiceUnpaid(Conflict):
    """What is owed is paid before anything is bought; `pay_url` is where."""

    code = "invoice_unpaid"
    message = _("An invoice is not paid yet. Please pay it first.")

    def __init__(self, *, pay_url: str):
        super().__init__()
        self.pay_url = pay_url

    @property
    def members(self) -> dict[str, Any]:
        return {"pay_url": self.pay_url}


class StripeRefused(Conflict):
    """Stripe refused a call for good: what was asked for is not there, or not in a state for it. `why` is its code."""

    code = "billing_refused"
    message = _("The payment service refused this: {words}")

    def __init__(self, *, words: str, why: str = ""):
        super().__init__(words=words)
        self.why = why


class CheckoutReplaced(Conflict):
    """Somebody chose another plan, or paid, in the same moment."""

    code = "checkout_replaced"
    message = _("Somebody else is just choosing a plan here. Please look again.")


class TenantOver(Conflict):
    code = "tenant_closed"
    message = _("This organizer is closed.")
