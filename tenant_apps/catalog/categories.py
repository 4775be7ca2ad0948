"""Writing about the tree of categories, and who was granted what on a part of it."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from shared_apps.core.database_errors import broke
from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.activity.services import before_and_after, gone, made, record
from tenant_apps.catalog.errors import CategoryInUse
from tenant_apps.catalog.models import CategoryUserPermission, ProductCategory
from tenant_apps.catalog.rights import CHANGE, may_change_in
from tenant_apps.events.slugs import free_slug
from tenant_apps.staff.errors import MoreThanHeld
from tenant_apps.staff.presets import PERMISSIONS

DEEPEST = 8


@transaction.atomic
def create_category(
    *,
    actor: Any,
    name: str,
    parent: Any = None,
    external_id: str | None = None,
    position: int = 0,
    accepting_orders: bool = True,
) -> ProductCategory:
    """Make a category below `parent` (a row or a slug), or at the root. Raises InvalidInput."""
    category = ProductCategory(name=_name(name), parent=category_of(parent, "parent"), position=position)
    category.external_id = external_id or None
    category.accepting_orders = accepting_orders
    for attempt in range(3):
        category.slug = free_slug(ProductCategory, category.name, fallback="goods")
        category.lineage = _lineage(category)
        try:
            with transaction.atomic():
                category.pk = None
                category.save(force_insert=True)
                break
        except IntegrityError as error:
            if broke(error, "category_name_once") or attempt == 2:
                raise _taken() from None
    details = {"name": category.name, **made(name=category.name, slug=category.slug, lineage=category.lineage)}
    record("product_category.created", category, actor=actor, details=details, deliver=False)
    return category


@transaction.atomic
def change_category(category: ProductCategory, *, actor: Any, **fields: Any) -> ProductCategory:
    """Change name, place, parent or the switch for orders; its address stays. Raises InvalidInput below itself."""
    # The tree is one: who moves a part of it waits for whoever else does.
    tree = {one.pk: one for one in ProductCategory.objects.select_for_update().order_by("pk")}
    category = tree.get(category.pk, category)
    was = _told(category)
    if "accepting_orders" in fields:
        category.accepting_orders = bool(fields["accepting_orders"])
    if "name" in fields:
        category.name = _name(fields["name"])
    if "position" in fields:
        category.position = fields["position"]
    if "parent" in fields:
        category.parent = category_of(fields["parent"], "parent")
        if category.parent is not None and category.slug in category.parent.lineage:
            message = _("A category cannot be below itself.")
            raise InvalidInput(errors=[FieldError("parent", "below_itself", message)])
    before, category.lineage = list(category.lineage), _lineage(category)
    try:
        with transaction.atomic():
            category.save()
    except IntegrityError:
        raise _taken() from None
    if before != category.lineage:
        for one in tree.values():
            if one.pk != category.pk and one.lineage[: len(before)] == before:
                one.lineage = category.lineage + one.lineage[len(before) :]
                _check_depth(one.lineage)
                one.save(update_fields=["lineage", "modified_at"])
    details = before_and_after(was, _told(category))
    if details["fields"]:
        record("product_category.updated", category, actor=actor, details=details, deliver=False)
    return category


def _told(category: ProductCategory) -> dict[str, Any]:
    return {
        "name": category.name,
        "position": category.position,
        "parent": category.lineage[-2] if len(category.lineage) > 1 else None,
        "accepting_orders": category.accepting_orders,
    }


@transaction.atomic
def delete_category(category: ProductCategory, *, actor: Any) -> None:
    """Delete it. Raises CategoryInUse while goods or categories are in it."""
    details = {"name": category.name, **gone(name=category.name, slug=category.slug, lineage=category.lineage)}
    record("product_category.deleted", category, actor=actor, details=details, deliver=False)
    try:
        category.delete()
    except ProtectedError:
        raise CategoryInUse from None


def category_of(value: Any, field: str = "category") -> ProductCategory | None:
    """Return the category that a slug or id names; None for nothing. Raises InvalidInput if there is none."""
    if value is None or value == "" or isinstance(value, ProductCategory):
        return value or None
    found: ProductCategory | None = ProductCategory.objects.called(str(value)).first()
    if found is None:
        raise InvalidInput(errors=[FieldError(field, "does_not_exist", _("There is no such category."))])
    return found


@transaction.atomic
def grant(category: ProductCategory, user: Any, permission: str, *, actor: Any) -> None:
    """Let the person do this with the goods of the category and below. Twice changes nothing (I4)."""
    _check_grant(category, permission, actor)
    row = Permission.objects.get(
        content_type__app_label="catalog", content_type__model="productcategory", codename=permission
    )
    _grant, is_new = CategoryUserPermission.objects.get_or_create(content_object=category, user=user, permission=row)
    if is_new:
        details = {"user": user.pk, "permission": permission, **made(permission=permission)}
        record("grant.given", category, actor=actor, details=details)


@transaction.atomic
def revoke(category: ProductCategory, user: Any, permission: str, *, actor: Any) -> None:
    """Take the right back; works on the person's next request."""
    _check_grant(category, permission, actor)
    deleted, _details = CategoryUserPermission.objects.filter(
        content_object=category, user_id=user.pk, permission__codename=permission
    ).delete()
    if deleted:
        details = {"user": user.pk, "permission": permission, **gone(permission=permission)}
        record("grant.revoked", category, actor=actor, details=details)


def grants_by_person(category: ProductCategory) -> dict[int, list[str]]:
    """Return the permission names that each person (by id) was granted on the category itself; one statement."""
    people: dict[int, list[str]] = {}
    rows = category.grants.order_by("user_id", "permission__codename")
    for user_id, name in rows.values_list("user_id", "permission__codename"):
        people.setdefault(user_id, []).append(name)
    return people


def _check_grant(category: ProductCategory, permission: str, actor: Any) -> None:
    if permission != CHANGE:
        message = _("This cannot be granted on a category.")
        raise InvalidInput(errors=[FieldError("permissions", "not_grantable", message)])
    if actor is not None and not may_change_in(actor, category):
        raise MoreThanHeld(missing=str(PERMISSIONS[permission]))


def _lineage(category: ProductCategory) -> list[str]:
    lineage = [*(category.parent.lineage if category.parent else []), category.slug]
    _check_depth(lineage)
    return lineage


def _check_depth(lineage: list[str]) -> None:
    if len(lineage) > DEEPEST:
        message = _("Categories lie at most %d deep.") % DEEPEST
        raise InvalidInput(errors=[FieldError("parent", "too_deep", message)])


def _name(value: Any) -> str:
    name = " ".join(str(value or "").split())
    if not name:
        raise InvalidInput(errors=[FieldError("name", "required", _("Give it a name."))])
    if len(name) > 80:
        raise InvalidInput(errors=[FieldError("name", "too_long", _("At most %d characters.") % 80)])
    return name


def _taken() -> InvalidInput:
    return InvalidInput(errors=[FieldError("name", "taken", _("There is one with this name already."))])
