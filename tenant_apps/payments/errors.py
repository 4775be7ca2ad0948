"""Why a payment or refund is refused."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, InvalidInput


class UnknownProvider(InvalidInput):
    code = "provider_unknown"
    message = _("This way of paying is not offered here.")


class NothingToPay(Conflict):
    code = "nothing_to_pay"
    message = _("Nothing is owed on this order.")


class RefundTooLarge(Conflict):
    code = "refund_too_large"
    message = _("Only {left} {currency} of this order can still be refunded.")
