"""Whether orders for goods are accepted: by the tenant, by the category and those above it, and by the product."""

from typing import Any

from django.db import transaction

from shared_apps.core.errors import Forbidden
from tenant_apps.activity.services import before_and_after, record
from tenant_apps.catalog.models import Product, ProductCategory
from tenant_apps.catalog.rights import may_change_in
from tenants.context import current_tenant
from tenants.preferences import preference


def open_here() -> bool:
    """Tell whether the tenant sells goods at all for now."""
    return bool(preference(current_tenant(), "goods_accepting_orders"))


def takes_orders(product: Product) -> bool:
    """The same as `taking_orders()` for a row that `for_show()` has loaded."""
    return product.accepting_orders and not product.closed and open_here()  # type: ignore[attr-defined]  # an annotation of the queryset


@transaction.atomic
def set_accepting(category: ProductCategory, accepting: bool, *, actor: Any) -> ProductCategory:
    """Open or close a category and all below it for orders; who was granted the category may (Forbidden otherwise)."""
    category = ProductCategory.objects.select_for_update().get(pk=category.pk)
    if not may_change_in(actor, category):
        raise Forbidden
    if category.accepting_orders != accepting:
        before, category.accepting_orders = category.accepting_orders, accepting
        category.save(update_fields=["accepting_orders", "modified_at"])
        details = before_and_after({"accepting_orders": before}, {"accepting_orders": accepting})
        record("product_category.updated", category, actor=actor, details=details, deliver=False)
    return category
