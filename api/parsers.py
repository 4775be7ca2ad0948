"""JSON in, read strictly (B2): one object in UTF-8, not too deep, without NaN, double keys or what cannot be stored."""

import json
import math
from typing import Any, NoReturn

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

from api.errors import Malformed, TooLarge
from shared_apps.core.database_errors import CharacterRefused

DEEPEST = 20
WIDEST_INTEGER = 2**63 - 1


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        charset = (parser_context or {}).get("encoding") or "utf-8"
        if charset.lower().replace("_", "-") not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(media_type or "")
        raw = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(raw) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise TooLarge
        return loads(raw)


def loads(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in these bytes. Raises Malformed or CharacterRefused."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError:
        raise Malformed(_("The body is not UTF-8.")) from None
    except RecursionError:
        raise Malformed(_("The JSON is nested too deeply.")) from None
    except ValueError:
        raise Malformed(_("The body is not valid JSON.")) from None
    if not isinstance(value, dict):
        raise Malformed(_("The body must be a JSON object."))
    refuse_unstorable(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed(_("A key comes twice in one object."))
    return found


def _no_constant(name: str) -> NoReturn:
    raise Malformed(_("NaN and Infinity are not JSON."))


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Malformed(_("A number is out of range."))
    return value


def _integer(text: str) -> int:
    # Of its length first: turning a million digits into a number takes minutes.
    if len(text) > 20 or abs(value := int(text)) > WIDEST_INTEGER:
        raise Malformed(_("A number is out of range."))
    return value


def refuse_unstorable(value: Any) -> None:
    """Raise for NUL and lone surrogates in any text, key or value, and for too deep a nesting."""
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, str):
            refuse_characters(item)
        elif isinstance(item, dict | list):
            if depth > DEEPEST:
                raise Malformed(_("The JSON is nested too deeply."))
            if isinstance(item, dict):
                for key in item:
                    refuse_characters(key)
                waiting.extend((child, depth + 1) for child in item.values())
            else:
                waiting.extend((child, depth + 1) for child in item)


def refuse_characters(text: str) -> None:
    """Raise for what Postgres stores in no text: NUL, and halves of surrogate pairs."""
    if "\0" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)):
        raise CharacterRefused


class StrictMultiPartParser(MultiPartParser):
    """Files with form fields, for the routes that take an upload."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> "DataAndFiles[Any, Any]":
        parsed = super().parse(stream, media_type, parser_context)
        for name, values in parsed.data.lists():
            refuse_characters(name)
            for value in values:
                refuse_characters(value)
        return parsed
