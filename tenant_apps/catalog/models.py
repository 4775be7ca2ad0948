"""Goods: what is sold that is no admission, in which variants, how much of it there is, and how it is delivered."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from shared_apps.core.capacity import LimitedCapacity
from shared_apps.core.models import Stamped
from shared_apps.core.money import validate_currency
from shared_apps.core.pictures import StoredPicture
from shared_apps.core.search import document, letters
from tenant_apps.catalog.querysets import CategoryQuerySet, ProductQuerySet, VariantQuerySet


class ProductCategory(Stamped):
    """A place in the tree of goods."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    # The slugs from the root down to this one. A slug never changes; moving a category rewrites those below it.
    lineage = ArrayField(models.SlugField(max_length=60), default=list)
    position = models.IntegerField(default=0, db_default=0)
    # Off: nothing of this category or below it is sold for now. The switch of whoever was granted the category.
    accepting_orders = models.BooleanField(_("accepting orders"), default=True, db_default=True)
    external_id = models.CharField(max_length=100, null=True, blank=True, unique=True)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        db_table = "catalog_category"
        ordering = ["position", "name", "id"]
        # guardian takes only permissions of the object's own app: what staff may be granted on a category.
        permissions = [("change_catalog", "Change the catalog")]
        constraints = [
            models.UniqueConstraint(fields=["parent", "name"], nulls_distinct=False, name="category_name_once"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="category_not_below_itself"),
        ]
        indexes = [GinIndex(fields=["lineage"], name="category_lineage")]

    def __str__(self) -> str:
        return self.name


class CategoryUserPermission(UserObjectPermissionBase):
    """A grant: this person may do this with the goods of this category and of those below it (I3)."""

    permission = models.ForeignKey(Permission, models.DO_NOTHING, related_name="+", db_constraint=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False)
    content_object = models.ForeignKey(ProductCategory, models.CASCADE, related_name="grants")

    class Meta:
        db_table = "catalog_grant"
        unique_together = []
        constraints = [
            models.UniqueConstraint(fields=["user", "permission", "content_object"], name="category_grant_once")
        ]


class Parameter(Stamped):
    """A name that goods of a category, or of the whole tenant, have values under, and of which kind these are."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        BOOLEAN = "boolean", _("Yes or no")

    category = models.ForeignKey(ProductCategory, models.CASCADE, null=True, blank=True, related_name="parameters")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    filterable = models.BooleanField(_("offered as a filter"), default=True, db_default=True)
    position = models.IntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["position", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["category", "name"], nulls_distinct=False, name="parameter_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class Product(Stamped):
    """Something that is sold, in one or more variants."""

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    category = models.ForeignKey(ProductCategory, models.PROTECT, null=True, blank=True, related_name="products")
    supplier = models.CharField(_("supplier"), max_length=120, blank=True)
    model = models.CharField(_("model"), max_length=120, blank=True)
    # Typed by `Parameter`: {"Colour": "black", "Memory (GB)": 256, "Smart TV": true}.
    parameters = models.JSONField(_("parameters"), default=dict, db_default={})
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    price_minor = models.BigIntegerField(_("price"))
    recommended_price_minor = models.BigIntegerField(_("recommended price"), null=True, blank=True)
    weight_grams = models.IntegerField(_("weight in grams"), null=True, blank=True)
    accepting_orders = models.BooleanField(_("accepting orders"), default=True, db_default=True)
    published = models.BooleanField(_("published"), default=True, db_default=True)
    external_id = models.CharField(max_length=100, null=True, blank=True, unique=True)
    search = models.GeneratedField(
        expression=document(high=["name", "model"], low=["description"]),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    letters = models.GeneratedField(expression=letters("name"), output_field=models.TextField(), db_persist=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price_minor__gte=0), name="product_price_not_negative"),
            models.CheckConstraint(
                condition=Q(recommended_price_minor__isnull=True) | Q(recommended_price_minor__gte=0),
                name="product_recommended_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(weight_grams__isnull=True) | Q(weight_grams__gte=0), name="product_weight_not_negative"
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="product_search"),
            GinIndex(fields=["letters"], opclasses=["gin_trgm_ops"], name="product_letters"),
            GinIndex(fields=["parameters"], opclasses=["jsonb_path_ops"], name="product_parameters"),
            models.Index(fields=["modified_at"], name="product_modified"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        new = self._state.adding
        super().save(*args, **kwargs)
        if new:
            ProductStanding.objects.bulk_create([ProductStanding(product=self)], ignore_conflicts=True)


class ProductStanding(models.Model):
    """How a product stands with people. One row for every product, written by `catalog.standing` and nobody else."""

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True, related_name="standing")
    likes = models.IntegerField(default=0, db_default=0)
    favourites = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(likes__gte=0, favourites__gte=0), name="product_standing_not_below_0")
        ]

    def __str__(self) -> str:
        return f"{self.product_id}"


class ProductStandingChange(models.Model):
    """By how much a product's counters are to change: added with what is counted, folded into them after."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    likes = models.IntegerField(default=0, db_default=0)
    favourites = models.IntegerField(default=0, db_default=0)

    class Meta:
        # Postgres names NOT NULL constraints after the table; Citus needs them short (citus.md, rule 7).
        db_table = "catalog_change"

    def __str__(self) -> str:
        return f"{self.product_id}"


