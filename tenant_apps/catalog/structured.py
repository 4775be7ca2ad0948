"""A product as search engines read it: schema.org's Product in JSON-LD. It says what is true now, no more."""

from typing import Any

from django.utils.html import strip_tags

from shared_apps.core.money import to_text
from shared_apps.core.pictures import sources
from tenant_apps.catalog.models import Product
from tenant_apps.catalog.selling import takes_orders
from tenants import links

SCHEMA = "https://schema.org/"


def product_data(product: Product, tenant: Any) -> dict[str, Any]:
    """Return the JSON-LD of a product that `for_show()` has loaded.

    A variant can be bought only if its smallest order can be had and orders are accepted at all.
    """
    address = links.url(tenant, f"/products/{product.slug}/")
    takes = takes_orders(product)
    offers = []
    for variant in product.variants.all():
        price = product.price_minor if variant.price_minor is None else variant.price_minor
        offer = {
            "@type": "Offer",
            "url": address,
            "price": to_text(price, product.currency),
            "priceCurrency": product.currency,
            "availability": f"{SCHEMA}{'InStock' if takes and variant.in_stock else 'OutOfStock'}",
            "itemCondition": f"{SCHEMA}NewCondition",
        }
        offers.append(offer | ({"name": variant.name} if variant.name else {}) | _sku(variant))
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "@id": f"{address}#product",
        "name": product.name,
        "url": address,
        "offers": offers,
    }
    if product.description:
        found["description"] = _plain(product.description)
    pictures = [sources("products", each, "jpg")[-1].address for each in product.picture_list]  # type: ignore[attr-defined]  # an annotation of the queryset
    if pictures:
        found["image"] = [links.url(tenant, each) for each in pictures]
    if product.category:
        found["category"] = product.category.name
    if product.model:
        found["model"] = product.model
    if product.weight_grams:
        found["weight"] = {"@type": "QuantitativeValue", "value": product.weight_grams, "unitCode": "GRM"}
    if product.parameters:
        found["additionalProperty"] = [
            {"@type": "PropertyValue", "name": name, "value": value} for name, value in product.parameters.items()
        ]
    if len(offers) == 1:
        found |= _sku(product.variants.all()[0])
    return found


def _sku(variant: Any) -> dict[str, str]:
    return {"sku": variant.sku} if variant.sku else {}


def _plain(html: str) -> str:
    """The description without its markup; the markup was cleaned when it was saved."""
    return " ".join(strip_tags(html.replace("<", " <")).split())[:5000]
