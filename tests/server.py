"""The product behind a real socket, in threads of this process, for journeys and the browser."""

import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.wsgi import get_wsgi_application
from django.db import connections


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 256


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the tests' own output is enough."""


def _closing(application: Any) -> Any:
    """Close the request thread's database connection: each request has a thread of its own here."""

    def serve(environ: Any, start_response: Any) -> Any:
        try:
            answer = application(environ, start_response)
            try:
                yield from answer  # part by part: a stream is seen while it lasts
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        finally:
            connections.close_all()

    return serve


class LiveServer:
    """Serves on 127.0.0.1 at a free port until stopped."""

    def __init__(self) -> None:
        self._server: Any = self._make()
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _make(self) -> Any:
        return make_server("127.0.0.1", 0, _closing(get_wsgi_application()), _Server, _Handler)

    def host(self, tenant: Any = None) -> str:
        return f"{tenant.slug}.localhost:{self.port}" if tenant else f"localhost:{self.port}"

    def url(self, tenant: Any = None, path: str = "/") -> str:
        """An address for the browser, which resolves *.localhost by itself (Python does not: send a Host header)."""
        return f"http://{self.host(tenant)}{path}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
