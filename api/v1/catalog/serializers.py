"""The shapes of goods: what may be sent, and what is documented of the answers."""

from typing import Any

from rest_framework import serializers

from api.fields import MoneyField, PlainTextField
from api.pictures import PictureSerializer
from shared_apps.core.money import CURRENCIES
from tenant_apps.catalog.models import DeliveryMethod

BIGGEST_INTEGER = 2**31 - 1


class CategorySerializer(serializers.Serializer[Any]):
    """A category of goods; `parent` is a slug, `lineage` the slugs from the root down."""

    id = serializers.IntegerField(read_only=True)
    slug = serializers.CharField(read_only=True)
    name = PlainTextField(max_length=80)
    # To the stubs `parent` is the serializer around this one; DRF moves fields out of the class, so it is free.
    parent = serializers.CharField(max_length=60, required=False, allow_null=True, allow_blank=True)  # type: ignore[assignment]  # the field of that name, not the serializer's own
    lineage = serializers.ListField(child=serializers.CharField(), read_only=True)
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    accepting_orders = serializers.BooleanField(required=False)


class VariantSerializer(serializers.Serializer[Any]):
    """A variant and its stock. `available` null means that there is no limit."""

    id = serializers.IntegerField()
    sku = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    price = serializers.CharField()
    currency = serializers.CharField()
    capacity = serializers.IntegerField(allow_null=True)
    available = serializers.IntegerField(allow_null=True)
    in_stock = serializers.BooleanField()
    min_quantity = serializers.IntegerField()
    order_multiple = serializers.IntegerField()
    low_stock_level = serializers.IntegerField(allow_null=True)
    position = serializers.IntegerField()


class ProductSerializer(serializers.Serializer[Any]):
    """A product. `in_stock` tells whether some variant of it can be ordered now."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    category = CategorySerializer(allow_null=True)
    price = serializers.CharField()
    recommended_price = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    parameters = serializers.DictField()
    in_stock = serializers.BooleanField()
    accepting_orders = serializers.BooleanField()
    published = serializers.BooleanField()
    supplier = serializers.CharField()
    model = serializers.CharField()
    weight_grams = serializers.IntegerField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    likes = serializers.IntegerField()
    images = PictureSerializer(many=True)
    variants = VariantSerializer(many=True)
    created_at = serializers.DateTimeField()
    modified_at = serializers.DateTimeField()


class CategoryGrantInput(serializers.Serializer[Any]):
    """A person, by mail address, and what they may do with the goods of the category and below."""

    email = serializers.EmailField(max_length=254)
    permissions = serializers.ListField(child=serializers.CharField(max_length=40), min_length=1, max_length=20)


class FacetValueSerializer(serializers.Serializer[Any]):
    value = serializers.JSONField()
    count = serializers.IntegerField()


class FacetSerializer(serializers.Serializer[Any]):
    """A parameter with the values that the goods have, most frequent first."""

    name = serializers.CharField()
    values = FacetValueSerializer(many=True)


class VariantInput(serializers.Serializer[Any]):
    """Without `price` it costs what the product costs; without `capacity` its stock has no limit."""

    sku = PlainTextField(max_length=64, required=False, allow_null=True, allow_blank=True)
    name = PlainTextField(max_length=100, required=False, allow_blank=True)
    price = MoneyField(required=False, allow_null=True)
    capacity = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, required=False, allow_null=True)
    min_quantity = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)
    order_multiple = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)
    low_stock_level = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, required=False, allow_null=True)
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)


class ProductInput(serializers.Serializer[Any]):
    """What staff send. `variants` come with a new product only; without them `sku` and `capacity` make the one."""

    name = PlainTextField(max_length=200)
    description = serializers.CharField(max_length=50_000, required=False, allow_blank=True)
    category = serializers.CharField(max_length=60, required=False, allow_null=True, allow_blank=True)
    currency = serializers.ChoiceField(choices=sorted(CURRENCIES), required=False)
    price = MoneyField()
    recommended_price = MoneyField(required=False, allow_null=True)
    parameters = serializers.DictField(required=False)
    supplier = PlainTextField(max_length=120, required=False, allow_blank=True)
    model = PlainTextField(max_length=120, required=False, allow_blank=True)
    weight_grams = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, required=False, allow_null=True)
    accepting_orders = serializers.BooleanField(required=False)
    published = serializers.BooleanField(required=False)
    external_id = PlainTextField(max_length=100, required=False, allow_null=True, allow_blank=True)
    sku = PlainTextField(max_length=64, required=False, allow_null=True, allow_blank=True)
    capacity = serializers.IntegerField(min_value=0, max_value=BIGGEST_INTEGER, required=False, allow_null=True)
    variants = VariantInput(many=True, required=False)

    def split(self) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
        """Return the product's own fields, its variants, and what `sku` and `capacity` say about a single one."""
        fields = minor(dict(self.validated_data), "price", "recommended_price")
        variants = [minor(dict(one), "price") for one in fields.pop("variants", [])]
        single: dict[str, Any] = {name: fields.pop(name) for name in ("sku", "capacity") if name in fields}
        return fields, variants, single


