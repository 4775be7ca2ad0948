"""Keeps the parts of the product running: starts them in order, starts again what died, stops them in order."""

import http.client
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from platform_config.launcher import processes
from platform_config.launcher.errors import CannotStart
from platform_config.launcher.home import ROOT, Home
from platform_config.launcher.terminal import TOO_LONG, Follower, say, shorten, tail

TICK = 0.1  # seconds between two looks at the children
DEATHS, WITHIN = 5, 60  # so many deaths of one part within so many seconds, and we give up
# Before everything has run once it is a mistake in the code or a setting, which waiting does not mend.
DEATHS_AT_FIRST = 2
GRACE = 10  # seconds that web, worker and beat have to finish what they are doing


class Server(Protocol):
    """What the supervisor needs of a part: Postgres, Valkey and commands have it."""

    process: "subprocess.Popen[bytes] | None"

    def start(self) -> str: ...
    def stop(self) -> None: ...


class Stopped(BaseException):
    """Somebody asked us to end: Ctrl-C, SIGTERM, a closed terminal."""


class Command:
    """A part that is a program of ours: web, worker, beat."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]):
        self.command = command
        self.log = log
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        if self.process is not None:
            # Its children live on for a moment when it was killed, and hold the port.
            processes.stop(self.process, signal.SIGTERM, 0)
        with self.log.open("ab") as output:
            self.process = processes.start(
                self.command, output=output, environment=self.environment, folder=ROOT, death_signal=signal.SIGTERM
            )
        return self.command[0]

    def stop(self) -> None:
        if self.process is not None:
            processes.stop(self.process, signal.SIGTERM, GRACE)
            self.process = None


@dataclass(slots=True)
class Part:
    """One thing that must run, and what happened to it."""

    name: str
    server: Server
    log: Path
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS))
    start_at: float | None = None
    follower: Follower | None = None

    @property
    def lives(self) -> bool:
        return self.server.process is not None and self.server.process.poll() is None


class Supervisor:
    """`with Supervisor(home) as supervisor:` then add(), prepare(), wait_until_ready(), watch(). Leaving stops all.

    What was added last is stopped first; parts added as one group are stopped together.
    """

    def __init__(self, home: Home):
        self.home = home
        self.groups: list[list[Part]] = []
        self._deaths_allowed = DEATHS_AT_FIRST
        self._hurry = False
        self._stopping = False

    def __enter__(self) -> "Supervisor":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            signal.signal(number, self._asked_to_stop)
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping = True
        self.stop()

    def _asked_to_stop(self, number: int, frame: object) -> None:
        if self._stopping:
            self._hurry = True  # asked twice
            return
        self._stopping = True
        raise Stopped(signal.Signals(number).name)

    @property
    def parts(self) -> list[Part]:
        return [part for group in self.groups for part in group]

    # --- Starting ---------------------------------------------------------------------------------------------

    def add(self, *parts: Part) -> None:
        """Start these parts now and keep them running from now on."""
        self.groups.append([])
        for part in parts:
            if part.log.exists() and part.log.stat().st_size > TOO_LONG // 8:
                shorten(part.log)
            part.log.parent.mkdir(parents=True, exist_ok=True)
            part.follower = Follower(part.name, part.log)
            self.groups[-1].append(part)
            self._start(part)

    def _start(self, part: Part) -> None:
        part.start_at = None
        part.server.start()
        if part.server.process is not None:
            processes.write_pid(self.home.pids / f"{part.name}.pid", part.server.process.pid)

    def prepare(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run the one command between database and servers to its end; raises CannotStart if it fails."""
        log = self.home.logs / "prepare.log"
        follower = Follower("prepare", log, everything=True)
        pid_file = self.home.pids / "prepare.pid"
        with log.open("ab") as output:
            process = processes.start(command, output=output, environment=environment, folder=ROOT)
        try:
            processes.write_pid(pid_file, process.pid)
            while process.poll() is None:
                follower.repeat()
                self.look_after()
                time.sleep(TICK / 2)
        finally:
            follower.repeat()
            processes.stop(process, signal.SIGTERM, 3)
            pid_file.unlink(missing_ok=True)
        if process.returncode:
            raise CannotStart(
                f"Preparing the database failed ({how_it_ended(process.returncode)}).",
                f"The reason stands above, and more in {log}.",
            )

    def wait_until_ready(self, ready: Callable[[], bool], seconds: float = 90) -> None:
        """Return once it is; raises CannotStart with the web server's last words when the time is up."""
        until = time.monotonic() + seconds
        while not ready():
            self.look_after()
            if time.monotonic() > until:
                for line in tail(self.home.logs / "web.log"):
                    say(line, of="web")
                raise CannotStart(
                    f"The web server was not ready within {seconds:.0f} s.", "Its last words stand above."
                )
            time.sleep(TICK)
        self._deaths_allowed = DEATHS

    # --- Watching ---------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Look after the parts until somebody asks us to stop, which raises Stopped."""
        while True:
            self.look_after()
            time.sleep(TICK)

    def look_after(self) -> None:
        """Repeat what the logs say; start again what died. Raises CannotStart when a part keeps dying."""
        now = time.monotonic()
        for part in self.parts:
            if part.follower:
                part.follower.repeat()
            if part.start_at is not None:
                if now >= part.start_at:
                    self._start(part)
            elif not part.lives:
                self._mourn(part, now)

    def _mourn(self, part: Part, now: float) -> None:
        code = part.server.process.returncode if part.server.process else 0
        part.deaths.append(now)
        recent = sum(1 for death in part.deaths if now - death < WITHIN)
        if recent >= self._deaths_allowed:
            for line in tail(part.log):
                say(line, of=part.name)
            raise CannotStart(
                f"{part.name} ended {recent} times within {WITHIN} s (last: {how_it_ended(code)}).",
                f"Its last words stand above; its log is {part.log}.",
            )
        pause = 0.0 if recent == 1 else 0.2 * 2 ** (recent - 1)
        part.start_at = now + pause
        again = "starting it again" if not pause else f"starting it again in {pause:.1f} s"
        say(f"{part.name} ended ({how_it_ended(code)}), {again}", of=part.name)

    # --- Stopping ---------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End every part, the last group first. Nothing is left afterwards."""
        self.home.say_stopping()
        while self.groups:
            group = self.groups.pop()
            running = [part for part in group if part.lives]
            for part in running:
                # Together, so that the slowest decides and not the sum. Postgres and Valkey are asked by stop().
                if isinstance(part.server, Command) and part.server.process:
                    processes.signal_group_or_process(part.server.process.pid, signal.SIGTERM)
            if any(isinstance(part.server, Command) for part in running):
                self._wait_for_end(running)
            for part in group:
                self._stop(part)
        self.home.forget_runtime()

    def _wait_for_end(self, parts: Sequence[Part]) -> None:
        processes.wait_until(lambda: self._hurry or not any(part.lives for part in parts), GRACE)

    def _stop(self, part: Part) -> None:
        process = part.server.process
        if isinstance(part.server, Command) and process is not None:
            if process.poll() is None:
                say(f"{part.name} did not end by itself, so it was killed", of=part.name)
            processes.stop(process, signal.SIGKILL, 5)
            part.server.process = None
        else:
            part.server.stop()
        with suppress(OSError):
            (self.home.pids / f"{part.name}.pid").unlink(missing_ok=True)


def how_it_ended(code: int) -> str:
    """A return code in words: "exit code 1", "killed by SIGKILL"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def answers(host: str, port: int, path: str, header: str, expected: Sequence[int] = (200,)) -> bool:
    """True if GET of the path, sent with that Host header, is answered with one of the expected statuses."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": header, "Connection": "close"})
        return connection.getresponse().status in expected
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
