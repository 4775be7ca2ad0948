"""What this app puts into a tenant's whole archive: a CSV for each resource, more tables, and the audit trail."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from shared_apps.core.resources import Exported
from shared_apps.departures.parts import Files, part
from tenant_apps.activity.models import AuditEntry
from tenant_apps.imports.exporting import CHUNK, EXPORTS, body
from tenant_apps.payments.models import LedgerEntry, Payment, Refund
from tenant_apps.staff.models import Membership

_AUDIT = ("id", "at", "topic", "actor_id", "actor", "target", "refused", "details", "request_id", "address")


def _resource(name: str) -> Files:
    _permission, make = EXPORTS[name]
    yield f"csv/{name}.csv", body(make(), "csv")


def _table(name: str, rows: QuerySet[Any], columns: Sequence[str]) -> Files:
    found = Exported(tuple(columns), ([_text(each) for each in row] for row in _rows(rows, columns)))
    yield f"csv/{name}.csv", body(found, "csv")


def _rows(rows: QuerySet[Any], columns: Sequence[str]) -> Iterable[Sequence[Any]]:
    return rows.values_list(*columns).iterator(CHUNK)


def _text(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _money() -> Files:
    yield from _table(
        "payments",
        Payment.objects.order_by("pk"),
        ("id", "order__code", "provider", "status", "currency", "amount_minor", "captured_minor", "refunded_minor",
         "reference", "created_at"),
    )  # fmt: skip
    yield from _table(
        "refunds",
        Refund.objects.order_by("pk"),
        ("id", "payment__order__code", "status", "currency", "amount_minor", "created_at"),
    )
    yield from _table(
        "ledger",
        LedgerEntry.objects.order_by("pk"),
        ("id", "at", "order__code", "kind", "provider", "reference", "currency", "amount_minor"),
    )


def _staff() -> Files:
    yield from _table(
        "staff", Membership.objects.order_by("pk"), ("user__email", "user__name", "role__name", "created_at")
    )


def _audit() -> Files:
    yield "audit/audit.jsonl", _lines()


def _lines() -> Iterator[bytes]:
    rows = AuditEntry.objects.order_by("at", "pk").values(*_AUDIT)
    for row in rows.iterator(CHUNK):
        yield json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


for _name in EXPORTS:
    part(_name, lambda name=_name: _resource(name), order=10)  # type: ignore[misc]  # the default binds the name
part("money", _money, order=20)
part("staff", _staff, order=20)
part("audit", _audit, order=30)
