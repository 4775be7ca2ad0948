"""Ports on the loopback interface: is one free, which one is, and who has it."""

import errno
import socket
from pathlib import Path

from platform_config.launcher import processes
from platform_config.launcher.errors import CannotStart

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """True if a server could listen there now. Raises PermissionError for a port that needs root."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as attempt:
        attempt.bind((LOOPBACK, 0))
        port: int = attempt.getsockname()[1]
    return port


def kept_port(path: Path) -> int:
    """The port noted in the file if it is (still) free, else another one, which is noted."""
    try:
        port = int(path.read_text(encoding="utf-8"))
        if 1024 <= port <= 65535 and is_free(port):
            return port
    except (OSError, ValueError):
        pass
    port = free_port()
    path.write_text(f"{port}\n", encoding="utf-8")
    return port


def web_port(text: str, host: str = LOOPBACK) -> int:
    """Return PORT as a number that the web server can have; raises CannotStart with the way out."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {text!r}.", "For example: make run PORT=8001")
    port = int(text)
    try:
        if is_free(port, host):
            return port
    except PermissionError:
        raise CannotStart(f"Port {port} is for root only.", "Choose one above 1023: make run PORT=8001") from None
    except OSError as error:
        raise CannotStart(
            f"Cannot listen on {host}:{port}: {error.strerror}.", "Correct BIND, or leave it out."
        ) from None
    other = next((candidate for candidate in range(port + 1, min(port + 100, 65536)) if is_free(candidate, host)), 0)
    raise CannotStart(
        f"Port {port} is in use{_holder(port)}.",
        f"Stop that program, or choose another port: make run PORT={other or 8001}",
    )


def _holder(port: int) -> str:
    """ " by gunicorn (process 4711)" if /proc tells."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in (line.split() for line in lines):
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: it listens
                inodes.add(f"socket:[{fields[9]}]")
    for process in processes.all_processes():
        try:
            if any(str(entry.readlink()) in inodes for entry in Path(f"/proc/{process.pid}/fd").iterdir()):
                return f" by {process.name} (process {process.pid})"
        except OSError:
            continue
    return ""
