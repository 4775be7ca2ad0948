"""Forgetting guests: so many months after the last that somebody without an account had to do with this tenant, their
names and addresses are replaced, as in an erasure that they ask for (P3). Money, tickets and counts stay.

Off unless the tenant sets it. Who has an account decides for themselves, and is left alone.
"""

import secrets
from datetime import datetime
from time import monotonic

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.core import personal
from shared_apps.core.faults import point
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.personal import forget_addresses
from tenant_apps.activity.services import record
from tenant_apps.orders.consent_personal import forget_consents_addresses
from tenant_apps.orders.personal import own_orders
from tenants.context import current_tenant, in_public
from tenants.database import connection
from tenants.models import Tenant
from tenants.preferences import preference
from tenants.schema_state import labels_of

BATCH = 100
# When an address last mattered: it ordered, held a ticket of an event, or waited for one. Orders of people with an
# account count too, so that whoever has made one since is not taken for a stranger.
_STALE = """
SELECT email FROM (
    SELECT lower(o.email) AS email, GREATEST(o.created_at, o.paid_at, max(COALESCE(e.ends_at, e.starts_at))) AS seen
    FROM orders_order o
    LEFT JOIN orders_orderline l ON l.order_id = o.id
    LEFT JOIN events_event e ON e.id = l.event_id
    GROUP BY o.id
    UNION ALL
    SELECT lower(t.holder_email), GREATEST(t.created_at, COALESCE(e.ends_at, e.starts_at))
    FROM ticketing_ticket t JOIN events_event e ON e.id = t.event_id
    UNION ALL
    SELECT lower(l.attendee_email), GREATEST(o.created_at, COALESCE(e.ends_at, e.starts_at))
    FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id LEFT JOIN events_event e ON e.id = l.event_id
    WHERE l.attendee_email <> ''
    UNION ALL
    SELECT lower(w.email), GREATEST(w.joined_at, w.ended_at, COALESCE(e.ends_at, e.starts_at))
    FROM orders_waiting w
    JOIN ticketing_tickettype k ON k.id = w.ticket_type_id
    JOIN events_event e ON e.id = k.event_id
) AS traces
WHERE email > %s AND email NOT LIKE '%%@erased.invalid'
GROUP BY email HAVING max(seen) < %s
ORDER BY email LIMIT %s
"""


def has_rules(tenant: Tenant) -> bool:
    """Tell whether the tenant asks for anything to be forgotten; from its row alone."""
    return bool(preference(tenant, "retention_guests_months") or preference(tenant, "retention_addresses_months"))


def retain(now: datetime | None = None, *, seconds: float = 20) -> bool:
    """Forget what the tenant's rules say, for so long; tells whether something is left. Twice changes nothing.

    Each guest is one transaction, all of it or nothing.
    """
    now = now or timezone.now()
    tenant, until = current_tenant(), monotonic() + seconds
    forgotten = more = addresses = 0
    if months := preference(tenant, "retention_guests_months"):
        forgotten, more = _forget_guests(now - relativedelta(months=months), until)
    if months := preference(tenant, "retention_addresses_months"):
        addresses = forget_addresses(now - relativedelta(months=months))
        addresses += forget_consents_addresses(now - relativedelta(months=months))
    if forgotten or addresses:
        with transaction.atomic():
            details = {"guests": forgotten, "network_addresses": addresses}
            record("retention.applied", tenant, details=details, deliver=False)
    return bool(more)


def stale_guests(before: datetime, *, after: str = "", most: int = BATCH) -> tuple[list[str], str]:
    """Return addresses, in order, that nothing happened with since and that belong to no account; and where the next
    page begins, empty after the last."""
    with connection.cursor() as cursor:
        cursor.execute(_STALE, [after, before, most])
        found = [row[0] for row in cursor.fetchall()]
    if not found:
        return [], ""
    with in_public():
        accounts = User.objects.alias(small=Lower("email")).filter(small__in=found)
        members = {email.lower() for email in accounts.values_list("email", flat=True)}
    return [email for email in found if email not in members], found[-1] if len(found) == most else ""


def _forget_guests(before: datetime, until: float) -> tuple[int, bool]:
    count, page = 0, ""
    while True:
        found, page = stale_guests(before, after=page)
        for email in found:
            if monotonic() > until:
                return count, True
            _forget(email)
            point("retention.forgotten")
            count += 1
        if not page:
            return count, False


@transaction.atomic
def _forget(email: str) -> None:
    """Replace what is held here about one guest. Nobody's account: as a person they have no id."""
    labels = labels_of(settings.TENANT_APPS)
    alias = f"erased-{secrets.token_hex(8)}@{personal.ERASED_DOMAIN}"
    person = personal.located(personal.Person(0, email, "", alias), labels)
    orders = [str(pk) for pk in own_orders(person).values_list("pk", flat=True)]
    for each in personal.holdings(labels):
        if each.erase is not None:
            each.erase(person)
    # The copy in public follows, as after any change of whose an order is.
    OutboxMessage.objects.bulk_create(
        OutboxMessage(topic="order.forgotten", aggregate=f"orders.order:{pk}", payload={}) for pk in orders
    )
