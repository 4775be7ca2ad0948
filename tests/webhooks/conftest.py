"""A server that webhooks are sent to, on a real socket, which answers whatever a test wants."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tenant_apps.activity.models import OutboxMessage


@dataclass
class Receiver:
    """What came in, and what is answered: a status, or a function that is given the handler and answers itself."""

    url: str = ""
    status: int = 204
    answer: Callable[[Any], None] | None = None
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def ids(self) -> list[str]:
        return [headers["X-Event-Id"] for headers, _body in self.heard]


@pytest.fixture
def receivers(settings: Any) -> Iterator[Callable[[], Receiver]]:
    """Makes servers that webhooks may be sent to."""
    servers: list[ThreadingHTTPServer] = []
    settings.OUTGOING_OWN_SERVERS = ["127.0.0.1:*"]

    def make() -> Receiver:
        receiver = Receiver()
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            is_over = False

            def do_POST(self) -> None:
                with lock:
                    self.is_over = False
                    receiver.at_once += 1
                    receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    receiver.heard.append((dict(self.headers.items()), body))
                try:
                    if receiver.answer is not None:
                        receiver.answer(self)
                    else:
                        self.send_response(receiver.status)
                        self.end_headers()
                finally:
                    self._over()

            def end_headers(self) -> None:
                # Before they leave: whoever reads them sends the next one while we are still on our way out.
                self._over()
                super().end_headers()

            def _over(self) -> None:
                with lock:
                    receiver.at_once -= not self.is_over
                    self.is_over = True

            def log_message(self, *args: object) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 64
            daemon_threads = True

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        return receiver

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver(receivers: Callable[[], Receiver]) -> Receiver:
    return receivers()


@pytest.fixture
def empty_outbox(in_alpha: Any) -> None:
    """Nothing waits in the tenant, whatever other tests left."""
    OutboxMessage.objects.all().delete()
