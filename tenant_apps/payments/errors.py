"""Why a payment or refund is refused."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, DomainError, InvalidInput


class UnknownProvider(InvalidInput):
    code = "provider_unknown"
    message = _("This way of paying is not offered here.")


class NothingToPay(Conflict):
    code = "nothing_to_pay"
    message = _("Nothing is owed on this order.")


class RefundTooLarge(Conflict):
    code = "refund_too_large"
    message = _("Only {left} {currency} of this order can still be refunded.")


class TooManyTries(Conflict):
    code = "too_many_payments"
    message = _("This order was tried to be paid {most} times. Please ask the organizer.")


class ProviderUnavailable(DomainError):
    code, status, retry_after = "provider_unavailable", 503, 10
    message = _("{provider} does not answer at the moment. Nothing was charged; please try again.")


class AccountTaken(Conflict):
    """One account at the provider is one tenant's: its messages could not be told apart otherwise (O7)."""

    code = "account_taken"
    message = _("This account is linked to another organizer.")


class EventStillOn(Conflict):
    code = "event_still_on"
    message = _("Everybody's money goes back only for an event that is cancelled or postponed.")


class LineNotActive(Conflict):
    code = "line_not_active"
    message = _("This line was cancelled before.")


class StatementBooked(Conflict):
    code = "statement_booked"
    message = _("This statement is booked.")


class SignatureRefused(InvalidInput):
    code = "signature_invalid"
    message = _("The signature of this message is missing or wrong.")
