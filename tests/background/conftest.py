"""A Valkey and a RabbitMQ of the tests' own; what asks for `broker` runs with each of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import rabbitmq
from tests.background.noting import Notes
from tests.background.parts import Broker, Process, Valkey, sending_to, worker


@pytest.fixture(scope="session")
def valkey_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    node = Valkey(_home(tmp_path_factory, "valkey"))
    node.start()
    yield node
    node.stop()


@pytest.fixture(scope="session")
def rabbitmq_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if not rabbitmq.is_installed():
        pytest.skip(rabbitmq.MISSING)
    node = rabbitmq.RabbitMQ(_home(tmp_path_factory, "rabbitmq"))
    node.start()
    yield node
    node.stop()


def _home(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that the user nobody may enter too: servers do not run as root."""
    home = factory.mktemp(name)
    for folder in (home, home.parent, home.parent.parent):
        folder.chmod(0o755)
    return home


@pytest.fixture(params=["valkey", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """An empty broker, that what this process sends goes to."""
    node: Broker = request.getfixturevalue(f"{request.param}_node")
    node.start()  # if the test before killed it
    node.thaw()
    node.empty()
    with sending_to(node.url):
        yield node


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "notes")


@pytest.fixture
def one_worker(broker: Broker, transactional_db: None, tmp_path: Path) -> Iterator[Process]:
    """A worker with one process and all queues, that is ready."""
    with worker(tmp_path, broker.url) as process:
        process.wait_until_said(" ready.")
        yield process


@pytest.fixture
def in_alpha_committed(transactional_db: None, alpha: Any) -> Iterator[Any]:
    from tenants.context import in_tenant

    with in_tenant(alpha):
        yield alpha
