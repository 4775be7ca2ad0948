"""The worker of the web server: gunicorn's with threads, which also shares connections out evenly.

All workers listen on one socket, and whoever wakes first takes a new connection. Connections are kept: a scanner at a
door sends one scan after the other on its own, a proxy everybody's requests. So of 32 that come at once one worker may
get fifteen and another three, and for as long as they last the first is late with every answer while the other waits
for work. Here a worker that has more connections than another leaves a new one to that one, for a moment.
"""

import os
import time
from multiprocessing import Lock, RawArray
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # it has no types

# How many connections each worker of a server has open, and who it is. The server reads this module before it makes
# workers: they share these.
MOST_WORKERS = 128
_pids = RawArray("l", MOST_WORKERS)
_open = RawArray("l", MOST_WORKERS)
_lock = Lock()
# Of one that takes none for now.
_CLOSED = 1_000_000
# So long a worker leaves a connection to others: one of them may be busy, or have just died.
_PATIENCE = 0.01
_PAUSE = 0.0005


class EvenWorker(ThreadWorker):  # type: ignore[misc]  # it has no types
    """gthread, where a new connection goes to a worker that has fewest."""

    _slot = -1
    _waits_since = 0.0

    def init_process(self) -> None:
        """Take the first place whose worker is gone, then serve."""
        with _lock:
            self._slot = next(slot for slot in range(MOST_WORKERS) if not _is_alive(_pids[slot]))
            _pids[self._slot], _open[self._slot] = os.getpid(), _CLOSED
        super().init_process()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Tell the others whether they may leave connections to this one."""
        super().set_accept_enabled(enabled)
        self._tell()

    def accept(self, listener: Any) -> None:
        """Take the connection, or leave it to a worker with fewer, if that takes it at once."""
        fewest = min(number for pid, number in zip(_pids, _open, strict=True) if pid)
        if self.nr_conns > fewest:
            now = time.monotonic()
            self._waits_since = self._waits_since or now
            if now - self._waits_since < _PATIENCE:
                time.sleep(_PAUSE)
                return
        self._waits_since = 0.0
        super().accept(listener)
        self._tell()

    def murder_keepalived(self, force: bool = False) -> None:
        """Gunicorn asks for this after everything that happened: by then some connections have ended."""
        super().murder_keepalived(force)
        self._tell()

    def _tell(self) -> None:
        _open[self._slot] = self.nr_conns if self._accepting else _CLOSED


def _is_alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # there is one, of somebody else
    return True
