"""A partner's price list in YAML: `categories` with id and name, `goods` with price, quantity and parameters.

Read from the parser's events, not loaded: no tag makes an object, anchors and aliases are refused (a few lines of
them unfold into billions), and depth, size and number of values have limits. Of YAML's many readings of plain words
only those of its core schema count: `yes` is a word, `1:30` too, `2688x1242` anyway.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from django.utils.translation import gettext as _

from tenant_apps.imports import reading
from tenant_apps.imports.errors import UnreadableFile

MOST_BYTES = 4 * 1024 * 1024
MOST_VALUES = 200_000
DEEPEST = 6
LONGEST_VALUE = 60_000
# libyaml where it is there: ten times as fast. Both give the same events.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What a good is called in such lists, and what we call it.
FIELDS = {
    "id": "external_id",
    "external_id": "external_id",
    "name": "name",
    "description": "description",
    "model": "model",
    "price": "price",
    "price_rrc": "recommended_price",
    "recommended_price": "recommended_price",
    "quantity": "capacity",
    "capacity": "capacity",
    "sku": "sku",
    "currency": "currency",
    "weight": "weight",
    "supplier": "supplier",
}
_WHOLE = re.compile(r"[-+]?\d{1,18}")
_FRACTION = re.compile(r"[-+]?(\d{1,18}\.\d*|\.\d+)([eE][-+]?\d{1,2})?")


class Listed(NamedTuple):
    """One of the goods: the line on which it begins, and its cells by our columns' names; numbers are numbers."""

    line: int
    cells: dict[str, Any]


class Value(NamedTuple):
    """One value with the line on which it begins: a text, number, truth value, None, a list or a mapping."""

    line: int
    data: Any


def is_price_list(file_name: str) -> bool:
    return file_name.lower().endswith((".yaml", ".yml"))


