"""Tasks that write down where and when they ran, for tests that start workers."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from celery import shared_task
from django.db import connection

from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name="tests.note")
def note(path: str, word: str, seconds: float = 0.0) -> None:
    """Note the schema that it runs in, work for so long, note the end."""
    _write(path, {"word": word, "at": "begin"})
    time.sleep(seconds)
    _write(path, {"word": word, "at": "end"})


@shared_task(base=TenantTask, name="tests.die")
def die(path: str, word: str) -> None:
    """Take the process along, each time."""
    _write(path, {"word": word, "at": "begin"})
    os.kill(os.getpid(), signal.SIGKILL)


def _write(path: str, line: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        line |= {"schema": cursor.fetchone()[0], "pid": os.getpid()}
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


class Notes:
    """What the tasks wrote into one file."""

    def __init__(self, path: Path):
        self.path = str(path)

    def lines(self, at: str) -> list[dict[str, Any]]:
        try:
            text = Path(self.path).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [line for line in map(json.loads, text.splitlines()) if line["at"] == at]

    @property
    def begun(self) -> list[str]:
        return [line["word"] for line in self.lines("begin")]

    @property
    def ended(self) -> list[str]:
        return [line["word"] for line in self.lines("end")]
