"""Discounts and vouchers as JSON; a page costs the same statements as one."""

from collections.abc import Collection, Iterable
from typing import Any

from shared_apps.core.money import to_text
from tenant_apps.catalog.models import Product
from tenant_apps.events.models import Category, Event
from tenant_apps.promotions import rules
from tenant_apps.promotions.models import Discount, Voucher

_COMMON = (
    "kind", "currency", "applies_to", "ticket_types", "product_categories", "valid_from", "valid_until", "adds_up",
    "active", "created_at", "modified_at",
)  # fmt: skip
_DISCOUNT = ("name", "min_quantity", "buy_quantity", "get_quantity", "days_before")
_VOUCHER = (
    "code", "max_uses", "used", "max_per_buyer", "most_items", "opens_hidden", "reserved", "tag",
)  # fmt: skip


def value_of(rule: Any) -> str:
    """What comes off, as it was typed: a percentage, or an amount in major units."""
    if rule.kind in (rules.EACH, rules.FIXED):
        return to_text(rule.amount_minor, rule.currency)
    return "100" if rule.kind == rules.FREE else f"{rule.percent.normalize():f}"


def discounts_json(discounts: Collection[Discount]) -> list[dict[str, Any]]:
    slugs = _slugs(discounts)
    return [_rule(one, slugs) | {name: getattr(one, name) for name in _DISCOUNT} for one in discounts]


def vouchers_json(vouchers: Collection[Voucher]) -> list[dict[str, Any]]:
    slugs = _slugs(vouchers)
    return [
        _rule(one, slugs) | {name: getattr(one, name) for name in _VOUCHER} | {"quota": one.quota_id}
        for one in vouchers
    ]


def _rule(rule: Any, slugs: dict[str, dict[int, str]]) -> dict[str, Any]:
    named = {
        # What was deleted meanwhile has no slug any more.
        name: [known.get(pk, str(pk)) for pk in getattr(rule, name)]
        for name, known in slugs.items()
    }
    return {"id": rule.pk, "value": value_of(rule), **{name: getattr(rule, name) for name in _COMMON}, **named}


def _slugs(found: Iterable[Any]) -> dict[str, dict[int, str]]:
    models: tuple[tuple[str, Any], ...] = (("events", Event), ("products", Product), ("event_categories", Category))
    slugs = {}
    for name, model in models:
        ids = {pk for rule in found for pk in getattr(rule, name)}
        slugs[name] = dict(model.objects.filter(pk__in=ids).values_list("pk", "slug")) if ids else {}
    return slugs
