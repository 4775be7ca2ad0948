"""Server-sent events (HTML Living Standard, 9.2) from a server of threads, without using them up.

A stream holds a thread of the web process for as long as it lasts. So a process has few of them at once
(LIVE_STREAMS, of `--threads`), each lasts a few seconds, shorter than the server's grace when it stops, and the browser
comes back by itself. Whoever finds none free is answered 204, which ends the browser's tries; its page then asks every
few seconds, as it would without streams. See docs/decisions/0032-check-in-lists.md.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from tenants.context import current_tenant, in_tenant

LOOKS_EVERY_SECONDS = 1.0
COMES_BACK_AFTER_MS = 300


class _Places:
    """How many streams this process may have; a number and nothing of a tenant's (N4)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> bool:
        with self._lock:
            if self._taken >= settings.LIVE_STREAMS:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        with self._lock:
            self._taken -= 1


_places = _Places()


class Stream:
    """The body of one stream: an event whenever what `look` returns has changed, and a sign of life in between.

    `look` returns what is compared and a function that renders it. Each part is made inside the tenant that the stream
    was opened in, whoever asks for the part and from whichever thread (N4).
    """

    def __init__(self, name: str, look: Callable[[], tuple[Any, Callable[[], str]]]):
        self._name, self._look = name, look
        self._tenant = current_tenant()
        self._ends_at = time.monotonic() + settings.LIVE_STREAM_SECONDS
        self._seen: Any = None
        self._begun = self._closed = False

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> bytes:
        if self._closed or (self._begun and time.monotonic() + LOOKS_EVERY_SECONDS > self._ends_at):
            self.close()
            raise StopIteration
        if self._begun:
            time.sleep(LOOKS_EVERY_SECONDS)
        with in_tenant(self._tenant):
            now, render = self._look()
            if self._begun and now == self._seen:
                # Writing is how we learn that nobody listens any more.
                return b": still here\n\n"
            text = render()
        head = "" if self._begun else f"retry: {COMES_BACK_AFTER_MS}\n"
        self._begun, self._seen = True, now
        data = "".join(f"data: {line}\n" for line in text.splitlines())
        return f"{head}event: {self._name}\n{data}\n".encode()

    def close(self) -> None:
        """Give the place back, once; also for a stream of which nothing was ever read."""
        if not self._closed:
            self._closed = True
            _places.give_back()

    __del__ = close  # a response that some middleware dropped is never closed


def stream(name: str, look: Callable[[], tuple[Any, Callable[[], str]]]) -> HttpResponseBase:
    """Answer with a stream of events of this name, or with 204 if this process has as many as it may."""
    if not _places.take():
        response: HttpResponseBase = HttpResponse(status=204)
    else:
        response = StreamingHttpResponse(Stream(name, look), content_type="text/event-stream; charset=utf-8")
        # A proxy that collects before it passes on would make a stream of it that comes in one piece.
        response["X-Accel-Buffering"] = "no"
    response["Cache-Control"] = "no-store"
    return response
