"""docs/webhooks.md, written from what the code sends, so that it cannot say otherwise; a test compares them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import translation

from tenant_apps.catalog.models import Product, ProductVariant
from tenant_apps.events.models import Event, EventSeries
from tenant_apps.orders.models import Order
from tenant_apps.orders.waiting_models import WaitingEntry
from tenant_apps.payments.models import Dispute, Payment, Refund
from tenant_apps.reviews.models import Review
from tenant_apps.ticketing.models import CheckIn, Quota, Ticket, TicketType
from tenant_apps.webhooks.bodies import TEST_DATA, data_of, written
from tenant_apps.webhooks.outcomes import OUTCOMES
from tenant_apps.webhooks.topics import KINDS, TEST, TOPICS, area

AT = datetime(2026, 11, 21, 18, 30, 5, 123456, tzinfo=UTC)
_HEAD = """# Webhook topics

What a webhook can be told, and what each message says. How to receive them:
[Be told: webhooks](guides/storefront-developers.md#be-told-webhooks).
Made by `manage.py webhook_topics --markdown > docs/webhooks.md`.

| topic | when | `data.object` |
| --- | --- | --- |
"""


def markdown() -> str:
    """Return the whole page, in English."""
    with translation.override("en"):
        rows = [f"| `{topic}` | {when} | `{_object_of(topic)}` |\n" for topic, when in TOPICS.items()]
        ends = [f"| `{code}` | {words} |\n" for code, words in OUTCOMES.items()]
        return "".join([
            _HEAD, *rows, f"| `{TEST}` | Somebody pressed “Send a test”. | `test` |\n",
            "\n## Samples\n\nOne of each kind of thing; topics of one kind look alike. Lists of lines and the id of a\n"
            "refund stand beside it where the message has them (`lines`, `refund`).\n",
            *_samples(),
            "\n## How a try ends\n\nThe codes of the log.\n\n| code | meaning |\n| --- | --- |\n", *ends,
        ])  # fmt: skip


def _samples() -> Iterator[str]:
    for kind in KINDS.values():
        row = _row(kind.model)
        told = next(topic for topic in TOPICS if _object_of(topic) == kind.name)
        data = data_of(kind, str(row.pk), row, lambda path: f"https://aurora.example.org{path}")
        yield _shown(told, data, kind.name)
    yield _shown(TEST, TEST_DATA, "test")


def _shown(topic: str, data: dict[str, Any], title: str) -> str:
    text = written("aurora", event_id=_id(0), topic=topic, created_at=AT, data=data)
    return f"\n### {title}\n\n```json\n{json.dumps(json.loads(text), indent=2, ensure_ascii=False)}\n```\n"


def _object_of(topic: str) -> str:
    """The kind of thing that a topic is about."""
    first = area(topic)
    return {"waiting": "waiting_list_entry"}.get(first, first)


def _id(number: int) -> UUID:
    return UUID(int=0x01A1FDB4_C3D8_7BA5_8769_F10B0B0C1700 + number)


def _row(model: type[Any]) -> Any:
    """A row of the kind that nobody saves."""
    event = Event(pk=12, slug="gala", status="published", starts_at=AT)
    ticket_type = TicketType(pk=34, event=event)
    order = Order(pk=_id(1), code="K7M2QX9A", status="paid", total_minor=6400, refunded_minor=0, currency="EUR")
    payment = Payment(pk=_id(2), order=order, status="succeeded", provider="stripe", amount_minor=6400, currency="EUR")
    ticket = Ticket(pk=_id(3), event=event, ticket_type=ticket_type, status="active")
    product = Product(pk=56, slug="mug")
    rows = (
        Review(pk=_id(9), event=event, status="published", rating=5),
        event, ticket_type, order, payment, ticket, product,
        Refund(pk=_id(4), payment=payment, status="pending", amount_minor=1200, currency="EUR"),
        Dispute(pk=_id(5), payment=payment, status="open", amount_minor=6400, currency="EUR"),
        CheckIn(pk=_id(6), ticket=ticket),
        Quota(pk=78, event=event),
        EventSeries(pk=90, slug="tuesdays"),
        ProductVariant(pk=91, product=product, sku="MUG-BLUE"),
        WaitingEntry(pk=_id(7), ticket_type=ticket_type, status="offered", quantity=2),
    )  # fmt: skip
    return next(row for row in rows if type(row) is model)
