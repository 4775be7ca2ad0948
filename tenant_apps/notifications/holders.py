"""Who holds tickets of an event, one line for each address: whom a letter about the event is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tenant_apps.ticketing.models import Ticket
from tenants.database import connection

REMINDED = (Ticket.Status.ACTIVE,)
ATTENDED = (Ticket.Status.USED,)
# One address is one person: somebody who bought five tickets is written to once.
_PAGE = """
SELECT md5(lower(t.holder_email)) AS who,
       (array_agg(t.holder_email ORDER BY t.id))[1],
       (array_agg(t.holder_name ORDER BY t.holder_name = '', t.id))[1],
       array_agg(t.id ORDER BY t.id)::text[],
       (array_agg(json_build_object(
           'ticket', t.id, 'secret', t.secret, 'order', o.code, 'order_secret', o.secret, 'language', o.language,
           'buyer', lower(o.email) = lower(t.holder_email), 'user', o.user_id
       ) ORDER BY (lower(o.email) = lower(t.holder_email)) IS NOT TRUE, t.id))[1]
FROM ticketing_ticket t
LEFT JOIN orders_orderline l ON l.ticket_id = t.id
LEFT JOIN orders_order o ON o.id = l.order_id
WHERE t.event_id = %s AND t.status = ANY(%s) AND t.created_at <= %s
  AND t.holder_email <> '' AND t.holder_email NOT LIKE '%%@erased.invalid' AND md5(lower(t.holder_email)) > %s
GROUP BY who ORDER BY who LIMIT %s
"""


@dataclass(frozen=True)
class Holder:
    """A person by their address. `who` orders them and tells them apart; `path` is where they find their tickets."""

    who: str
    email: str
    name: str
    ticket_ids: tuple[str, ...]
    language: str
    # Their account, if they bought while signed in and hold what they bought.
    user_id: int | None
    path: str


def holders(
    event_id: int, statuses: Sequence[str], *, before: datetime, after: str = "", most: int = 200
) -> list[Holder]:
    """Return up to so many people, past a `who`, whose ticket of such a state was issued until then; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, [event_id, list(statuses), before, after, most])
        return [_holder(*row) for row in cursor.fetchall()]


def _holder(who: str, email: str, name: str, tickets: list[str], first: dict[str, Any]) -> Holder:
    mine = bool(first["buyer"])
    if first["secret"]:
        path = f"/tickets/{first['ticket']}/{first['secret']}/"
    elif mine:
        path = f"/orders/{first['order']}/{first['order_secret']}/"
    else:
        path = ""  # of a ticket that somebody else bought: the order's page is not theirs (T5)
    return Holder(who, email, name, tuple(tickets), first["language"] or "", first["user"] if mine else None, path)
