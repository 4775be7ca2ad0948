"""The questions that are asked about discounts and vouchers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import JSONObject
from django.utils import timezone

from tenant_apps.promotions.rules import DiscountRule, Scope

_SCOPE = ("events", "ticket_types", "products", "event_categories", "product_categories")
_COLUMNS = (
    "id", "name", "kind", "percent", "amount_minor", "currency", "min_quantity", "buy_quantity", "get_quantity",
    "days_before", "valid_from", "valid_until", "adds_up", "applies_to", *_SCOPE,
)  # fmt: skip


class _PriceRules(models.QuerySet[Any]):
    def in_force(self, now: Any = None) -> Any:
        """Switched on, and in their window [from, until)."""
        now = now or timezone.now()
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=now),
            Q(valid_until__isnull=True) | Q(valid_until__gt=now),
            active=True,
        )

    def in_state(self, state: str, now: datetime | None = None) -> Any:
        """That are on, off, still to come, or over: what the lists filter by."""
        now = now or timezone.now()
        if state == "on":
            return self.in_force(now)
        if state == "off":
            return self.filter(active=False)
        if state == "planned":
            return self.filter(active=True, valid_from__gt=now)
        return self.filter(active=True, valid_until__lte=now)

    def for_event(self, event: int) -> Any:
        """That name the event."""
        return self.filter(events__contains=[event])


class DiscountQuerySet(_PriceRules):
    """Named questions about discounts."""

    def as_rows(self, now: Any) -> ArraySubquery:
        """All that are in force at a moment (a datetime or an expression), as one expression that another statement can
        take along: see `rules_of`."""
        columns = {name: F(name) for name in _COLUMNS}
        return ArraySubquery(self.in_force(now).order_by("pk").values(row=JSONObject(**columns)))

    def rules(self, now: datetime) -> list[DiscountRule]:
        """All that are in force; one statement."""
        return rules_of(self.in_force(now).order_by("pk").values(*_COLUMNS))


class VoucherQuerySet(_PriceRules):
    """Named questions about vouchers."""

    def coded(self, code: str) -> Any:
        """The one with this code, however it was typed."""
        return self.filter(code=spelled(code))

    def called(self, code_or_id: str) -> Any:
        """By code; else a text of digits is an id."""
        found = self.coded(code_or_id)
        if code_or_id.isascii() and code_or_id.isdigit() and len(code_or_id) <= 18:
            return self.filter(Q(code=code_or_id) | Q(pk=int(code_or_id))) if not found.exists() else found
        return found

    def matching(self, text: str) -> Any:
        """Whose code or tag holds the text."""
        return self.filter(Q(code__contains=spelled(text)) | Q(tag__icontains=text))

    def used_up(self) -> Any:
        return self.filter(max_uses__isnull=False, used__gte=F("max_uses"))

    def keeping_in_vain(self, now: datetime | None = None) -> Any:
        """That keep places which nobody can have with them any more."""
        return self.filter(reserved__gt=0, quota__isnull=False, valid_until__lte=now or timezone.now())


def spelled(code: str) -> str:
    """Return a code as it is kept: in capitals, without the spaces that people type or paste along."""
    return "".join(code.split()).upper()


def rules_of(rows: Iterable[Mapping[str, Any]]) -> list[DiscountRule]:
    """Discounts from rows of columns, whether they came as JSON or not."""
    return [
        DiscountRule(
            id=row["id"],
            name=row["name"],
            kind=row["kind"],
            percent=int(Decimal(str(row["percent"])) * 100),
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            least=row["min_quantity"],
            buy=row["buy_quantity"],
            get=row["get_quantity"],
            days_before=row["days_before"],
            valid_from=_moment(row["valid_from"]),
            valid_until=_moment(row["valid_until"]),
            adds_up=row["adds_up"],
            scope=Scope(kind=row["applies_to"], **{name: frozenset(row[name]) for name in _SCOPE}),
        )
        for row in rows
    ]


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
