"""Workers and beats as processes, and the brokers between them and us."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from kombu import pools

from platform_config import env
from platform_config.launcher import processes
from platform_config.launcher.home import ROOT
from platform_config.launcher.supervisor import Command
from platform_config.launcher.valkey import EmbeddedValkey

READY_SECONDS = 60.0


class Broker(Protocol):
    """What the tests do to a Valkey and to a RabbitMQ alike."""

    @property
    def url(self) -> str: ...
    def start(self) -> str: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def empty(self) -> None: ...


class Valkey(EmbeddedValkey):
    """The launcher's, which can also be made to misbehave."""

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()
        self.process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def empty(self) -> None:
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)


@contextmanager
def sending_to(url: str) -> Iterator[None]:
    """What this process sends goes to that broker, by the settings that production would use for it."""
    from platform_config.celery import app

    names = {name.removeprefix("CELERY_").lower(): value for name, value in env.broker(url).items()}
    names["broker_url"] = url
    before, address = {name: app.conf.get(name) for name in names}, os.environ.get("CELERY_BROKER_URL", "")
    try:
        os.environ["CELERY_BROKER_URL"] = url
        app.conf.update(names)
        _forget_connections(app)
        yield
    finally:
        os.environ["CELERY_BROKER_URL"] = address
        app.conf.update(before)
        _forget_connections(app)


def _forget_connections(app: Any) -> None:
    pools.reset()
    app._pool = None
    app.__dict__.pop("amqp", None)


class Process(Command):
    """A worker or a beat on the test's database and broker."""

    def __init__(self, command: list[str], name: str, home: Path, broker: str, **environment: str):
        self.name = name
        super().__init__(
            [sys.executable, "-m", "celery", "-A", "platform_config", *command],
            home / f"{name}.log",
            {**environment_of(home, broker), **environment},
        )

    def __enter__(self) -> "Process":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()  # asked to stop, it would wait for a second or three

    def said(self, words: str) -> int:
        """How often the words stand in its log."""
        return self.log.read_text(encoding="utf-8", errors="replace").count(words) if self.log.exists() else 0

    def wait_until_said(self, words: str, seconds: float = READY_SECONDS) -> None:
        if not processes.wait_until(lambda: self.said(words) > 0, seconds, 0.05):
            raise AssertionError(f"{self.name} did not say {words!r}: {self.log.read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        """SIGKILL to it and to all its children."""
        if self.process is not None:
            processes.stop(self.process, signal.SIGKILL, 5)


def worker(
    home: Path,
    broker: str,
    *,
    queues: str = "urgent,default,bulk",
    count: int = 1,
    name: str = "w",
    **environment: str,
) -> Process:
    options = ["-Q", queues, "-c", str(count), "-n", f"{name}@%h", "--include", "tests.background.noting"]
    return Process(["worker", "--loglevel", "INFO", *options], name, home, broker, **environment)


def beat(home: Path, broker: str, *, name: str) -> Process:
    # It looks again after that many seconds at most, which a test does not want to wait for.
    return Process(["beat", "--loglevel", "INFO", "--max-interval", "1"], name, home, broker)


def environment_of(home: Path, broker: str) -> Mapping[str, str]:
    from django.conf import settings

    ours = ("PYTEST", "FOYER_TEST_SERVERS", "DJANGO")
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{os.environ['FOYER_TEST_DATABASE']}").geturl()
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "DJANGO_SETTINGS_MODULE": "tests.background.settings",
        "DATABASE_URL": database,
        "CACHE_URL": settings.CACHE_URL,
        "CELERY_BROKER_URL": broker,
        "EMAIL_URL": f"file://{home / 'mail'}",
        "FOYER_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
