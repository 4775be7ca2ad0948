"""Starting processes that do not outlive us, and telling our own from strangers that were given the same number.

On Linux a child dies with its parent (PR_SET_PDEATHSIG), and /proc says who a process is. Elsewhere the first
is missing and the second answers "unknown"; then pid files alone decide.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PROC = Path("/proc")
LINUX = sys.platform == "linux" and (PROC / "self/stat").exists()
# Put into the environment of everything that we start, so that survivors of a killed launcher can be told.
MARK = "FOYER_STARTED_BY"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table. `started` is in clock ticks since the machine's start; never reused with `pid`."""

    pid: int
    name: str
    state: str
    group: int
    started: int

    @property
    def alive(self) -> bool:
        """False for a zombie: it holds nothing any more, it only waits for its parent to look."""
        return self.state not in "ZX"


def look_up(pid: int) -> Process | None:
    """Return the process, or None if there is none (or no /proc to ask)."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold spaces and brackets itself.
    opening, closing = text.index("("), text.rindex(")")
    fields = text[closing + 2 :].split()
    return Process(pid, text[opening + 1 : closing], fields[0], int(fields[2]), int(fields[19]))


def all_processes() -> Iterator[Process]:
    """Every process that runs; none where there is no /proc."""
    if not LINUX:
        return
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (process := look_up(int(entry.name))):
            yield process


def working_folder(pid: int) -> Path | None:
    """The folder a process works in, if we may know it: our own processes, or any when we are root."""
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def mark_of(pid: int) -> str | None:
    """What a process carries in its environment under MARK, if we may know it."""
    try:
        variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    start = f"{MARK}=".encode()
    return next((os.fsdecode(line[len(start) :]) for line in variables if line.startswith(start)), None)


def exists(pid: int) -> bool:
    """True if a living process has this number, whoever it is."""
    if LINUX:
        process = look_up(pid)
        return process is not None and process.alive
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass(frozen=True, slots=True)
class User:
    """Whom a server runs as when we are root: Postgres refuses to be root, and the others need not be."""

    name: str
    uid: int
    gid: int


def _before_exec(death_signal: int, parent: int) -> Callable[[], None] | None:
    if _libc is None:
        return None
    prctl = _libc.prctl

    def die_with_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return die_with_parent


def start(
    command: Sequence[str | Path],
    *,
    output: IO[Any] | int | None,
    environment: Mapping[str, str],
    folder: Path,
    user: User | None = None,
    stdin: int = subprocess.DEVNULL,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a process in a session and group of its own, so that Ctrl-C in a terminal reaches only us.

    When we die, however we die, it is sent `death_signal`.
    """
    return subprocess.Popen(  # noqa: S603  (never through a shell)
        [str(part) for part in command],
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        preexec_fn=_before_exec(death_signal, os.getpid()),
    )


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user: User | None = None,
    text: str = "",
    seconds: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it said; stdout and stderr together. Raises nothing on failure."""
    return subprocess.run(  # noqa: S603  (never through a shell)
        [str(part) for part in command],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=dict(environment) if environment is not None else None,
        cwd=folder,
        timeout=seconds,
        check=False,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a whole process group; False if nobody of it is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS answers this for a group of zombies; elsewhere it is somebody else's process.
        return False
    return True


def group_members(group: int) -> list[Process]:
    """Who is alive in a process group."""
    return [process for process in all_processes() if process.group == group and process.alive]


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Ask again and again until it is so; return False if it never was."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(pause)
    return True


def stop(process: "subprocess.Popen[bytes]", number: int, seconds: float) -> bool:
    """Ask a child to end, and after `seconds` kill it with its whole group. True if it ended when asked."""
    if process.poll() is None:
        signal_group_or_process(process.pid, number)
    try:
        process.wait(timeout=seconds)
        in_time = True
    except subprocess.TimeoutExpired:
        in_time = False
    # Its own children may be there still, whether it ended by itself or not.
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
    return in_time


def signal_group_or_process(pid: int, number: int) -> None:
    """SIGTERM and its like go to the leader only: gunicorn, Celery and Postgres tell their children themselves."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        signal_group(pid, signal.SIGKILL)


# --- Pid files: how the next launcher finds what a killed one left behind -------------------------------------------


def write_pid(path: Path, pid: int) -> None:
    """Note a child under its number and its time of start."""
    process = look_up(pid)
    path.write_text(f"{pid}\n{process.started if process else 0}\n", encoding="utf-8")


def survivors(path: Path, mark: str) -> list[Process]:
    """Who lives still of the process group that a pid file names, and is surely ours.

    The leader is known by its time of start; members whose leader is dead by the mark in their environment.
    """
    try:
        pid, started = (int(line) for line in path.read_text(encoding="utf-8").split())
    except (OSError, ValueError):
        return []
    leader = look_up(pid)
    if leader is not None and leader.started != started:
        return []  # the number was given to a stranger, which the kernel does only when the whole group is gone
    return [
        process
        for process in group_members(pid)
        if process.started >= started and (process.pid == pid or mark_of(process.pid) in (mark, None))
    ]


def stop_survivors(paths: Sequence[Path], mark: str, seconds: float = 5) -> list[str]:
    """End what a killed launcher left behind and remove its pid files. Returns the names of those that lived."""

    def living() -> list[Process]:
        return [process for path in paths for process in survivors(path, mark)]

    names = [path.stem for path in paths if survivors(path, mark)]
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 3.0)):
        for process in living():
            try:
                os.kill(process.pid, number)
            except (ProcessLookupError, PermissionError):
                continue
        if wait_until(lambda: not living(), patience):
            break
    for path in paths:
        path.unlink(missing_ok=True)
    return names


def end_with_make() -> None:
    """When `make` itself is killed, end too (SIGTERM), as we would if it had passed a signal on.

    Only for make: whoever starts us from a shell in the background may leave.
    """
    if _libc is None:
        return
    parent = look_up(os.getppid())
    if parent is not None and parent.name in ("make", "gmake"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
