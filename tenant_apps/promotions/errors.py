"""Why a discount or a voucher is refused."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import Conflict, InvalidInput


class UnknownVoucher(InvalidInput):
    """The same for a code that never was, one of another tenant, and one that is switched off (N2)."""

    code = "voucher_unknown"
    message = _("There is no such code.")


class VoucherNotStarted(Conflict):
    code = "voucher_not_started"
    message = _("This code is not valid yet.")


class VoucherExpired(Conflict):
    code = "voucher_expired"
    message = _("This code is no longer valid.")


class VoucherUsedUp(Conflict):
    code = "voucher_used_up"
    message = _("This code has been used as often as it can be.")


class VoucherUsedByYou(Conflict):
    code = "voucher_used_by_you"
    message = _("You have used this code already, as often as one person can.")


class VoucherNotApplicable(Conflict):
    """It would be used up for nothing, so it is not taken."""

    code = "voucher_not_applicable"
    message = _("This code makes nothing of this order cheaper.")


class VoucherHasUses(Conflict):
    code = "voucher_has_uses"
    message = _("Orders have this code. Switch it off instead.")


class LimitBelowUsed(Conflict):
    code = "limit_below_used"
    message = _("The code was used {used} times already.")


class NotEnoughPlaces(Conflict):
    code = "not_enough_places"
    message = _("So many places are not free in {what}.")
