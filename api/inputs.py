"""Reading the input of a hot path: the serializer is made once per thread and language instead of once per request.

Declaring fields is most of what DRF does with a small body. Language, because some of the fields' sentences are put
together once and then kept by them.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.utils.translation import get_language
from rest_framework.serializers import Serializer

S = TypeVar("S", bound="Serializer[Any]")
_kept = threading.local()


@contextmanager
def reading(serializer_class: type[S], data: Any) -> Iterator[S]:
    """Yield the serializer with the data checked; it must not be used after the block, which forgets the data.

    Raises DRF's ValidationError. Not for serializers that write, or that ask for a context.
    """
    known: dict[tuple[type, str | None], Any] = _kept.__dict__.setdefault("serializers", {})
    key = (serializer_class, get_language())
    # Taken out while it is in use: a serializer that is read inside another gets one of its own.
    serializer = known.pop(key, None) or serializer_class(data={})
    try:
        serializer.initial_data = data
        serializer.is_valid(raise_exception=True)
        yield serializer
    finally:
        for name in ("initial_data", "_validated_data", "_errors", "_data"):
            serializer.__dict__.pop(name, None)
        known[key] = serializer
