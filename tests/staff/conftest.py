"""Who the stories about staff are told of."""

import pytest

from tests.factories import owner_of


@pytest.fixture
def owner(alpha, client_for):
    return client_for(alpha, owner_of(alpha))


@pytest.fixture
def roles(owner):
    return {role["preset"]: role["id"] for role in owner.get("/api/v1/roles/").json()["results"]}
