"""The self-check tells of endpoints that take nothing."""

from datetime import timedelta

from django.utils import timezone

from tenant_apps.webhooks.checkup import webhooks
from tenant_apps.webhooks.models import WebhookEndpoint


def test_failing_and_given_up_endpoints_are_told(in_alpha):
    assert webhooks().state == "ok"
    row = WebhookEndpoint.objects.create(url="https://hooks.example.org/in", topics=["*"], sealed=b"x")
    assert webhooks().state == "ok"
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(hours=5), failures=4)
    found = webhooks()
    assert (found.state, row.url in found.message, bool(found.todo)) == ("warning", True, True)
    WebhookEndpoint.objects.update(enabled=False, disabled_because="failing")
    assert webhooks().state == "problem"
    WebhookEndpoint.objects.update(disabled_because="staff")
    assert webhooks().state == "ok"
