"""A progress bar on a terminal, a line now and then everywhere else."""

import time
from types import TracebackType
from typing import Any

PLAIN_EVERY_SECONDS = 5.0


class Progress:
    """Shows how many of the expected steps are done. rich draws it where it is installed and there is a terminal."""

    def __init__(self, out: Any):
        self.out = out
        self.total = self.done = 0
        self._said = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def expect(self, total: int) -> None:
        """Say how many steps there will be. Nothing is shown for none."""
        self.total = total
        if total and self.out.isatty():
            try:
                from rich.progress import Progress as RichProgress
            except ImportError:
                return
            self._bar = RichProgress()
            self._bar.start()
            self._task = self._bar.add_task("Tenants", total=total)

    def advance(self, complaint: str | None = None) -> None:
        """Note one more step, and say at once what went wrong with it."""
        self.done += 1
        if self._bar is not None:
            self._bar.advance(self._task)
            if complaint:
                self._bar.console.print(complaint, markup=False)
            return
        if complaint:
            self.out.write(complaint)
        if time.monotonic() - self._said > PLAIN_EVERY_SECONDS:
            self._said = time.monotonic()
            self.out.write(f"{self.done} of {self.total} tenants")
