"""Makes `.venv` and installs a lock into it, once. Started by the Makefile: `python install.py run` or `dev`.

Runs on a bare Python, before anything is installed, so it imports nothing of ours. A stamp in `.venv` holds the
hash of what was installed; while it is right this takes a few milliseconds.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "lock"
PYTHON = VENV / "bin" / "python"
OLDEST, TOO_NEW = (3, 11), (3, 14)
ROOM = 900 * 1024 * 1024  # bytes: the environment with its caches
# What a user may have set for other projects must not lead pip elsewhere.
MISLEADING = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "VIRTUAL_ENV",
)


class CannotInstall(Exception):
    """One line: what is wrong and how to mend it."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def call(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (never through a shell)
        [str(part) for part in command],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def wanted(lock: str) -> str:
    """The hash of what the environment has to hold."""
    digest = hashlib.sha256()
    for name in ("uv", lock):
        digest.update((LOCK / f"{name}.txt").read_bytes())
    return digest.hexdigest()


def is_sound() -> bool:
    """True if the environment has a Python that we support, and pip."""
    if not PYTHON.exists():
        return False
    test = f"import sys, pip; sys.exit(not {OLDEST} <= sys.version_info[:2] < {TOO_NEW})"
    try:
        return call(PYTHON, "-Ic", test).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    base = getattr(sys, "_base_executable", None) or sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise CannotInstall(
            f"Python {version} here cannot make virtual environments. "
            f"On Debian and Ubuntu: apt install python{version}-venv (or python3-venv)"
        )
    say(f"Making .venv with Python {sys.version.split()[0]}")
    done = call(base, "-m", "venv", "--clear", VENV)
    if done.returncode:
        raise CannotInstall(
            f"Could not make .venv: {reason(done.stdout)}. On Debian and Ubuntu this may help: apt install python3-venv"
        )


def install(lock: str) -> None:
    began = time.monotonic()
    requirements = LOCK / f"{lock}.txt"
    say(f"Installing lock/{lock}.txt (only now and after it changes)")
    done = call(PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", LOCK / "uv.txt")
    if not done.returncode:
        done = call(
            VENV / "bin" / "uv", "pip", "install", "-q", "--python", PYTHON, "--require-hashes", "--compile-bytecode",
            "-r", requirements,
        )  # fmt: skip
        if done.returncode:
            say(f"uv could not do it ({reason(done.stdout)}); trying pip")
    if done.returncode:
        done = call(PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", requirements)
    if done.returncode:
        raise CannotInstall(
            f"Could not install lock/{lock}.txt: {reason(done.stdout)}. "
            "Is the network there? A mirror is given by PIP_INDEX_URL. Nothing is lost: the next try goes on."
        )
    say(f"Installed in {time.monotonic() - began:.0f} s")


def reason(said: str) -> str:
    """The line that names the mistake, or the last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return "the disk is full"
    errors = [line for line in lines if line.lower().startswith(("error", "× ", "caused by"))]
    return (errors or lines or ["it said nothing"])[-1][:300].rstrip(".")


def ensure(lock: str) -> None:
    """Leave with an environment that holds the lock. Two at once wait for each other."""
    stamp = VENV / f".installed-{lock}"
    with (LOCK / "uv.txt").open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted(lock) and PYTHON.exists():
            return
        free = shutil.disk_usage(ROOT).free
        if free < ROOM:
            raise CannotInstall(
                f"The disk is full: {free >> 20} MiB are free in {ROOT}, and installing needs {ROOM >> 20} MiB. "
                "Make room."
            )
        if not is_sound():
            make_environment()
        install(lock)
        stamp.write_text(wanted(lock), encoding="ascii")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not (LOCK / f"{arguments[0]}.txt").is_file():
        sys.stderr.write("usage: install.py run | dev\n")
        return 2
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        sys.stderr.write(f"foyer: Python {sys.version.split()[0]} does not do; 3.11, 3.12 or 3.13 is needed.\n")
        return 1
    try:
        ensure(arguments[0])
    except CannotInstall as refusal:
        sys.stderr.write(f"foyer: {refusal}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"foyer: Cannot make .venv in {ROOT}: {error.strerror or error}. Mend that and try again.\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
