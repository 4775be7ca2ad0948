"""Webhooks in the dashboard, without JavaScript."""

import re
from typing import Any

import pytest

from tenant_apps.webhooks import services
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.sending import deliver_due
from tenants.context import in_tenant
from tests.factories import owner_of
from tests.pages.test_dashboard import member, text_of

HOOKS = "/dashboard/webhooks/"


@pytest.fixture
def boss(alpha: Any, page_for: Any) -> Any:
    return page_for(alpha, owner_of(alpha))


def test_a_webhook_is_made_and_its_secret_shown_once(alpha, boss):
    assert "No webhooks yet" in text_of(boss.get(HOOKS))
    form = boss.get(f"{HOOKS}new/")
    assert 'value="order.paid"' in form.content.decode()
    typed = {"url": "https://hooks.example.org/a", "topics": ["order.paid"], "description": "Books"}
    shown = boss.post(f"{HOOKS}new/", typed)
    secret = re.search(r"whsec_[\w-]+", shown.content.decode())
    assert secret is not None
    with in_tenant(alpha):
        endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.topics, endpoint.description) == (["order.paid"], "Books")
    for path in (HOOKS, f"{HOOKS}{endpoint.pk}/", f"{HOOKS}{endpoint.pk}/edit/"):
        page = boss.get(path)
        assert page.status_code == 200
        assert "Books" in page.content.decode()
        assert secret[0] not in page.content.decode()


def test_bad_input_is_told_at_its_field(boss):
    answer = boss.post(f"{HOOKS}new/", {"url": "http://127.0.0.1/", "topics": ["order.paid"]})
    assert answer.status_code == 400
    assert "must begin with https://" in text_of(answer)
    answer = boss.post(f"{HOOKS}new/", {"url": "https://hooks.example.org/"})
    assert answer.status_code == 400
    assert "Choose at least one topic." in text_of(answer)
    strange = {"url": "https://hooks.example.org/", "topics": ["order.eaten"]}
    assert boss.post(f"{HOOKS}new/", strange).status_code == 400


def test_it_is_changed_switched_off_and_on_and_deleted(alpha, boss):
    with in_tenant(alpha):
        endpoint, _secret = services.create_endpoint(url="https://hooks.example.org/", topics=["*"], actor=None)
    one = f"{HOOKS}{endpoint.pk}/"
    assert "Everything that happens" in text_of(boss.get(one))
    boss.post(f"{one}edit/", {"url": "https://hooks.example.org/b", "everything": "on"})
    assert "https://hooks.example.org/b" in text_of(boss.get(one))
    assert "switched off" in text_of(boss.post(f"{one}switch/", {"enabled": "0"}, follow=True))
    assert "Switched off by staff" in text_of(boss.get(one))
    assert "switched off" in text_of(boss.post(f"{one}test/", follow=True))
    assert "switched on" in text_of(boss.post(f"{one}switch/", {"enabled": "1"}, follow=True))
    assert boss.post(f"{one}delete/").status_code == 302
    assert boss.get(one).status_code == 404


def test_a_test_is_sent_its_end_is_in_the_log_and_it_is_sent_again(alpha, boss, receiver):
    with in_tenant(alpha):
        endpoint, _secret = services.create_endpoint(url=receiver.url, topics=["*"], actor=None)
    one = f"{HOOKS}{endpoint.pk}/"

    def answer(handler: Any) -> None:
        handler.send_response(503)
        handler.end_headers()
        handler.wfile.write(b"private-reply")

    receiver.answer = answer
    sent = boss.post(f"{one}test/", follow=True)
    assert "The test is on its way" in text_of(sent)
    with in_tenant(alpha):
        deliver_due()
        delivery = WebhookDelivery.objects.get()
    for path in (one, f"{one}?status=waiting&topic=webhook.test", f"{one}log/{delivery.pk}/"):
        words = text_of(boss.get(path))
        assert "webhook.test" in words and "503" in words and "It answered with an error." in words
        assert "private-reply" not in words
    assert "Nothing fits" in text_of(boss.get(f"{one}?status=delivered"))
    assert boss.get(f"{one}?status=eaten&topic=eaten&page=x").status_code == 200
    receiver.answer = None
    assert "sent again" in text_of(boss.post(f"{one}log/{delivery.pk}/replay/", follow=True))
    with in_tenant(alpha):
        deliver_due()
    assert "Delivered" in text_of(boss.get(f"{one}log/{delivery.pk}/"))


def test_all_since_a_time_is_sent_again(alpha, boss, receiver):
    with in_tenant(alpha):
        endpoint, _secret = services.create_endpoint(url=receiver.url, topics=["*"], actor=None)
    one = f"{HOOKS}{endpoint.pk}/"
    assert "0 events are sent again." in text_of(boss.post(f"{one}replay/", {"since": recently()}, follow=True))
    assert "Give a day and a time." in text_of(boss.post(f"{one}replay/", {"since": "soon"}, follow=True))
    long_ago = boss.post(f"{one}replay/", {"since": "2020-01-01T00:00"}, follow=True)
    assert "Events are kept for 30 days." in text_of(long_ago)


def recently() -> str:
    from datetime import timedelta

    from django.utils import timezone

    return (timezone.now() - timedelta(hours=12)).strftime("%Y-%m-%dT%H:%M")


def test_a_new_secret_is_shown_once_and_says_how_long_the_old_one_is_good(alpha, boss):
    with in_tenant(alpha):
        endpoint, old = services.create_endpoint(url="https://hooks.example.org/", topics=["*"], actor=None)
    one = f"{HOOKS}{endpoint.pk}/"
    page = boss.post(f"{one}rotate/")
    assert "The old secret stays good until" in text_of(page)
    assert old not in page.content.decode()
    assert "Old secret" in text_of(boss.get(one))
    at_once = boss.post(f"{one}rotate/", {"at_once": "1"})
    assert "The old secret stays good until" not in text_of(at_once)
    assert "Old secret" not in text_of(boss.get(one))


def test_the_pages_are_for_who_manages_integrations(alpha, beta, boss, page_for):
    with in_tenant(beta):
        other, _secret = services.create_endpoint(url="https://hooks.example.org/", topics=["*"], actor=None)
    assert boss.get(f"{HOOKS}{other.pk}/").status_code == 404
    assert page_for(alpha, member(alpha, "manager")).get(HOOKS).status_code == 403
    assert 'href="/dashboard/webhooks/"' in boss.get("/dashboard/api-keys/").content.decode()
