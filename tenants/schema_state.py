"""Which migrations this code knows, and who is behind them (N6, P1)."""

import hashlib
import inspect
from functools import lru_cache
from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from tenants.database import connection
from tenants.models import Tenant


class Graph(NamedTuple):
    """The tenant apps' migrations as this code has them: a hash of names and contents, and how many there are."""

    hash: str
    migrations: int
    names: frozenset[tuple[str, str]]


def labels_of(app_names: list[str]) -> frozenset[str]:
    """Return the labels of apps that a setting lists by their package's name."""
    wanted = set(app_names)
    return frozenset(config.label for config in apps.get_app_configs() if config.name in wanted)


@lru_cache(maxsize=1)
def current_graph() -> Graph:
    """Return the tenant apps' graph. Read from the files once per process."""
    labels = labels_of(settings.TENANT_APPS)
    loader = MigrationLoader(None, ignore_no_migrations=True)
    # With those that a squashed one replaces: django_migrations names them all, and the number only grows.
    nodes = sorted(key for key in loader.disk_migrations if key[0] in labels)
    digest = hashlib.sha256()
    for key in nodes:
        digest.update(f"{key[0]}.{key[1]}\n".encode())
        # An unreleased migration is edited in place now and then; its name alone would not tell.
        digest.update(_source(loader.disk_migrations[key]))
    return Graph(digest.hexdigest(), len(nodes), frozenset(nodes))


@lru_cache(maxsize=1)
def _public_names() -> frozenset[tuple[str, str]]:
    labels = labels_of(settings.SHARED_APPS)
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(key for key in loader.graph.nodes if key[0] in labels)


def is_behind(tenant: Tenant) -> bool:
    """True if the tenant's schema lacks migrations that this code counts on; a schema ahead of the code works (P1)."""
    return tenant.migrations_applied < current_graph().migrations


def public_is_behind() -> bool:
    """True if the public schema lacks migrations of the shared apps. Asks the database (one statement)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.django_migrations') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return True
        cursor.execute("SELECT app, name FROM public.django_migrations")
        return not _public_names() <= set(cursor.fetchall())


def forget() -> None:
    """Read the files anew, after migrations were written or removed in this process (benchmarks, tests)."""
    current_graph.cache_clear()
    _public_names.cache_clear()


def _source(migration: object) -> bytes:
    try:
        return inspect.getsource(inspect.getmodule(type(migration))).encode()  # type: ignore[arg-type]  # a migration was loaded from a module
    except (OSError, TypeError):
        return b""
