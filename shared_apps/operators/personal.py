"""What the console holds about people: who was where as whom, and why."""

from django.db.models import Q

from shared_apps.core.personal import Person, Rows, harmless, hold
from shared_apps.operators.models import Impersonation


def _visits(person: Person) -> Rows:
    mine = Impersonation.objects.filter(Q(operator_id=person.user_id) | Q(person_id=person.user_id))
    for row in mine.select_related("tenant").order_by("created_at"):
        yield {
            "tenant": row.tenant.slug,
            "as_operator": row.operator_id == person.user_id,
            "reason": row.reason,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "ended_at": row.ended_at,
        }


def _end_visits(person: Person) -> int:
    """That somebody was there and when stays, with an id that leads to no name any more; what was typed goes."""
    mine = Impersonation.objects.filter(Q(operator_id=person.user_id) | Q(person_id=person.user_id))
    return mine.update(reason="-", code_digest="", token_digest="")


hold(
    "operators_visits",
    "operators.Impersonation",
    {"operator_id", "person_id", "reason"},
    export=_visits,
    erase=_end_visits,
)
harmless("operators.Impersonation", {"ended_by"}, "which of two sides it was")
harmless("operators.Impersonation", {"code_digest", "token_digest"}, "hashes of random numbers, gone when it ends")
