"""The same workers on Valkey and on RabbitMQ: what `CELERY_BROKER_URL` may name (docs/decisions/0037)."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from platform_config.launcher.processes import wait_until
from tenant_apps.activity import hints, queues
from tenants.context import in_tenant
from tests.background.noting import Notes, die, note
from tests.background.parts import Broker, Process, worker

SECONDS = 30.0


def test_a_task_runs_in_the_schema_that_its_message_names_and_nowhere_without_one(
    one_worker: Process, alpha: Any, beta: Any, notes: Notes
) -> None:
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            note.delay(notes.path, tenant.slug)
    note.delay(notes.path, "public")
    note.apply_async(args=[notes.path, "gone"], headers={"_schema_name": "t_nobody"})
    with in_tenant(alpha):
        note.delay(notes.path, "last")
    assert wait_until(lambda: "last" in notes.ended, SECONDS)
    assert {line["word"]: line["schema"] for line in notes.lines("end")} == {
        "alpha": alpha.schema_name, "beta": beta.schema_name, "last": alpha.schema_name,
    }  # fmt: skip


def test_what_people_wait_for_does_not_wait_for_a_backlog(
    broker: Broker, one_worker: Process, in_alpha_committed: Any, notes: Notes
) -> None:
    note.apply_async(args=[notes.path, "first", 1.5], queue="bulk")
    assert wait_until(lambda: notes.begun == ["first"], SECONDS)
    for number in range(15):
        note.apply_async(args=[notes.path, f"bulk {number}"], queue="bulk")
    for number in range(2):
        note.apply_async(args=[notes.path, f"default {number}"], queue="default")
    note.apply_async(args=[notes.path, "urgent"], queue="urgent")
    assert wait_until(lambda: len(notes.ended) == 19, SECONDS)
    order = notes.begun
    # Valkey: a worker takes one of each queue in turn. RabbitMQ draws lots: after each task every queue that has some
    # has the same chance, so that fifteen of one come before another's only once in thousands of times.
    last = "bulk 14" if broker.url.startswith("amqp") else "bulk 2"
    assert order.index("urgent") < order.index(last)
    assert sorted(order) == sorted(notes.ended)


def test_a_task_whose_worker_is_killed_runs_again(
    broker: Broker, one_worker: Process, in_alpha_committed: Any, notes: Notes, tmp_path: Path
) -> None:
    note.delay(notes.path, "cut off", 2.0)
    assert wait_until(lambda: notes.begun == ["cut off"], SECONDS)
    one_worker.kill()
    with worker(tmp_path, broker.url, name="other"):
        assert wait_until(lambda: notes.ended == ["cut off"], SECONDS)
    assert notes.begun == ["cut off", "cut off"]


def test_a_task_that_ended_is_not_given_out_again(
    broker: Broker, one_worker: Process, in_alpha_committed: Any, notes: Notes, tmp_path: Path
) -> None:
    note.delay(notes.path, "done")
    assert wait_until(lambda: notes.ended == ["done"], SECONDS)
    time.sleep(0.3)  # the word that it is done follows
    one_worker.kill()
    with worker(tmp_path, broker.url, name="other") as other:
        other.wait_until_said(" ready.")
        note.delay(notes.path, "next")
        assert wait_until(lambda: "next" in notes.ended, SECONDS)
        time.sleep(5)  # longer than a task stays out of sight
    assert notes.ended == ["done", "next"]


def test_what_expired_while_nobody_worked_is_not_run(
    broker: Broker, in_alpha_committed: Any, notes: Notes, tmp_path: Path
) -> None:
    note.apply_async(args=[notes.path, "too late"], expires=0.5)
    note.apply_async(args=[notes.path, "in time"], expires=120)
    time.sleep(0.6)
    with worker(tmp_path, broker.url):
        assert wait_until(lambda: "in time" in notes.ended, 60)
    assert notes.begun == ["in time"]


def test_a_task_that_takes_its_process_along_does_so_once_and_the_next_ones_run(
    broker: Broker, in_alpha_committed: Any, notes: Notes, tmp_path: Path
) -> None:
    """What it was for is found by a sweep; at once and again it would take one process after the other."""
    die.apply_async(args=[notes.path, "poison"])
    note.apply_async(args=[notes.path, "healthy"])
    with worker(tmp_path, broker.url, TEST_VISIBILITY_TIMEOUT="60"):  # as in production
        assert wait_until(lambda: "healthy" in notes.ended, 60)
        time.sleep(1)
    assert notes.begun == ["poison", "healthy"]


@pytest.fixture
def hint(in_alpha_committed: Any) -> Iterator[Any]:
    """Leaves a hint for alpha, whatever waits there and whatever failed before; returns how long that took."""

    def leave() -> float:
        hints._rest_until = 0.0
        hints.taken(queues.URGENT)
        began = time.monotonic()
        hints._hint(queues.URGENT, queues.URGENT)
        return time.monotonic() - began

    yield leave
    hints._rest_until = 0.0


@pytest.mark.parametrize("warm", [False, True], ids=["before the first word", "after some"])
def test_a_broker_that_hangs_or_is_gone_holds_no_request_for_long_and_is_found_again(
    broker: Broker, hint: Any, warm: bool
) -> None:
    if warm:
        assert hint() < 2
    broker.freeze()
    try:
        assert hint() < 5
    finally:
        broker.thaw()
    broker.kill()
    assert hint() < 5
    broker.start()
    hint()  # over a connection that died with it
    assert hint() < 2 and hints._rest_until == 0.0


def test_a_worker_finds_a_broker_again_that_was_killed(
    broker: Broker, one_worker: Process, in_alpha_committed: Any, notes: Notes
) -> None:
    note.delay(notes.path, "before")
    assert wait_until(lambda: notes.ended == ["before"], SECONDS)
    broker.kill()
    broker.start()

    def works() -> bool:
        try:
            note.apply_async(args=[notes.path, "after"], retry=False)
        except Exception:
            return False
        return wait_until(lambda: "after" in notes.ended, 2)

    assert wait_until(works, 60, 0.5)
