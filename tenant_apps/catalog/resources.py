"""Goods as rows of a file: a price list that is sent again whenever prices and stock have changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.errors import DomainError, FieldError, InvalidInput
from shared_apps.core.money import to_minor, to_text
from shared_apps.core.resources import ColumnError, Currency, Number, Outcome, RowResource, Text, Whole, column
from tenant_apps.catalog import parameters, services
from tenant_apps.catalog.categories import change_category, create_category
from tenant_apps.catalog.models import Parameter, Product, ProductCategory
from tenant_apps.events.services import clean_description
from tenants.context import current_tenant

PREFIX = "param."
MOST_PIECES = 2_000_000_000
PLAIN = ("name", "description", "supplier", "model")


class DuplicateRow(DomainError):
    """Two rows of one file are about the same goods."""

    code, status = "duplicate_row", 409
    message = gettext_lazy("An earlier row has the same id.")


class ProductResource(RowResource):
    """One row is one product with one variant, known by `external_id`; what the file leaves out stays as it is.

    Parameters are columns of their own, `param.Colour`. Rows with the same `external_id` and unlike `sku` are
    variants of one product.
    """

    external_id = column(Text(100))
    name = column(Text(200))
    description = column(Text(services.LONGEST_DESCRIPTION, lines=True))
    category = column(Text(80))
    category_id = column(Text(100))
    supplier = column(Text(120))
    model = column(Text(120))
    price = column(Number())
    recommended_price = column(Number())
    currency = column(Currency())
    capacity = column(Whole(MOST_PIECES))
    sku = column(Text(64))
    variant = column(Text(100))
    weight = column(Whole(MOST_PIECES))

    label = gettext_lazy("Products")
    required = ("external_id", "name", "price")
    aliases = {
        "id": "external_id",
        "price_rrc": "recommended_price",
        "rrp": "recommended_price",
        "quantity": "capacity",
        "stock": "capacity",
        "weight_grams": "weight",
    }
    prefixes = (PREFIX,)
    permission = "change_catalog"
    price_lists = True

    def __init__(self, actor: Any = None):
        super().__init__(actor)
        self._seen: dict[str, tuple[Product, set[str]]] = {}
        self._categories: dict[tuple[str, str], ProductCategory] = {}
        self._kinds: dict[str, str] = {}
        self._declared: dict[int | None, dict[str, Parameter]] = {}

    def look_over(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """A cell of CSV is text; whether a parameter is a number, the whole column tells."""
        columns: dict[str, list[Any]] = {}
        for cells in rows:
            for name, cell in cells.items():
                if name.startswith(PREFIX) and cell not in ("", None):
                    columns.setdefault(name.removeprefix(PREFIX), []).append(cell)
        self._kinds = {name: parameters.guessed(cells) for name, cells in columns.items()}

    def column_of(self, path: str) -> str:
        if path.startswith("parameters."):
            return PREFIX + path.removeprefix("parameters.")
        return {"variants.0.sku": "sku", "weight_grams": "weight"}.get(path, path)

    def clean(self, cells: Mapping[str, Any]) -> tuple[dict[str, Any], list[ColumnError]]:
        values, errors = super().clean(cells)
        given = {name.removeprefix(PREFIX): cell for name, cell in cells.items() if name.startswith(PREFIX)}
        values["parameters"] = {name: Text(300).clean(cell) if isinstance(cell, str) else cell
                                for name, cell in given.items() if len(str(cell)) <= 300}  # fmt: skip
        errors += [
            ColumnError(f"{PREFIX}{name}"[:90], "too_long", _("At most %d characters.") % 300)
            for name, cell in given.items()
            if len(str(cell)) > 300
        ]
        for name in self.required:
            if name not in cells and not any(error.column == name for error in errors):
                errors.append(ColumnError(name, "required", _("Fill this in.")))
        return values, errors

    def apply(self, values: dict[str, Any]) -> Outcome:
        key = values["external_id"]
        sku = values.get("sku") or ""
        try:
            if key in self._seen:
                product, skus = self._seen[key]
                if not sku or sku in skus or "" in skus:
                    raise DuplicateRow(field="external_id")
                outcome = self._put_variant(product, values, [])
                skus.add(sku)
                return outcome
            product, outcome = self._put(key, values)
        except DomainError:
            # What this row made is taken back with it, so later rows must not count on it.
            self._categories.clear()
            self._declared.clear()
            raise
        self._seen[key] = product, {sku}
        return outcome

    def _put(self, key: str, values: dict[str, Any]) -> tuple[Product, Outcome]:
        product = Product.objects.select_related("category").filter(_known_by(key)).first()
        currency = values.get("currency") or (product.currency if product else current_tenant().currency)
        category = self._category(values)
        fields = self._fields(values, currency, category or (product.category if product else None), product)
        if category is not None:
            fields["category"] = category
        if product is None:
            stock = {name: values[name] for name in ("capacity", "sku") if values.get(name) not in (None, "")}
            stock |= {"name": values["variant"]} if values.get("variant") else {}
            fields = {name: value for name, value in fields.items() if value not in (None, "")}
            product = services.create_product(
                actor=self.actor, external_id=key, variants=[stock], **{"parameters": {}, **fields}
            )
            changed = [(name, None, value) for name, value in fields.items() if name != "parameters"]
            changed += [(name, None, value) for name, value in stock.items()]
            changed += [(f"{PREFIX}{name}", None, value) for name, value in product.parameters.items()]
            self.diff = self._diff(product, changed)
            return product, Outcome.NEW
        before = {name: getattr(product, name) for name in fields}
        changed = [
            (name, before[name], value)
            for name, value in fields.items()
            if name != "parameters" and _kept(name, value) != before[name]
        ]
        if "parameters" in fields:
            old, new = before["parameters"], fields["parameters"]
            changed += [
                (f"{PREFIX}{name}", old.get(name), new.get(name))
                for name in {**old, **new}
                if old.get(name) != new.get(name)
            ]
        if changed:
            product = services.update_product(product, actor=self.actor, **fields)
        return product, self._put_variant(product, values, changed)

    def _put_variant(self, product: Product, values: dict[str, Any], changed: list[Any]) -> Outcome:
        variants = list(product.variants.order_by("position", "pk"))
        sku = values.get("sku") or None
        variant = next((one for one in variants if sku and one.sku == sku), None)
        if variant is None and (not sku or (len(variants) == 1 and variants[0].sku is None)):
            if len(variants) > 1:
                message = _("This has several variants; name one by its SKU.")
                raise InvalidInput(errors=[FieldError("sku", "several_variants", message)])
            variant = variants[0]
        wanted: dict[str, Any] = {"sku": sku} if sku else {}
        if "capacity" in values:
            wanted["capacity"] = values["capacity"]
        if values.get("variant"):
            wanted["name"] = values["variant"]
        if variant is None:
            price = self._amount(values, "price", product.currency)
            if price != product.price_minor:
                wanted["price_minor"] = price
            services.create_variant(product, actor=self.actor, **wanted)
            self.diff = self._diff(product, [*changed, *((name, None, value) for name, value in wanted.items())])
            return Outcome.NEW
        changed = changed + [
            (name, getattr(variant, name), value) for name, value in wanted.items() if getattr(variant, name) != value
        ]
        services.change_variant(variant, actor=self.actor, **wanted)
        if not changed:
            return Outcome.UNCHANGED
        self.diff = self._diff(product, changed)
        return Outcome.CHANGED

    def _fields(
        self, values: dict[str, Any], currency: str, category: ProductCategory | None, product: Product | None
    ) -> dict[str, Any]:
        """What the row says about the product, as services take it; columns that the file has not are left out."""
        fields = {name: values[name] for name in PLAIN if name in values}
        if "description" in fields:
            fields["description"] = clean_description(fields["description"])
        fields["currency"] = currency
        fields["price_minor"] = self._amount(values, "price", currency)
        if "recommended_price" in values:
            fields["recommended_price_minor"] = self._amount(values, "recommended_price", currency)
        if "weight" in values:
            fields["weight_grams"] = values["weight"]
        if values["parameters"]:
            number = category.pk if category else None
            if number not in self._declared:
                self._declared[number] = parameters.declared_for(category)
            known = self._declared[number]
            given: dict[str, Any] = {}
            for name, cell in values["parameters"].items():
                kind = known[name].kind if name in known else self._kinds.get(name, Parameter.Kind.TEXT)
                typed = parameters.as_kind(cell, kind) if cell not in ("", None) else None
                given[name] = cell if typed is None else typed
            checked = parameters.checked(given, category, known)
            kept = {name: value for name, value in (product.parameters if product else {}).items() if name not in given}
            fields["parameters"] = kept | checked
        return fields

    def _amount(self, values: dict[str, Any], name: str, currency: str) -> int | None:
        if values.get(name) is None:
            return None
        try:
            amount = to_minor(values[name], currency)
        except ValueError as error:
            raise InvalidInput(errors=[FieldError(name, "invalid_price", str(error))]) from None
        if amount < 0:
            raise InvalidInput(errors=[FieldError(name, "out_of_range", _("A price cannot be negative."))])
        return amount

    def _category(self, values: dict[str, Any]) -> ProductCategory | None:
        """The category that the row names, made if need be: known by the partner's id, else by its name."""
        number, name = values.get("category_id") or "", values.get("category") or ""
        if not number and not name:
            return None
        found = self._categories.get((number, name))
        if found is None:
            if number:
                found = ProductCategory.objects.filter(external_id=number).first()
            if found is None:
                same = ProductCategory.objects.filter(name__iexact=name, parent=None).first()
                if same is not None and number and same.external_id is None:
                    same.external_id = number
                    same.save(update_fields=["external_id", "modified_at"])
                found = same or create_category(actor=self.actor, name=name or number, external_id=number or None)
            elif name and found.name != name:
                found = change_category(found, actor=self.actor, name=name)
            self._categories[number, name] = found
        return found

    def _diff(self, product: Product, changed: Sequence[tuple[str, Any, Any]]) -> dict[str, Any]:
        """What the row changes, by the file's own columns, as people read it."""
        return {
            "key": product.external_id,
            "name": product.name,
            "fields": [
                {
                    "field": name.removesuffix("_minor").replace("weight_grams", "weight"),
                    "before": _shown(name, before, product.currency),
                    "after": _shown(name, after, product.currency),
                }
                for name, before, after in changed
            ],
        }


def _known_by(key: str) -> Q:
    """What a row's id stands for: a maker's own, or our address of goods that have none, as exports give it."""
    own = Q(external_id=None, slug=key.removeprefix("foyer:")) if key.startswith("foyer:") else Q(pk=None)
    return Q(external_id=key) | own


def _kept(name: str, value: Any) -> Any:
    return value or "" if name in PLAIN else value


def _shown(name: str, value: Any, currency: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if name.endswith("_minor"):
        return to_text(value, currency)
    return value.name if isinstance(value, ProductCategory) else value
