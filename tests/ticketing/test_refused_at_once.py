"""Whatever ends a ticket is known at the door from its commit on, and to a device without network from its next sync
(T4). Over HTTP, the acts as people do them."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.ticketing import codes, offline
from tenant_apps.ticketing.models import CheckInList, Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_user, owner_of
from tests.ticketing.test_api import gate, scan
from tests.ticketing.test_offline_list import taken

__all__ = ["gate"]

KEYED = {"headers": {"Idempotency-Key": "once"}}


@pytest.fixture
def sold(alpha):
    """A paid order with two tickets, of which one is looked at."""
    from tenant_apps.ticketing.services import create_quota, create_ticket_type

    buyer = make_user()
    with in_tenant(alpha):
        event = make_event(starts_at=timezone.now() + timedelta(days=30))
        kind = create_ticket_type(event, actor=None, name="Standard", price_minor=1000)
        create_quota(event, "Hall", 10, [kind])
        order = make_paid_order(kind, user=buyer, email=buyer.email, quantity=2)
        line = order.lines.select_related("ticket").first()
        return {
            "event": event, "order": order, "line": line, "ticket": line.ticket, "buyer": buyer,
            "door": CheckInList.objects.get(event=event).pk, "code": codes.code_text(line.ticket),
        }  # fmt: skip


def path(sold, act):
    order, ticket, event = sold["order"].code, sold["ticket"].pk, sold["event"].slug
    return {
        "transfer": (f"tickets/{ticket}/transfer/", {"name": "Grace", "email": "grace@example.test"}),
        "reissue": (f"tickets/{ticket}/reissue/", {}),
        "revoke": (f"tickets/{ticket}/revoke/", {"reason": "Forged"}),
        "cancel line": (f"orders/{order}/lines/{sold['line'].pk}/cancel/", {}),
        "cancel order": (f"orders/{order}/cancel/", {}),
        "refund line": (f"orders/{order}/refund/", {"lines": [str(sold["line"].pk)]}),
        "cancel event": (f"events/{event}/cancel/", {}),
        "disown key": (f"events/{event}/keys/{codes.read(sold['code']).key_id}/revoke/", {"reason": "Leak"}),
    }[act]


@pytest.mark.parametrize(
    ("who", "act", "reason"),
    [
        ("buyer", "transfer", "transferred"),
        ("buyer", "reissue", "revoked"),
        ("owner", "revoke", "revoked"),
        ("buyer", "cancel line", "cancelled"),
        ("buyer", "cancel order", "cancelled"),
        ("owner", "refund line", "refunded"),
        ("owner", "cancel event", "cancelled"),
        ("owner", "disown key", "revoked"),
    ],
)
def test_what_ended_is_refused_online_at_once_and_offline_from_the_next_sync(
    alpha, client_for, gate, sold, who, act, reason
):
    before = taken(gate, sold["door"])
    asked = gate.get(f"/api/v1/events/{sold['event'].slug}/revocations/").json()
    client = client_for(alpha, sold["buyer"] if who == "buyer" else owner_of(alpha))
    address, body = path(sold, act)
    answer = client.post(f"/api/v1/{address}", body, **KEYED)
    assert answer.status_code in (200, 201), answer.content
    refused = scan(gate, sold["door"], sold["code"], "at-once").json()
    assert (refused["result"], refused["reason"]) == ("refused", reason)

    # What a device would judge by after its next sync: the ticket's row, its former codes, the keys, the event.
    held = taken(gate, sold["door"], f"?modified_since={before['generated_at'].replace('+', '%2B')}")
    digest = offline.digest_of(sold["ticket"].token)
    rows = {row["id"]: row for row in held["results"]}
    row = rows.get(str(sold["ticket"].pk), {"status": "active", "retired": []})
    key = codes.read(sold["code"]).key_id
    told = {
        "transferred": row["status"] == "transferred",
        "cancelled": row["status"] == "cancelled" or held["event"]["status"] == "cancelled",
        "refunded": row["status"] == "refunded",
        "revoked": row["status"] == "revoked"
        or digest in row["retired"]
        or any(each["key_id"] == key and each["revoked"] for each in held["keys"]),
    }
    assert told[reason]
    if act != "cancel event":
        dead = gate.get(f"/api/v1/events/{sold['event'].slug}/revocations/", {"since": asked["until"]}).json()
        tokens = base64.urlsafe_b64decode(dead["tokens"] + "==")
        assert sold["ticket"].token.bytes in tokens or key in dead["keys"]


def test_a_ticket_that_is_good_is_in_none_of_these_lists(alpha, gate, sold):
    dead = gate.get(f"/api/v1/events/{sold['event'].slug}/revocations/").json()
    assert (dead["tokens"], dead["keys"]) == ("", [])
    assert scan(gate, sold["door"], sold["code"], "1").json()["result"] == "admitted"
    with in_tenant(alpha):
        assert Ticket.objects.get(pk=sold["ticket"].pk).status == "used"
