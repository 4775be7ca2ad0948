"""By what the list of products can be narrowed and ordered: closed lists, and the parameters of the goods (B2)."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import DecimalField, ExpressionWrapper, F, Value
from django.db.models.expressions import Case, When
from django.utils.translation import gettext_lazy as _

from api.filters import UnknownSortKey, modified_since
from api.views import COMMON_PARAMETERS, UnknownParameter
from shared_apps.core.errors import FieldError, InvalidInput
from shared_apps.core.money import CURRENCIES, exponent
from tenant_apps.catalog.models import ProductCategory

PARAMETERS = frozenset("search category price_min price_max in_stock".split())
PREFIX = "param."
ORDERS = {"name": "name", "price": "price", "created_at": "created_at"}
MOST_PARAMETERS = 10
MOST_VALUES = 20
LONGEST = 300


class BadPrice(InvalidInput):
    code = "invalid"
    message = _("Give an amount, such as 12.50.")


class BadSwitch(InvalidInput):
    code = "invalid_choice"
    message = _("Say true or false.")


def narrowed(request: Any, products: Any, *, ordered: bool = True) -> Any:
    """Return the products that the query asks for, in its order, ties by id. Raises InvalidInput."""
    query = request.query_params
    refuse_unknown(query)
    if text := _text(query, "search"):
        products = products.matching(text)
    if slugs := [each.strip() for each in _text(query, "category").split(",") if each.strip()][:20]:
        products = products.below(_slugs(slugs))
    products = products.priced_between(_edges(query, "price_min", up=True), _edges(query, "price_max", up=False))
    if "in_stock" in query:
        if query["in_stock"] not in ("true", "false"):
            raise BadSwitch(field="in_stock")
        products = products.in_stock(query["in_stock"] == "true")
    products = modified_since(request, products.having(parameters_of(query)))
    return in_order(request, products) if ordered else products


def refuse_unknown(query: Any) -> None:
    known = PARAMETERS | COMMON_PARAMETERS
    unknown = sorted(name for name in query if name not in known and not _is_parameter(name))
    if unknown:
        raise UnknownParameter(
            errors=[
                FieldError(name[:100], UnknownParameter.code, _("There is no such parameter.")) for name in unknown[:20]
            ]
        )


def parameters_of(query: Any) -> dict[str, list[str]]:
    """Return what is asked of the goods' parameters: any of the values of each name."""
    wanted = {
        name.removeprefix(PREFIX): [value[:LONGEST] for value in query.getlist(name)[:MOST_VALUES] if value]
        for name in query
        if _is_parameter(name)
    }
    if len(wanted) > MOST_PARAMETERS:
        raise InvalidInput(_("At most %d parameters.") % MOST_PARAMETERS)
    return {name: values for name, values in wanted.items() if values}


def in_order(request: Any, products: Any) -> Any:
    keys = []
    for name in (request.query_params.get("ordering") or "name").split(",")[:5]:
        key = name.strip()
        if key.removeprefix("-") not in ORDERS:
            raise UnknownSortKey(field="ordering", keys=", ".join(ORDERS))
        if key.endswith("price"):
            products = products.annotate(price=_major())
        keys.append(("-" if key.startswith("-") else "") + ORDERS[key.removeprefix("-")])
    return products.order_by(*keys, "pk")


def edges(amount: Decimal, *, up: bool) -> dict[str, int]:
    """Return the amount in each currency's minor units, rounded so that the range is not widened by half a cent."""
    found: dict[str, int] = {}
    for digits, currencies in _BY_DIGITS.items():
        scaled = amount.scaleb(digits)
        whole = int(scaled)
        found |= dict.fromkeys(currencies, whole + 1 if up and scaled > whole else whole)
    return found


def _major() -> Any:
    powers = Case(
        *(When(currency__in=names, then=Value(Decimal(10) ** digits)) for digits, names in _BY_DIGITS.items()),
        output_field=DecimalField(max_digits=20, decimal_places=6),
    )
    return ExpressionWrapper(F("price_minor") / powers, output_field=DecimalField(max_digits=20, decimal_places=6))


def _edges(query: Mapping[str, str], name: str, *, up: bool) -> dict[str, int] | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        amount = Decimal(text[:30])
        if not amount.is_finite() or not 0 <= amount <= 10**9:
            raise BadPrice(field=name)
    except InvalidOperation:
        raise BadPrice(field=name) from None
    return edges(amount, up=up)


def _slugs(given: list[str]) -> list[str]:
    """Slugs as they are; an id costs a statement to find the slug of."""
    ids = [int(each) for each in given if each.isascii() and each.isdigit() and len(each) <= 18]
    found = [each for each in given if not (each.isascii() and each.isdigit())]
    return found + (list(ProductCategory.objects.filter(pk__in=ids).values_list("slug", flat=True)) if ids else [])


def _text(query: Mapping[str, str], name: str) -> str:
    return query.get(name, "").strip()[:200]


def _is_parameter(name: str) -> bool:
    return name.startswith(PREFIX) and len(PREFIX) < len(name) <= 100


_BY_DIGITS: dict[int, list[str]] = {}
for _currency in sorted(CURRENCIES):
    _BY_DIGITS.setdefault(exponent(_currency), []).append(_currency)
