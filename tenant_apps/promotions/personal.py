"""Who used which voucher. Discounts and vouchers themselves are things, not people."""

from django.db.models import Q

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.promotions.models import VoucherUse


def _own(person: Person) -> Q:
    mine = Q(user_id=person.user_id)
    if person.email:
        mine |= Q(user__isnull=True, buyer=person.email.lower())
    return mine


def _uses(person: Person) -> Rows:
    rows = VoucherUse.objects.filter(_own(person)).order_by("created_at", "pk")
    return rows.values("voucher__code", "amount_minor", "currency", "created_at", "given_back_at")


def _end_uses(person: Person) -> int:
    """The count of uses stays; whose they were is gone."""
    return VoucherUse.objects.filter(_own(person)).update(buyer=person.alias, user=None)


hold("voucher_uses", "promotions.VoucherUse", {"buyer", "user"}, export=_uses, erase=_end_uses)
harmless("promotions.Discount", {"name"}, "what a discount is called")
harmless("promotions.Voucher", {"code", "tag"}, "a code that staff thought of, and what they sort it by")
harmless("promotions.Voucher", {"max_per_buyer"}, "a number")
