"""Requests that fail on purpose, wherever the client says: `X-Force-Fault: raise@3` after the third statement.

Only bench.settings knows of it, by BENCH_FORCED; the product has no such switch. Kinds: `raise` (a mistake of ours),
`cancel` (Postgres ends the statement), `hangup` (Postgres closes the connection), `late` (after the view, still inside
the tenant), `stream` (a body breaks off after its first part), `die` (kill -9 of the worker process).
A request that comes to its end before its fault fails at the end, so that each one fails.
"""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.http import HttpRequest

HEADER = "HTTP_X_FORCE_FAULT"


class Forced(RuntimeError):
    """What was asked for."""


class _Fault:
    """Listens to the statements of one request and fails at its place."""

    def __init__(self, kind: str, place: int):
        self.kind, self.left = kind, place

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        self.left -= 1
        if self.left == 0:
            self.strike(execute, context)
        return result

    def strike(self, execute: Callable[..., Any], context: Any) -> None:
        if self.kind == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind in ("cancel", "hangup"):
            function = "pg_cancel_backend" if self.kind == "cancel" else "pg_terminate_backend"
            execute(f"SELECT {function}(pg_backend_pid())", None, False, context)
        raise Forced(self.kind)


class First:
    """Outermost: hears all statements of the request, those of other middleware too."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        wanted = request.META.get(HEADER, "")
        if not wanted:
            return self.get_response(request)
        kind, _at, place = wanted.partition("@")
        if kind in ("late", "stream"):
            response = self.get_response(request)
        else:
            with connection.execute_wrapper(_Fault(kind, int(place))):
                response = self.get_response(request)
        if kind == "stream" and response.streaming:
            return response
        if response.status_code < 500:
            raise Forced(f"{kind} at the end")
        return response


class Last:
    """Innermost: fails where the view has done its work and the tenant was not left yet."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        kind = request.META.get(HEADER, "").partition("@")[0]
        if kind == "late":
            raise Forced(kind)
        if kind == "stream" and response.streaming:
            response.streaming_content = _broken(response.streaming_content)
        return response


def _broken(parts: Any) -> Iterator[bytes]:
    for part in parts:
        yield part
        raise Forced("stream")
