"""The launcher as a whole: a real Postgres and Valkey, stand-ins for the product, and every way to end."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from platform_config.launcher import ports, processes
from platform_config.launcher.home import ROOT
from tests.deploy.conftest import belongs_to

NAMES = ("web", "worker", "beat", "valkey", "postgres")


class Launcher:
    """A launcher process on its own home and port."""

    def __init__(self, home: Path, variant: str = "", port: int | None = None):
        self.home = home
        self.port = port or ports.free_port()
        self.output = home.parent / f"{home.name}.out"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOYER", "DJANGO"))}
        for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "EMAIL_URL", "BIND", "WEB_CONCURRENCY"):
            kept.pop(name, None)
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.deploy.fake_product", variant],
                cwd=ROOT,
                env={**kept, "FOYER_HOME": str(home), "PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def ready(self, times: int = 1) -> "Launcher":
        ended_or_ready = lambda: self.process.poll() is not None or self.said.count("Foyer is ready") >= times  # noqa: E731  (reads as one sentence)
        assert processes.wait_until(ended_or_ready, 20), self.said
        assert self.process.poll() is None, self.said
        return self

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def pid(self, name: str) -> int:
        return int((self.home / "run" / f"{name}.pid").read_text().split()[0])

    def url(self) -> str:
        lines = (self.home / "runtime.env").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("DATABASE_URL="))

    def serves(self) -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def launch(home: Path) -> Iterator[Callable[..., Launcher]]:
    launched: list[Launcher] = []

    def make(variant: str = "", port: int | None = None) -> Launcher:
        launched.append(Launcher(home, variant, port))
        return launched[-1]

    yield make
    for launcher in launched:
        if launcher.process.poll() is None:
            launcher.end()
        launcher.output.unlink(missing_ok=True)


def living(home: Path) -> list[str]:
    return [process.name for process in processes.all_processes() if belongs_to(process, home)]


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_it_starts_says_what_runs_and_stops_without_a_trace(home: Path, launch: Callable[..., Launcher]) -> None:
    launcher = launch().ready()
    assert "  prepared" in launcher.said
    assert f"http://localhost:{launcher.port}/" in launcher.said
    assert (home / "runtime.env").stat().st_mode & 0o777 == 0o600
    assert ask(launcher.url(), "SELECT 1") == [(1,)]
    password = (home / "postgres" / "password").read_text().strip()
    assert password not in launcher.said
    assert launcher.end(signal.SIGTERM) == 0
    assert living(home) == []
    assert not launcher.serves()
    assert not (home / "runtime.env").exists()
    assert list((home / "run").iterdir()) == []


def test_control_c_stops_it_too_and_the_second_start_has_the_rows(home: Path, launch: Callable[..., Launcher]) -> None:
    first = launch().ready()
    ask(first.url(), "CREATE TABLE kept AS SELECT 7 AS tickets")
    assert first.end(signal.SIGINT) == 0
    began = time.monotonic()
    second = launch().ready(times=2)
    assert time.monotonic() - began < 10
    assert ask(second.url(), "SELECT tickets FROM kept") == [(7,)]


def test_after_a_killed_launcher_the_next_one_clears_up_and_has_the_rows(
    home: Path, launch: Callable[..., Launcher]
) -> None:
    first = launch("STUBBORN_BEAT").ready()
    ask(first.url(), "CREATE TABLE kept AS SELECT 7 AS tickets")
    old = {name: first.pid(name) for name in NAMES}
    first.end(signal.SIGKILL)
    second = launch(port=first.port).ready(times=2)
    assert ask(second.url(), "SELECT tickets FROM kept") == [(7,)]
    assert [name for name, pid in old.items() if processes.exists(pid) and pid != second.pid(name)] == []
    assert second.end() == 0
    assert living(home) == []


@pytest.mark.parametrize("name", ["web", "postgres"])
def test_a_killed_part_is_started_again(name: str, launch: Callable[..., Launcher]) -> None:
    launcher = launch().ready()
    url, old = launcher.url(), launcher.pid(name)
    os.kill(old, signal.SIGKILL)
    assert processes.wait_until(lambda: launcher.pid(name) != old and launcher.serves(), 10), launcher.said
    assert f"{name} ended (killed by SIGKILL), starting it again" in launcher.said
    assert ask(url, "SELECT 1") == [(1,)]


def test_a_part_that_keeps_dying_ends_the_run_with_its_last_words(home: Path, launch: Callable[..., Launcher]) -> None:
    launcher = launch("BROKEN_WORKER")
    assert launcher.process.wait(timeout=20) == 1
    assert "  worker | no such queue" in launcher.said
    last = launcher.said.splitlines()[-1]
    assert re.match(r"foyer: worker ended \d times within 60 s \(last: exit code 1\)\. .*worker\.log", last)
    assert living(home) == []


def test_a_failed_preparation_ends_the_run(home: Path, launch: Callable[..., Launcher]) -> None:
    launcher = launch("BROKEN_PREPARE")
    assert launcher.process.wait(timeout=20) == 1
    assert "no such queue" in launcher.said
    assert "foyer: Preparing the database failed (exit code 1)." in launcher.said
    assert living(home) == []


def test_a_stubborn_part_is_killed_in_the_end_and_at_once_when_asked_twice(
    home: Path, launch: Callable[..., Launcher]
) -> None:
    launcher = launch("STUBBORN_BEAT").ready()
    began = time.monotonic()
    launcher.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert launcher.end(signal.SIGINT) == 0
    assert time.monotonic() - began < 5
    assert "beat did not end by itself, so it was killed" in launcher.said
    assert living(home) == []


def test_a_second_launcher_on_the_same_home_is_refused(launch: Callable[..., Launcher]) -> None:
    first = launch().ready()
    second = launch()
    assert second.process.wait(timeout=10) == 1
    assert f"foyer: Foyer is already running on {first.home} (process {first.process.pid})." in second.said
    assert ask(first.url(), "SELECT 1") == [(1,)]


def test_a_port_in_use_is_told_before_anything_is_made(home: Path, launch: Callable[..., Launcher]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        launcher = launch(port=port)
        assert launcher.process.wait(timeout=10) == 1
    assert launcher.said.startswith(f"foyer: Port {port} is in use by ")
    assert "make run PORT=" in launcher.said
    assert len(launcher.said.splitlines()) == 1
    assert not (home / "postgres").exists()
