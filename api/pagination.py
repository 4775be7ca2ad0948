"""Lists in pages: numbered for what people browse, by cursor for what grows while one reads."""

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

from django.utils.translation import gettext_lazy as _
from rest_framework.pagination import CursorPagination, PageNumberPagination

from shared_apps.core.errors import InvalidInput

USUAL_SIZE = 50
LARGEST_SIZE = 100


class BadPage(InvalidInput):
    code = "page_invalid"
    message = _("There is no such page.")


class BadPageSize(InvalidInput):
    """Refused rather than cut down: a client that asks for 500 and silently gets 100 loses rows."""

    code = "page_size_invalid"
    message = _("A page has 1 to 100 entries.")


def _size(request: Any) -> int:
    given = request.query_params.get("page_size")
    if given is None:
        return USUAL_SIZE
    if not (given.isascii() and given.isdigit() and len(given) <= 3 and 1 <= int(given) <= LARGEST_SIZE):
        raise BadPageSize(field="page_size")
    return int(given)


class Pages(PageNumberPagination):
    """`{"count", "next", "previous", "results"}` by `?page=` and `?page_size=`. Past the last page is 404."""

    page_size = USUAL_SIZE
    page_size_query_param = "page_size"
    max_page_size = LARGEST_SIZE

    def get_page_size(self, request: Any) -> int:
        return _size(request)

    def get_page_number(self, request: Any, paginator: Any) -> Any:
        given = request.query_params.get(self.page_query_param, "1")
        if not (given.isascii() and given.isdigit() and len(given) <= 9 and int(given) >= 1):
            raise BadPage(field="page")
        return int(given)


class Cursor(CursorPagination):
    """`{"next", "previous", "results"}`: rows that arrive meanwhile shift nothing. Newest first by default."""

    page_size = USUAL_SIZE
    page_size_query_param = "page_size"
    max_page_size = LARGEST_SIZE
    ordering = ("-created_at", "-id")

    def get_page_size(self, request: Any) -> int:
        return _size(request)

    def decode_cursor(self, request: Any) -> Any:
        given = request.query_params.get(self.cursor_query_param)
        if given is not None:
            _refuse_forged(given)
        return super().decode_cursor(request)


def _refuse_forged(given: str) -> None:
    """A cursor is ours, but nothing keeps a caller from writing one: it may hold only what a query could."""
    try:
        text = b64decode(given.encode("ascii"), validate=True).decode("ascii")
        parts = parse_qs(text, keep_blank_values=True, strict_parsing=True)
        good = parts.keys() <= {"o", "r", "p"} and text.isprintable() and len(text) < 500
        good = good and all(part.isprintable() for values in parts.values() for part in values)
    except ValueError:
        good = False
    if not good:
        raise BadPage(field="cursor")
