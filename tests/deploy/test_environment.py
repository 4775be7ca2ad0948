"""The table in docs/environment.md names every variable that the code reads, and none that it does not."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("platform_config", "tenants", "shared_apps", "tenant_apps", "api")
READERS = re.compile(
    r"""(?:env\.(?:text|flag|number|words)|text|flag|number|words|environ\.get|getenv|environ\.setdefault)\(\s*"([A-Z][A-Z_]+)\""""
    r"""|environ\[\s*"([A-Z][A-Z_]+)"\s*\]|"([A-Z][A-Z_]+)" in os\.environ"""
)
# Not a deployment's matter: the machine's own, or set by one process of ours for another.
OTHERS = {"HOME", "PATH", "TERM", "TMPDIR", "PYTHONPATH", "USER", "LANG", "TZ", "VIRTUAL_ENV", "CI"}


def read_by_the_code() -> set[str]:
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for match in READERS.finditer(path.read_text(encoding="utf-8")):
                found.add(next(filter(None, match.groups())))
    return {name for name in found if not name.startswith("CSU_")} - OTHERS


def documented() -> set[str]:
    table = (ROOT / "docs/environment.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}


def test_every_variable_that_the_code_reads_is_in_the_table():
    assert read_by_the_code() - documented() == set()


def test_the_table_names_no_variable_that_nobody_reads():
    launcher = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "platform_config/launcher").glob("*.py"))
    unread = documented() - read_by_the_code()
    assert {name for name in unread if name not in launcher} == set()
