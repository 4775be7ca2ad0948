"""`make run`: what Foyer consists of, in which order it starts, and what is said when it runs."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from platform_config.launcher import fakes, outside, ports, processes
from platform_config.launcher.errors import CannotStart
from platform_config.launcher.home import ROOT, Home, dotenv
from platform_config.launcher.postgres import EmbeddedPostgres
from platform_config.launcher.supervisor import Command, Part, Stopped, Supervisor, answers
from platform_config.launcher.terminal import colourful, say
from platform_config.launcher.valkey import EmbeddedValkey

DEVELOPMENT = "platform_config.settings.dev"
QUEUES = "urgent,default,bulk"
PREPARE = [sys.executable, "-u", "manage.py", "prepare"]
DEMO_TENANTS = {
    "aurora": "concert hall, EUR",
    "kinoteatr": "cinema, RUB, in Russian",
    "volga": "retail partner, RUB, in Russian",
}
DEMO_LOGINS = {
    "owner@aurora.test": "owns aurora",
    "door@aurora.test": "scans tickets at aurora's door",
    "owner@kinoteatr.test": "owns kinoteatr",
    "owner@volga.test": "owns volga",
    "buyer@demo.test": "buys tickets everywhere",
    "operator@foyer.test": "runs the platform",
}
DEMO_PASSWORD = "foyer-demo-pass"  # noqa: S105  (development only; production refuses these users)


def run() -> int:
    """Start everything, stay until asked to stop, leave nothing behind. Returns the exit code."""
    began = time.monotonic()
    settings = {**dotenv(ROOT / ".env"), **os.environ}
    home = Home.from_environment(settings)
    try:
        home.make()
        home.lock()
    except CannotStart as refusal:
        return refuse(refusal)
    try:
        with Supervisor(home) as supervisor:
            address = start(supervisor, settings)
            summarize(home, settings, address, time.monotonic() - began)
            supervisor.watch()
    except Stopped as asked:
        say(f"Stopped ({asked}). The data is kept in {home.folder}.")
        return 0
    except CannotStart as refusal:
        return refuse(refusal)
    finally:
        home.unlock()
    return 0


def refuse(refusal: CannotStart) -> int:
    say(f"foyer: {refusal}", stream="stderr")
    return 1


def start(supervisor: Supervisor, settings: Mapping[str, str]) -> tuple[str, int]:
    """Check, then start the parts in order. Returns where the web server listens."""
    home = supervisor.home
    left = [home.pids / f"{name}.pid" for name in ("web", "worker", "beat", "prepare", "fakes", "valkey")]
    if names := processes.stop_survivors(left, str(home.folder)):
        say(f"Stopped what the last run had left: {', '.join(names)}.")
    outside.check_clock(ROOT)
    host = settings.get("BIND") or ports.LOOPBACK
    port = ports.web_port(settings.get("PORT") or "8000", host)
    workers = settings.get("WEB_CONCURRENCY") or "2"
    if not workers.isdigit() or not 1 <= int(workers) <= 64:
        raise CannotStart(f"WEB_CONCURRENCY must be a number from 1 to 64, not {workers!r}.", "Leave it out for 2.")

    addresses = {
        name: settings[name] for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL") if settings.get(name)
    }
    check_given(addresses)
    addresses |= start_servers(supervisor, addresses)
    environment = environment_of_parts(settings, addresses, home, port)
    if fakes.wanted(settings, DEVELOPMENT):
        part, providers = fakes.part_and_addresses(home, environment, port)
        addresses |= providers
        environment |= providers
        supervisor.add(part)
    supervisor.prepare(PREPARE, environment)
    remembered = {**dotenv(ROOT / ".env"), **addresses, "PORT": str(port)}
    home.write_runtime(remembered)
    supervisor.add(*product_parts(home, environment, host, port, workers))
    asked = reachable_at(host)
    supervisor.wait_until_ready(lambda: answers(asked, port, "/readyz", "localhost"))
    return host, port


def check_given(addresses: Mapping[str, str]) -> None:
    """Refuse servers that we were told to use and cannot, before anything is started."""
    if (database := addresses.get("DATABASE_URL")) and (warning := outside.check_database(database)):
        say(f"Warning: {warning}", stream="stderr")
    for name in ("CELERY_BROKER_URL", "CACHE_URL"):
        if url := addresses.get(name):
            outside.check_queue(name, url)


def start_servers(supervisor: Supervisor, given: Mapping[str, str]) -> dict[str, str]:
    """Start our own Postgres and Valkey for what was not given; returns their addresses."""
    home = supervisor.home
    addresses = {}
    if "DATABASE_URL" not in given:
        postgres = EmbeddedPostgres(home.folder / "postgres", log=home.logs / "postgres.log")
        supervisor.add(Part("postgres", postgres, postgres.log))
        addresses["DATABASE_URL"] = postgres.url
    if not {"CELERY_BROKER_URL", "CACHE_URL"} <= given.keys():
        valkey = EmbeddedValkey(home.folder / "valkey", log=home.logs / "valkey.log")
        supervisor.add(Part("valkey", valkey, valkey.log))
        ours = {"CELERY_BROKER_URL": f"{valkey.url}/0", "CACHE_URL": f"{valkey.url}/1"}
        addresses |= {name: url for name, url in ours.items() if name not in given}
    return addresses


def environment_of_parts(
    settings: Mapping[str, str], addresses: Mapping[str, str], home: Home, port: int
) -> dict[str, str]:
    """What web, worker, beat and prepare find in their environment."""
    return {
        "DJANGO_SETTINGS_MODULE": DEVELOPMENT,
        **settings,
        **addresses,
        "PORT": str(port),
        "FOYER_HOME": str(home.folder),
        "PYTHONUNBUFFERED": "1",
        processes.MARK: str(home.folder),
    }


def product_parts(home: Home, environment: Mapping[str, str], host: str, port: int, workers: str) -> list[Part]:
    """Web, worker and beat, as the images run them too."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    python = sys.executable
    web = [
        python, "-m", "gunicorn", "platform_config.wsgi:application",
        "--worker-class", "platform_config.web_worker.EvenWorker", "--threads", "4",
        "--workers", workers, "--bind", bind, "--graceful-timeout", "8", "--no-control-socket",
    ]  # fmt: skip
    worker = [
        python, "-m", "celery", "-A", "platform_config", "worker", "-Q", QUEUES, "-c", "2", "--loglevel", "INFO",
    ]  # fmt: skip
    beat = [python, "-m", "celery", "-A", "platform_config", "beat", "--loglevel", "INFO"]
    commands = {"web": web, "worker": worker, "beat": beat}
    return [
        Part(name, Command(command, home.logs / f"{name}.log", environment), home.logs / f"{name}.log")
        for name, command in commands.items()
    ]


