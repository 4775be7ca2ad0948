"""One database server for the run, two tenants made once, and doors into both for every test."""

import functools
import gc
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
_servers: list[Any] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start Postgres and Valkey once, in the process that the others are started from."""
    config.addinivalue_line("markers", "browser: drives Debian's Chromium; left out where there is none")
    if hasattr(config, "workerinput") or os.environ.get("FOYER_TEST_SERVERS") == "up":
        _use_servers()
        return
    home = Path(os.environ.get("FOYER_TEST_HOME") or tempfile.mkdtemp(prefix="foyer-test-"))
    if "FOYER_TEST_HOME" not in os.environ:
        config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
        if os.geteuid() == 0:
            home.chmod(0o755)
    if "TEST_DATABASE_URL" not in os.environ:
        from platform_config.launcher.postgres import EmbeddedPostgres

        # Nothing here outlives the run, so nothing has to survive a power cut.
        postgres = EmbeddedPostgres(
            home / "postgres", settings={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        )
        os.environ["DATABASE_URL"] = postgres.start()
        _servers.append(postgres)
    else:
        os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    if "TEST_CACHE_URL" not in os.environ:
        from platform_config.launcher.valkey import EmbeddedValkey

        valkey = EmbeddedValkey(home / "valkey")
        url = valkey.start()
        _servers.append(valkey)
        os.environ["CELERY_BROKER_URL"], os.environ["CACHE_URL"] = f"{url}/0", f"{url}/1"
    else:
        os.environ["CACHE_URL"] = os.environ["CELERY_BROKER_URL"] = os.environ["TEST_CACHE_URL"]
    os.environ["FOYER_HOME"] = str(home)
    from platform_config.translations import compile_translations

    compile_translations()  # else what is tested in Russian would be half English
    os.environ["FOYER_TEST_SERVERS"] = "up"
    os.environ["FOYER_TEST_FINGERPRINT"] = _fingerprint()
    _use_servers()


def pytest_collection_finish(session: pytest.Session) -> None:
    """As the web processes do (`platform_config.wsgi`): what was loaded stays, and need not be looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_unconfigure(config: pytest.Config) -> None:
    for server in reversed(_servers):
        server.stop()


