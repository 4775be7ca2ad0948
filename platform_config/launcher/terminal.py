"""What the launcher says, and which lines of the servers' logs it repeats."""

import json
import os
import re
import sys
from pathlib import Path

COLOURS = {"postgres": 34, "valkey": 35, "prepare": 36, "web": 32, "worker": 33, "beat": 36, "foyer": 1}
TOO_LONG = 64 * 1024 * 1024  # bytes of one log file
_WORTH_SHOWING = re.compile(r"\[?(ERROR|CRITICAL)\b|\b(PANIC|OOM)\b|^[\w.]*(Error|Exception)\b|No space left")
_LEVELS = {"error", "critical", "fatal", "alert", "emergency"}


def ensure_standard_streams() -> None:
    """Give a launcher that was started with closed streams /dev/null instead, before a log file takes their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(descriptor)


def colourful() -> bool:
    return bool(sys.stdout and sys.stdout.isatty() and not os.environ.get("NO_COLOR"))


def say(text: str = "", *, of: str = "", stream: str = "stdout") -> None:
    """Write a line at once. A reader who went away (`make run | head`) stops nobody."""
    prefix = ""
    if of:
        prefix = f"\x1b[{COLOURS.get(of, 37)}m{of:>8}\x1b[0m | " if colourful() else f"{of:>8} | "
    target = sys.stderr if stream == "stderr" else sys.stdout
    try:
        target.write(f"{prefix}{text}\n")
        target.flush()
    except (OSError, ValueError, AttributeError):
        # Point the stream at nothing, or Python complains once more when it ends.
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, 2 if stream == "stderr" else 1)
        os.close(descriptor)


class Follower:
    """Reads what a server adds to its log file, and repeats the lines that a developer should see at once."""

    def __init__(self, name: str, path: Path, everything: bool = False):
        self.name = name
        self.path = path
        self.everything = everything
        self._rest = b""
        self._offset = path.stat().st_size if path.exists() else 0

    def repeat(self) -> None:
        """Say what is worth saying of what was added since the last time; keep the file from growing for ever."""
        try:
            size = self.path.stat().st_size
            if size == self._offset:
                return
            with self.path.open("rb") as log:
                log.seek(self._offset if size > self._offset else 0)
                added = log.read(1024 * 1024)
                self._offset = log.tell()
        except OSError:
            return
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", errors="replace").rstrip()
            if self.everything:
                say(text)
            elif worth := worth_showing(text):
                say(worth, of=self.name)
        if size > TOO_LONG:
            shorten(self.path)
            self._offset = 0


def worth_showing(line: str) -> str | None:
    """The line, in short, if it tells of a mistake; None for the daily business."""
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except ValueError:
            return None
        if not isinstance(entry, dict) or str(entry.get("level") or entry.get("levelname")).lower() not in _LEVELS:
            return None
        said = str(entry.get("event") or entry.get("message") or "error")
        cause = str(entry.get("exception") or "").strip().rsplit("\n", 1)[-1]
        return f"{said} {cause}".strip()[:400]
    return line[:400] if _WORTH_SHOWING.search(line) else None


def shorten(path: Path) -> None:
    """Keep what there is as `.1` and begin anew. Servers append, so they write on at the new start."""
    path.with_suffix(path.suffix + ".1").write_bytes(path.read_bytes())
    os.truncate(path, 0)


def tail(path: Path, count: int = 15) -> list[str]:
    """The last lines of a file."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 64 * 1024))
            return log.read().decode("utf-8", errors="replace").splitlines()[-count:]
    except OSError:
        return []
