"""What becomes of deliveries that fail, and of endpoints that fail for long."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.core import outgoing
from tenant_apps.activity.delivery import deliver_due as hand_over
from tenant_apps.activity.delivery import queues_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.webhooks import sending
from tenant_apps.webhooks.fan_out import TRY_FOR
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.sending import LEASE, PAUSES, deliver_due, rest_after, tidy
from tests.factories import owner_of
from tests.webhooks.telling import endpoint_at, happen, later, send_all

pytestmark = pytest.mark.usefixtures("empty_outbox")


def test_a_failed_try_comes_again_with_pauses_for_three_days_and_is_given_up_then(receiver):
    endpoint_at(receiver.url)
    happen()
    receiver.status = 500
    start = timezone.now()
    now, tries = start, 0
    while (delivery := WebhookDelivery.objects.get()).status == "waiting":
        now = max(delivery.due_at, WebhookEndpoint.objects.get().rest_until) + timedelta(seconds=1)
        assert deliver_due(now=now) == 1
        tries += 1
    assert tries == len(PAUSES) + 1 == 11
    assert len(receiver.heard) == 11
    assert timedelta(hours=60) < now - start < TRY_FOR
    assert delivery.status == "failed"
    assert [entry["outcome"] for entry in delivery.log] == ["refused"] * 11
    assert sum(PAUSES, timedelta()) < TRY_FOR


def test_all_tries_come_within_the_three_days_however_the_pauses_fall(monkeypatch):
    for least in (True, False):
        monkeypatch.setattr(sending.random, "uniform", lambda low, high, least=least: low if least else high)
        pauses = [sending.pause_after(tries) for tries in range(1, len(PAUSES) + 1)]
        assert sum((pause for pause in pauses if pause), timedelta()) < TRY_FOR - timedelta(minutes=10)
    assert sending.pause_after(len(PAUSES) + 1) is None


def test_each_try_has_the_same_body_and_id_and_a_fresh_signature(receiver):
    endpoint_at(receiver.url)
    happen()
    receiver.status = 503
    deliver_due()
    WebhookDelivery.objects.update(due_at=timezone.now())
    receiver.status = 200
    deliver_due()
    (first, body), (second, again) = receiver.heard
    assert body == again
    assert first["X-Event-Id"] == second["X-Event-Id"]
    assert (first["X-Delivery-Try"], second["X-Delivery-Try"]) == ("1", "2")
    assert WebhookDelivery.objects.get().status == "delivered"


def test_an_endpoint_that_failed_three_times_rests_and_is_tried_with_one(receiver):
    endpoint, _secret = endpoint_at(receiver.url)
    happen(200)
    receiver.status = 500
    deliver_due()
    asked_first = len(receiver.heard)
    assert 3 <= asked_first <= 3 + sending.AT_ONCE
    assert deliver_due() == 0
    endpoint.refresh_from_db()
    assert endpoint.rest_until > timezone.now() + timedelta(seconds=20)
    for count in (1, 2):
        WebhookEndpoint.objects.update(rest_until=timezone.now())
        assert deliver_due() == 1
        assert len(receiver.heard) == asked_first + count
    waiting = WebhookDelivery.objects.filter(tries=0)
    assert waiting.count() == 200 - asked_first - 2  # the others have lost no try
    receiver.status = 200
    WebhookEndpoint.objects.update(rest_until=timezone.now())
    send_all()
    assert waiting.filter(status="waiting").count() == 0


def test_rests_grow_to_half_an_hour():
    assert [int(rest_after(failures).total_seconds()) for failures in (0, 2, 3, 4, 8, 9, 50)] == [
        0, 0, 30, 60, 960, 1800, 1800,
    ]  # fmt: skip


def test_an_endpoint_that_hangs_costs_one_time_out_and_delays_no_other(receivers, monkeypatch):
    monkeypatch.setattr(outgoing.post, "__kwdefaults__", {**outgoing.post.__kwdefaults__, "seconds": 0.5})
    hanging, healthy = receivers(), receivers()
    hanging.answer = lambda handler: time.sleep(2)
    endpoint_at(hanging.url)
    endpoint_at(healthy.url)
    happen(60)
    started = time.monotonic()
    send_all()
    assert time.monotonic() - started < 5
    assert len(healthy.heard) == 60
    assert len(hanging.heard) <= sending.AT_ONCE + 3
    outcomes = set(WebhookDelivery.objects.filter(status="waiting").exclude(tries=0).values_list("outcome", flat=True))
    assert outcomes == {"timeout"}


def test_one_body_that_is_always_refused_keeps_nothing_else_back(receiver):
    endpoint_at(receiver.url)
    poison = happen(30)[7]

    def answer(handler: Any) -> None:
        handler.send_response(500 if handler.headers["X-Event-Id"] == str(poison.pk) else 200)
        handler.end_headers()

    receiver.answer = answer
    send_all()
    assert WebhookDelivery.objects.filter(status="delivered").count() == 29
    assert WebhookEndpoint.objects.get().rest_until <= timezone.now()


def test_a_tenant_has_two_lanes_at_most(receivers):
    now = timezone.now()
    for _number in range(3):
        endpoint_at(receivers().url)
    happen()
    busy = list(WebhookEndpoint.objects.values_list("pk", flat=True)[:2])
    WebhookEndpoint.objects.filter(pk__in=busy).update(busy_until=now + LEASE)
    assert deliver_due() == 0
    WebhookEndpoint.objects.filter(pk=busy[0]).update(busy_until=now)
    assert deliver_due() == 2


def test_410_switches_the_endpoint_off_and_tells_the_staff(receiver):
    endpoint, _secret = endpoint_at(receiver.url)
    happen()
    receiver.status = 410
    deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_because) == (False, "gone")
    alert = OutboxMessage.objects.get(topic="webhook.disabled")
    assert alert.payload == {"url": receiver.url, "because": "gone"}
    assert AuditEntry.objects.filter(topic="webhook.disabled").exists()
    happen()
    assert len(receiver.heard) == 1


def test_who_looks_after_integrations_gets_a_letter_when_one_is_switched_off(alpha, receiver, mailoutbox):
    endpoint_at(receiver.url)
    happen()
    receiver.status = 410
    deliver_due()
    while queues_due():
        hand_over()
    [letter] = mailoutbox
    assert owner_of(alpha).email in letter.to[0]
    assert receiver.url in str(letter.body)
    deliver_due()
    while queues_due():
        hand_over()
    assert len(mailoutbox) == 1


def test_three_days_of_failures_switch_it_off_and_tell_the_staff_once(receiver):
    endpoint, _secret = endpoint_at(receiver.url)
    happen()
    receiver.status = 500
    WebhookEndpoint.objects.update(failures=9, failing_since=later(days=-2.9))
    deliver_due()
    endpoint.refresh_from_db()
    assert endpoint.enabled
    WebhookEndpoint.objects.update(failing_since=later(days=-3.1), rest_until=timezone.now())
    WebhookDelivery.objects.update(due_at=timezone.now())
    deliver_due()
    tidy()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_because) == (False, "failing")
    assert OutboxMessage.objects.filter(topic="webhook.disabled").count() == 1


def test_one_whose_last_try_was_long_ago_is_switched_off_by_the_hourly_look(receiver):
    endpoint_at(receiver.url)
    WebhookEndpoint.objects.update(failures=11, failing_since=later(days=-4))
    assert tidy() == 1
    assert tidy() == 0
    assert not WebhookEndpoint.objects.get().enabled


def test_a_success_in_between_forgets_the_failures(receiver):
    endpoint_at(receiver.url)
    WebhookEndpoint.objects.update(failures=40, failing_since=later(days=-5))
    happen()
    deliver_due()
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.enabled, endpoint.failures, endpoint.failing_since) == (True, 0, None)


def busy(seconds: str, status: int = 429) -> Any:
    def answer(handler: Any) -> None:
        handler.send_response(status)
        handler.send_header("Retry-After", seconds)
        handler.end_headers()

    return answer


def test_who_says_when_to_come_again_is_left_alone_so_long(receiver):
    endpoint, _secret = endpoint_at(receiver.url)
    happen(2)
    receiver.answer = busy("900")
    start = timezone.now()
    deliver_due(now=start)
    endpoint.refresh_from_db()
    assert endpoint.rest_until >= start + timedelta(seconds=900)
    for delivery in WebhookDelivery.objects.filter(tries=1):
        assert delivery.due_at >= start + timedelta(seconds=900)
    asked = len(receiver.heard)
    assert deliver_due(now=start + timedelta(seconds=890)) == 0 and len(receiver.heard) == asked
    receiver.answer = None
    assert deliver_due(now=start + timedelta(seconds=910)) == 2
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"delivered"}


@pytest.mark.parametrize("seconds", ["86400000", "-5", "soon", "9" * 500])
def test_nobody_asks_for_so_long_a_pause_that_nothing_comes_any_more(receiver, seconds):
    endpoint, _secret = endpoint_at(receiver.url)
    happen()
    receiver.answer = busy(seconds, 503)
    start = timezone.now()
    deliver_due(now=start)
    endpoint.refresh_from_db()
    assert endpoint.rest_until <= start + timedelta(seconds=sending.LONGEST_REST + 1)
    delivery = WebhookDelivery.objects.get()
    assert delivery.status == "waiting" and delivery.due_at < delivery.give_up_at
