"""Rights of people on categories of goods. Goods and ways of delivery are things, not people."""

from shared_apps.core.personal import Person, Rows, harmless, hold
from tenant_apps.catalog.models import CategoryUserPermission


def _grants(person: Person) -> Rows:
    rows = CategoryUserPermission.objects.filter(user_id=person.user_id).order_by("pk")
    return rows.values("content_object__name", "permission__codename")


def _end_grants(person: Person) -> int:
    return CategoryUserPermission.objects.filter(user_id=person.user_id).delete()[0]


hold("catalog_grants", "catalog.CategoryUserPermission", {"user"}, export=_grants, erase=_end_grants, order=40)
harmless("catalog.ProductCategory", {"name"}, "a kind of goods")
harmless("catalog.Parameter", {"name"}, "what goods are told apart by")
harmless("catalog.Product", {"name", "parameters"}, "goods, and what is said of them")
harmless("catalog.ProductVariant", {"name"}, "a size or colour")
harmless("catalog.DeliveryMethod", {"name"}, "a way of delivery")
