"""A consumer written from our guide alone: its code is the guide's, run as a program of its own, with Python alone.

It verifies signatures and survives replays, disorder, outages and a change of secrets; what it is sent comes from
orders, through the outbox and the worker's tasks, over HTTP.
"""

import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenant_apps.activity.delivery import queues_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.tasks import deliver as hand_over
from tenant_apps.orders.lifecycle import advance
from tenant_apps.payments.services import mark_paid
from tenant_apps.webhooks import services
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.tasks import deliver as send
from tests.factories import make_order, make_ticket_type

GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/storefront-developers.md"


def chapter() -> str:
    text = GUIDE.read_text(encoding="utf-8")
    return text[text.index("## Be told: webhooks") : text.index("## Conventions")]


class Consumer:
    """The guide's server, started and stopped, and what it has written into its file."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.program = folder / "receiver.py"
        [code] = re.findall(r"^```python\n(.*?)^```$", chapter(), re.M | re.S)
        self.program.write_text(code, encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.running: subprocess.Popen[bytes] | None = None

    def start(self, *secrets: str) -> None:
        environment = {
            "WEBHOOK_SECRETS": ",".join(secrets), "PORT": str(self.port), "DATABASE": str(self.folder / "seen.sqlite"),
            "PATH": os.environ["PATH"],
        }  # fmt: skip
        # -I: nothing of ours, nor of anybody else's, can be imported.
        self.running = subprocess.Popen(
            [sys.executable, "-I", str(self.program)], env=environment, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("the consumer does not listen")

    def stop(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait()
            self.running = None

    def asked(self, statement: str) -> list[Any]:
        with sqlite3.connect(self.folder / "seen.sqlite") as database:
            return database.execute(statement).fetchall()

    @property
    def states(self) -> dict[str, str]:
        """The status of each order, as the consumer believes it to be."""
        return {pk: json.loads(data)["status"] for pk, data in self.asked("SELECT id, data FROM things")}

    @property
    def times(self) -> dict[str, int]:
        """How often it saw each event."""
        return dict(self.asked("SELECT event, times FROM seen"))

    def post(self, body: bytes, signature: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("POST", "/hook", body, {"X-Signature": signature})
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def consumer(tmp_path: Path, settings: Any) -> Iterator[Consumer]:
    made = Consumer(tmp_path)
    settings.OUTGOING_OWN_SERVERS = [f"127.0.0.1:{made.port}"]
    yield made
    made.stop()


@pytest.fixture
def work(in_alpha: Any) -> Callable[[], None]:
    """What the workers do, as often as there is something to do."""
    OutboxMessage.objects.all().delete()

    def run() -> None:
        while due := queues_due():
            for queue in due:
                hand_over(queue)
        send()

    return run


def due_again() -> None:
    """The pauses are over."""
    WebhookDelivery.objects.filter(status="waiting").update(due_at=timezone.now())
    WebhookEndpoint.objects.update(rest_until=timezone.now())


def test_a_consumer_written_from_the_guide_survives_replay_disorder_and_rotation(consumer, work):
    endpoint, secret = services.create_endpoint(url=consumer.url, topics=["*"], actor=None)
    began = timezone.now()
    consumer.start(secret)

    # It is told what happens, in order.
    paid = make_order(make_ticket_type())
    mark_paid(paid, actor=None)
    work()
    assert consumer.states[paid.code] == "paid"

    # It was away when an order was placed, and back when it was cancelled: the older news comes last.
    consumer.stop()
    order = make_order(paid.lines.get().ticket_type)
    work()
    assert WebhookDelivery.objects.filter(status="waiting", outcome="unreachable").exists()
    late = list(WebhookDelivery.objects.filter(status="waiting").values_list("pk", flat=True))
    consumer.start(secret)
    WebhookEndpoint.objects.update(rest_until=timezone.now())
    advance(order, "cancelled")
    work()
    assert consumer.states[order.code] == "cancelled"
    assert WebhookDelivery.objects.filter(pk__in=late, status="waiting").count() == len(late)
    due_again()
    work()
    assert not WebhookDelivery.objects.exclude(status="delivered").exists()
    assert consumer.states[order.code] == "cancelled"
    sequences = [row[0] for row in consumer.asked("SELECT sequence FROM things WHERE topic = 'order.cancelled'")]
    assert len(sequences) == 1

    # All of it once more.
    before, known = consumer.states, set(consumer.times)
    assert services.replay_since(endpoint, began, actor=None) == len(known) >= 4
    work()
    assert consumer.states == before
    assert set(consumer.times) == known
    assert set(consumer.times.values()) == {2}

    # The secret is changed: the consumer that knows the old one, and the one that knows the new one, both understand.
    _endpoint, new = services.rotate_secret(endpoint, actor=None)
    assert new != secret
    advanced = make_order(paid.lines.get().ticket_type)
    work()
    assert consumer.states[advanced.code] == "pending"
    consumer.stop()
    consumer.start(new)
    mark_paid(advanced, actor=None)
    work()
    assert consumer.states[advanced.code] == "paid"
    # After its time the old one opens nothing.
    services.rotate_secret(endpoint, overlap=timedelta(), actor=None)
    refused = make_order(paid.lines.get().ticket_type)
    work()
    assert refused.code not in consumer.states
    last = WebhookDelivery.objects.order_by("-created_at").first()
    assert last is not None
    assert (last.outcome, last.http_status) == ("refused", 400)


def test_what_is_forged_or_old_is_refused_by_it(consumer):
    consumer.start("whsec_right", "whsec_older")
    body = b'{"id": "1", "topic": "order.paid", "sequence": 1, "data": {"object": "order", "id": "A"}}'

    def signed(secret: str, at: int, text: bytes = body) -> str:
        return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + text, hashlib.sha256).hexdigest()}"

    now = int(time.time())
    right = signed("whsec_right", now)
    for bad in (
        "", "t=1", "v1=ab", right.replace("v1=", "v1=0"), right.replace("v1", "v0"), signed("whsec_wrong", now),
        signed("whsec_right", now - 400), signed("whsec_right", now + 400), signed("whsec_right", now, b"{}"),
        right.replace(f"t={now}", f"t={now + 1}"), f"{right},t={now}", right.replace(f"t={now}", "t=x"),
    ):  # fmt: skip
        assert consumer.post(body, bad) == 400, bad
    assert consumer.times == {}
    assert consumer.post(body, right) == 204
    assert consumer.post(body, signed("whsec_older", now)) == 204
    assert consumer.post(body, f"{signed('whsec_wrong', now)},{right.partition(',')[2]}") == 204
    assert consumer.times == {"1": 3}


def test_the_guide_says_what_the_code_does():
    from shared_apps.core import outgoing
    from tenant_apps.webhooks import secrets, sending
    from tenant_apps.webhooks.bodies import API_VERSION
    from tenant_apps.webhooks.documents import AT
    from tenant_apps.webhooks.fan_out import TRY_FOR
    from tenant_apps.webhooks.keeping import KEPT

    text = chapter()
    sample = json.loads(next(block for block in re.findall(r"```json\n(.*?)```", text, re.S)))
    assert sample["api_version"] == API_VERSION
    assert sample["sequence"] == int(AT.timestamp()) * 1_000_000 + AT.microsecond
    words = "after 15 seconds, then 1, 5 and 30 minutes, then 2, 5, 10, 14, 20 and 20 hours: eleven tries in 3 days"
    assert words in text
    told = [15, 60, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 20))]
    assert [pause.total_seconds() for pause in sending.PAUSES] == told
    assert (TRY_FOR.days, sending.FAILS_FOR.days, KEPT.days) == (3, 3, 30)
    assert (sending.RESTS_AFTER, sending.SHORTEST_REST, sending.LONGEST_REST) == (3, 30, 1800)
    assert (timedelta(hours=24), timedelta(hours=168)) == (secrets.OVERLAP, secrets.LONGEST_OVERLAP)
    assert outgoing.SECONDS == 5
