"""FOYER_HOME: the one folder that holds everything which `make run` makes, and the lock that keeps it to one run.

lock          held by the running launcher; its text says who that is
runtime.env   addresses and passwords for `manage.py` in another terminal; only while it runs
postgres/     the database        log/      one file for each process
mail/ media/ static/              run/      pid files
"""

import fcntl
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from platform_config.launcher.errors import CannotStart

ROOT = Path(__file__).resolve().parents[2]


class Home:
    """The folder, and what lies where in it."""

    def __init__(self, folder: Path):
        self.folder = folder.absolute()
        self.logs = self.folder / "log"
        self.pids = self.folder / "run"
        self.runtime = self.folder / "runtime.env"
        self._lock: IO[str] | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Home":
        """FOYER_HOME, by default `var/` in the checkout."""
        return cls(Path(environment.get("FOYER_HOME") or ROOT / "var").expanduser())

    def make(self) -> None:
        """Make the folders; raises CannotStart where that is impossible."""
        try:
            for folder in (self.folder, self.logs, self.pids):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.pids / "probe"
            probe.write_text("may we write?\n", encoding="ascii")
            probe.unlink()
        except FileExistsError as error:
            raise CannotStart(
                f"{error.filename} is a file, not a folder.", "Move it away, or set FOYER_HOME."
            ) from None
        except OSError as error:
            raise CannotStart(
                f"Cannot write in {self.folder}: {error.strerror}.",
                "Mend that (a full disk? files made as root? `sudo chown -R $USER` helps there), or set FOYER_HOME.",
            ) from None

    def lock(self, seconds: float = 20) -> None:
        """Be the only launcher on this folder until unlock(). Waits for one that is just stopping.

        The kernel lets go of the lock with the process, however it ends.
        """
        lock = (self.folder / "lock").open("a+", encoding="ascii")
        until = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                lock.seek(0)
                pid, _, state = lock.read().strip().partition(" ")
                if state != "stopping" or time.monotonic() > until:
                    lock.close()
                    raise CannotStart(
                        f"Foyer is already running on {self.folder} (process {pid or 'unknown'}).",
                        f"Use that one, stop it with `kill {pid}`, or start a second one elsewhere: "
                        "make run FOYER_HOME=/tmp/foyer2 PORT=8001",
                    ) from None
                time.sleep(0.1)
        self._lock = lock
        self._note("running")

    def is_running(self) -> bool:
        """True if a launcher is up on this folder, whatever files a killed one has left."""
        if not self.runtime.is_file():
            return False
        with (self.folder / "lock").open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def say_stopping(self) -> None:
        """Tell a launcher that starts now that it is worth its while to wait."""
        self._note("stopping")

    def unlock(self) -> None:
        if self._lock:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def _note(self, state: str) -> None:
        if self._lock:
            self._lock.seek(0)
            self._lock.truncate(0)
            self._lock.write(f"{os.getpid()} {state}\n")
            self._lock.flush()

    def write_runtime(self, variables: Mapping[str, str]) -> None:
        """Say how to reach what runs; for us alone, since passwords are in it."""
        unfinished = self.runtime.with_suffix(f".{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("# Written by `make run`, gone when it stops. Read by manage.py in other terminals.\n")
            file.writelines(f"{name}={value}\n" for name, value in sorted(variables.items()))
        unfinished.replace(self.runtime)

    def forget_runtime(self) -> None:
        self.runtime.unlink(missing_ok=True)


def dotenv(path: Path) -> dict[str, str]:
    """The variables in a `.env` file: NAME=value lines, quotes optional. Raises CannotStart for anything else."""
    variables = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"Cannot read {path}: {error}.", "Mend it, or remove it.") from None
    for number, line in enumerate(lines, start=1):
        line = line.strip().removeprefix("export ")
        if not line or line.startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator or not name.strip().isidentifier():
            raise CannotStart(f"{path}, line {number}: {name!r} is no NAME=value.", "Correct or remove that line.")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        variables[name.strip()] = value
    return variables
