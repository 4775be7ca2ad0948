"""The first door of every request: nothing that no view can want comes further (B2)."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from api.errors import AddressTooLong, LengthRequired, Malformed, TooLarge, answer
from shared_apps.core.database_errors import CharacterRefused
from shared_apps.core.errors import DomainError
from shared_apps.core.problems import of_refusal

# A CSV of 20 MB (B4) with its form fields; images are smaller, and their view says so.
MOST_UPLOADED = 21 * 1024 * 1024
LONGEST_QUERY = 8 * 1024
# So much of a refused body is read, that its sender comes to reading our answer.
MOST_DRAINED = 8 * 1024 * 1024


class InputGateMiddleware:
    """Refuses oversized bodies before they are read, and NUL or broken UTF-8 in path, query and headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            inspect(request)
        except DomainError as refusal:
            return answer(request, of_refusal(refusal))
        return self.get_response(request)


def inspect(request: HttpRequest) -> None:
    """Raise the refusal that this request earns before anybody looks at it."""
    refuse_size(request)
    query = request.META.get("QUERY_STRING", "")
    if len(query) > LONGEST_QUERY:
        raise AddressTooLong
    refuse_bytes(unquote_to_bytes(query))
    if "\0" in request.path_info:  # where it is no UTF-8, Django has left the path percent-encoded: harmless text
        raise CharacterRefused
    for name, value in request.META.items():
        if name.startswith("HTTP_") and isinstance(value, str) and "\0" in value:
            raise CharacterRefused


def refuse_bytes(raw: bytes) -> None:
    if b"\0" in raw:
        raise CharacterRefused
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise CharacterRefused from None


def refuse_size(request: HttpRequest) -> None:
    """Judge a body by the length that it announces; the servers read no further than that."""
    announced = request.META.get("CONTENT_LENGTH")
    if not announced and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired
    announced = announced or "0"
    if not (announced.isascii() and announced.isdigit()):
        raise Malformed
    length = int(announced[:20])
    uploads = request.content_type == "multipart/form-data"
    if length <= (MOST_UPLOADED if uploads else settings.DATA_UPLOAD_MAX_MEMORY_SIZE):
        return
    drain(request, length)
    raise TooLarge


def drain(request: HttpRequest, length: int) -> None:
    if length > MOST_DRAINED:
        return
    left = length
    while left > 0 and (chunk := request.read(min(left, 65536))):
        left -= len(chunk)
