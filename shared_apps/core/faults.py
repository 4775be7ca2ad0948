"""Named places where a process can be made to die, so that a test can ask what is left and what heals (G4).

`make faults` runs the whole product with `FAULT_POINTS` naming a folder. An armed point is a file in it, called
`<point>@<part>`, that says what happens to whoever of that part (`FAULT_PART`: web, worker, beat) comes by first:
`process` kills that process, `part` its whole group (a gunicorn or a Celery with all its children), `wait` keeps it
where it is until the file is taken away, while somebody else is killed. Without the setting, which production
refuses to start with (P4), a point is one look at a setting.
"""

import os
import signal
import time
from pathlib import Path

from django.conf import settings

# Nobody waits at a point for longer than this, should the test be gone.
LONGEST_WAIT_SECONDS = 30.0


def point(name: str) -> None:
    """Say that this place was reached. Does nothing unless a test has armed it."""
    if settings.FAULT_POINTS:
        _reach(Path(settings.FAULT_POINTS), name)


def _reach(folder: Path, name: str) -> None:
    part = os.environ.get("FAULT_PART", "")
    armed = folder / f"{name}@{part}"
    reached = armed.with_name(f"{armed.name}.reached")
    try:
        how = armed.read_text(encoding="ascii").strip()
        armed.rename(reached)  # of several who come by at once, one finds the file
    except FileNotFoundError:
        return
    if how == "wait":
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        while reached.exists() and time.monotonic() < until:
            time.sleep(0.002)
    elif how == "part":
        os.killpg(os.getpgrp(), signal.SIGKILL)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