def reachable_at(host: str) -> str:
    """Where we ask for what listens on `host`."""
    return {"0.0.0.0": ports.LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104  (read, not bound)


# --- What is said at the end ----------------------------------------------------------------------------------------


def summarize(home: Home, settings: Mapping[str, str], address: tuple[str, int], seconds: float) -> None:
    """Say what runs where. Only what answers is named."""
    host, port = address
    asked = reachable_at(host)
    there = [slug for slug in DEMO_TENANTS if answers(asked, port, "/", f"{slug}.localhost:{port}", (200, 302))]
    bold, plain = ("\x1b[1m", "\x1b[0m") if colourful() else ("", "")
    lines = ["", f"{bold}Foyer is ready{plain} after {seconds:.1f} s.", ""]
    lines.append(f"  Platform     http://localhost:{port}/")
    if not answers(asked, port, "/", f"localhost:{port}", (200, 302)):
        lines.append(f"               but its front page answers with an error: see {home.logs / 'web.log'}")
    for slug in there:
        lines.append(f"  {slug:<12} http://{slug}.localhost:{port}/   ({DEMO_TENANTS[slug]})")
        lines.append(f"    dashboard  http://{slug}.localhost:{port}/dashboard/")
    if settings.get("DJANGO_SETTINGS_MODULE", DEVELOPMENT) == DEVELOPMENT:
        mailbox = settings.get("EMAIL_URL") or f"http://localhost:{port}/dev/mailbox/"
        lines.append(f"  Mail         {without_password(mailbox)}")
    lines.append(f"  API          http://{there[0] if there else 'tenant'}.localhost:{port}/api/docs/")
    if there:
        lines += ["", f"  Sign in with the password {bold}{DEMO_PASSWORD}{plain} as"]
        lines += [f"    {email:<22} {what}" for email, what in DEMO_LOGINS.items()]
    lines += ["", f"  Database     {without_password(settings.get('DATABASE_URL') or '') or home.folder / 'postgres'}"]
    lines.append(f"  Logs         {home.logs}/")
    lines.append(f"  Stop         Ctrl-C, or: kill {os.getpid()}")
    say("\n".join(lines) + "\n")


def without_password(url: str) -> str:
    """The address as it may be shown to whoever looks at the screen."""
    try:
        parts = urlsplit(url)
        return url.replace(f":{parts.password}@", ":***@") if parts.password else url
    except ValueError:
        return url


def manage(arguments: list[str]) -> int:
    """Become `manage.py`, on the servers of the running launcher or on DATABASE_URL; returns only a refusal."""
    settings = {**dotenv(ROOT / ".env"), **os.environ}
    home = Home.from_environment(settings)
    if not settings.get("DATABASE_URL") and not home.is_running():
        return refuse(CannotStart("Foyer is not running.", "Start it with `make run` in another terminal."))
    settings.setdefault("FOYER_HOME", str(home.folder))
    script = str(Path(ROOT) / "manage.py")
    return os.execve(sys.executable, [sys.executable, script, *arguments], settings)  # noqa: S606  (no shell)
