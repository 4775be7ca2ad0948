"""What we are told to use is looked at first, and refused in one line that says how to mend it."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from platform_config.launcher import home as home_module
from platform_config.launcher import outside, ports
from platform_config.launcher.errors import CannotStart
from platform_config.launcher.home import ROOT, Home, dotenv
from platform_config.launcher.postgres import EmbeddedPostgres
from platform_config.launcher.valkey import EmbeddedValkey, ping

DEAD = "127.0.0.1:1"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database that the whole test run uses; it is only asked here."""
    return os.environ["DATABASE_URL"]


def with_parts(url: str, *, password: str | None = None, user: str | None = None, name: str | None = None) -> str:
    scheme, rest = url.split("://")
    credentials, address = rest.split("@")
    old_user, _, old_password = credentials.partition(":")
    host, _, old_name = address.partition("/")
    return f"{scheme}://{user or old_user}:{password or old_password}@{host}/{name or old_name}"


def test_a_database_that_can_be_used_is_taken_without_a_word(url: str) -> None:
    assert outside.check_database(url) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "not-the-password"}, "refuses the password of user 'foyer'"),
        ({"name": "nowhere"}, "has no database 'nowhere'. Make it: createdb nowhere"),
    ],
)
def test_a_wrong_database_url_is_told_apart(url: str, changed: dict[str, str], said: str) -> None:
    with pytest.raises(CannotStart) as refusal:
        outside.check_database(with_parts(url, **changed))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "not-the-password" not in str(refusal.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"postgres://foyer:secret@{DEAD}/foyer", "no Postgres listens on 127.0.0.1:1"),
        ("postgres://foyer:secret@127.0.0.1:port/foyer", "malformed|cannot be used"),
        ("postgres://foyer:secret@host.invalid/foyer", "nobody knows the host 'host.invalid'"),
        ("mysql://foyer:secret@127.0.0.1/foyer", "no Postgres address"),
        ("nonsense", "no Postgres address"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_its_password(address: str, said: str) -> None:
    with pytest.raises(CannotStart, match=said) as refusal:
        outside.check_database(address)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_skewed_clock_is_mentioned_when_small_and_refused_when_large(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr(outside.time, "time", lambda: real() + 60)
    assert "60 s behind this machine's" in (outside.check_database(url) or "")
    monkeypatch.setattr(outside.time, "time", lambda: real() - 7200)
    with pytest.raises(CannotStart, match=r"clock is 7200 s ahead of .* NTP"):
        outside.check_database(url)


def test_a_clock_from_before_the_code_is_refused() -> None:
    newest = outside.newest_migration(ROOT)
    assert newest is not None
    outside.check_clock(ROOT, now=newest)
    with pytest.raises(CannotStart, match="Set the clock"):
        outside.check_clock(ROOT, now=newest - timedelta(days=2))
    assert newest <= datetime.now(UTC) + timedelta(days=1)


def test_a_queue_that_nobody_serves_is_refused(home: Path) -> None:
    with pytest.raises(CannotStart, match=r"CELERY_BROKER_URL: nobody answers on 127\.0\.0\.1:1"):
        outside.check_queue("CELERY_BROKER_URL", f"redis://{DEAD}/0")
    with pytest.raises(CannotStart, match="CACHE_URL is no address"):
        outside.check_queue("CACHE_URL", "localhost")
    with EmbeddedValkey(home / "valkey") as address:
        outside.check_queue("CACHE_URL", f"{address}/1")
        with pytest.raises(CannotStart, match="refuses"):
            outside.check_queue("CACHE_URL", "redis://:wrong@" + address.partition("@")[2])


def test_a_valkey_is_closed_to_whoever_has_no_password_and_keeps_no_file(home: Path) -> None:
    server = EmbeddedValkey(home / "valkey")
    with server:
        assert server.port is not None
        assert ping("127.0.0.1", server.port).startswith("-NOAUTH")
        assert ping("127.0.0.1", server.port, server.password) == ""
    assert [path.name for path in (home / "valkey").iterdir()] == ["valkey.log"]


def test_a_machine_without_valkey_is_told_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from platform_config.launcher import valkey

    monkeypatch.setattr(valkey, "_candidates", lambda: iter([home / "no-such-server"]))
    with pytest.raises(CannotStart, match=r"There is no Valkey.*CELERY_BROKER_URL"):
        EmbeddedValkey(home / "valkey").start()


def test_a_machine_without_postgres_is_told_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from platform_config.launcher import postgres

    monkeypatch.setattr(postgres, "_candidates", lambda: iter([home]))
    with pytest.raises(CannotStart, match=r"There is no Postgres.*DATABASE_URL"):
        EmbeddedPostgres(home / "postgres").start()


@pytest.mark.parametrize("text", ["abc", "0", "70000", "-1", "8000 ", "²"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CannotStart, match="PORT must be a number from 1 to 65535"):
        ports.web_port(text)


def test_a_home_that_cannot_be_written_is_refused(home: Path) -> None:
    (home / "file").write_text("not a folder")
    with pytest.raises(CannotStart, match=r"FOYER_HOME"):
        Home(home / "file").make()


def test_a_dotenv_file_is_read_and_its_mistakes_are_named(home: Path) -> None:
    path = home / ".env"
    path.write_text("# a comment\nexport PORT=8001\n\nSECRET_KEY='with = and spaces'\n")
    assert dotenv(path) == {"PORT": "8001", "SECRET_KEY": "with = and spaces"}
    path.write_text("PORT=8001\nnonsense\n")
    with pytest.raises(CannotStart, match="line 2: 'nonsense' is no NAME=value"):
        dotenv(path)
    assert dotenv(home / "absent") == {}
    assert home_module.ROOT == ROOT
