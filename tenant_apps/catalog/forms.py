"""What the staff fill in about goods."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.core.money import to_minor, to_text
from tenant_apps.catalog.models import DeliveryMethod, Product, ProductCategory, ProductVariant

MOST_PIECES = 2_000_000_000


class MoneyInput(forms.CharField):
    """An amount as people type it; whole minor units of the form's currency come out."""

    widget = forms.TextInput

    def __init__(self, **kwargs: Any):
        self.currency = "EUR"
        super().__init__(max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"}), **kwargs)

    def clean(self, value: Any) -> Any:
        text = re.sub(r"[\s\u00a0\u202f]", "", super().clean(value)).replace(",", ".")
        if not text:
            return None
        try:
            minor = to_minor(text, self.currency)
        except ValueError:
            raise forms.ValidationError(_("Write the price as 12.50."), code="invalid") from None
        if minor < 0:
            raise forms.ValidationError(_("A price cannot be negative."), code="negative")
        return minor


class QuickForm(forms.Form):
    """Price and stock of one variant, edited in the list."""

    price = MoneyInput(label=_("Price"))
    capacity = forms.IntegerField(label=_("Stock"), min_value=0, max_value=MOST_PIECES, required=False)

    def __init__(self, *args: Any, currency: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["price"].currency = currency  # type: ignore[attr-defined]  # a price's field, as declared above


class ProductForm(forms.Form):
    """A product and, where it has only one, its variant."""

    name = forms.CharField(label=_("Name"), max_length=200)
    category = forms.ChoiceField(label=_("Category"), required=False)
    price = MoneyInput(label=_("Price"))
    recommended_price = MoneyInput(label=_("Recommended price"), required=False)
    capacity = forms.IntegerField(
        label=_("Stock"),
        min_value=0,
        max_value=MOST_PIECES,
        required=False,
        help_text=_("Sold pieces count too. Leave it empty if there is no limit."),
    )
    sku = forms.CharField(label=_("SKU"), max_length=64, required=False)
    min_quantity = forms.IntegerField(label=_("At least per order"), min_value=1, max_value=1_000_000, initial=1)
    order_multiple = forms.IntegerField(label=_("In multiples of"), min_value=1, max_value=1_000_000, initial=1)
    low_stock_level = forms.IntegerField(
        label=_("Warn when so few are left"), min_value=0, max_value=MOST_PIECES, required=False
    )
    supplier = forms.CharField(label=_("Supplier"), max_length=120, required=False)
    weight_grams = forms.IntegerField(label=_("Weight in grams"), min_value=0, max_value=MOST_PIECES, required=False)
    parameters = forms.CharField(
        label=_("Parameters"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("One on each line, as Colour: black. Buyers filter by them."),
    )
    description = forms.CharField(
        label=_("Description"), max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 6})
    )
    accepting_orders = forms.BooleanField(label=_("Accepting orders"), required=False, initial=True)
    published = forms.BooleanField(label=_("Shown in the storefront"), required=False, initial=True)

    OF_VARIANT = ("capacity", "sku", "min_quantity", "order_multiple", "low_stock_level")

    def __init__(self, *args: Any, product: Product | None = None, categories: Any, currency: str, **kwargs: Any):
        variants = list(product.variants.all()) if product else []
        self.variant: ProductVariant | None = variants[0] if len(variants) == 1 else None
        kwargs.setdefault("initial", self._initial(product) if product else {})
        super().__init__(*args, **kwargs)
        if len(variants) > 1:
            for name in self.OF_VARIANT:
                del self.fields[name]
        for name in ("price", "recommended_price"):
            self.fields[name].currency = currency  # type: ignore[attr-defined]  # a price's field, as declared above
        choices: list[tuple[str, str]] = [("", "—")]
        category: ProductCategory
        for category in categories:
            choices.append((category.slug, "  " * (len(category.lineage) - 1) + category.name))
        self.fields["category"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField, as declared above

    def _initial(self, product: Product) -> dict[str, Any]:
        initial = {
            "name": product.name,
            "category": product.category.slug if product.category else "",
            "price": to_text(product.price_minor, product.currency),
            "recommended_price": ""
            if product.recommended_price_minor is None
            else to_text(product.recommended_price_minor, product.currency),
            "supplier": product.supplier,
            "weight_grams": product.weight_grams,
            "description": product.description,
            "parameters": "\n".join(f"{name}: {_written(value)}" for name, value in product.parameters.items()),
            "accepting_orders": product.accepting_orders,
            "published": product.published,
        }
        if self.variant is not None:
            initial |= {name: getattr(self.variant, name) for name in self.OF_VARIANT}
        return initial

    def clean_parameters(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self.cleaned_data["parameters"].splitlines():
            if not line.strip():
                continue
            name, colon, value = line.partition(":")
            if not colon or not name.strip():
                raise forms.ValidationError(_("Write one on each line, as Colour: black."), code="invalid")
            found[" ".join(name.split())] = value.strip()
        return found

    def fields_of_product(self) -> dict[str, Any]:
        """Return what the service takes for the product itself."""
        data = self.cleaned_data
        names = ("name", "category", "supplier", "weight_grams", "description", "accepting_orders", "published")
        fields = {name: data[name] for name in names}
        fields["parameters"] = _typed(data["parameters"])
        return fields | {"price_minor": data["price"], "recommended_price_minor": data["recommended_price"]}

    def fields_of_variant(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.OF_VARIANT if name in self.fields}


class CategoryForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    parent = forms.ChoiceField(label=_("Inside"), required=False)
    position = forms.IntegerField(
        label=_("Place"),
        min_value=0,
        max_value=10_000,
        required=False,
        help_text=_("Smaller numbers come first; equal ones by name."),
    )

    def __init__(self, *args: Any, categories: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices = [(each.slug, "  " * (len(each.lineage) - 1) + each.name) for each in categories]
        self.fields["parent"].choices = [("", "—"), *choices]  # type: ignore[attr-defined]  # a ChoiceField, as declared above


def _typed(parameters: dict[str, str]) -> dict[str, Any]:
    """A new name gets the kind that its value looks like; of a known one the service knows the kind."""
    from tenant_apps.catalog.parameters import as_kind, guessed

    return {name: as_kind(value, guessed([value])) if value else None for name, value in parameters.items()}


def _written(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else f"{value}"


class MethodForm(forms.Form):
    """A way of delivery without its rates."""

    name = forms.CharField(label=_("Name"), max_length=100)
    kind = forms.ChoiceField(label=_("Kind"), choices=DeliveryMethod.Kind.choices)
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    price = MoneyInput(label=_("Price"), required=False, help_text=_("Empty: it costs nothing."))
    free_from = MoneyInput(
        label=_("Free from"), required=False, help_text=_("From this sum of goods on. Empty: it is never free.")
    )
    most_grams = forms.IntegerField(
        label=_("At most, in grams"), min_value=0, max_value=10**9, required=False, help_text=_("Empty: no limit.")
    )
    active = forms.BooleanField(label=_("Offered to buyers"), required=False, initial=True)

    def __init__(self, *args: Any, method: DeliveryMethod | None, currency: str, **kwargs: Any):
        if method is not None:
            same = ("name", "kind", "description", "most_grams")
            kwargs["initial"] = {name: getattr(method, name) for name in same} | {
                "active": method.active,
                "price": to_text(method.price_minor, currency),
                "free_from": "" if method.free_from_minor is None else to_text(method.free_from_minor, currency),
            }
        super().__init__(*args, **kwargs)
        for name in ("price", "free_from"):
            self.fields[name].currency = currency  # type: ignore[attr-defined]  # a field of ours, which Field does not name

    def fields_of_method(self) -> dict[str, Any]:
        """Return what the service takes."""
        data = self.cleaned_data
        fields = {name: data[name] for name in ("name", "kind", "description", "most_grams", "active")}
        return fields | {"price_minor": data["price"] or 0, "free_from_minor": data["free_from"]}


class RateForm(forms.Form):
    """What delivery costs from a weight or a sum on."""

    from_grams = forms.IntegerField(label=_("From grams"), min_value=0, max_value=10**9, required=False)
    from_total = MoneyInput(label=_("From a sum of"), required=False)
    price = MoneyInput(label=_("It costs"))

    def __init__(self, *args: Any, currency: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name in ("from_total", "price"):
            self.fields[name].currency = currency  # type: ignore[attr-defined]  # a field of ours, which Field does not name


class _Rates(forms.BaseFormSet):  # type: ignore[type-arg]  # Django has no type arguments here at run time
    def rates(self) -> list[dict[str, int]]:
        """Return the rows that were filled in and not ticked for deletion, as the service takes them."""
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        return [
            {
                "from_grams": row["from_grams"] or 0,
                "from_total_minor": row["from_total"] or 0,
                "price_minor": row["price"],
            }
            for row in kept
        ]


def rates_formset(posted: Any, *, method: DeliveryMethod | None, currency: str) -> _Rates:
    """Return the rows of a method's rates, with two empty ones to fill in."""
    kind: Any = forms.formset_factory(RateForm, formset=_Rates, extra=2, max_num=50, validate_max=True, can_delete=True)
    initial = [
        {
            "from_grams": rate.from_grams or "",
            "from_total": to_text(rate.from_total_minor, currency) if rate.from_total_minor else "",
            "price": to_text(rate.price_minor, currency),
        }
        for rate in (method.rates.all() if method else ())
    ]
    made: _Rates = kind(posted, initial=initial, prefix="rates", form_kwargs={"currency": currency})
    return made


class BulkForm(forms.Form):
    """One change for all products that are ticked."""

    CHANGES = (
        ("publish", _("Show in the storefront")),
        ("hide", _("Hide")),
        ("open", _("Accept orders")),
        ("close", _("Stop accepting orders")),
        ("price", _("Move the price by percent")),
        ("category", _("Put into a category")),
    )

    change = forms.ChoiceField(label=_("Change"), choices=CHANGES)
    percent = forms.DecimalField(label=_("Percent"), max_digits=7, decimal_places=2, required=False, localize=True)
    category = forms.ChoiceField(label=_("Category"), required=False)

    def __init__(self, *args: Any, categories: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices = [(each.slug, "  " * (len(each.lineage) - 1) + each.name) for each in categories]
        self.fields["category"].choices = [("", "—"), *choices]  # type: ignore[attr-defined]  # a choice field, which Field does not name

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("change") == "price" and data.get("percent") is None and "percent" not in self.errors:
            self.add_error("percent", _("Say by how many percent."))
        return data

    def fields_for_service(self) -> dict[str, Any]:
        data = self.cleaned_data
        changes: dict[str, dict[str, Any]] = {
            "publish": {"published": True},
            "hide": {"published": False},
            "open": {"accepting_orders": True},
            "close": {"accepting_orders": False},
            "price": {"price_percent": data["percent"]},
            "category": {"category": data["category"]},
        }
        return changes[data["change"]]
