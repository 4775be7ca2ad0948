"""JSON out: fast, and whatever the caller said it would like."""

from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework import renderers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.utils.encoders import JSONEncoder


class JSONRenderer(renderers.BaseRenderer):
    """Compact UTF-8. Decimals are text: a reader's float must not eat a cent (M5)."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=_other, option=orjson.OPT_NON_STR_KEYS)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal | Promise):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return JSONEncoder().default(value)


class AlwaysAnswer(BaseContentNegotiation):
    """Answers in the view's first format that fits, else in its first: never 406 (RFC 9110, 12.4.1 allows it)."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        from rest_framework.negotiation import DefaultContentNegotiation

        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        from rest_framework.exceptions import NotAcceptable
        from rest_framework.negotiation import DefaultContentNegotiation

        if len(renderers) == 1:
            return renderers[0], renderers[0].media_type
        try:
            return DefaultContentNegotiation().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type
