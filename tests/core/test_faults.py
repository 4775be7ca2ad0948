"""Points at which a process dies when a test has armed them (G4), and the plan that reaches each of them."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared_apps.core.faults import point

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = "import django; django.setup(); from shared_apps.core.faults import point; point('here'); print('alive')"


def pass_by(folder: Path, part: str) -> "subprocess.CompletedProcess[str]":
    """A process of that part comes by the point `here`; in a session of its own, since it may take its group along."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60, start_new_session=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "platform_config.settings.dev", "FAULT_POINTS": str(folder),
             "FAULT_PART": part},
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["process", "part"])
def test_an_armed_point_kills_the_first_who_comes_by_and_nobody_else(tmp_path: Path, how: str) -> None:
    armed = tmp_path / "here@worker"
    armed.write_text(how)
    assert pass_by(tmp_path, "web").stdout == "alive\n"
    assert pass_by(tmp_path, "worker").returncode == -signal.SIGKILL
    assert (tmp_path / "here@worker.reached").exists()
    assert pass_by(tmp_path, "worker").stdout == "alive\n"


def test_nothing_is_looked_for_without_the_setting(settings, monkeypatch) -> None:
    assert settings.FAULT_POINTS == ""
    monkeypatch.setattr(Path, "read_text", lambda *_: pytest.fail("a file was looked for"))
    point("here")


def test_every_point_has_one_name_and_the_plan_comes_by_all_of_them() -> None:
    from bench.faults import ELSEWHERE, plan

    named = [
        name
        for folder in ("api", "shared_apps", "tenant_apps", "tenants")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in re.findall(r"^\s+point\(\"([a-z_.]+)\"\)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(named) == len(set(named))
    assert sorted([*{kill.point for kill in plan()}, *ELSEWHERE]) == sorted(named)
    # What no kill -9 comes by is told here, with the test that breaks off at the point.
    for test in ELSEWHERE.values():
        assert '"point"' in (ROOT / test).read_text(encoding="utf-8")
