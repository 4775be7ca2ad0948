"""Vouchers as buyers use them: found by code, claimed with an order, given back when it ends (M4).

A claim is one conditional UPDATE of the voucher's row, and a row that names the order. Whoever claims holds the
voucher's row until the commit, so that one buyer's uses are counted one after the other. Vouchers come after places and
goods in the order of locks (M2).
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from tenant_apps.promotions import errors
from tenant_apps.promotions.models import Voucher, VoucherUse
from tenant_apps.ticketing.models import Quota, TicketType


class VoucherChanged(Exception):
    """The voucher is not what it was when the order was priced: to be begun anew."""


def find(code: str, now: datetime | None = None, *, field: str = "voucher") -> Voucher:
    """Return the voucher with this code, however it was typed, fit to be used now.

    Raises UnknownVoucher, VoucherNotStarted, VoucherExpired, VoucherUsedUp. One statement; decides nothing about its
    limits, which `claim` does.
    """
    now = now or timezone.now()
    voucher: Voucher | None = Voucher.objects.coded(code).first() if "\0" not in code else None
    if voucher is None or not voucher.active:
        raise errors.UnknownVoucher(field=field)
    if voucher.valid_from and now < voucher.valid_from:
        raise errors.VoucherNotStarted(field=field)
    if voucher.valid_until and now >= voucher.valid_until:
        raise errors.VoucherExpired(field=field)
    if voucher.used_up:
        raise errors.VoucherUsedUp(field=field)
    return voucher


def opened_by(voucher: Voucher | None) -> Collection[int]:
    """Return the ids of the hidden ticket types that the voucher opens: those it names, and those of its events."""
    if voucher is None or not voucher.opens_hidden:
        return ()
    if not voucher.events and not voucher.event_categories:
        return frozenset(voucher.ticket_types)
    named = Q(pk__in=voucher.ticket_types) | Q(event__in=voucher.events)
    named |= Q(event__category__in=voucher.event_categories)
    return frozenset(TicketType.objects.filter(named, hidden=True).values_list("pk", flat=True))


def claim(
    voucher: Voucher,
    *,
    order_id: uuid.UUID,
    buyer: str,
    user: Any = None,
    amount_minor: int = 0,
    currency: str = "",
    reserved: int = 0,
    now: datetime | None = None,
) -> None:
    """Claim one use for an order, `reserved` of whose places come from those that the voucher keeps.

    Belongs into the order's transaction, after the claims of places. Raises VoucherUsedUp, VoucherUsedByYou, and
    VoucherChanged if its values or its places are not what the order was priced by.
    """
    free = Q(max_uses__isnull=True) | Q(max_uses__gt=F("used"))
    unchanged = Voucher.objects.filter(
        free, pk=voucher.pk, active=True, modified_at=voucher.modified_at, reserved__gte=reserved
    )
    # An UPDATE leaves `modified_at` alone: it tells when staff changed the voucher.
    if not unchanged.update(used=F("used") + 1, reserved=F("reserved") - reserved):
        if not Voucher.objects.filter(free, pk=voucher.pk, active=True).exists():
            raise errors.VoucherUsedUp(field="voucher")
        raise VoucherChanged
    _refuse_too_many(voucher, buyer, user, none_of=order_id)
    VoucherUse.objects.create(
        voucher=voucher,
        order_id=order_id,
        buyer=buyer.lower(),
        user=user,
        amount_minor=amount_minor,
        currency=currency or voucher.currency,
        reserved=reserved,
        created_at=now or timezone.now(),
    )


def _refuse_too_many(voucher: Voucher, buyer: str, user: Any, *, none_of: uuid.UUID) -> None:
    """Raise VoucherUsedByYou if the buyer, an address or an account, has as many uses as one may. The voucher's row is
    ours by now, so nobody adds one meanwhile."""
    if voucher.max_per_buyer is None:
        return
    theirs = Q(buyer=buyer.lower())
    if user is not None:
        theirs |= Q(user=user.pk) | Q(buyer=user.email.lower())
    uses = VoucherUse.objects.filter(theirs, voucher=voucher, given_back_at__isnull=True).exclude(order_id=none_of)
    if uses.count() >= voucher.max_per_buyer:
        raise errors.VoucherUsedByYou(field="voucher")


def lock(order_id: uuid.UUID) -> None:
    """Lock the voucher that an order has, if any: after places and goods, before the order (M2)."""
    used = VoucherUse.objects.filter(order_id=order_id).values("voucher_id")
    list(Voucher.objects.filter(pk__in=used).select_for_update(no_key=True).values_list("pk"))


def give_back(order_id: uuid.UUID, quotas: Collection[int], *, now: datetime | None = None) -> bool:
    """Give an order's use back, once: it ended unpaid or was cancelled in full (M4). Tells whether there was one.

    Follows the return of the order's places, in the same transaction. Places that the voucher kept are kept again if
    somebody may still have them with it, and if they came from where it keeps places now: the order drew from `quotas`.
    """
    now = now or timezone.now()
    if not VoucherUse.objects.filter(order_id=order_id, given_back_at__isnull=True).update(given_back_at=now):
        return False
    use = VoucherUse.objects.select_related("voucher").get(order_id=order_id)
    voucher = use.voucher
    again = use.reserved if voucher.quota_id in quotas and voucher.active and voucher.in_window(now) else 0
    if again and not Quota.objects.hold(voucher.quota_id, again):
        again = 0  # a smaller capacity was set meanwhile
    if not Voucher.objects.filter(pk=voucher.pk, used__gte=1).update(
        used=F("used") - 1, reserved=F("reserved") + again
    ):
        raise RuntimeError(f"voucher {voucher.pk} counts no use to be given back")
    return True


def claim_again(order_id: uuid.UUID) -> None:
    """Claim the use of an order anew whose money came after its time (O5). Its places came from the free ones.

    Raises VoucherUsedUp if others have used it up meanwhile; a limit per buyer is not judged again.
    """
    use = VoucherUse.objects.filter(order_id=order_id, given_back_at__isnull=False).first()
    if use is None:
        return
    free = Q(max_uses__isnull=True) | Q(max_uses__gt=F("used"))
    if not Voucher.objects.filter(free, pk=use.voucher_id).update(used=F("used") + 1):
        raise errors.VoucherUsedUp(field="voucher")
    VoucherUse.objects.filter(pk=use.pk).update(given_back_at=None, reserved=0)
