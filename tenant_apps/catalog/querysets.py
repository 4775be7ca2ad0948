"""The questions that are asked about goods."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import Exists, F, Func, Max, Min, OuterRef, Prefetch, Q
from django.db.models.functions import Coalesce

from shared_apps.core.capacity import LimitedCapacityQuerySet
from shared_apps.core.pictures import SHOWN
from shared_apps.core.search import matching
from tenants.context import current_tenant
from tenants.preferences import preference

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")
MOST_FACETS = 400


class Facet(NamedTuple):
    """A parameter with the values that the goods at hand have, and how many goods have each."""

    name: str
    values: list[tuple[Any, int]]


class CategoryQuerySet(models.QuerySet[Any]):
    """Named questions about the tree of categories."""

    def within(self, slugs: Iterable[str]) -> "CategoryQuerySet":
        """These categories and all below them."""
        return self.filter(lineage__overlap=list(slugs))

    def called(self, slug_or_id: str) -> "CategoryQuerySet":
        if slug_or_id.isascii() and slug_or_id.isdigit():
            return self.filter(pk=int(slug_or_id)) if len(slug_or_id) <= 18 else self.none()
        return self.filter(slug=slug_or_id)


class VariantQuerySet(LimitedCapacityQuerySet):
    """Named questions about variants, and the claims on their stock."""

    def in_stock(self) -> "VariantQuerySet":
        """Of which the smallest order could be had now."""
        least = (F("min_quantity") + F("order_multiple") - 1) / F("order_multiple") * F("order_multiple")
        return self.filter(Q(capacity__isnull=True) | Q(capacity__gte=F("held") + F("sold") + least))

    def low(self) -> "VariantQuerySet":
        """Of which no more are left than their level says."""
        return self.filter(low_stock_level__gte=F("capacity") - F("held") - F("sold"))

    def priced(self) -> "VariantQuerySet":
        """Each with `own_price_minor`: its own price or the product's."""
        return self.annotate(own_price_minor=Coalesce("price_minor", "product__price_minor"))


