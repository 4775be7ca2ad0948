"""Kept connections are shared out evenly over the web server's workers."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

WORKERS, EACH = 4, 5


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "gunicorn", "--worker-class", "platform_config.web_worker.EvenWorker", "--threads", "2",
        "--workers", str(WORKERS), "--keep-alive", "30", "--graceful-timeout", "1", "--no-control-socket",
        "--bind", f"127.0.0.1:{found}", "tests.platform_config.who_answers:application",
    ]  # fmt: skip
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            wait_for(lambda: len(workers_seen(found, 12)) >= WORKERS)
            yield found
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(what, seconds=60):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "It did not come about."
        time.sleep(0.1)


def ask(connection: http.client.HTTPConnection) -> int:
    connection.request("GET", "/")
    return int(connection.getresponse().read())


def kept(port: int, count: int) -> tuple[list[http.client.HTTPConnection], Counter[int]]:
    """So many connections that stay open, and how many of them each process has."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(count)]
    return connections, Counter(map(ask, connections))


def workers_seen(port: int, count: int) -> set[int]:
    try:
        connections, seen = kept(port, count)
    except OSError:
        return set()
    for connection in connections:
        connection.close()
    return set(seen)


def test_as_many_kept_connections_with_each_worker(port):
    time.sleep(0.3)  # those of the fixture are closed, and everybody has told so
    connections, seen = kept(port, WORKERS * EACH)
    assert sorted(seen.values()) == [EACH] * WORKERS
    for connection in connections:
        connection.close()


def test_one_that_dies_is_waited_for_by_nobody(port):
    connections, seen = kept(port, WORKERS)
    os.kill(next(iter(seen)), signal.SIGKILL)
    began = time.monotonic()
    _more, answered = kept(port, WORKERS * EACH)
    assert sum(answered.values()) == WORKERS * EACH
    assert time.monotonic() - began < 10
    wait_for(lambda: len(workers_seen(port, 12)) >= WORKERS)
    for connection in connections:
        connection.close()
