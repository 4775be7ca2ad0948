"""Parameters of goods: names declared for a category or the whole tenant, and values of the declared kind."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from shared_apps.core.errors import FieldError, InvalidInput
from tenant_apps.catalog.models import Parameter, ProductCategory

Kind = Parameter.Kind
MOST = 60
LONGEST_NAME = 80
LONGEST_VALUE = 300
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,9})?")
_YES = frozenset({"true", "yes", "да"})
_NO = frozenset({"false", "no", "нет"})


def declared_for(category: ProductCategory | None) -> dict[str, Parameter]:
    """Return what is declared for the category, for those above it, and for the whole tenant; the nearest wins."""
    lineage = category.lineage if category else []
    found = Parameter.objects.filter(Q(category__isnull=True) | Q(category__slug__in=lineage)).select_related(
        "category"
    )
    near = {slug: depth for depth, slug in enumerate(lineage, start=1)}
    ordered = sorted(found, key=lambda one: near.get(one.category.slug, 0) if one.category else 0)
    return {one.name: one for one in ordered}


def checked(values: Any, category: ProductCategory | None, known: dict[str, Parameter] | None = None) -> dict[str, Any]:
    """Return the values as they are kept, each of its declared kind; None takes a value out.

    A name that nobody has declared is declared for the category, with the kind that its value has: a partner's price
    list brings its own names. Raises InvalidInput naming each value of another kind.
    """
    if not isinstance(values, Mapping):
        raise InvalidInput(errors=[FieldError("parameters", "invalid", _("Give names with values."))])
    if len(values) > MOST:
        raise InvalidInput(errors=[FieldError("parameters", "too_many", _("At most %d parameters.") % MOST)])
    known = declared_for(category) if known is None else known
    kept: dict[str, Any] = {}
    errors: list[FieldError] = []
    for given, value in values.items():
        name = " ".join(str(given).split())
        path = f"parameters.{name}"[:120]
        if not name or len(name) > LONGEST_NAME:
            errors.append(FieldError(path, "too_long", _("At most %d characters.") % LONGEST_NAME))
            continue
        if value is None or value == "":
            continue
        parameter = known.get(name)
        kind = parameter.kind if parameter else kind_of(value)
        typed = as_kind(value, kind) if kind else None
        if typed is None:
            label = Kind(kind).label if kind else _("Text")
            errors.append(FieldError(path, "wrong_kind", _("This must be: %s.") % label))
        elif isinstance(typed, str) and len(typed) > LONGEST_VALUE:
            errors.append(FieldError(path, "too_long", _("At most %d characters.") % LONGEST_VALUE))
        else:
            kept[name] = typed
            if parameter is None:
                known[name] = Parameter(category=category, name=name, kind=kind or Kind.TEXT)
    if errors:
        raise InvalidInput(errors=errors)
    fresh = [known[name] for name in kept if known[name].pk is None]
    if fresh:
        for one in fresh:
            row, _made = Parameter.objects.get_or_create(
                category=one.category, name=one.name, defaults={"kind": one.kind}
            )
            known[one.name] = row
    return kept


def kind_of(value: Any) -> str | None:
    """Return the kind that a value has by itself; None for what can be no parameter (a list, an object)."""
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int | float | Decimal):
        return Kind.NUMBER
    return Kind.TEXT if isinstance(value, str) else None


def guessed(values: Iterable[Any]) -> str:
    """Return the kind that fits all of these cells of a file, where everything is text."""
    texts = [value.strip() if isinstance(value, str) else value for value in values]
    for kind in (Kind.NUMBER, Kind.BOOLEAN):
        if texts and all(kind_of(text) == kind or _reads_as(text, kind) for text in texts):
            return kind
    return Kind.TEXT


def as_kind(value: Any, kind: str) -> Any:
    """Return the value as it is kept under this kind, None if it is not of it."""
    if kind == Kind.TEXT:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float | Decimal):
            return f"{value}"
        return " ".join(value.split()) if isinstance(value, str) else None
    if kind == Kind.BOOLEAN:
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else ""
        return True if word in _YES else False if word in _NO else None
    if isinstance(value, bool):
        return None
    text = value.strip().replace(",", ".") if isinstance(value, str) else f"{value}"
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return int(number) if number.is_integer() else number


def _reads_as(text: Any, kind: str) -> bool:
    return isinstance(text, str) and as_kind(text, kind) is not None and (kind != Kind.NUMBER or "," not in text)
