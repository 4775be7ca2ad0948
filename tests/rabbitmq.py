"""A RabbitMQ node of our own for tests and figures: Debian's program, everything else in a throw-away folder.

It listens on loopback only, on free ports, with a name server (epmd) of its own, and ends with whoever started it.
"""

import secrets
import signal
import socket
import subprocess
from pathlib import Path

from platform_config.launcher import ports, processes, unprivileged
from platform_config.launcher.errors import CannotStart

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD = Path("/usr/bin/epmd")
MISSING = "RabbitMQ is not installed (Debian: apt install rabbitmq-server)"
# Erlang starts slowly on a machine that has other work.
START_SECONDS = 90.0


def is_installed() -> bool:
    return PROGRAM.exists() and EPMD.exists()


class RabbitMQ:
    """One node. `with RabbitMQ(folder) as url:` gives its `amqp://` address; kill() and start() again keep port and
    data."""

    def __init__(self, home: Path, log: Path | None = None):
        self.home = Path(home).absolute()
        self.log = log or self.home / "rabbitmq.log"
        self.password = secrets.token_urlsafe(24)
        self.port = self._names_port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._names: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"amqp://foyer:{self.password}@{ports.LOOPBACK}:{self.port}//"

    def start(self, seconds: float = START_SECONDS) -> str:
        """Start on the port it had before, or a free one. Raises CannotStart."""
        if not is_installed():
            raise CannotStart(MISSING + ".")
        if self.process is not None and self.process.poll() is None:
            return self.url
        self.home.mkdir(parents=True, exist_ok=True)
        user = unprivileged.user_for(self.home)
        folder = unprivileged.reachable_folder(self.home / "node", user)
        self.port = self.port or ports.free_port()
        self._names_port = self._names_port or ports.free_port()
        environment = self._environment(folder)
        with self.log.open("ab") as output:
            if self._names is None or self._names.poll() is not None:
                self._names = processes.start(
                    [EPMD, "-port", str(self._names_port), "-address", ports.LOOPBACK],
                    output=output, environment=environment, folder=Path("/"), user=user,
                )  # fmt: skip
            self.process = processes.start([PROGRAM], output=output, environment=environment, folder=folder, user=user)
        process = self.process
        processes.wait_until(lambda: process.poll() is not None or self.answers(), seconds, 0.1)
        if process.poll() is not None or not self.answers():
            said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            self.stop()
            raise CannotStart(f"RabbitMQ could not start: {said[-1] if said else 'it said nothing'}.", str(self.log))
        return self.url

    def answers(self) -> bool:
        """True if it takes our password and opens a channel."""
        import amqp

        try:
            with socket.create_connection((ports.LOOPBACK, self.port), timeout=1):
                pass
            with amqp.Connection(
                f"{ports.LOOPBACK}:{self.port}", userid="foyer", password=self.password, connect_timeout=5
            ) as connection:
                connection.channel()
        except (OSError, amqp.AMQPError):
            return False
        return True

    def empty(self) -> None:
        """Throw away whatever waits in any of our queues: what flushing is for Valkey."""
        import amqp

        with amqp.Connection(f"{ports.LOOPBACK}:{self.port}", userid="foyer", password=self.password) as connection:
            for queue in ("urgent", "default", "bulk"):
                try:
                    connection.channel().queue_purge(queue)
                except amqp.NotFound:
                    continue

    def freeze(self) -> None:
        """It keeps its connections and says nothing any more, as a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL to the node; what it held in memory is gone."""
        if self.process is not None:
            self._signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self, seconds: float = 20) -> None:
        """End node and name server. Harmless when nothing runs."""
        if self.process is not None:
            self.thaw()
            processes.stop(self.process, signal.SIGTERM, seconds)
            self.process = None
        if self._names is not None:
            processes.stop(self._names, signal.SIGTERM, 5)
            self._names = None

    def _signal(self, number: int) -> None:
        assert self.process is not None
        processes.signal_group(self.process.pid, number)

    def _environment(self, folder: Path) -> dict[str, str]:
        configuration = folder / "rabbitmq.conf"
        configuration.write_text(
            f"listeners.tcp.default = {ports.LOOPBACK}:{self.port}\n"
            "default_user = foyer\n"
            f"default_pass = {self.password}\n"
            "default_user_tags.administrator = true\n"
            # A developer's disk may be fuller than a server's ought to be.
            "disk_free_limit.absolute = 50MB\n"
            "log.file = false\nlog.console = true\nlog.console.level = warning\n"
        )
        plugins = folder / "enabled_plugins"
        plugins.write_text("[].\n")
        for path in (configuration, plugins):
            path.chmod(0o644)
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": ports.LOOPBACK,
            "RABBITMQ_NODENAME": f"foyer{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(ports.free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
        }
