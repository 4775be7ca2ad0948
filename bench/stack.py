"""The whole product as `make run` starts it, made to die: servers, web, worker and beat, and who restarts them."""

import os
import random
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

from bench import prepared
from platform_config.launcher import ports, processes
from platform_config.launcher.home import Home
from platform_config.launcher.postgres import EmbeddedPostgres
from platform_config.launcher.product import product_parts
from platform_config.launcher.supervisor import Command, Part, answers
from platform_config.launcher.valkey import EmbeddedValkey

TICK_SECONDS = 0.05
FAR_TOO_LONG_SECONDS = 120.0


class Stack:
    """Starts everything below `folder` and starts again what dies, as a supervisor or an orchestrator would.

    Everything is started by one thread, which lives until the end: the kernel ends children with the thread that
    made them. `restarts` counts by part.
    """

    def __init__(self, folder: Path, stripe: str, *, web_workers: int = 2):
        self.home = Home(folder)
        self.home.make()
        self.faults = folder / "faults"
        self.faults.mkdir()
        self.port = ports.free_port()
        self.restarts: Counter[str] = Counter()
        self.trouble: BaseException | None = None
        self._parts: dict[str, Part] = {}
        self._over, self._up = threading.Event(), threading.Event()
        self._web_workers = web_workers
        # A server that was killed first makes sure of every file: of a thousand tables each in their turn, or of the
        # whole disk at once. Nothing else is different from what `make run` starts.
        quick_recovery = {"recovery_init_sync_method": "syncfs"}
        postgres = EmbeddedPostgres(folder / "postgres", settings=quick_recovery, log=self.home.logs / "postgres.log")
        valkey = EmbeddedValkey(folder / "valkey", log=self.home.logs / "valkey.log")
        self._servers = {
            "postgres": Part("postgres", postgres, postgres.log),
            "valkey": Part("valkey", valkey, valkey.log),
        }
        self._stripe = stripe
        self._keeper = threading.Thread(target=self._keep, name="keeper")

    def __enter__(self) -> "Stack":
        self._keeper.start()
        if not self._up.wait(600) or self.trouble:
            self._over.set()
            raise SystemExit(f"The product did not start: {self.trouble}; logs are in {self.home.logs}")
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._keeper.join(60)

    @property
    def mail(self) -> Path:
        return self.home.folder / "mail"

    def lives(self, name: str) -> bool:
        return name in self._parts and self._parts[name].lives

    def works(self, name: str) -> bool:
        """True once the part has processes that it works with."""
        with suppress(OSError):
            return self.lives(name) and bool(_children(self.pid(name)))
        return False

    def pid(self, name: str) -> int:
        process = self._parts[name].server.process
        assert process is not None
        return process.pid

    def ready(self) -> bool:
        """True if web answers and has its database, and all other parts run."""
        return all(part.lives for part in self._parts.values()) and answers(
            ports.LOOPBACK, self.port, "/readyz", "localhost"
        )

    def wait_until_ready(self) -> None:
        if not processes.wait_until(self.ready, FAR_TOO_LONG_SECONDS, 0.1):
            raise SystemExit(f"The product did not come back within {FAR_TOO_LONG_SECONDS:.0f} s: {self.home.logs}")

    # --- Dying -------------------------------------------------------------------------------------------------------

    def arm(self, point: str, part: str, how: str) -> Path:
        """Make the next process of that part that comes by the point die (or wait there); returns what shows it."""
        path = self.faults / f"{point}@{part}"
        reached = path.with_name(f"{path.name}.reached")
        reached.unlink(missing_ok=True)
        path.write_text(how, encoding="ascii")
        return reached

    def disarm(self) -> None:
        for path in self.faults.iterdir():
            path.unlink(missing_ok=True)

    def kill(self, name: str) -> None:
        """SIGKILL to the part and to all its children, none of which can say a word any more."""
        pid = self.pid(name)
        doomed = [pid, *_children(pid)]
        for each in doomed:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)

    def kill_one_child(self, name: str) -> bool:
        """SIGKILL to one process that the part works with, not to the part itself; False if it has none just now."""
        try:
            child = random.choice(_children(self.pid(name)))
            os.kill(child, signal.SIGKILL)
        except (OSError, IndexError):
            return False
        return True

    def flush(self, *, everything: bool) -> None:
        """Empty the queues; with `everything` the cache, its limits and its hints as well."""
        import redis

        with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as client:
            if everything:
                client.flushall()
            else:
                client.flushdb()

    # --- Living ------------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        try:
            self._start_all()
            self._up.set()
            while not self._over.wait(TICK_SECONDS):
                for name, part in self._parts.items():
                    if not part.lives:
                        self.restarts[name] += 1
                        part.server.start()
        except BaseException as trouble:  # told by the main thread
            self.trouble = trouble
            self._up.set()
        finally:
            for part in [*reversed(list(self._parts.values()))]:
                with suppress(Exception):
                    part.server.stop()

    def _start_all(self) -> None:
        for name, part in self._servers.items():
            part.server.start()
            self._parts[name] = part
        postgres, valkey = self._servers["postgres"].server, self._servers["valkey"].server
        assert isinstance(postgres, EmbeddedPostgres) and isinstance(valkey, EmbeddedValkey)
        os.environ |= {
            "DATABASE_URL": postgres.url,
            "CACHE_URL": f"{valkey.url}/1",
            "CELERY_BROKER_URL": f"{valkey.url}/0",
            "FOYER_HOME": str(self.home.folder),
            "PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
            "STRIPE_API_BASE": self._stripe,
            "DJANGO_SETTINGS_MODULE": "bench.settings",
        }
        self._prepare()
        environment = {**os.environ, "FAULT_POINTS": str(self.faults), "PYTHONUNBUFFERED": "1"}
        for part in product_parts(self.home, environment, ports.LOOPBACK, self.port, str(self._web_workers)):
            assert isinstance(part.server, Command)
            part.server.environment = {**environment, "FAULT_PART": part.name}
            part.server.start()
            self._parts[part.name] = part
        self.wait_until_ready()

    def _prepare(self) -> None:
        import django

        django.setup()
        from django.db import connections

        from platform_config.schedule import sync_schedule

        prepared.migrate()
        sync_schedule()
        connections.close_all()


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
