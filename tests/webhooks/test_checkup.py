"""The self-check says in words which webhook is in trouble, and what to do."""

from typing import Any

from django.utils import timezone

from shared_apps.core.checkup import Result, results
from tenant_apps.webhooks import services
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint


def found(**state: Any) -> Result:
    WebhookEndpoint.objects.update(**state)
    return next(each for each in results("tenant") if each.code == "webhooks")


def test_each_trouble_has_its_words(in_alpha):
    assert found().state == "ok"
    endpoint, _secret = services.create_endpoint(url="https://hooks.example.org/a", topics=["*"], actor=None)
    assert found().state == "ok"
    failing = found(failures=3)
    assert (failing.state, "https://hooks.example.org/a" in failing.message) == ("warning", True)
    off = found(enabled=False, disabled_because="gone")
    assert (off.state, "https://hooks.example.org/a" in off.message, bool(off.todo)) == ("problem", True, True)
    assert found(disabled_because="staff").state == "ok"
    lost = services.send_test(_on(endpoint), actor=None)
    WebhookDelivery.objects.filter(pk=lost.pk).update(status="failed", done_at=timezone.now())
    assert found(failures=0).state == "warning"


def _on(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return services.change_endpoint(endpoint, enabled=True, actor=None)
