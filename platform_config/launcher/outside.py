"""Is what we were told to use there? Asked before anything is started, answered in one line."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from platform_config.launcher.errors import CannotStart
from platform_config.launcher.postgres import OLDEST
from platform_config.launcher.valkey import ping

# Hold times, tokens and signatures are compared across machines.
SKEW_TO_MENTION = 30  # seconds
SKEW_TO_REFUSE = 300
LOOK = "Look at DATABASE_URL: postgres://user:password@host:5432/name."


def check_database(url: str) -> str | None:
    """Refuse a DATABASE_URL that cannot be used. Returns a warning, or None."""
    if urlsplit(url).scheme not in ("postgres", "postgresql"):
        raise CannotStart("DATABASE_URL is no Postgres address.", LOOK)
    # Not the standard library, but it is what Django uses too, and it reads every form of address.
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=5, application_name="foyer-launcher")
    except psycopg2.ProgrammingError as error:
        raise CannotStart(f"DATABASE_URL is malformed: {_without_password(error, url)}.", LOOK) from None
    except psycopg2.OperationalError as error:
        raise _unusable(_without_password(error, url), url) from None
    try:
        with connection, connection.cursor() as cursor:
            before = time.time()
            cursor.execute(
                "SELECT extract(epoch FROM clock_timestamp()), current_setting('server_version_num')::int / 10000,"
                " has_database_privilege(current_database(), 'CREATE'), pg_is_in_recovery()"
            )
            row = cursor.fetchone()
            there, version, may_create, standby = row if row is not None else (before, 0, False, False)
            skew = float(there) - (before + time.time()) / 2
    finally:
        connection.close()
    if version < OLDEST:
        raise CannotStart(f"DATABASE_URL leads to Postgres {version}.", f"Foyer needs version {OLDEST} or newer.")
    if standby:
        raise CannotStart("DATABASE_URL leads to a read-only standby.", "Give the address of the primary server.")
    if not may_create:
        raise CannotStart(
            "The user in DATABASE_URL may not make schemas, and each tenant has one.",
            "Let the database's owner say: GRANT CREATE ON DATABASE name TO user.",
        )
    return _judge_skew(skew)


def _judge_skew(skew: float) -> str | None:
    if abs(skew) <= SKEW_TO_MENTION:
        return None
    direction = "ahead of" if skew > 0 else "behind"
    said = f"The database's clock is {abs(skew):.0f} s {direction} this machine's."
    mend = "Set both by NTP (timedatectl set-ntp true): holds, tokens and signatures depend on the time."
    if abs(skew) > SKEW_TO_REFUSE:
        raise CannotStart(said, mend)
    return f"{said} {mend}"


def _unusable(said: str, url: str) -> CannotStart:
    """libpq's many sentences, in ours."""
    parts = urlsplit(url)
    try:
        where = f"{parts.hostname or 'localhost'}:{parts.port or 5432}"
    except ValueError:
        where = "its host"
    database, user = unquote(parts.path.lstrip("/")), unquote(parts.username or "")
    if "could not translate host name" in said:
        return CannotStart(f"DATABASE_URL: nobody knows the host {parts.hostname!r}.", LOOK)
    if "Connection refused" in said or "No such file or directory" in said:
        return CannotStart(
            f"DATABASE_URL: no Postgres listens on {where}.",
            "Start it, correct the address, or unset DATABASE_URL to use the embedded one.",
        )
    if "timeout expired" in said or "timed out" in said:
        return CannotStart(
            f"DATABASE_URL: {where} does not answer within 5 s.", "Is it the right address, or a firewall?"
        )
    if "password authentication failed" in said or "no password supplied" in said:
        return CannotStart(f"DATABASE_URL: Postgres at {where} refuses the password of user {user!r}.", LOOK)
    if re.search(r'role ".*" does not exist', said):
        return CannotStart(f"DATABASE_URL: Postgres at {where} knows no user {user!r}.", LOOK)
    if re.search(r'database ".*" does not exist', said):
        return CannotStart(
            f"DATABASE_URL: Postgres at {where} has no database {database!r}.", f"Make it: createdb {database}"
        )
    return CannotStart(f"DATABASE_URL cannot be used: {said}.", LOOK)


def _without_password(error: Exception, url: str) -> str:
    said = " ".join(str(error).split()).rstrip(".")
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    for secret in {password, unquote(password or ""), url} - {None, ""}:
        said = said.replace(str(secret), "***")
    return said


def check_queue(name: str, url: str) -> None:
    """Refuse a CELERY_BROKER_URL or CACHE_URL where no Valkey or Redis answers. Other brokers are Celery's to judge."""
    look = f"Look at {name}: redis://:password@host:6379/0; or unset it to use the embedded one."
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
    except ValueError as error:
        raise CannotStart(f"{name} is malformed: {error}.", look) from None
    if not parts.scheme or "://" not in url:
        raise CannotStart(f"{name} is no address.", look)
    if parts.scheme not in ("redis", "valkey"):
        return
    host = parts.hostname or "localhost"
    try:
        said = ping(host, port, unquote(parts.password or ""), unquote(parts.username or ""))
    except OSError as error:
        raise CannotStart(f"{name}: nobody answers on {host}:{port} ({error.strerror or error}).", look) from None
    if said:
        raise CannotStart(f"{name}: {host}:{port} refuses: {said.lstrip('-')[:100]}.", look)


def check_clock(root: Path, now: datetime | None = None) -> None:
    """Refuse a clock that stands before the newest migration was written: orders would be dated in the past."""
    newest = newest_migration(root)
    if newest and (now or datetime.now(UTC)) < newest - timedelta(days=1):
        raise CannotStart(
            f"This machine's clock says {now or datetime.now(UTC):%Y-%m-%d %H:%M} UTC, "
            f"and this version of Foyer is from {newest:%Y-%m-%d}.",
            "Set the clock, best by NTP: timedatectl set-ntp true",
        )


def newest_migration(root: Path) -> datetime | None:
    """When the newest migration was written, as its first lines say."""
    found = []
    packages = ("tenants", "shared_apps", "tenant_apps")
    for path in (path for package in packages for path in (root / package).glob("**/migrations/0*.py")):
        head = path.read_text(encoding="utf-8", errors="replace")[:500]
        if match := re.search(r"# Generated by Django \S+ on (\d{4}-\d\d-\d\d \d\d:\d\d)", head):
            found.append(datetime.strptime(match[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC))
    return max(found, default=None)
