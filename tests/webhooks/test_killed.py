"""A worker that is killed in the middle of a delivery loses nothing (G4): kill -9 of a real process, real commits."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.utils import timezone

from tenant_apps.activity.models import OutboxMessage
from tenant_apps.webhooks import services
from tenant_apps.webhooks.fan_out import note
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.sending import LEASE, deliver_due
from tenants.context import in_tenant

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import django
django.setup()
from tenant_apps.webhooks.sending import deliver_due
from tenants.context import in_tenant
with in_tenant("t_alpha"):
    deliver_due()
"""


def test_what_a_killed_worker_was_sending_is_sent_again_and_nothing_else_is_lost(transactional_db, alpha, receiver):
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        services.create_endpoint(url=receiver.url, topics=["*"], actor=None)
        for number in range(20):
            note(OutboxMessage.objects.create(topic="event.updated", aggregate=f"events.event:{number}"))
    workers: list[Any] = []

    def kill_it(handler: Any) -> None:
        if len(receiver.heard) >= 5:
            os.kill(workers[0].pid, signal.SIGKILL)
        handler.send_response(204)
        handler.end_headers()

    receiver.answer = kill_it
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {
        **os.environ, "DATABASE_URL": database, "OUTGOING_OWN_SERVERS": "127.0.0.1:*",
        "DJANGO_SETTINGS_MODULE": "platform_config.settings.test",
    }  # fmt: skip
    workers.append(subprocess.Popen([sys.executable, "-W", "ignore", "-c", WORKER], env=environment, cwd=ROOT))
    assert workers[0].wait(60) == -signal.SIGKILL
    heard_before = set(receiver.ids)
    assert 5 <= len(heard_before) <= 20

    receiver.answer = None
    with in_tenant(alpha):
        # Nothing was written down of what it had sent, and nobody takes it over before the lease has run out.
        assert not WebhookDelivery.objects.exclude(status="waiting").exists()
        assert deliver_due() == 0
        assert WebhookEndpoint.objects.get().busy_until > timezone.now()
        assert deliver_due(now=timezone.now() + LEASE + timedelta(seconds=1)) == 20
        assert WebhookDelivery.objects.filter(status="delivered", tries=2).count() == 20
    assert len(set(receiver.ids)) == 20
    # Twice at most, by the same id, which is what a consumer tells a repetition by.
    assert max(receiver.ids.count(each) for each in receiver.ids) == 2