class ProductImage(StoredPicture):
    """A picture of a product."""

    folder = "products"

    product = models.ForeignKey(Product, models.CASCADE, related_name="images")

    class Meta(StoredPicture.Meta):
        db_table = "catalog_image"
        constraints = [
            models.UniqueConstraint(fields=["product"], condition=Q(is_lead=True), name="product_image_one_leads")
        ]


class ProductVariant(LimitedCapacity, Stamped):
    """The size or colour of a product that has a stock: `capacity` pieces, of which some are held and some sold."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
    # NULL: none. Two variants without a code are no duplicates.
    sku = models.CharField(_("SKU"), max_length=64, null=True, blank=True, unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    # NULL: the product's price.
    price_minor = models.BigIntegerField(_("price"), null=True, blank=True)
    min_quantity = models.IntegerField(_("at least per order"), default=1, db_default=1)
    order_multiple = models.IntegerField(_("in multiples of"), default=1, db_default=1)
    low_stock_level = models.IntegerField(_("low below"), null=True, blank=True)
    position = models.IntegerField(default=0, db_default=0)

    objects = VariantQuerySet.as_manager()  # type: ignore[misc]  # the stubs take managers for fields of a row

    class Meta(LimitedCapacity.Meta):
        # Postgres names NOT NULL constraints after the table; Citus needs them short (citus.md, rule 7).
        db_table = "catalog_variant"
        ordering = ["position", "id"]
        constraints = [
            *LimitedCapacity.Meta.constraints,
            models.CheckConstraint(
                condition=Q(price_minor__isnull=True) | Q(price_minor__gte=0), name="variant_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(min_quantity__gte=1, order_multiple__gte=1), name="variant_order_limits"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.sku or str(self.product_id)

    @property
    def in_stock(self) -> bool:
        """Whether the smallest order of it could be had: the same as `in_stock()` for the row at hand."""
        return self.free is None or self.free >= self.least

    @property
    def least(self) -> int:
        """The smallest quantity that can be ordered: at least `min_quantity`, in whole multiples."""
        return -(-self.min_quantity // self.order_multiple) * self.order_multiple

    @property
    def is_low(self) -> bool:
        return self.free is not None and self.low_stock_level is not None and self.free <= self.low_stock_level


class DeliveryMethod(Stamped):
    """A way for goods to reach the buyer. What it costs, its rates say."""

    class Kind(models.TextChoices):
        COURIER = "courier", _("Courier")
        POST = "post", _("Post")
        PICKUP = "pickup", _("Pickup")

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    description = models.CharField(_("description"), max_length=300, blank=True)
    currency = models.CharField(max_length=3, validators=[validate_currency])
    price_minor = models.BigIntegerField(_("price"), default=0, db_default=0)
    # From this sum of goods on it costs nothing. NULL: never.
    free_from_minor = models.BigIntegerField(_("free from"), null=True, blank=True)
    # What is heavier does not go this way. NULL: no limit.
    most_grams = models.IntegerField(_("at most, in grams"), null=True, blank=True)
    active = models.BooleanField(_("offered"), default=True, db_default=True)
    position = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "catalog_delivery"
        ordering = ["position", "name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(price_minor__gte=0) & (Q(free_from_minor__isnull=True) | Q(free_from_minor__gte=0)),
                name="delivery_price_not_negative",
            )
        ]

    def __str__(self) -> str:
        return self.name


class DeliveryRate(models.Model):
    """What a method costs from a sum and a weight of goods on, instead of its plain price."""

    method = models.ForeignKey(DeliveryMethod, models.CASCADE, related_name="rates")
    from_total_minor = models.BigIntegerField(default=0, db_default=0)
    from_grams = models.IntegerField(default=0, db_default=0)
    price_minor = models.BigIntegerField()

    class Meta:
        db_table = "catalog_rate"
        ordering = ["from_grams", "from_total_minor"]
        constraints = [
            models.UniqueConstraint(fields=["method", "from_total_minor", "from_grams"], name="rate_once"),
            models.CheckConstraint(
                condition=Q(from_total_minor__gte=0, from_grams__gte=0, price_minor__gte=0),
                name="rate_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method_id}: {self.from_grams} g, {self.from_total_minor}"