def _use_servers() -> None:
    """Point settings that were read before the servers were up at them; each worker gets caches of its own."""
    from django.conf import settings
    from django.db import connections

    from platform_config import env

    address = env.database(os.environ["DATABASE_URL"])
    for target in (settings.DATABASES["default"], connections["default"].settings_dict):
        target.update({key: address[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
    # Each worker has a numbered database of its own there: emptying a cache empties one worker's alone.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    settings.CACHE_URL = urlsplit(os.environ["CACHE_URL"])._replace(path=f"/{2 + int(worker)}").geturl()
    for cache in settings.CACHES.values():
        cache["LOCATION"] = settings.CACHE_URL
    settings.CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]


# --- The database: migrated once, copied for each worker ------------------------------------------------------------


@functools.cache
@lru_cache(maxsize=1)
def _fingerprint() -> str:
    """A hash of everything that decides what the prepared database holds, as it was when the run began."""
    if "FOYER_TEST_FINGERPRINT" in os.environ:
        return os.environ["FOYER_TEST_FINGERPRINT"]
    digest = hashlib.sha256()
    for folder in ("tenants", "shared_apps", "tenant_apps"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if {"migrations", "models.py", "presets.py", "permissions.py", "provisioning.py", "rendering.py"} & {
                path.name,
                path.parent.name,
            }:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """A database of this worker's own with the tenants alpha and beta, copied from one that is made once.

    Left in place at the end: the server and its folder go with the run, or are reused by the next one.
    """
    import psycopg2
    from django.conf import settings
    from django.db import connections

    connection = connections["default"]
    admin_dsn = {
        "dbname": "postgres",
        "user": connection.settings_dict["USER"],
        "password": connection.settings_dict["PASSWORD"],
        "host": connection.settings_dict["HOST"],
        "port": connection.settings_dict["PORT"],
    }
    prepared = f"foyer_prepared_{_fingerprint()}"
    own = f"foyer_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock():
        admin = psycopg2.connect(**admin_dsn)
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7001)")
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [prepared])
            if cursor.fetchone() is None:
                cursor.execute(f"DROP DATABASE IF EXISTS {prepared}_unfinished WITH (FORCE)")
                cursor.execute(f"CREATE DATABASE {prepared}_unfinished")
                _point_at(connection, settings, f"{prepared}_unfinished")
                _prepare_database()
                connection.close()
                cursor.execute(f"ALTER DATABASE {prepared}_unfinished RENAME TO {prepared}")
            cursor.execute("SELECT pg_advisory_unlock(7001)")
            cursor.execute(f"DROP DATABASE IF EXISTS {own} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {own} TEMPLATE {prepared}")
        admin.close()
        _point_at(connection, settings, own)
        os.environ["FOYER_TEST_DATABASE"] = own
        os.environ["PREPARED_DATABASE"] = str(_dump_file())
    yield
    with django_db_blocker.unblock():
        connection.close()


def _point_at(connection: Any, settings: Any, name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


def _dump_file() -> Path:
    """Where the prepared database lies as it was before it had tenants: the short measurements begin with it."""
    return Path(os.environ["FOYER_HOME"]) / f"prepared-{_fingerprint()}.sql"


def _prepare_database() -> None:
    from django.core.management import call_command
    from django.db import connection

    from bench import prepared
    from shared_apps.accounts.models import User
    from tenants import rendering
    from tenants.provisioning import open_tenant

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    rendering.template()
    details = connection.settings_dict
    server = f"{details['USER']}:{details['PASSWORD']}@{details['HOST']}:{details['PORT']}"
    prepared.dump(f"postgres://{server}/{details['NAME']}", _dump_file())
    for slug in ("alpha", "beta"):
        owner = User.objects.create_superuser(
            f"owner@{slug}.test", "alpha-beta-pass", name=f"{slug.title()} Owner", is_staff=False
        )
        User.objects.filter(pk=owner.pk).update(is_staff=False, is_superuser=False)
        open_tenant(name=slug.title(), slug=slug, owner=owner, currency="EUR", timezone="Europe/Berlin", language="en")


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Real commits. Afterwards every row that the test made in any schema is gone, the two tenants stay."""
    with real_commits(django_db_blocker):
        yield


@contextmanager
def real_commits(django_db_blocker: Any) -> Iterator[None]:
    """Let the block commit; afterwards the prepared database is copied anew.

    pytest-django's own would TRUNCATE in one schema and lose the tenants.
    """
    import psycopg2
    from django.conf import settings
    from django.core.cache import caches
    from django.db import connections

    connection = connections["default"]
    with django_db_blocker.unblock():
        connection.set_schema_to_public()
        yield
        own, prepared = connection.settings_dict["NAME"], f"foyer_prepared_{_fingerprint()}"
        connections.close_all()
        details = connection.settings_dict
        admin = psycopg2.connect(
            dbname="postgres",
            user=details["USER"],
            password=details["PASSWORD"],
            host=details["HOST"],
            port=details["PORT"],
        )
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {own} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {own} TEMPLATE {prepared}")
        admin.close()
        _point_at(connection, settings, own)
        caches["global"].clear()


@pytest.fixture(autouse=True)
def _fresh_caches_and_public_schema(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing that one test cached or entered reaches the next."""
    if not {"db", "transactional_db", "alpha", "beta"} & set(request.fixturenames):
        yield
        return
    from django.core.cache import caches
    from django.core.signals import request_started
    from django.db import connection

    caches["global"].clear()
    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()
    assert request_started is not None


# --- The two tenants and the doors into them ------------------------------------------------------------------------


def _database_of(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "db")


@pytest.fixture
def alpha(request: pytest.FixtureRequest) -> Any:
    """The tenant alpha. The code of the test is not inside it: `with in_tenant(alpha)`, or the fixture in_alpha."""
    _database_of(request)
    from tenants.models import Tenant

    return Tenant.objects.get(slug="alpha")


@pytest.fixture
def beta(request: pytest.FixtureRequest) -> Any:
    """The tenant beta, alpha's neighbour."""
    _database_of(request)
    from tenants.models import Tenant

    return Tenant.objects.get(slug="beta")


@pytest.fixture
def in_alpha(alpha: Any) -> Iterator[Any]:
    """The whole test runs inside alpha."""
    from tenants.context import in_tenant

    with in_tenant(alpha):
        yield alpha


@pytest.fixture
def client_for() -> Callable[..., Any]:
    """Makes API clients: `client_for(alpha, user)` speaks to alpha's host with the user's bearer token."""
    from rest_framework.test import APIClient

    def make(tenant: Any = None, user: Any = None, **defaults: Any) -> Any:
        client = APIClient(HTTP_HOST=f"{tenant.slug}.localhost" if tenant else "localhost", **defaults)
        if user is not None:
            from tests.factories import bearer

            client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer(user)}")
        return client

    return make


@pytest.fixture
def page_for() -> Callable[..., Any]:
    """Makes browsers without JavaScript: `page_for(alpha, user)` is signed in on alpha's host by cookies."""
    from django.test import Client

    def make(tenant: Any = None, user: Any = None, **options: Any) -> Any:
        client = Client(HTTP_HOST=f"{tenant.slug}.localhost" if tenant else "localhost", **options)
        if user is not None:
            from tests.factories import sign_in

            sign_in(client, user)
        return client

    return make


# --- Real HTTP and a real browser -----------------------------------------------------------------------------------


@pytest.fixture
def site(transactional_db: None) -> Iterator[Any]:
    """The product on a real socket with threads, on this worker's database. `.url(tenant, path)` makes addresses."""
    from tests.server import LiveServer

    server = LiveServer()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium under Playwright; tests that need it are left out where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    # Playwright's sync API runs an event loop in this thread; Django would then refuse the ORM in the same test.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(params=[390, 1280], ids=["phone", "desktop"])
def browser(request: pytest.FixtureRequest, chromium: Any, site: Any) -> Iterator[Any]:
    """A fresh browser context at phone and desktop width, in which any console error fails the test."""
    height = 844 if request.param == 390 else 900
    context = chromium.new_context(
        viewport={"width": request.param, "height": height}, locale="en-GB", has_touch=request.param == 390
    )
    context.set_default_timeout(10_000)
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    context.width = request.param
    context.problems = problems
    yield context
    context.close()
    assert not problems, problems
