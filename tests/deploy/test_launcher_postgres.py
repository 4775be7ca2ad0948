"""The embedded Postgres: what it promises after a crash, on bad ground, and to strangers."""

import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from platform_config.launcher import postgres as module
from platform_config.launcher import unprivileged
from platform_config.launcher.errors import CannotStart
from platform_config.launcher.postgres import EmbeddedPostgres


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home / "postgres", settings={"fsync": "off"})
    yield server
    server.stop()


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def keep_a_row(url: str) -> None:
    ask(url, "CREATE TABLE kept AS SELECT 'a sold ticket' AS what")


def kill(server: EmbeddedPostgres) -> None:
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()


def files_below(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_a_first_start_makes_a_database_that_only_its_password_opens(home: Path) -> None:
    with EmbeddedPostgres(home / "postgres") as url:
        shown = {
            name: ask(url, f"SHOW {name}")[0][0]
            for name in ("server_encoding", "TimeZone", "fsync", "synchronous_commit", "listen_addresses")
        }
        assert shown == {
            "server_encoding": "UTF8", "TimeZone": "UTC", "fsync": "on", "synchronous_commit": "on",
            "listen_addresses": "127.0.0.1",
        }  # fmt: skip
        password = home / "postgres" / "password"
        assert stat.S_IMODE(password.stat().st_mode) == 0o600
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(url.replace(password.read_text().strip(), "wrong"))
        assert ask(url, "SELECT 'ä' > 'z', upper('жук')") == [(True, "ЖУК")]


def test_a_restart_keeps_rows_and_address(server: EmbeddedPostgres) -> None:
    url = server.start()
    keep_a_row(url)
    server.stop()
    assert server.start() == url
    assert ask(url, "SELECT what FROM kept") == [("a sold ticket",)]


def test_a_killed_server_comes_back_with_its_rows(server: EmbeddedPostgres) -> None:
    keep_a_row(server.start())
    kill(server)
    assert ask(server.start(), "SELECT what FROM kept") == [("a sold ticket",)]


def test_a_recovery_that_takes_longer_than_a_start_is_waited_for(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_a_row(server.start())
    kill(server)
    began, wait_until = server.log.stat().st_size, module.processes.wait_until
    in_vain = 12.5

    def wait(what: Callable[[], bool], seconds: float) -> bool:
        """The time for a usual start ends just as Postgres says that it recovers."""
        if seconds == in_vain:
            assert wait_until(lambda: module.RECOVERING in server._said_since(began), 60)
            return False
        return wait_until(what, seconds)

    monkeypatch.setattr(module.processes, "wait_until", wait)
    assert ask(server.start(seconds=in_vain), "SELECT what FROM kept") == [("a sold ticket",)]


def test_a_pid_file_with_a_strangers_number_does_not_stop_a_start(server: EmbeddedPostgres) -> None:
    server.start()
    kill(server)
    pid_file = server.home / "data" / "postmaster.pid"
    # Of the same user: of another's process Postgres knows by itself that it is no server of its.
    user = unprivileged.user_for(server.home / "data")
    stranger = subprocess.Popen(["sleep", "60"], user=user.uid if user else None)
    try:
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert ask(server.start(), "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_orphaned_server_of_the_same_folder_is_ended_first(server: EmbeddedPostgres) -> None:
    keep_a_row(server.start())
    orphan = server.process
    assert orphan is not None
    with EmbeddedPostgres(server.home, settings={"fsync": "off"}) as url:
        assert orphan.wait(timeout=5) == 0
        assert ask(url, "SELECT what FROM kept") == [("a sold ticket",)]


def test_a_folder_of_another_version_is_refused_and_not_touched(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.home / "data" / "PG_VERSION").write_text("14\n")
    before = files_below(server.home)
    with pytest.raises(CannotStart, match=r"made by Postgres 14, and this is Postgres \d+\. .*pg_dump"):
        server.start()
    assert files_below(server.home) == before


def test_a_taken_port_is_left_to_whoever_has_it(server: EmbeddedPostgres) -> None:
    server.start()
    first = server.port
    assert first is not None
    server.stop()
    with socket.create_server(("127.0.0.1", first)):
        other = EmbeddedPostgres(server.home, settings={"fsync": "off"})
        with other as url:
            assert other.port != first
            assert ask(url, "SELECT 1") == [(1,)]
        with pytest.raises(CannotStart, match=f"Port {first} is in use"):
            server.start()  # this one has told others its address


def test_a_full_disk_is_told_before_anything_is_made(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage._replace(free=5 * 1024 * 1024))
    with pytest.raises(CannotStart, match=r"The disk is full: 5 MiB are free in .* FOYER_HOME"):
        server.start()
    assert list(server.home.iterdir()) == []


def test_a_disk_that_fills_up_half_way_leaves_nothing_half_made(
    server: EmbeddedPostgres, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = home / "bin"
    binaries.mkdir()
    (binaries / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.6'\n")
    (binaries / "initdb").write_text(
        '#!/bin/sh\nmkdir -p "$2/base" && echo x > "$2/base/1"\n'
        "echo 'initdb: error: could not write to file: No space left on device' >&2\nexit 1\n"
    )
    for path in binaries.iterdir():
        path.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(module, "find_binaries", lambda: binaries)
        with pytest.raises(CannotStart, match="The disk is full"):
            server.start()
        assert not {"data", "password", "making"} & {path.name for path in server.home.iterdir()}
    assert ask(server.start(), "SELECT 1") == [(1,)]


def test_a_folder_whose_making_was_killed_is_made_anew(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.home / "data" / "PG_VERSION").unlink()
    (server.home / "making").touch()
    assert ask(server.start(), "SELECT 1") == [(1,)]


def test_a_folder_with_something_else_in_it_is_left_alone(server: EmbeddedPostgres) -> None:
    data = server.home / "data"
    data.mkdir(parents=True)
    (data / "holiday.jpg").write_bytes(b"...")
    data.chmod(0o755)
    with pytest.raises(CannotStart, match="holds something, but no Postgres database"):
        server.start()
    assert [path.name for path in data.iterdir()] == ["holiday.jpg"]


def test_a_lost_password_is_replaced_and_the_rows_stay(server: EmbeddedPostgres) -> None:
    url = server.start()
    keep_a_row(url)
    server.stop()
    (server.home / "password").unlink()
    again = server.start()
    assert again != url
    assert ask(again, "SELECT what FROM kept") == [("a sold ticket",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_runs_postgres_as_nobody_even_where_nobody_cannot_look(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "postgres", settings={"fsync": "off"})
    real = None
    try:
        keep_a_row(server.start())
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        real = (closed / "postgres" / "data").resolve()
        server.stop()
        assert ask(server.start(), "SELECT what FROM kept") == [("a sold ticket",)]
    finally:
        server.stop()
        if real is not None and real.is_relative_to("/var/lib/foyer"):
            shutil.rmtree(real)
