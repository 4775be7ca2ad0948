"""The shapes of discounts and vouchers: what may be sent, and what is documented of the answers."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from api.fields import PlainTextField
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import CURRENCIES, to_minor
from tenant_apps.promotions import rules
from tenant_apps.promotions.models import Discount, PriceRule, Voucher
from tenant_apps.promotions.services import MOST_COUNT, MOST_IN_BULK, MOST_IN_SCOPE

_AMOUNTS = (rules.EACH, rules.FIXED)


class _Names(serializers.ListField):
    """Ids; slugs too where there are such."""

    def __init__(self, **kwargs: Any):
        child = serializers.CharField(max_length=100)
        super().__init__(child=child, required=False, max_length=MOST_IN_SCOPE, **kwargs)


class RuleInput(serializers.Serializer[Any]):
    """What discounts and vouchers have in common. All lists empty: everything, or all of `applies_to`."""

    value = serializers.CharField(
        max_length=20,
        required=False,
        help_text='Per cent, or an amount in major units: "12.50". Of "buy_x_get_y" how much cheaper, 100 if left out.',
    )
    currency = serializers.ChoiceField(choices=sorted(CURRENCIES), required=False)
    applies_to = serializers.ChoiceField(choices=PriceRule.Of.choices, required=False, allow_blank=True)
    events = _Names()
    ticket_types = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=MOST_IN_SCOPE
    )
    products = _Names()
    event_categories = _Names()
    product_categories = _Names()
    valid_from = serializers.DateTimeField(required=False, allow_null=True)
    valid_until = serializers.DateTimeField(required=False, allow_null=True)
    adds_up = serializers.BooleanField(required=False)
    active = serializers.BooleanField(required=False)

    def fields_for_service(self, present: Any, currency: str) -> dict[str, Any]:
        """Return what the services take; `present` is the row that is changed, None for a new one."""
        fields = dict(self.validated_data)
        kind = fields.get("kind") or (present.kind if present else "")
        currency = fields.get("currency") or (present.currency if present else currency)
        value = fields.pop("value", None)
        if value is not None:
            fields |= {"percent": 0, "amount_minor": 0, **_value(kind, value, currency)}
        elif present is None and kind == rules.BUY_GET:
            fields["percent"] = 100
        return fields


def _value(kind: str, value: str, currency: str) -> dict[str, Any]:
    try:
        if kind in _AMOUNTS:
            return {"amount_minor": to_minor(value, currency)}
        if kind == rules.FREE:
            return {}
        percent = Decimal(value)
        if percent.is_finite() and 0 <= percent <= 100 and percent == round(percent, 2):
            return {"percent": percent}
    except (InvalidOperation, ValueError):
        pass
    raise InvalidInput(
        errors=[FieldError("value", "invalid", _("A percentage from 0 to 100, or an amount such as 12.50."))]
    )


class DiscountInput(RuleInput):
    """A discount that applies by itself."""

    name = PlainTextField(max_length=100)
    kind = serializers.ChoiceField(choices=Discount.Kind.choices)
    min_quantity = serializers.IntegerField(min_value=1, max_value=MOST_COUNT, required=False)
    buy_quantity = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    get_quantity = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    days_before = serializers.IntegerField(min_value=0, max_value=3650, required=False, allow_null=True)


class _VoucherTerms(RuleInput):
    kind = serializers.ChoiceField(choices=Voucher.Kind.choices)
    max_uses = serializers.IntegerField(min_value=0, max_value=MOST_COUNT, required=False, allow_null=True)
    max_per_buyer = serializers.IntegerField(min_value=1, max_value=MOST_COUNT, required=False, allow_null=True)
    most_items = serializers.IntegerField(min_value=1, max_value=MOST_COUNT, required=False, allow_null=True)
    opens_hidden = serializers.BooleanField(required=False)
    tag = PlainTextField(max_length=60, required=False, allow_blank=True)


class VoucherInput(_VoucherTerms):
    """A voucher; without a `code` it gets a random one. `reserved` places of `quota` are held for it at once."""

    code = PlainTextField(max_length=40, required=False)
    quota = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False, allow_null=True)
    reserved = serializers.IntegerField(min_value=0, max_value=MOST_COUNT, required=False)


class BulkVouchersInput(_VoucherTerms):
    """Many vouchers alike, each with a random code behind the prefix."""

    count = serializers.IntegerField(min_value=1, max_value=MOST_IN_BULK)
    prefix = PlainTextField(max_length=32, required=False, allow_blank=True)


class RuleSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    value = serializers.CharField()
    currency = serializers.CharField()
    applies_to = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    ticket_types = serializers.ListField(child=serializers.IntegerField())
    products = serializers.ListField(child=serializers.CharField())
    event_categories = serializers.ListField(child=serializers.CharField())
    product_categories = serializers.ListField(child=serializers.CharField())
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    adds_up = serializers.BooleanField()
    active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    modified_at = serializers.DateTimeField()


class DiscountSerializer(RuleSerializer):
    name = serializers.CharField()
    min_quantity = serializers.IntegerField()
    buy_quantity = serializers.IntegerField()
    get_quantity = serializers.IntegerField()
    days_before = serializers.IntegerField(allow_null=True)


class VoucherSerializer(RuleSerializer):
    code = serializers.CharField()
    max_uses = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()
    max_per_buyer = serializers.IntegerField(allow_null=True)
    most_items = serializers.IntegerField(allow_null=True)
    opens_hidden = serializers.BooleanField()
    quota = serializers.IntegerField(allow_null=True)
    reserved = serializers.IntegerField()
    tag = serializers.CharField()


class BulkVouchersSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    codes = serializers.ListField(child=serializers.CharField())


class VoucherUseSerializer(serializers.Serializer[Any]):
    """An order that has the voucher."""

    order = serializers.CharField(allow_null=True)
    amount = serializers.CharField()
    currency = serializers.CharField()
    created_at = serializers.DateTimeField()
    given_back_at = serializers.DateTimeField(allow_null=True)
