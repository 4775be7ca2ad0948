"""The product on a real socket, with threads that stay and keep their database connections: thousands of requests."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.wsgi import get_wsgi_application

from tests.server import LiveServer

THREADS = 4


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the tests' own output is enough."""


class _Server(WSGIServer):
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pool = ThreadPoolExecutor(THREADS)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.pool.submit(self._answer, request, client_address)

    def _answer(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)


class LastingServer(LiveServer):
    """As LiveServer, for many requests one after the other."""

    def _make(self) -> WSGIServer:
        server = _Server(("127.0.0.1", 0), _Handler)
        server.set_app(get_wsgi_application())
        return server

    def close(self) -> None:
        self.stop()
        self._server.pool.shutdown()
