"""The world of the matrix, built once for each worker and taken back at the end; and how large the matrix was."""

import gc
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    from django.core.cache import caches
    from django.db import connection
    from django.test import override_settings

    from shared_apps.accounts.tokens import AccessToken
    from tests.name_server import NameServer
    from tests.permissions.world import build, undone

    # A sign-in that is older than a quarter of an hour is renewed by the next request, which writes: that is no change
    # by what was asked, and a run may take longer.
    lasting = patch.object(AccessToken, "lifetime", timedelta(days=1))
    # Nobody outside is asked about the domains of this world.
    names = NameServer()
    own = override_settings(API_RATE_PER_MINUTE=10**7, DNS_SERVERS=[names.place])
    with django_db_blocker.unblock(), own, lasting:
        connection.set_schema_to_public()
        caches["global"].clear()
        with undone():
            made = build()
            connection.set_schema_to_public()
            # The world and all modules outlive every test: the collector need not look through them again and again.
            gc.collect()
            gc.freeze()
            yield made
            gc.unfreeze()
        caches["global"].clear()
    names.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how much was asked."""
    total: Counter[str] = Counter()
    actors: set[str] = set()
    scopes: set[str] = set()
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, value in getattr(report, "user_properties", ()):
            if name == "permissions_matrix":
                for key, number in value.items():
                    if key.startswith("actor:"):
                        actors.add(key)
                    elif key.startswith("scope:"):
                        scopes.add(key)
                    else:
                        total[key] += number
    for name in ("bad sign-ins", "foreign ids", "fields of the server's"):
        if total[name]:
            terminalreporter.write_line(f"permissions matrix: {total[name]} {name} sent, none of which did anything")
    if total["routes"]:
        terminalreporter.write_sep(
            "-",
            f"permissions matrix: {total['routes']} routes x {len(actors)} actors x {len(scopes)} scopes: "
            f"{total['cases']} cases, {total['refused']} refusals that changed nothing",
        )
