"""Fields that serializers share."""

from datetime import UTC
from decimal import Decimal
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from shared_apps.core import money


@extend_schema_field({"type": "string", "format": "decimal", "example": "12.50", "pattern": r"^-?\d+(\.\d{1,3})?$"})
class MoneyField(serializers.Field[int, Any, str, Any]):
    """Whole minor units inside, decimal text in major units outside (M5).

    `currency` is the path from the row to its ISO 4217 code. When writing, the currency is looked for in the
    serializer's context, then on the row that is changed, then in the body.
    """

    default_error_messages = {
        "invalid": _('Give an amount as text, such as "12.50".'),
        "digits": _("This currency has {digits} digits after the point."),
        "min_value": _("An amount is not negative."),
        "max_value": _("This amount is too large."),
    }

    def __init__(self, *, currency: str = "currency", negative: bool = False, **kwargs: Any):
        self.currency = currency
        self.negative = negative
        super().__init__(**kwargs)

    def get_attribute(self, instance: Any) -> Any:
        amount = super().get_attribute(instance)
        return None if amount is None else (amount, _follow(instance, self.currency))

    def to_representation(self, value: Any) -> str:
        amount, currency = value
        return money.to_text(amount, currency)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, str | int | float | Decimal) or len(str(data)) > 30:
            self.fail("invalid")
        currency = self._currency_for_writing()
        try:
            # repr of a float is the shortest text that reads back the same: what the client had typed.
            amount = Decimal(repr(data) if isinstance(data, float) else data)
        except (ArithmeticError, ValueError):
            self.fail("invalid")
        if not amount.is_finite():
            self.fail("invalid")
        if amount < 0 and not self.negative:
            self.fail("min_value")
        if amount and amount.adjusted() > 10:  # before any reckoning: "1e999999999" is a number too
            self.fail("max_value")
        if amount and amount.adjusted() < -4:
            self.fail("digits", digits=money.exponent(currency))
        try:
            return money.to_minor(amount, currency)
        except ValueError:
            self.fail("digits", digits=money.exponent(currency))

    def _currency_for_writing(self) -> str:
        if found := self.context.get("currency"):
            return str(found)
        parent: Any = self.parent
        if getattr(parent, "instance", None) is not None and not isinstance(parent.instance, list):
            return str(_follow(parent.instance, self.currency))
        given = getattr(parent, "initial_data", None)
        if isinstance(given, dict) and isinstance(given.get("currency"), str) and given["currency"] in money.CURRENCIES:
            return str(given["currency"])
        raise ImproperlyConfigured(f"{type(parent).__name__}.{self.field_name}: no currency; put it into the context.")


def _follow(instance: Any, path: str) -> Any:
    for name in path.split("."):
        instance = instance[name] if isinstance(instance, dict) else getattr(instance, name)
    return instance


@extend_schema_field(OpenApiTypes.STR)
class PlainTextField(serializers.CharField):
    """Text on one line: line breaks and other control characters are refused (B8)."""

    default_error_messages = {"control": _("Line breaks and control characters are not possible here.")}

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if any(ord(character) < 32 or ord(character) == 127 for character in text):
            self.fail("control")
        return text


class UtcField(serializers.DateTimeField):
    """A moment in UTC, whatever zone the request's pages are in; spelled as the answers' other times are."""

    def to_representation(self, value: Any) -> str:
        return str(value.astimezone(UTC).isoformat())
