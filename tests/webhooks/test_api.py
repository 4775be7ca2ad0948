"""Webhooks over HTTP: made, changed, tested, replayed; the secret once, a reply never."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due as hand_over
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.staff.services import preset_role
from tenant_apps.webhooks import services
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.sending import deliver_due
from tenant_apps.webhooks.topics import TOPICS
from tenants.context import in_tenant
from tests.factories import make_user, owner_of
from tests.pages.test_dashboard import member

HOOKS = "/api/v1/webhooks/"
URL = "https://hooks.example.org/in"


@pytest.fixture
def boss(alpha: Any, client_for: Any) -> Any:
    return client_for(alpha, owner_of(alpha))


def made(boss: Any, url: str = URL, **fields: Any) -> dict[str, Any]:
    answer = boss.post(HOOKS, {"url": url, "topics": ["*"], **fields})
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_the_secret_is_shown_once_and_kept_sealed(alpha, boss):
    answer = boss.post(
        HOOKS, {"url": URL, "topics": ["order.paid", "order.paid", "event.created"], "description": "Books"}
    )
    assert answer.status_code == 201
    hook = answer.json()
    secret = hook.pop("secret")
    assert secret.startswith("whsec_") and len(secret) > 40
    assert hook["topics"] == ["event.created", "order.paid"]
    assert boss.get(f"{HOOKS}{hook['id']}/").json() == hook
    listed = boss.get(HOOKS)
    assert listed.json()["results"] == [hook]
    assert secret not in listed.content.decode()
    with in_tenant(alpha):
        assert secret.encode() not in bytes(WebhookEndpoint.objects.get().sealed)
        assert secret not in str(list(AuditEntry.objects.values_list("details", flat=True)))
        assert AuditEntry.objects.filter(topic="webhook.created").count() == 1


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"url": "http://hooks.example.org/"}, "address_refused", "url"),
        ({"url": "https://hooks.example.org:8443/"}, "address_refused", "url"),
        ({"url": "https://169.254.169.254/latest/"}, "address_refused", "url"),
        ({"url": "https://[::1]/"}, "address_refused", "url"),
        ({"url": "https://2130706433/"}, "address_refused", "url"),
        ({"url": "https://me:you@example.org/"}, "address_refused", "url"),
        ({"url": "https://localhost/"}, "address_refused", "url"),
        ({"url": "https://example.org/" + "a" * 481}, "invalid", "url"),
        ({"url": 5 * ["a"]}, "invalid", "url"),
        ({"topics": []}, "invalid", "topics"),
        ({"topics": ["order.paid", "order.eaten"]}, "webhook_topic_unknown", "topics"),
        ({"topics": ["staff.added"]}, "webhook_topic_unknown", "topics"),
        ({"topics": "order.paid"}, "invalid", "topics"),
        ({"description": "a" * 101}, "invalid", "description"),
        ({"enabled": "perhaps"}, "invalid", "enabled"),
    ],
)
def test_what_is_no_webhook_is_refused(boss, change, code, field):
    for answer in (
        boss.post(HOOKS, {"url": URL, "topics": ["order.paid"], **change}),
        boss.patch(f"{HOOKS}{made(boss)['id']}/", change),
    ):
        assert answer.status_code == 400
        body = answer.json()
        assert code in (body["code"], *(error["code"] for error in body["errors"]))
        assert field in {error["field"].partition(".")[0] for error in body["errors"]}


def test_there_are_twenty_at_most(boss, monkeypatch):
    monkeypatch.setattr(services, "MOST_ENDPOINTS", 2)
    made(boss)
    made(boss)
    answer = boss.post(HOOKS, {"url": URL, "topics": ["*"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_limit")


def test_it_is_changed_switched_off_and_deleted(alpha, boss):
    one = f"{HOOKS}{made(boss)['id']}/"
    changed = boss.patch(one, {"url": "https://other.example.org/x", "topics": ["order.paid"], "failures": 7}).json()
    assert (changed["url"], changed["topics"], changed["failures"]) == (
        "https://other.example.org/x",
        ["order.paid"],
        0,
    )
    off = boss.patch(one, {"enabled": False}).json()
    assert (off["enabled"], off["disabled_because"]) == (False, "staff")
    assert boss.post(f"{one}test/").json()["code"] == "webhook_disabled"
    on = boss.patch(one, {"enabled": True}).json()
    assert (on["enabled"], on["disabled_because"], on["disabled_at"]) == (True, None, None)
    assert boss.delete(one).status_code == 204
    assert boss.get(one).status_code == 404
    with in_tenant(alpha):
        topics = list(AuditEntry.objects.filter(topic__startswith="webhook.").values_list("topic", flat=True))
    assert sorted(topics) == ["webhook.created", "webhook.deleted", *["webhook.updated"] * 3]


def test_a_test_is_sent_and_its_end_is_told_without_what_was_replied(alpha, boss, receiver):
    def answer(handler: Any) -> None:
        handler.send_response(500)
        handler.send_header("X-Inside", "private-header")
        handler.end_headers()
        handler.wfile.write(b"private-reply")

    receiver.answer = answer
    one = f"{HOOKS}{made(boss, receiver.url)['id']}/"
    sent = boss.post(f"{one}test/")
    assert sent.status_code == 202
    assert (sent.json()["topic"], sent.json()["status"], sent.json()["tries"]) == ("webhook.test", "waiting", [])
    with in_tenant(alpha):
        deliver_due()
    assert json.loads(receiver.heard[0][1]) == sent.json()["body"]
    log = boss.get(f"{one}deliveries/")
    told = boss.get(f"{one}deliveries/{sent.json()['id']}/")
    for each in (log, told):
        assert b"private" not in each.content
    [row] = log.json()["results"]
    assert row == told.json()
    assert (row["http_status"], row["reply_bytes"]) == (500, len(b"private-reply"))
    assert (row["tries"][0]["outcome"], row["tries"][0]["status"]) == ("refused", 500)
    assert row["tries"][0]["message"]
    assert row["next_try_at"] is not None


def test_tests_do_not_pile_up(boss):
    one = f"{HOOKS}{made(boss)['id']}/"
    answers = [boss.post(f"{one}test/") for _number in range(services.MOST_TESTS_WAITING + 1)]
    assert [answer.status_code for answer in answers] == [202] * services.MOST_TESTS_WAITING + [429]
    assert answers[-1].headers["Retry-After"]


def test_deliveries_are_filtered_and_replayed(alpha, boss, receiver):
    hook = made(boss, receiver.url)
    one = f"{HOOKS}{hook['id']}/"
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        for topic in ("event.updated", "event.updated", "product.updated"):
            OutboxMessage.objects.create(topic=topic, aggregate="events.event:1")
        hand_over()
        deliver_due()
        WebhookDelivery.objects.filter(event__topic="product.updated").update(status="failed")
    assert len(boss.get(f"{one}deliveries/").json()["results"]) == 3
    assert [row["topic"] for row in boss.get(f"{one}deliveries/?status=failed").json()["results"]] == [
        "product.updated"
    ]
    assert len(boss.get(f"{one}deliveries/?topic=event.updated").json()["results"]) == 2
    paged = boss.get(f"{one}deliveries/?page_size=2").json()
    assert len(paged["results"]) == 2 and paged["next"]
    for bad in ("status=eaten", "topic=order.eaten", "since=never", "colour=red"):
        assert boss.get(f"{one}deliveries/?{bad}").status_code == 400
    [failed] = boss.get(f"{one}deliveries/?status=failed").json()["results"]
    again = boss.post(f"{one}deliveries/{failed['id']}/replay/")
    assert (again.status_code, again.json()["status"]) == (202, "waiting")
    with in_tenant(alpha):
        deliver_due()
    assert receiver.ids.count(failed["event"]) == 2
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    assert boss.post(f"{one}replay/", {"since": since}).json() == {"count": 3}
    assert boss.post(f"{one}replay/", {"since": since, "failed_only": True}).json() == {"count": 0}
    with in_tenant(alpha):
        deliver_due()
    assert len(receiver.heard) == 7


@pytest.mark.parametrize(
    ("since", "code"),
    [
        ({"days": -31}, "webhook_replay_range"),
        ({"days": 1}, "webhook_replay_range"),
        ("never", "invalid"),
        (None, "invalid"),
    ],
)
def test_a_replay_from_a_time_that_is_no_good(boss, since, code):
    one = f"{HOOKS}{made(boss)['id']}/"
    given = (timezone.now() + timedelta(**since)).isoformat() if isinstance(since, dict) else since
    answer = boss.post(f"{one}replay/", {"since": given})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_more_than_can_be_replayed_at_once_is_refused(alpha, boss, receiver, monkeypatch):
    monkeypatch.setattr(services, "MOST_REPLAYED", 1)
    one = f"{HOOKS}{made(boss, receiver.url)['id']}/"
    with in_tenant(alpha):
        for number in range(2):
            OutboxMessage.objects.create(topic="event.updated", aggregate=f"events.event:{number}")
        hand_over()
    answer = boss.post(f"{one}replay/", {"since": (timezone.now() - timedelta(minutes=5)).isoformat()})
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_replay_too_many")


def test_a_new_secret_leaves_the_old_one_live_for_as_long_as_asked(alpha, boss, receiver):
    hook = made(boss, receiver.url)
    one = f"{HOOKS}{hook['id']}/"
    first = boss.post(f"{one}rotate-secret/").json()
    assert first["secret"] not in ("", hook["secret"])
    assert first["previous_secret_until"] is not None
    boss.post(f"{one}test/")
    with in_tenant(alpha):
        deliver_due()
    assert receiver.heard[0][0]["X-Signature"].count("v1=") == 2
    at_once = boss.post(f"{one}rotate-secret/", {"overlap_hours": 0}).json()
    assert at_once["previous_secret_until"] is None
    boss.post(f"{one}test/")
    with in_tenant(alpha):
        deliver_due()
    assert receiver.heard[1][0]["X-Signature"].count("v1=") == 1
    for bad in (-1, 169, "long"):
        assert boss.post(f"{one}rotate-secret/", {"overlap_hours": bad}).status_code == 400


def test_who_does_not_manage_integrations_sees_nothing_of_it(alpha, beta, boss, client_for):
    one = f"{HOOKS}{made(boss)['id']}/"
    with in_tenant(alpha):
        assert "manage_integrations" not in preset_role("manager").rights
    manager = client_for(alpha, member(alpha, "manager"))
    assert manager.get(HOOKS).status_code == 403
    assert manager.get(one).status_code == 403
    assert client_for(alpha, make_user()).get(HOOKS).status_code == 403
    assert client_for(alpha).get(HOOKS).status_code == 401
    assert client_for(beta, owner_of(beta)).get(one).status_code == 404
    other = f"{HOOKS}{made(client_for(beta, owner_of(beta)))['id']}/"
    assert boss.get(other).status_code == 404


def test_what_can_be_told_is_listed(boss):
    listed = boss.get(f"{HOOKS}topics/").json()
    assert {each["name"] for each in listed} == set(TOPICS)
    assert all(each["description"] for each in listed)


def test_an_erased_persons_replies_go(alpha, boss, receiver):
    from shared_apps.core.personal import Person
    from tenant_apps.webhooks.personal import _end_replies

    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"Thanks, Ada")

    receiver.answer = answer
    made(boss, receiver.url)
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        for number in (1, 2):
            OutboxMessage.objects.create(topic="event.updated", aggregate=f"events.event:{number}")
        hand_over()
        deliver_due()
        assert WebhookDelivery.objects.filter(reply__isnull=False).count() == 2
        assert _end_replies(Person(user_id=1, targets=frozenset({"events.event:1"}))) == 1
        assert WebhookDelivery.objects.filter(reply__isnull=False).count() == 1
