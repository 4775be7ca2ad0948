"""What really goes over the wire to Postgres: a relay between Django's connection and the server, which reads along.

Counts what no list of queries in the process shows as well: BEGIN and COMMIT, savepoints, SET.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ASKS_FOR_ENCRYPTION = (80877103, 80877104)


@contextmanager
def statements_through(connection: Any) -> Iterator[list[str]]:
    """Lead a Django connection through the relay; yields the list of statements, which grows as they are sent.

    Closes the connection before and after. For a server on TCP without TLS, as the embedded one is.
    """
    settings = connection.settings_dict
    before = {name: settings[name] for name in ("HOST", "PORT")}
    with _Relay(before["HOST"], int(before["PORT"])) as relay:
        connection.close()
        settings.update(HOST="127.0.0.1", PORT=str(relay.port))
        try:
            yield relay.statements
        finally:
            connection.close()
            settings.update(before)


class _Relay:
    """Listens on a free port and passes everything on; notes each statement that goes to the server."""

    def __init__(self, host: str, port: int):
        self.target = (host, port)
        self.statements: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> "_Relay":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()
            threading.Thread(target=self._read_along, args=(client, server), daemon=True).start()

    def _read_along(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while True:  # the packets before the session have no letter
                size = _exactly(client, 4)
                packet = _exactly(client, struct.unpack("!I", size)[0] - 4)
                server.sendall(size + packet)
                if struct.unpack("!I", packet[:4])[0] not in _ASKS_FOR_ENCRYPTION:
                    break
            while True:
                head = _exactly(client, 5)
                body = _exactly(client, struct.unpack("!I", head[1:])[0] - 4)
                if head[:1] == b"Q":
                    self.statements.append(body[:-1].decode())
                elif head[:1] == b"E":
                    self.statements.append("execute")
                server.sendall(head + body)
        except (OSError, EOFError):
            client.close()
            server.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        target.close()


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = source.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts
