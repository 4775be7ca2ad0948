"""Who may change which goods: by the role everywhere, or by a grant on a category and all below it (I3)."""

from typing import Any

from shared_apps.accounts.models import User
from tenant_apps.catalog.models import CategoryUserPermission, Product, ProductCategory
from tenant_apps.staff import second_factor
from tenant_apps.staff.permissions import permissions_of

CHANGE = "change_catalog"


def granted_somewhere(user: Any) -> frozenset[str]:
    """Return what the person was granted on at least one category."""
    if not _is_person(user):
        return frozenset()
    names = CategoryUserPermission.objects.filter(user_id=user.pk).values_list("permission__codename", flat=True)
    return frozenset(names)


def granted_slugs(user: Any) -> list[str]:
    """Return the categories on which the person may change goods by a grant."""
    if not _is_person(user):
        return []
    grants = CategoryUserPermission.objects.filter(user_id=user.pk, permission__codename=CHANGE)
    return list(grants.values_list("content_object__slug", flat=True))


def may_change_all(user: Any) -> bool:
    return CHANGE in permissions_of(user)


def may_change_in(user: Any, category: ProductCategory | None) -> bool:
    """Tell whether the person may put goods into this category, or take them out; None is the whole catalog."""
    if may_change_all(user):
        return True
    return category is not None and bool(set(granted_slugs(user)) & set(category.lineage))


def products_where_change(user: Any) -> Any:
    """Return the products that the person may change: the start of every list that staff see (I2)."""
    if may_change_all(user):
        return Product.objects.all()
    slugs = granted_slugs(user)
    return Product.objects.below(slugs) if slugs else Product.objects.none()


def products_seen(user: Any) -> Any:
    """Return what the person sees in the storefront and the API: what is public, and what they may change."""
    if user is None or not user.is_authenticated:
        return Product.objects.public()
    if may_change_all(user):
        return Product.objects.all()
    slugs = granted_slugs(user)
    seen = Product.objects.public()
    return seen | Product.objects.below(slugs) if slugs else seen


def categories_where_change(user: Any) -> Any:
    if may_change_all(user):
        return ProductCategory.objects.all()
    slugs = granted_slugs(user)
    return ProductCategory.objects.within(slugs) if slugs else ProductCategory.objects.none()


def _is_person(user: Any) -> bool:
    # An API key is no person, and its number is no person's.
    return isinstance(user, User) and user.is_active and not second_factor.is_missing(user)
