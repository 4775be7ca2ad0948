"""The outbox's queues: urgent before bulk, one tenant never before all others, each key once (G1, N7)."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from tenant_apps.activity import delivery, hints, queues, tasks
from tenant_apps.activity.delivery import MAX_TRIES, PARKED, deliver_due, place_for, subscribe
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.activity.services import enqueue, enqueue_all, message, record
from tenant_apps.activity.tasks import deliver, sweep
from tenants.context import in_tenant
from tests.factories import make_event

Hint = tuple[str, str, str]


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[OutboxMessage]]:
    """What a subscriber of `test.said` was told; nobody else listens."""
    monkeypatch.setattr(delivery, "_subscribers", delivery.defaultdict(list))
    messages: list[OutboxMessage] = []

    @subscribe("test.said")
    def remember(found: OutboxMessage) -> None:
        messages.append(found)

    yield messages


@pytest.fixture
def hinted(monkeypatch: pytest.MonkeyPatch) -> list[Hint]:
    """Which workers were sent for: tenant, queue of the messages, queue that the task waits in."""
    sent: list[Hint] = []
    monkeypatch.setattr(
        type(deliver._get_current_object()),  # type: ignore[attr-defined]  # a Celery proxy
        "apply_async",
        lambda self, **options: sent.append(
            (connection.schema_name, options["kwargs"]["queue"], options["queue"]),
        ),
    )
    monkeypatch.setattr(hints, "_rest_until", 0.0)
    return sent


def write(aggregate: str, queue: str = "default", **fields: Any) -> OutboxMessage:
    return OutboxMessage.objects.create(topic="test.said", aggregate=aggregate, queue=queue, **fields)


# --- Keys ------------------------------------------------------------------------------------------------------------


def test_the_same_key_twice_is_one_message_and_one_line_in_the_audit_trail(in_alpha: Any) -> None:
    event = make_event()
    assert record("test.said", event, key="gala:24h") is True
    assert record("test.said", event, key="gala:24h") is False
    assert record("test.said", event, key="gala:1h") is True
    assert OutboxMessage.objects.filter(topic="test.said").count() == 2
    assert AuditEntry.objects.filter(topic="test.said").count() == 2


def test_a_key_that_was_delivered_is_still_taken(in_alpha: Any, told: list[OutboxMessage]) -> None:
    enqueue("test.said", "a:1", {}, key="once")
    deliver_due()
    assert enqueue("test.said", "a:1", {}, key="once") is False
    deliver_due()
    assert len(told) == 1


def test_of_many_messages_those_with_a_known_key_are_left_out(in_alpha: Any) -> None:
    assert enqueue_all([message("test.said", f"a:{n}", {}, key=f"k{n}") for n in range(3)]) == 3
    assert enqueue_all([message("test.said", f"a:{n}", {}, key=f"k{n}") for n in range(5)]) == 2
    assert enqueue_all([message("test.said", "a:9", {}) for _ in range(2)]) == 2
    assert OutboxMessage.objects.filter(topic="test.said").count() == 7


def test_of_two_who_write_a_key_at_once_one_does(transactional_db: None, alpha: Any) -> None:
    gate, wrote = threading.Barrier(4), []

    def write_it() -> None:
        try:
            with in_tenant(alpha):
                gate.wait()
                wrote.append(enqueue("test.said", "a:1", {}, key="once"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wrote) == [False, False, False, True]


def test_a_key_of_a_change_that_was_rolled_back_is_free(transactional_db: None, alpha: Any) -> None:
    with in_tenant(alpha):
        with pytest.raises(RuntimeError), transaction.atomic():
            enqueue("test.said", "a:1", {}, key="once")
            raise RuntimeError
        assert enqueue("test.said", "a:1", {}, key="once") is True


# --- Queues ----------------------------------------------------------------------------------------------------------


def test_the_topic_decides_how_soon_unless_the_caller_does(in_alpha: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_queues", {})
    queues.route("test.said", "urgent")
    event = make_event()
    record("test.said", event)
    record("test.said", event, queue="bulk")
    record("test.other", event)
    found = OutboxMessage.objects.filter(topic__startswith="test.").order_by("created_at", "id")
    assert sorted(found.values_list("topic", "queue")) == [
        ("test.other", "default"), ("test.said", "bulk"), ("test.said", "urgent"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no queue 'soon'"):
        queues.route("test.said", "soon")


def test_an_urgent_message_does_not_wait_behind_the_tenants_own_bulk(in_alpha: Any, told: list[OutboxMessage]) -> None:
    OutboxMessage.objects.all().delete()
    for number in range(30):
        write(f"many:{number}", "bulk")
    urgent = write("order:1", "urgent")
    assert deliver_due(1, queue="urgent") == 1
    assert [one.pk for one in told] == [urgent.pk]
    assert deliver_due(queue="urgent") == 0
    assert deliver_due(100, queue="bulk") == 30


def test_messages_of_one_aggregate_keep_their_order_across_queues(in_alpha: Any, told: list[OutboxMessage]) -> None:
    OutboxMessage.objects.all().delete()
    earlier = write("order:1", "bulk")
    later = write("order:1", "urgent")
    assert deliver_due(queue="urgent") == 0
    deliver_due(queue="bulk")
    deliver_due(queue="urgent")
    assert [one.pk for one in told] == [earlier.pk, later.pk]


def test_each_queue_that_was_written_to_gets_one_hint(transactional_db: None, alpha: Any, hinted: list[Hint]) -> None:
    with in_tenant(alpha), transaction.atomic():
        event = make_event()
        for _ in range(3):
            record("test.said", event, queue="urgent")
        record("test.said", event, queue="bulk")
    here = alpha.schema_name
    assert sorted(hinted) == [(here, "bulk", "bulk"), (here, "urgent", "urgent")]


# --- Nobody before all others ----------------------------------------------------------------------------------------


def test_a_tenant_has_one_worker_for_a_queue_and_the_others_are_free_for_others(
    transactional_db: None, alpha: Any, beta: Any, told: list[OutboxMessage]
) -> None:
    inside, leave = threading.Event(), threading.Event()

    @subscribe("test.slow")
    def hang(found: OutboxMessage) -> None:
        inside.set()
        leave.wait(10)

    with in_tenant(alpha):
        OutboxMessage.objects.create(topic="test.slow", aggregate="a:1", queue="urgent")
        write("a:2", "urgent")
        write("a:3", "bulk")
    with in_tenant(beta):
        write("b:1", "urgent")

    def work() -> None:
        try:
            with in_tenant(alpha):
                deliver("urgent")
        finally:
            connections.close_all()

    busy = threading.Thread(target=work)
    busy.start()
    assert inside.wait(10)
    with in_tenant(alpha):
        deliver("urgent")  # the place is taken: leaves at once
        assert told == []
        deliver("bulk")
    with in_tenant(beta):
        deliver("urgent")
    assert [one.aggregate for one in told] == ["a:3", "b:1"]
    leave.set()
    busy.join()
    assert [one.aggregate for one in told] == ["a:3", "b:1", "a:2"]


def test_a_worker_that_dies_leaves_its_place_to_the_next(transactional_db: None, alpha: Any) -> None:
    taken, die = threading.Event(), threading.Event()

    def work() -> None:
        with in_tenant(alpha):
            place = place_for("urgent")
            assert place.__enter__()
            taken.set()
            die.wait(10)
        connections.close_all()  # as the server sees it when the process is killed

    worker = threading.Thread(target=work)
    worker.start()
    assert taken.wait(10)
    with in_tenant(alpha):
        with place_for("urgent") as free:
            assert not free
        die.set()
        worker.join()
        with place_for("urgent") as free:
            assert free


def test_after_a_turn_the_rest_waits_behind_what_is_new_elsewhere(
    transactional_db: None, alpha: Any, hinted: list[Hint], told: list[OutboxMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    with in_tenant(alpha):
        for number in range(5):
            write(f"a:{number}", "urgent")
        deliver("urgent")
        assert len(told) == 2
        assert hinted == [(alpha.schema_name, "urgent", "default")]
        deliver("urgent")
        deliver("urgent")
    assert len(told) == 5
    assert len(hinted) == 2


def test_a_turn_is_over_after_its_time(in_alpha: Any, told: list[OutboxMessage]) -> None:
    for number in range(5):
        write(f"a:{number}", "urgent")
    assert deliver_due(100, queue="urgent", seconds=0) == 0
    assert deliver_due(100, queue="urgent", seconds=5) >= 5


def test_what_is_written_while_a_worker_is_busy_is_found_by_its_last_look(
    transactional_db: None, alpha: Any, hinted: list[Hint], told: list[OutboxMessage]
) -> None:
    @subscribe("test.long")
    def meanwhile(found: OutboxMessage) -> None:
        with transaction.atomic():
            record("test.said", event, queue="urgent")
        # Its worker comes, finds the place taken and leaves.

    with in_tenant(alpha):
        event = make_event()
        OutboxMessage.objects.create(topic="test.long", aggregate="a:1", queue="urgent")
        deliver_due_of = delivery.deliver_due
        tasks.deliver_due = lambda *args, **options: deliver_due_of(
            1, queue="urgent"
        )  # one message, then the turn ends
        try:
            deliver("urgent")
        finally:
            tasks.deliver_due = deliver_due_of
    assert (alpha.schema_name, "urgent", "default") in hinted


def test_the_sweep_delivers_in_passing_and_sends_a_worker_for_what_is_left(
    transactional_db: None, alpha: Any, hinted: list[Hint], monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        sweep()
        assert hinted == []
        write("a:1", "bulk")
        sweep()
        assert hinted == []
        assert OutboxMessage.objects.filter(delivered_at=None).count() == 0
        write("a:2", "bulk")
        monkeypatch.setattr(tasks, "IN_PASSING_SECONDS", 0)
        sweep()
    assert hinted == [(alpha.schema_name, "bulk", "bulk")]


# --- Parking ---------------------------------------------------------------------------------------------------------


def test_a_parked_message_is_told_to_the_tenant_once_an_hour_for_each_topic(in_alpha: Any) -> None:
    @subscribe("test.poison")
    def fail(found: OutboxMessage) -> None:
        raise ValueError("cannot be read")

    OutboxMessage.objects.all().delete()
    for number in range(3):
        OutboxMessage.objects.create(topic="test.poison", aggregate=f"a:{number}", tries=MAX_TRIES - 1)
    deliver_due()
    (alert,) = OutboxMessage.objects.filter(topic=PARKED)
    assert alert.payload["topic"] == "test.poison"
    assert "cannot be read" in alert.payload["reason"]
    assert AuditEntry.objects.filter(topic=PARKED).count() == 1
    assert OutboxMessage.objects.filter(parked_at__isnull=False).count() == 3


def test_an_alert_that_cannot_be_delivered_is_parked_without_another(in_alpha: Any) -> None:
    @subscribe(PARKED)
    def fail(found: OutboxMessage) -> None:
        raise ValueError("nobody to tell")

    OutboxMessage.objects.all().delete()
    OutboxMessage.objects.create(topic=PARKED, aggregate="a:1", tries=MAX_TRIES - 1)
    deliver_due()
    assert OutboxMessage.objects.filter(topic=PARKED).count() == 1
    assert OutboxMessage.objects.get(topic=PARKED).parked_at is not None
