"""A home of its own for each launcher test, which nobody else's settings reach into."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_config.launcher import processes


@pytest.fixture
def home() -> Iterator[Path]:
    """A new folder that the user `nobody` can enter; pytest's own tmp_path is closed to it when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="foyer-launcher-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        leftovers = [process for process in processes.all_processes() if belongs_to(process, folder)]
        for process in leftovers:
            os.kill(process.pid, 9)
        shutil.rmtree(folder, ignore_errors=True)


def belongs_to(process: processes.Process, folder: Path) -> bool:
    """True if a process that lives was started for this home: it works there, or carries its mark."""
    where = processes.working_folder(process.pid)
    inside = where is not None and where.is_relative_to(folder)
    return process.alive and (inside or processes.mark_of(process.pid) == str(folder))
