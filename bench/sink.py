"""A mail server that takes everything and remembers when each mail was there: SMTP on a free port of this machine."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Sink:
    """What came: by recipient, the moment (time.monotonic) at which the mail was accepted; and how many in all."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self.count = 0
        self.came = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.sink = self
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def take(self, recipients: list[str]) -> None:
        with self.came:
            self.count += 1
            for each in recipients:
                self.arrived.setdefault(each, time.monotonic())
            self.came.notify_all()

    def wait_for(self, recipient: str, seconds: float) -> float | None:
        """The moment at which the first mail to that address was there; None if none comes in time."""
        with self.came:
            self.came.wait_for(lambda: recipient in self.arrived, seconds)
            return self.arrived.get(recipient)

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    sink: Sink


class _Session(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs that sends."""

    def handle(self) -> None:
        self._say("220 sink")
        recipients: list[str] = []
        while line := self.rfile.readline(4096):
            word = line[:4].upper()
            if word in (b"EHLO", b"HELO"):
                self._say("250 sink")
            elif word == b"RCPT":
                recipients.append(line.decode().partition("<")[2].partition(">")[0])
                self._say("250 ok")
            elif word == b"DATA":
                self._say("354 go on")
                while self.rfile.readline(65536) not in (b".\r\n", b""):
                    pass
                server = self.server
                assert isinstance(server, _Server)
                server.sink.take(recipients)
                recipients = []
                self._say("250 taken")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink that listens for as long as the block runs."""
    made = Sink()
    thread = threading.Thread(target=made.serve, name="sink", daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join(5)
