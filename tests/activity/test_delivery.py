"""The outbox: everything recorded is delivered at least once, in order, and one bad message blocks nobody (G1)."""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from tenant_apps.activity import delivery
from tenant_apps.activity.delivery import (
    LEASE,
    MAX_TRIES,
    deliver_due,
    forget_old,
    pause_after,
    subscribe,
)
from tenant_apps.activity.models import IdempotentRequest, OutboxMessage
from tenant_apps.activity.standing import retry_all
from tenants.context import in_tenant


@pytest.fixture
def told(alpha, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[OutboxMessage]]:
    """What a subscriber of the topic `test.said` was told; alpha's outbox is empty and nobody else listens."""
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
    monkeypatch.setattr(delivery, "_subscribers", delivery.defaultdict(list))
    messages: list[OutboxMessage] = []

    @subscribe("test.said")
    def remember(message: OutboxMessage) -> None:
        messages.append(message)

    yield messages


def write(aggregate: str = "a:1", topic: str = "test.said", **fields: object) -> OutboxMessage:
    return OutboxMessage.objects.create(topic=topic, aggregate=aggregate, **fields)


def test_a_message_is_delivered_once_and_then_left_alone(in_alpha, told):
    message = write(payload={"word": "hello"})
    assert deliver_due() == 1
    assert deliver_due() == 0
    assert [one.payload for one in told] == [{"word": "hello"}]
    message.refresh_from_db()
    assert message.delivered_at is not None


def test_a_topic_that_nobody_listens_to_is_done_at_once(in_alpha, told):
    message = write(topic="test.unheard")
    deliver_due()
    message.refresh_from_db()
    assert message.delivered_at is not None
    assert told == []


def test_messages_of_one_aggregate_come_in_the_order_they_were_written(in_alpha, told):
    now = timezone.now()
    # Written by one act within a millisecond: their ids say nothing about their order.
    written = [write(created_at=now + timedelta(microseconds=index), payload={"n": index}) for index in range(8)]
    deliver_due()
    assert [one.payload["n"] for one in told] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert {one.pk for one in told} == {one.pk for one in written}


def test_a_failing_message_keeps_its_own_aggregate_waiting_and_nobody_else(in_alpha, told):
    @subscribe("test.broken")
    def fail(message: OutboxMessage) -> None:
        raise ConnectionError("the mail server is away")

    broken = write("order:1", topic="test.broken")
    later = write("order:1")
    other = write("order:2")
    deliver_due()
    assert [one.pk for one in told] == [other.pk]
    broken.refresh_from_db()
    later.refresh_from_db()
    assert broken.tries == 1
    assert broken.due_at > timezone.now()
    assert "the mail server is away" in broken.last_error
    assert later.delivered_at is None


def test_after_ten_tries_a_message_is_parked_with_an_error_and_the_next_one_goes_out(in_alpha, told, caplog):
    @subscribe("test.broken")
    def fail(message: OutboxMessage) -> None:
        raise ValueError("no such order")

    broken = write("order:1", topic="test.broken")
    later = write("order:1")
    for _ in range(MAX_TRIES):
        OutboxMessage.objects.filter(pk=broken.pk).update(due_at=timezone.now())
        deliver_due(1)
    with caplog.at_level(logging.ERROR):
        deliver_due()
    broken.refresh_from_db()
    assert broken.parked_at is not None
    assert broken.tries == MAX_TRIES
    assert [one.pk for one in told] == [later.pk]
    retry_all("test.broken")
    broken.refresh_from_db()
    assert (broken.parked_at, broken.tries) == (None, 0)


def test_parking_is_an_error_in_the_log(in_alpha, told, caplog):
    @subscribe("test.broken")
    def fail(message: OutboxMessage) -> None:
        raise ValueError("no such order")

    write("order:1", topic="test.broken", tries=MAX_TRIES - 1)
    with caplog.at_level(logging.ERROR):
        deliver_due()
    assert [record.levelname for record in caplog.records if record.getMessage() == "outbox_parked"] == ["ERROR"]


def test_a_message_whose_worker_dies_every_time_is_parked_too(in_alpha, told):
    message = write(tries=MAX_TRIES)
    deliver_due()
    message.refresh_from_db()
    assert message.parked_at is not None
    assert told == []


def test_one_subscriber_that_fails_does_not_keep_the_message_from_the_other(in_alpha, told):
    @subscribe("test.said")
    def fail(message: OutboxMessage) -> None:
        raise RuntimeError("no")

    message = write()
    deliver_due()
    assert [one.pk for one in told] == [message.pk]
    message.refresh_from_db()
    assert message.delivered_at is None


