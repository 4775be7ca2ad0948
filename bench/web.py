"""The web server as `make run` starts it, and what it costs."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.tenants import ROOT, WEB_WORKERS

PRODUCT = "platform_config.wsgi:application"
THREADS = ("--worker-class", "platform_config.web_worker.EvenWorker", "--threads", "4")


class Web(NamedTuple):
    """A running server: where it listens, and its first process."""

    port: int
    pid: int


@contextmanager
def gunicorn(
    home: Path,
    application: str = PRODUCT,
    variables: Mapping[str, str] | None = None,
    ready: str = "/healthz",
    workers: Sequence[str] = THREADS,
) -> Iterator[Web]:
    """A gunicorn with four workers on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log = home / f"web-{port}.log"
    with log.open("w") as out:
        web = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", *workers, "--workers", str(WEB_WORKERS),
                "--bind", f"127.0.0.1:{port}", "--no-control-socket", application,
            ],
            cwd=ROOT, env={**os.environ, **(variables or {})}, stdout=out, stderr=out,
        )  # fmt: skip
        try:
            _wait_for(port, ready, web, log)
            yield Web(port, web.pid)
        finally:
            web.terminate()
            web.wait(timeout=60)


def _wait_for(port: int, path: str, web: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 300  # a busy machine
    while time.monotonic() < deadline and web.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
                return
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path} answered {error.code}: {log.read_text()[-2000:]}") from None
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"The web server did not start: {log.read_text()[-2000:]}")


def cpu_seconds(pid: int) -> float:
    """The CPU time, user and system, that a process and all below it have taken so far."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name stands in brackets and may hold anything; the state follows it.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        parents[int(folder.name)] = int(fields[1])
        ticks[int(folder.name)] = sum(int(each) for each in fields[11:15])
    family, added = {pid}, True
    while added:
        more = {child for child, parent in parents.items() if parent in family} - family
        family |= more
        added = bool(more)
    return sum(ticks.get(each, 0) for each in family) / os.sysconf("SC_CLK_TCK")
