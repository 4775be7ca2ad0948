"""What a delivery says: one body for all endpoints and tries, made when the event is noted."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from tenant_apps.webhooks.topics import KINDS, TEST, TOLD_BY_MESSAGE, Kind
from tenants import links
from tenants.models import Tenant

API_VERSION = "1"
TEST_DATA = {"object": "test", "id": None, "url": None}


def body_of(
    tenant: Tenant, *, event_id: UUID, topic: str, aggregate: str, created_at: datetime, payload: dict[str, Any]
) -> str:
    """Return the body for a message of the outbox. One statement, for the thing as it is now."""
    label, _, pk = aggregate.partition(":")
    kind = KINDS.get(label)
    row = kind.find(pk) if kind else None
    data = TEST_DATA if kind is None else data_of(kind, pk, row, lambda path: links.url(tenant, path))
    told = {name: payload[name] for name in TOLD_BY_MESSAGE if name in payload}
    return written(tenant.slug, event_id=event_id, topic=topic, created_at=created_at, data={**data, **told})


def data_of(kind: Kind, pk: str, row: Any, url_of: Callable[[str], str]) -> dict[str, Any]:
    """Return what is told of a thing; of one that is gone, its id."""
    if row is None:
        return {"object": kind.name, "id": pk, "url": None}
    return {"object": kind.name, **kind.facts(row), "url": url_of(f"/api/v1/{kind.path(row)}")}


def written(tenant: str, *, event_id: UUID, topic: str, created_at: datetime, data: dict[str, Any]) -> str:
    """Return a body's text. `sequence` puts what happened to one thing in order: it is when it was written down, in
    millionths of a second since 1970, by which the outbox keeps the order too."""
    return json.dumps(
        {
            "id": str(event_id),
            "topic": topic,
            "created_at": created_at.isoformat().replace("+00:00", "Z"),
            "api_version": API_VERSION,
            "tenant": tenant,
            "sequence": int(created_at.timestamp()) * 1_000_000 + created_at.microsecond,
            "data": data,
        },
        ensure_ascii=False,
    )


def test_body(tenant: Tenant, *, event_id: UUID, created_at: datetime) -> str:
    """Return the body of a test."""
    return written(tenant.slug, event_id=event_id, topic=TEST, created_at=created_at, data=TEST_DATA)
