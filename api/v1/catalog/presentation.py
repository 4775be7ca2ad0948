"""Goods as JSON. Plain functions on rows that were read set-wise: a page costs the same statements as one product."""

from typing import Any

from shared_apps.core.money import to_text
from shared_apps.core.pictures import picture_json
from tenant_apps.catalog.models import DeliveryMethod, Product, ProductCategory, ProductVariant
from tenant_apps.catalog.selling import takes_orders


def category_json(category: ProductCategory) -> dict[str, Any]:
    """`lineage` has the slugs from the root down to the category; the one before the last is its parent."""
    return {
        "id": category.pk,
        "slug": category.slug,
        "name": category.name,
        "parent": category.lineage[-2] if len(category.lineage) > 1 else None,
        "lineage": category.lineage,
        "position": category.position,
        "accepting_orders": category.accepting_orders,
    }


def variant_json(variant: ProductVariant, product: Product) -> dict[str, Any]:
    price = product.price_minor if variant.price_minor is None else variant.price_minor
    return {
        "id": variant.pk,
        "sku": variant.sku,
        "name": variant.name,
        "price": to_text(price, product.currency),
        "currency": product.currency,
        "capacity": variant.capacity,
        "available": variant.free,
        "in_stock": variant.in_stock,
        "min_quantity": variant.min_quantity,
        "order_multiple": variant.order_multiple,
        "low_stock_level": variant.low_stock_level,
        "position": variant.position,
    }


def product_json(product: Product) -> dict[str, Any]:
    """One product, loaded by `for_show`."""
    variants = list(product.variants.all())
    recommended = product.recommended_price_minor
    return {
        "id": product.pk,
        "slug": product.slug,
        "name": product.name,
        "description": product.description,
        "category": category_json(product.category) if product.category else None,
        "price": to_text(product.price_minor, product.currency),
        "recommended_price": None if recommended is None else to_text(recommended, product.currency),
        "currency": product.currency,
        "parameters": product.parameters,
        "in_stock": takes_orders(product) and any(one.in_stock for one in variants),
        "accepting_orders": product.accepting_orders,
        "published": product.published,
        "supplier": product.supplier,
        "model": product.model,
        "weight_grams": product.weight_grams,
        "external_id": product.external_id,
        "likes": standing.likes if (standing := getattr(product, "standing", None)) else 0,
        "images": [picture_json("products", one) for one in product.picture_list],  # type: ignore[attr-defined]  # an annotation of the queryset
        "variants": [variant_json(one, product) for one in variants],
        "created_at": product.created_at,
        "modified_at": product.modified_at,
    }


def method_json(method: DeliveryMethod) -> dict[str, Any]:
    """One way of delivery, loaded with its rates."""
    free = method.free_from_minor
    return {
        "id": method.pk,
        "name": method.name,
        "kind": method.kind,
        "description": method.description,
        "currency": method.currency,
        "price": to_text(method.price_minor, method.currency),
        "free_from": None if free is None else to_text(free, method.currency),
        "most_grams": method.most_grams,
        "active": method.active,
        "position": method.position,
        "rates": [
            {
                "from_total": to_text(rate.from_total_minor, method.currency),
                "from_grams": rate.from_grams,
                "price": to_text(rate.price_minor, method.currency),
                "currency": method.currency,
            }
            for rate in method.rates.all()
        ],
    }