class BulkInput(serializers.Serializer[Any]):
    """The same change for all of `products` (slugs or ids), or for none. Prices are moved by `price_percent`."""

    products = serializers.ListField(child=serializers.CharField(max_length=100), min_length=1, max_length=200)
    published = serializers.BooleanField(required=False)
    accepting_orders = serializers.BooleanField(required=False)
    category = serializers.CharField(max_length=60, required=False, allow_null=True, allow_blank=True)
    price_percent = serializers.DecimalField(max_digits=7, decimal_places=2, required=False)


class BulkResult(serializers.Serializer[Any]):
    changed = serializers.IntegerField()


class AcceptingInput(serializers.Serializer[Any]):
    accepting_orders = serializers.BooleanField()


class RateInput(serializers.Serializer[Any]):
    from_total = MoneyField(required=False, default=0)
    from_grams = serializers.IntegerField(min_value=0, max_value=10**9, required=False, default=0)
    price = MoneyField()


class MethodInput(serializers.Serializer[Any]):
    """A way of delivery. Of the rates that are reached by sum and weight the last one counts."""

    name = PlainTextField(max_length=100)
    kind = serializers.ChoiceField(choices=DeliveryMethod.Kind.choices)
    description = PlainTextField(max_length=300, required=False, allow_blank=True)
    price = MoneyField(required=False)
    free_from = MoneyField(required=False, allow_null=True)
    most_grams = serializers.IntegerField(min_value=0, max_value=10**9, required=False, allow_null=True)
    active = serializers.BooleanField(required=False)
    position = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    rates = RateInput(many=True, required=False)

    def fields_for_service(self) -> dict[str, Any]:
        fields = minor(dict(self.validated_data), "price", "free_from")
        if "rates" in fields:
            fields["rates"] = [minor(dict(rate), "price", "from_total") for rate in fields["rates"]]
        return fields


class RateSerializer(serializers.Serializer[Any]):
    from_total = serializers.CharField()
    from_grams = serializers.IntegerField()
    price = serializers.CharField()
    currency = serializers.CharField()


class MethodSerializer(serializers.Serializer[Any]):
    """A way of delivery and its rates."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(DeliveryMethod.Kind.choices)
    description = serializers.CharField()
    currency = serializers.CharField()
    price = serializers.CharField()
    free_from = serializers.CharField(allow_null=True)
    most_grams = serializers.IntegerField(allow_null=True)
    active = serializers.BooleanField()
    position = serializers.IntegerField()
    rates = RateSerializer(many=True)


def minor(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """Rename amounts to what the services call them: whole minor units."""
    return {f"{name}_minor" if name in names else name: value for name, value in fields.items()}
