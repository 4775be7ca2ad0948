"""Pictures of products: writing them, and removing their files once the rows are gone."""

from typing import Any

from django.db import transaction

from shared_apps.billing.limits import require
from shared_apps.core import pictures
from shared_apps.core.errors import NotFound
from shared_apps.core.images import renditions
from tenant_apps.activity.delivery import subscribe
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import before_and_after, gone, record
from tenant_apps.activity.services import made as made_of
from tenant_apps.catalog.models import Product, ProductImage

FOLDER = ProductImage.folder


def add_image(product: Product, upload: Any, *, alt: Any, actor: Any) -> ProductImage:
    """Take an uploaded picture. Raises InvalidInput, ImageRefused, ImageTooLarge, TooManyPictures, LimitReached."""
    words = pictures.checked_alt(alt)
    made = renditions(upload)
    with pictures.kept(FOLDER, made), transaction.atomic():
        require("storage_bytes", adding=made.size_bytes)
        _lock(product.pk)
        rows = ProductImage.objects.filter(product_id=product.pk)
        row: ProductImage = pictures.added(rows, made, words, product=product)
        record("product_image.created", row, actor=actor, details=made_of(**_told(row)), deliver=False)
        return row


@transaction.atomic
def change_image(
    row: ProductImage, *, actor: Any, alt: Any = None, position: int | None = None, lead: bool | None = None
) -> ProductImage:
    """Change what it says, its place among the product's pictures, or let it lead. Only one leads."""
    rows = ProductImage.objects.filter(product_id=row.product_id)
    _lock(row.product_id)
    row = _fresh(row)
    before = _told(row)
    if alt is not None and pictures.checked_alt(alt) != row.alt:
        row.alt = pictures.checked_alt(alt)
        row.save(update_fields=["alt", "modified_at"])
    if position is not None and position != row.position:
        pictures.moved(rows, row, position)
    if lead and not row.is_lead:
        pictures.leading(rows, row)
    now = _told(row)
    if now != before:
        record("product_image.updated", row, actor=actor, details=before_and_after(before, now), deliver=False)
    return row


@transaction.atomic
def delete_image(row: ProductImage, *, actor: Any) -> None:
    """Delete it; its files follow by the outbox."""
    _lock(row.product_id)
    row = _fresh(row)
    record("product_image.deleted", row, actor=actor, details=gone(**_told(row)), payload={"pictures": [row.files]})
    pictures.removed(ProductImage.objects.filter(product_id=row.product_id), row)


@subscribe("product_image.deleted")
@subscribe("product.deleted")
def remove_files(message: OutboxMessage) -> None:
    """Remove the files of rows that are gone; a second time there is nothing left to remove."""
    for files in message.payload.get("pictures", ()):
        pictures.remove_files(FOLDER, files)


def files_of(product: Product) -> list[dict[str, Any]]:
    """Return what `remove_files` needs once the product is gone."""
    return [row.files for row in ProductImage.objects.filter(product=product)]


def _lock(product_id: int) -> None:
    """One at a time per product: positions and the one that leads are about all of its pictures."""
    if not Product.objects.select_for_update().filter(pk=product_id).values_list("pk").first():
        raise NotFound


def _fresh(row: ProductImage) -> ProductImage:
    found = ProductImage.objects.filter(pk=row.pk).first()
    if found is None:
        raise NotFound
    return found


def _told(row: ProductImage) -> dict[str, Any]:
    return {"product": row.product_id, "alt": row.alt, "position": row.position, "lead": row.is_lead}
