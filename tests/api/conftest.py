"""A tenant's host that serves the views of `tests.api.routes`."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def api(alpha: Any, client_for: Callable[..., Any], settings: Any) -> Callable[..., Any]:
    """`api(user)` is a client of alpha whose routes are those made for the tests; faults answer as in production."""
    settings.ROOT_URLCONF = "tests.api.routes"

    def make(user: Any = None, tenant: Any = None) -> Any:
        client = client_for(tenant or alpha, user)
        client.raise_request_exception = False
        return client

    return make
