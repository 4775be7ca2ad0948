"""The database that a measurement begins with: migrated, without tenants.

Migrating and rendering the tenants' template take some twenty seconds of processor time. The tests, which start
several short measurements, keep the outcome as a dump and name it by PREPARED_DATABASE; whoever measures leaves that
out, and everything is made anew.
"""

import os
import shutil
import subprocess
from io import StringIO
from pathlib import Path

FILE = "PREPARED_DATABASE"


def migrate() -> None:
    """Bring the empty database to this code's state. A dump is the present code's: its name carries a fingerprint."""
    from django.core.management import call_command

    dump, tool = os.environ.get(FILE, ""), _tool("psql")
    if dump and tool and Path(dump).exists():
        subprocess.run(
            [tool, "-q", "-X", "-v", "ON_ERROR_STOP=1", "-1", "-f", dump, os.environ["DATABASE_URL"]],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0, stdout=StringIO())


def dump(url: str, target: Path) -> None:
    """Keep the database in a file, whole or not at all; where Postgres' own tool is missing, not at all."""
    if tool := _tool("pg_dump"):
        unfinished = target.with_suffix(".unfinished")
        done = subprocess.run([tool, "--no-owner", "--no-privileges", "-f", unfinished, url], check=False)
        if done.returncode == 0:
            unfinished.replace(target)


def _tool(name: str) -> str | None:
    from platform_config.launcher.postgres import find_binaries

    # Of the server's own version: another one's may not read it.
    found = find_binaries() / name
    return str(found) if found.exists() else shutil.which(name)
