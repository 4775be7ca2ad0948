"""A Valkey and a RabbitMQ of the tests' own; what asks for `broker` runs with each of them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import rabbitmq
from tests.background.noting import Notes
from tests.background.parts import Broker, Process, Valkey, sending_to, worker


@contextmanager
def _home() -> Iterator[Path]:
    """A folder that the user nobody may enter too: servers do not run as root, and pytest's own folders are private."""
    home = Path(tempfile.mkdtemp(prefix="foyer-test-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey_node() -> Iterator[Broker]:
    with _home() as home:
        node = Valkey(home)
        node.start()
        yield node
        node.stop()


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[Broker]:
    if not rabbitmq.is_installed():
        pytest.skip(rabbitmq.MISSING)
    with _home() as home:
        node = rabbitmq.RabbitMQ(home)
        node.start()
        yield node
        node.stop()


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
