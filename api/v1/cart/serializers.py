"""The shapes of a cart."""

from typing import Any

from rest_framework import serializers

from api.v1.orders.serializers import MOST_PIECES, AppliedSerializer, FeeSerializer, WishInput
from tenant_apps.orders.checkout import BasketLine


class CartLineInput(WishInput):
    """Tickets of a type, or pieces of a variant of goods. No price but where buyers say it (M6, I9)."""

    def wish(self) -> BasketLine:
        data = self.validated_data
        return BasketLine(
            data.get("ticket_type"), data["quantity"], price=data.get("price"), variant=data.get("variant")
        )


class QuantityInput(serializers.Serializer[Any]):
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_PIECES)


class CartDeliveryInput(serializers.Serializer[Any]):
    method = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class CartVoucherInput(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=40)


class CartPartSerializer(serializers.Serializer[Any]):
    quantity = serializers.IntegerField()
    unit_price = serializers.CharField()
    tier = serializers.CharField(help_text="The price tier; empty for the regular price.")


class CartProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="As an order would be refused: `sale_ended`, `quantity_out_of_range`, …")
    detail = serializers.CharField()


class CartLineSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(["ticket", "product"])
    ticket_type = serializers.IntegerField(allow_null=True)
    variant = serializers.IntegerField(allow_null=True)
    event = serializers.CharField(allow_null=True)
    product = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = serializers.CharField(allow_null=True, help_text="Of the first; `parts` has all.")
    parts = CartPartSerializer(many=True)
    discount = serializers.CharField()
    applied = AppliedSerializer(many=True, help_text="What the discount is made of.")
    tax = serializers.CharField()
    total = serializers.CharField()
    currency = serializers.CharField()
    held = serializers.BooleanField(help_text="Whether its places are held until `expires_at`.")
    problem = CartProblemSerializer(allow_null=True, help_text="Why it cannot be ordered; it costs nothing then.")


class CartDeliverySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    price = serializers.CharField(allow_null=True, help_text="null: it does not take these goods.")
    currency = serializers.CharField()


class CartSerializer(serializers.Serializer[Any]):
    """What may be ordered together, priced as it would be now."""

    token = serializers.CharField(help_text="Send it as `X-Cart-Token` from now on.")
    expires_at = serializers.DateTimeField(allow_null=True)
    lines = CartLineSerializer(many=True)
    subtotal = serializers.CharField()
    discount = serializers.CharField()
    tax = serializers.CharField()
    fees = serializers.CharField()
    fee_lines = FeeSerializer(many=True, help_text="What the fees are made of.")
    voucher = serializers.CharField(allow_null=True)
    voucher_problem = CartProblemSerializer(allow_null=True, help_text="Why the code does nothing now.")
    delivery_method = serializers.IntegerField(allow_null=True)
    delivery_methods = CartDeliverySerializer(many=True)
    delivery_total = serializers.CharField()
    total = serializers.CharField()
    currency = serializers.CharField()
