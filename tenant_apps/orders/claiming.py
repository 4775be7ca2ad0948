"""Orders that a person made as a guest, taken into their account: proof is the confirmed address."""

from typing import Any

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Upper
from django.utils import timezone

from shared_apps.accounts.models import User
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.orders.models import Order

# So many at once; who has more asks again.
MOST = 200


def claimable(person: User) -> Any:
    """Return the guests' orders of the person's address, none as long as it is not confirmed."""
    if person.email_verified_at is None:
        return Order.objects.none()
    # The database makes both sides capital, as everywhere that addresses are compared (an index serves it).
    guests = Order.objects.alias(address=Upper("email")).filter(user__isnull=True)
    return guests.filter(address=Upper(Value(person.email)))


@transaction.atomic
def claim(person: User) -> int:
    """Make them the person's own and return how many. Repeating it finds nothing more."""
    found = claimable(person).order_by("pk").select_for_update(no_key=True)[:MOST]
    for order in found:
        Order.objects.filter(pk=order.pk).update(user=person.pk, modified_at=timezone.now())
        record("order.claimed", order, actor=person, details=before_and_after({"user": None}, {"user": person.pk}))
    return len(found)
