"""A person's places on waiting lists: handed out, and given up when the person is erased (P3)."""

from collections.abc import Collection, Mapping

from django.db.models import F, Q, QuerySet

from shared_apps.core.personal import Person, Rows, hold
from tenant_apps.orders import waiting_offers
from tenant_apps.orders.models import WaitingEntry


def own_waiting(person: Person) -> "QuerySet[WaitingEntry]":
    """Return the person's places on waiting lists here."""
    mine = Q(user_id=person.user_id)
    if person.email:
        mine |= Q(user__isnull=True, email__iexact=person.email)
    return WaitingEntry.objects.filter(mine).order_by("joined_at", "pk")


def _waiting(person: Person) -> Rows:
    return own_waiting(person).values(
        "email", "quantity", "status", "language", "joined_at", "expires_at", "ended_at",
        event=F("ticket_type__event__title"), ticket=F("ticket_type__name"),
    )  # fmt: skip


def _waiting_located(person: Person) -> Mapping[str, Collection[str]]:
    mine = list(own_waiting(person).values_list("pk", "email"))
    return {
        "targets": {f"orders.waitingentry:{pk}" for pk, _email in mine},
        "addresses": {email for _pk, email in mine},
    }


def _end_waiting(person: Person) -> int:
    """Who is gone waits for nothing: what was held for them goes to the next. How many waited stays."""
    ids = list(own_waiting(person).values_list("pk", flat=True))
    for entry in WaitingEntry.objects.open().filter(pk__in=ids):
        waiting_offers.end(entry, WaitingEntry.Status.LEFT)
    return WaitingEntry.objects.filter(pk__in=ids).update(email=person.alias, user=None)


hold(
    "waiting_lists", "orders.WaitingEntry", {"email", "user", "secret", "language"},
    export=_waiting, erase=_end_waiting, locate=_waiting_located, order=5,
)  # fmt: skip