def test_a_message_taken_by_a_worker_that_died_comes_back_within_two_minutes(in_alpha, told, monkeypatch):
    message = write()
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_hand_over", lambda message: None)  # the worker is killed right here
        assert deliver_due() == 1
    assert deliver_due() == 0
    assert timedelta(seconds=120) > LEASE > timedelta(seconds=50)
    assert deliver_due(now=timezone.now() + LEASE) == 1
    assert [one.pk for one in told] == [message.pk]


def test_pauses_grow_and_are_spread():
    assert all(7.5 <= pause_after(1).total_seconds() <= 22.5 for _ in range(50))
    assert all(pause_after(9).total_seconds() <= 5400 for _ in range(50))
    assert len({pause_after(5) for _ in range(20)}) > 10


def test_delivered_messages_and_old_answers_are_forgotten_and_parked_ones_kept(in_alpha):
    now = timezone.now()
    old = write(delivered_at=now - timedelta(days=15))
    fresh = write(delivered_at=now - timedelta(days=13))
    parked = write(parked_at=now - timedelta(days=90))
    IdempotentRequest.objects.create(scope="s", key="old", fingerprint="f", started_at=now - timedelta(hours=49))
    IdempotentRequest.objects.create(scope="s", key="new", fingerprint="f", started_at=now - timedelta(hours=25))
    assert forget_old(now) == 2
    assert set(OutboxMessage.objects.filter(pk__in=[old.pk, fresh.pk, parked.pk])) == {fresh, parked}
    assert [row.key for row in IdempotentRequest.objects.filter(scope="s")] == ["new"]


def test_twenty_workers_at_once_deliver_each_message_exactly_once(transactional_db, alpha, told):
    with in_tenant(alpha):
        OutboxMessage.objects.bulk_create(
            OutboxMessage(topic="test.said", aggregate=f"a:{uuid.uuid4()}") for _ in range(60)
        )
    gate = threading.Barrier(20)

    def work() -> None:
        try:
            gate.wait()
            with in_tenant(alpha):
                deliver_due()
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(told) == 60
    assert len({one.pk for one in told}) == 60


def test_subscribers_run_outside_of_any_transaction(transactional_db, alpha, told):
    inside = []

    @subscribe("test.said")
    def look(message: OutboxMessage) -> None:
        inside.append(connection.in_atomic_block)

    with in_tenant(alpha):
        write()
        deliver_due()
    assert inside == [False]


def test_what_is_recorded_in_a_rolled_back_change_is_never_delivered(transactional_db, alpha, told):
    with in_tenant(alpha):
        with pytest.raises(RuntimeError), transaction.atomic():
            write()
            raise RuntimeError
        assert deliver_due() == 0
    assert told == []


def test_a_broker_that_is_down_fails_nobody_and_is_asked_once_in_a_while(transactional_db, alpha, monkeypatch, caplog):
    from tenant_apps.activity import hints
    from tenant_apps.activity.tasks import deliver

    asked = []

    def refuse(**options: object) -> None:
        asked.append(options)
        raise OSError("connection refused")

    monkeypatch.setattr(hints, "_rest_until", 0.0)
    monkeypatch.setattr(deliver, "apply_async", refuse)
    with in_tenant(alpha), caplog.at_level(logging.WARNING):
        for _ in range(5):
            hints.deliver_soon()
        assert len(asked) == 1
        assert "outbox_hint_lost" in caplog.text
        monkeypatch.setattr(hints, "_rest_until", 0.0)
        hints.deliver_soon()
        assert len(asked) == 2


def test_a_broker_that_hangs_holds_one_request_up_for_seconds_and_no_other(transactional_db, alpha, monkeypatch):
    import socket

    from celery import current_app

    from tenant_apps.activity import hints

    monkeypatch.setattr(hints, "_rest_until", 0.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        broker = current_app.connection_for_write(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        monkeypatch.setattr(current_app.pool, "acquire", lambda *args, **kwargs: broker)
        monkeypatch.setattr(
            current_app.producer_pool, "acquire", lambda *args, **kwargs: current_app.amqp.Producer(broker)
        )
        began = time.monotonic()
        with in_tenant(alpha):
            hints.deliver_soon()
            first = time.monotonic() - began
            hints.deliver_soon()
            second = time.monotonic() - began - first
        assert first < 8
        assert second < 0.5


def test_bulk_work_nudges_the_relay_once(transactional_db, alpha, monkeypatch):
    from tenant_apps.activity import hints

    nudges = []
    monkeypatch.setattr(hints, "_hint", lambda queue, wait_in: nudges.append(connection.schema_name))
    with in_tenant(alpha), transaction.atomic(), hints.one_for_all():
        for _ in range(100):
            hints.deliver_soon()
    assert nudges == [alpha.schema_name]
