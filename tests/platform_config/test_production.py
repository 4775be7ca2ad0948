"""Production starts with safe settings, warns about nothing, and refuses unsafe ones in one sentence (P4)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = {
    "DJANGO_SETTINGS_MODULE": "platform_config.settings.production",
    "SECRET_KEY": "kq7-Zm2xW9pL4vB8nR3tY6uH1jD5sG0aFcEiXoQyVbNwMzKd_TqPrLhS",
    "PLATFORM_DOMAIN": "tickets.example.org",
    "DATABASE_URL": "postgres://foyer:x@127.0.0.1:1/foyer",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "CACHE_URL": "redis://127.0.0.1:1/1",
    "EMAIL_URL": "smtp+tls://user:x@mail.example.org:587",
}


def check(tmp_path: Path, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    environment = {**GOOD, "FOYER_HOME": str(tmp_path), "PATH": os.environ["PATH"], **changes}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING", *arguments],
        cwd=ROOT, env={name: value for name, value in environment.items() if value},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_deployment_check_is_clean(tmp_path: Path) -> None:
    run = check(tmp_path)
    assert run.returncode == 0, run.stderr
    assert "no issues" in run.stdout


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "development-only-" + "0" * 48}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"PLATFORM_DOMAIN": "localhost"}, "PLATFORM_DOMAIN"),
        ({"PLATFORM_DOMAIN": ""}, "PLATFORM_DOMAIN"),
        ({"FAULT_POINTS": "checkout"}, "FAULT_POINTS"),
        ({"OUTGOING_OWN_SERVERS": "localhost:*"}, "OUTGOING_OWN_SERVERS"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
        ({"CELERY_BROKER_URL": ""}, "CELERY_BROKER_URL"),
        ({"CACHE_URL": ""}, "CACHE_URL"),
        ({"EMAIL_URL": ""}, "EMAIL_URL"),
    ],
    ids=str,
)
def test_production_refuses(tmp_path: Path, changes: dict[str, str], named: str) -> None:
    run = check(tmp_path, **changes)
    assert run.returncode != 0
    last = run.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert named in last