def rows(content: bytes, *, most: int) -> Iterator[Listed]:
    """Yield each good as a row of the products' columns. Raises UnreadableFile."""
    if len(content) > MOST_BYTES:
        message = _("A price list in YAML has at most %d MB; use CSV for longer ones.") % (MOST_BYTES // 1024 // 1024)
        raise UnreadableFile(1, "", "file_too_large", message)
    top = parse(reading.decode(content))
    if not isinstance(top.data, dict) or not isinstance(_data(top, "goods"), list):
        raise UnreadableFile(top.line, "goods", "missing_column", _("A price list has a list called goods."))
    categories = _categories(top)
    shop = _data(top, "shop")
    goods = _data(top, "goods")
    if len(goods) > most:
        raise UnreadableFile(goods[most].line, "", "too_many_rows", _("A file has at most %d rows.") % most)
    for good in goods:
        if not isinstance(good.data, dict):
            raise UnreadableFile(good.line, "goods", "malformed", _("Each of the goods has names and values."))
        cells: dict[str, Any] = {"supplier": shop} if isinstance(shop, str) else {}
        for name, value in good.data.items():
            if name in FIELDS:
                cells[FIELDS[name]] = _cell(value, name)
        if "category" in good.data:
            number = _cell(good.data["category"], "category")
            cells["category_id"] = number
            cells["category"] = categories.get(number, "")
            if number and number not in categories:
                message = _("The list names no category %s.") % number
                raise UnreadableFile(good.data["category"].line, "category", "does_not_exist", message)
        parameters = good.data.get("parameters")
        if parameters is not None and parameters.data is not None:
            if not isinstance(parameters.data, dict):
                raise UnreadableFile(parameters.line, "parameters", "malformed", _("Give names with values."))
            for name, value in parameters.data.items():
                if isinstance(value.data, dict | list):
                    raise UnreadableFile(value.line, "parameters", "malformed", _("Give names with values."))
                cells[f"param.{name}"] = "" if value.data is None else value.data
        yield Listed(good.line, cells)


def parse(text: str) -> Value:
    """Return the one document of a YAML text. Raises UnreadableFile with the line for all that is refused."""
    loader = None
    try:
        # Checks the characters too, so inside.
        loader = LOADER(text)
        return _Builder(loader).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableFile(mark.line + 1 if mark else 1, "", "malformed", _("This is no YAML.")) from None
    except yaml.YAMLError:
        raise UnreadableFile(1, "", "malformed", _("This is no YAML.")) from None
    finally:
        if loader is not None:
            loader.dispose()


class _Builder:
    def __init__(self, loader: Any):
        self.loader = loader
        self.values = 0

    def document(self) -> Value:
        self._next(yaml.StreamStartEvent)
        if self.loader.check_event(yaml.StreamEndEvent):
            raise UnreadableFile(1, "", "empty_file", _("The file is empty."))
        self._next(yaml.DocumentStartEvent)
        value = self._value(1)
        self._next(yaml.DocumentEndEvent)
        if not self.loader.check_event(yaml.StreamEndEvent):
            line = self.loader.peek_event().start_mark.line + 1
            raise UnreadableFile(line, "", "several_documents", _("The file holds several documents."))
        return value

    def _next(self, kind: type) -> Any:
        event = self.loader.get_event()
        if not isinstance(event, kind):
            raise UnreadableFile(event.start_mark.line + 1, "", "malformed", _("This is no YAML."))
        return event

    def _value(self, depth: int) -> Value:
        event = self.loader.get_event()
        line = event.start_mark.line + 1
        self.values += 1
        if self.values > MOST_VALUES:
            raise UnreadableFile(line, "", "too_many_values", _("The file holds too many values."))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise UnreadableFile(line, "", "alias", _("Anchors and aliases (& and *) are not taken here."))
        if getattr(event, "tag", None):
            raise UnreadableFile(line, "", "tag", _("Tags (!) are not taken here."))
        if depth > DEEPEST:
            raise UnreadableFile(line, "", "too_deep", _("The file is nested too deeply."))
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not self.loader.check_event(yaml.SequenceEndEvent):
                items.append(self._value(depth + 1))
            self.loader.get_event()
            return Value(line, items)
        if isinstance(event, yaml.MappingStartEvent):
            return Value(line, self._mapping(depth))
        if not isinstance(event, yaml.ScalarEvent):
            raise UnreadableFile(line, "", "malformed", _("This is no YAML."))
        if len(event.value) > LONGEST_VALUE:
            raise UnreadableFile(line, "", "too_long", _("At most %d characters.") % LONGEST_VALUE)
        plain = event.style in (None, "")
        return Value(line, scalar(event.value) if plain else event.value)

    def _mapping(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not self.loader.check_event(yaml.MappingEndEvent):
            key = self._value(depth + 1)
            if isinstance(key.data, list | dict):
                raise UnreadableFile(key.line, "", "malformed", _("A name must be a text."))
            name = " ".join(as_text(key.data).split())
            if name in found:
                raise UnreadableFile(key.line, name[:80], "duplicate_key", _("The name %s comes twice.") % name[:80])
            found[name] = self._value(depth + 1)
        self.loader.get_event()
        return found


def scalar(text: str) -> Any:
    """Return what a plain word of YAML is by the core schema (YAML 1.2, 10.3), without octal, hexadecimal or NaN."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _WHOLE.fullmatch(text) and not re.match(r"[-+]?0\d", text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    return text


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}"


def _categories(top: Value) -> dict[str, str]:
    found: dict[str, str] = {}
    listed = _data(top, "categories")
    for one in listed if isinstance(listed, list) else []:
        number, name = _data(one, "id"), _data(one, "name")
        if number is None or not isinstance(name, str | int):
            raise UnreadableFile(one.line, "categories", "malformed", _("A category has an id and a name."))
        if as_text(number) in found:
            raise UnreadableFile(one.line, "categories", "duplicate_key", _("The name %s comes twice.") % number)
        found[as_text(number)] = as_text(name)
    return found


def _data(value: Value, name: str) -> Any:
    found = value.data.get(name) if isinstance(value.data, dict) else None
    return None if found is None else found.data


def _cell(value: Value, name: str) -> str:
    if isinstance(value.data, list | dict):
        raise UnreadableFile(value.line, name, "malformed", _("This must be a text or a number."))
    return as_text(value.data)
