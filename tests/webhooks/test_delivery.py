"""From what happens to the programs that want to know: signed, again and again, and nobody is delayed by another."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from shared_apps.core import outgoing
from tenant_apps.activity.delivery import deliver_due as hand_over
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.webhooks import keeping, sending, services, tasks
from tenant_apps.webhooks.fan_out import TRY_FOR
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEvent
from tenant_apps.webhooks.sending import LEASE, deliver_due, tidy
from tenants import due
from tests.factories import make_event, make_order, make_paid_order
from tests.webhooks.telling import endpoint_at, happen, later, send_all, slow

pytestmark = pytest.mark.usefixtures("empty_outbox")


def test_what_happens_is_told_with_a_signature_that_holds(receiver):
    _endpoint, secret = endpoint_at(receiver.url, "order.paid")
    order = make_paid_order()
    hand_over()
    deliver_due()
    [(headers, body)] = receiver.heard
    said = json.loads(body)
    assert (said["topic"], said["tenant"], said["api_version"], said["id"]) == (
        "order.paid",
        "alpha",
        "1",
        headers["X-Event-Id"],
    )
    assert said["data"]["id"] == order.code
    assert said["data"]["status"] == "paid"
    assert said["data"]["url"] == f"http://alpha.localhost/api/v1/orders/{order.code}/"
    at, _, mark = headers["X-Signature"].removeprefix("t=").partition(",v1=")
    assert abs(int(at) - time.time()) < 5
    assert mark == hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["Content-Type"] == "application/json"
    assert WebhookDelivery.objects.get().status == "delivered"


def test_a_body_names_no_person(receiver):
    endpoint_at(receiver.url)
    make_paid_order(email="ada.lovelace@example.org")
    hand_over()
    send_all()
    assert len(receiver.heard) >= 2
    for _headers, body in receiver.heard:
        assert b"ovelace" not in body


def test_only_what_was_asked_for_is_told(receiver):
    endpoint_at(receiver.url, "event.deleted")
    happen(topic="event.updated")
    happen(topic="event.deleted")
    happen(topic="staff.added")
    send_all()
    assert [headers["X-Event-Topic"] for headers, _body in receiver.heard] == ["event.deleted"]


def test_a_thing_that_is_gone_is_told_by_its_id(receiver):
    endpoint_at(receiver.url)
    OutboxMessage.objects.create(topic="event.deleted", aggregate="events.event:987654")
    hand_over()
    deliver_due()
    assert json.loads(receiver.heard[0][1])["data"] == {"object": "event", "id": "987654", "url": None}


def test_a_message_that_is_handed_over_twice_is_one_event(receiver):
    endpoint_at(receiver.url)
    [message] = happen()
    OutboxMessage.objects.filter(pk=message.pk).update(delivered_at=None, due_at=timezone.now())
    hand_over()
    send_all()
    assert receiver.ids == [str(message.pk)]


def test_where_nobody_listens_a_message_costs_one_statement(django_assert_num_queries):
    message = OutboxMessage.objects.create(topic="event.updated", aggregate="events.event:1")
    from tenant_apps.webhooks.fan_out import note

    with django_assert_num_queries(1):
        note(message)
    assert not WebhookEvent.objects.exists()


def test_forty_deliveries_take_ten_statements_and_go_out_eight_at_once(receiver, django_assert_max_num_queries):
    endpoint_at(receiver.url)
    happen(40)
    receiver.answer = slow(0.05, 204)
    with django_assert_max_num_queries(17):  # ten, the savepoints of a test that is one transaction, and the last look
        assert deliver_due() == 40
    assert 2 <= receiver.most_at_once <= 8
    assert WebhookDelivery.objects.filter(status="delivered").count() == 40


def test_what_concerns_one_thing_is_told_in_the_order_in_which_it_happened(receiver):
    endpoint_at(receiver.url)
    now = timezone.now()
    written = [
        OutboxMessage.objects.create(
            topic="event.updated",
            aggregate=f"events.event:{number % 3}",
            created_at=now + timedelta(microseconds=number),
        )
        for number in range(12)
    ]
    hand_over(20)
    receiver.answer = slow(0.01, 204)
    send_all()
    for thing in range(3):
        mine = [str(each.pk) for each in written[thing::3]]
        assert [each for each in receiver.ids if each in mine] == mine
    numbers = [json.loads(body)["sequence"] for _headers, body in receiver.heard]
    assert len(set(numbers)) == 12


def asked() -> Any:
    """When the sweep is due here, as the fan-out asks it."""
    return due.ask(timezone.now())["webhooks.sweep"]


def test_the_fan_out_picks_a_tenant_when_something_can_be_sent(receiver):
    endpoint, _secret = endpoint_at(receiver.url)
    assert asked() is None
    happen()
    assert asked() <= timezone.now()
    lane = sending._take(timezone.now())
    assert lane is not None
    assert asked() == lane.lease  # if its worker dies
    sending._send(lane)
    sending._write_down(lane, timezone.now())
    assert asked() is None
    receiver.status = 500
    happen(10)
    deliver_due()
    endpoint.refresh_from_db()
    assert asked() == endpoint.rest_until > timezone.now()
    services.change_endpoint(endpoint, enabled=False, actor=None)
    assert asked() is None


def test_the_sweep_sends_a_worker_where_something_is_due(receiver, monkeypatch):
    sent: list[bool] = []
    monkeypatch.setattr(tasks.deliver, "apply_async", lambda **options: sent.append(True))
    endpoint_at(receiver.url)
    tasks.sweep()
    assert sent == []
    happen()
    cache.clear()
    tasks.sweep()
    tasks.sweep()
    assert sent == [True]  # one hint stands for all until a worker comes


def test_what_a_killed_worker_had_taken_is_sent_again_within_two_minutes(receiver, monkeypatch):
    endpoint_at(receiver.url)
    happen(3)
    with monkeypatch.context() as patch:

        def die(lane: Any, now: Any) -> None:
            raise SystemExit

        patch.setattr(sending, "_write_down", die)  # sent, and killed before it was written down
        with pytest.raises(SystemExit):
            deliver_due()
    assert len(receiver.heard) == 3
    assert deliver_due() == 0
    assert timedelta(seconds=50) > LEASE > timedelta(seconds=sending.LANE_SECONDS + outgoing.SECONDS)
    assert deliver_due(now=timezone.now() + LEASE + timedelta(seconds=1)) == 3
    assert len(set(receiver.ids)) == 3  # twice each, by the same id


def test_who_comes_late_changes_nothing_of_what_another_has_done(receiver):
    endpoint_at(receiver.url)
    happen()
    lane = sending._take(timezone.now())
    assert lane is not None
    sending._send(lane)
    # The lease ran out: another worker sent it, with success.
    after = timezone.now() + LEASE + timedelta(seconds=1)
    assert deliver_due(now=after) == 1
    written = WebhookDelivery.objects.get()
    lane.done[0] = (lane.done[0][0], lane.done[0][1].__class__("refused", 500))
    sending._write_down(lane, timezone.now())
    again = WebhookDelivery.objects.get()
    assert (again.status, again.log) == ("delivered", written.log)


def test_nothing_is_sent_inside_a_transaction(transactional_db, receiver, monkeypatch):
    endpoint_at(receiver.url)
    happen()
    inside: list[bool] = []
    post = outgoing.post

    def watched(*args: Any, **options: Any) -> Any:
        inside.append(connection.in_atomic_block)
        return post(*args, **options)

    monkeypatch.setattr(outgoing, "post", watched)
    statements: list[bool] = []
    send = sending._send

    def watched_send(lane: Any) -> None:
        statements.append(connection.in_atomic_block)
        with connection.execute_wrapper(_refuse):
            send(lane)

    monkeypatch.setattr(sending, "_send", watched_send)
    assert deliver_due() == 1
    assert (inside, statements) == ([False], [False])


def _refuse(execute: Any, sql: str, *rest: Any) -> Any:
    raise AssertionError(f"a statement while the network is waited for: {sql}")


def answering(status: int, **headers: str) -> Any:
    def answer(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


@pytest.mark.parametrize(
    ("outcome", "status", "answer"),
    [
        ("refused", 404, answering(404)),
        ("redirect", 302, answering(302, Location="http://169.254.169.254/")),
        ("bad_reply", None, lambda handler: handler.connection.close()),
    ],
)
def test_each_way_to_fail_is_told_by_its_code(receiver, outcome, status, answer):
    endpoint_at(receiver.url)
    happen()
    receiver.answer = answer
    deliver_due()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.outcome, delivery.http_status, delivery.status) == (outcome, status, "waiting")


def test_a_name_that_leads_inside_is_sent_nothing(receiver, settings, monkeypatch):
    endpoint_at("https://hooks.example.org/in")
    happen()
    import socket

    port = int(receiver.url.split(":")[2].split("/")[0])
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *args, **options: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))],
    )
    deliver_due()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.outcome, receiver.heard) == ("address_refused", [])


def test_what_it_replied_is_kept_for_the_operator_in_a_sealed_box(receiver, capsys):
    from django.core.management import call_command

    def answer(handler: Any) -> None:
        handler.send_response(500)
        handler.end_headers()
        handler.wfile.write(b"ROOT-KEY=abc\x1b[2J" + b"x" * 100_000)

    endpoint_at(receiver.url)
    happen()
    receiver.answer = answer
    deliver_due()
    delivery = WebhookDelivery.objects.get()
    assert delivery.reply_bytes == 64 * 1024
    assert b"ROOT-KEY" not in bytes(delivery.reply)
    call_command("webhook_reply", "alpha", str(delivery.pk))
    told = capsys.readouterr().out
    assert told.startswith("ROOT-KEY=abc\\x1b[2J")
    assert len(told) < 5000


def test_after_a_change_of_the_deployments_key_without_fallback_nothing_is_sent_unsigned(receiver, settings):
    endpoint_at(receiver.url)
    happen()
    settings.SECRET_KEY = "another-" + "1" * 60
    deliver_due()
    assert receiver.heard == []
    assert WebhookDelivery.objects.get().outcome == "no_secret"


def test_switched_off_it_is_sent_nothing_and_has_it_all_by_a_replay(receiver):
    endpoint, _secret = endpoint_at(receiver.url)
    before = timezone.now()
    services.change_endpoint(endpoint, enabled=False, actor=None)
    made = happen(3)
    send_all()
    assert receiver.heard == []
    services.change_endpoint(endpoint, enabled=True, actor=None)
    assert services.replay_since(endpoint, before, actor=None) == 3
    send_all()
    assert sorted(receiver.ids) == sorted(str(each.pk) for each in made)


def test_a_replay_of_all_or_of_what_failed(receiver):
    endpoint, _secret = endpoint_at(receiver.url, "event.updated")
    made = happen(4)
    send_all()
    WebhookDelivery.objects.filter(event_id=made[0].pk).update(status="failed")
    since = made[0].created_at
    assert services.replay_since(endpoint, since, failed_only=True, actor=None) == 1
    send_all()
    assert receiver.ids.count(str(made[0].pk)) == 2
    assert services.replay_since(endpoint, since, actor=None) == 4
    send_all()
    assert [receiver.ids.count(str(each.pk)) for each in made] == [3, 2, 2, 2]
    assert services.replay_since(endpoint, timezone.now(), actor=None) == 0


def test_a_replay_during_a_try_is_sent_once_more(receiver):
    endpoint_at(receiver.url)
    happen()
    lane = sending._take(timezone.now())
    assert lane is not None
    sending._send(lane)
    services.replay(WebhookDelivery.objects.get(), actor=None)
    sending._write_down(lane, timezone.now())
    assert WebhookDelivery.objects.get().status == "waiting"
    send_all()
    assert len(receiver.heard) == 2
    assert WebhookDelivery.objects.get().status == "delivered"


def test_what_waited_too_long_is_given_up(receiver):
    endpoint, _secret = endpoint_at(receiver.url)
    happen()
    services.change_endpoint(endpoint, enabled=False, actor=None)
    assert tidy(timezone.now() + TRY_FOR + timedelta(minutes=1)) == 1
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.outcome) == ("failed", "expired")


def test_the_log_goes_after_thirty_days(receiver):
    endpoint_at(receiver.url)
    happen(3)
    send_all()
    assert keeping.forget_old(later(days=29)) == 0
    assert keeping.forget_old(later(days=31)) == 3
    assert not WebhookDelivery.objects.exists()
    assert not WebhookEvent.objects.exists()


def test_an_order_tells_its_life(receiver):
    endpoint_at(receiver.url, "order.placed", "order.cancelled")
    from tenant_apps.orders.lifecycle import advance

    order = make_order()
    advance(order, "cancelled")
    hand_over()
    send_all()
    said = sorted((json.loads(body) for _headers, body in receiver.heard), key=lambda each: each["sequence"])
    assert [(each["topic"], each["data"]["id"]) for each in said] == [
        ("order.placed", order.code), ("order.cancelled", order.code),
    ]  # fmt: skip


def test_make_event_is_told_when_it_is_published(receiver):
    endpoint_at(receiver.url, "event.published")
    from tenant_apps.events.services import publish

    event = make_event(published=False)
    publish(event, actor=None)
    hand_over()
    send_all()
    assert [json.loads(body)["data"]["slug"] for _headers, body in receiver.heard] == [event.slug]