class ProductQuerySet(models.QuerySet[Any]):
    """Named questions about products; they compose."""

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Each with its standing, as `save` does it."""
        rows = super().bulk_create(objs, *args, **kwargs)
        standings: Any = self.model._meta.get_field("standing").related_model
        standings._default_manager.bulk_create(
            [standings(product_id=row.pk) for row in rows if row.pk], batch_size=1000, ignore_conflicts=True
        )
        return rows

    def public(self) -> "ProductQuerySet":
        """What anyone may see."""
        return self.filter(published=True)

    def for_sitemap(self) -> Any:
        """Address and last change of what search engines may find."""
        return self.public().order_by("-pk").values_list("slug", "modified_at")

    def called(self, slug_or_id: str) -> "ProductQuerySet":
        """The one with this slug; a text of digits only is an id, as no slug is."""
        if slug_or_id.isascii() and slug_or_id.isdigit():
            return self.filter(pk=int(slug_or_id)) if len(slug_or_id) <= 18 else self.none()
        return self.filter(slug=slug_or_id)

    def matching(self, text: str) -> "ProductQuerySet":
        """That have the words in name, model or description, in any form, or nearly so in the name."""
        return self.filter(matching(text, fuzzy="letters"))

    def below(self, slugs: Iterable[str]) -> "ProductQuerySet":
        """Of these categories and those below them."""
        return self.filter(category__lineage__overlap=list(slugs))

    def in_stock(self, wanted: bool = True) -> "ProductQuerySet":
        """That can be ordered now: some variant has stock, and orders are accepted."""
        there = Exists(_variants().in_stock().filter(product_id=OuterRef("pk")))
        can = Q(there, _takes_orders())
        return self.filter(can) if wanted else self.exclude(can)

    def priced_between(self, least: Mapping[str, int] | None, most: Mapping[str, int] | None) -> "ProductQuerySet":
        """With a variant whose price lies in the range; the edges are minor units by currency."""
        found = self
        for currency_edges, lookup in ((least, "own_price_minor__gte"), (most, "own_price_minor__lte")):
            if currency_edges is not None:
                known = Q(pk__in=())
                for currency, edge in currency_edges.items():
                    one = _variants().priced().filter(product_id=OuterRef("pk"), **{lookup: edge})
                    known |= Q(Exists(one), currency=currency)
                found = found.filter(known)
        return found

    def having(self, parameters: Mapping[str, Iterable[str]]) -> "ProductQuerySet":
        """Whose parameters have one of the values given for each name, as text; typed as they are kept."""
        found = self
        for name, values in parameters.items():
            any_of = Q(pk__in=())
            for value in values:
                for typed in _as_kept(value):
                    any_of |= Q(parameters__contains={name: typed})
            found = found.filter(any_of)
        return found

    def for_show(self) -> "ProductQuerySet":
        """With category, pictures and variants, in two statements; the search vector is left in the database.

        `picture_list` is a list of what `pictures.SHOWN` names; `closed` tells whether a category it is in takes no
        orders.
        """
        variants = Prefetch("variants", _variants().order_by("position", "pk"))
        images = self.model._meta.get_field("images").related_model._default_manager.filter(product_id=OuterRef("pk"))
        pictures = ArraySubquery(images.order_by("position", "pk").values(shown=SHOWN))
        found: Any = self.select_related("category", "standing").prefetch_related(variants).defer("search", "letters")
        return found.annotate(picture_list=pictures, closed=_closed())  # type: ignore[no-any-return]  # annotate() loses the queryset class

    def taking_orders(self) -> "ProductQuerySet":
        """That orders are accepted for: by the tenant, by the categories it is in, and by its own switch."""
        return self.filter(_takes_orders())

    def with_prices(self) -> "ProductQuerySet":
        """Each with the lowest and highest price of its variants."""
        own = Coalesce("variants__price_minor", "price_minor")
        return self.annotate(lowest_minor=Min(own), highest_minor=Max(own))

    def facets(self, names: Iterable[str] | None = None) -> list[Facet]:
        """Count the values of each parameter over these products, most frequent first; one statement."""
        try:
            inner, arguments = self.order_by().values("parameters").query.sql_with_params()
        except EmptyResultSet:
            return []  # a filter that nothing can meet never becomes SQL
        where, more = "", []
        if names is not None:
            where, more = " WHERE e.key = ANY(%s)", [list(names)]
        connection = connections[self.db]
        sql = (
            "SELECT e.key, e.value, count(*) FROM ("  # noqa: S608  (the ORM's own statement with its arguments)
            + inner
            + ") AS p CROSS JOIN LATERAL jsonb_each(p.parameters) AS e"
            + where
            + " GROUP BY e.key, e.value ORDER BY e.key, count(*) DESC, e.value LIMIT %s"
        )
        found: dict[str, list[tuple[Any, int]]] = {}
        with connection.cursor() as cursor:
            cursor.execute(sql, [*arguments, *more, MOST_FACETS])
            for name, value, count in cursor.fetchall():
                found.setdefault(name, []).append((json.loads(value) if isinstance(value, str) else value, count))
        return [Facet(name, values) for name, values in found.items()]


def _closed() -> Exists:
    """Whether the product's category, or one above it, takes no orders."""
    from tenant_apps.catalog.models import ProductCategory

    is_above: Any = Func(
        F("slug"),
        OuterRef("category__lineage"),
        template="%(expressions)s)",
        arg_joiner=" = ANY(",
        output_field=models.BooleanField(),
    )
    return Exists(ProductCategory.objects.filter(is_above, accepting_orders=False))


def _takes_orders() -> Q:
    if not preference(current_tenant(), "goods_accepting_orders"):
        return Q(pk__in=())
    return Q(~_closed(), accepting_orders=True)


def _variants() -> VariantQuerySet:
    from tenant_apps.catalog.models import ProductVariant

    return ProductVariant.objects.all()


def _as_kept(value: str) -> list[Any]:
    """What a text from an address can be in the database: itself, a number, or yes and no."""
    kept: list[Any] = [value]
    if _NUMBER.fullmatch(value):
        kept.append(float(value) if "." in value else int(value))
    elif value.lower() in ("true", "false"):
        kept.append(value.lower() == "true")
    return kept
