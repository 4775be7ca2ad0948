"""A tenant's own sender and mail server: public, encrypted, tried out, and nobody else's trouble (B7)."""

import socket
import time
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.core import mail
from django.utils import timezone

from tenant_apps.activity.delivery import MAX_TRIES, deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.notifications import smtp
from tenant_apps.notifications.models import Sender
from tenants.context import in_tenant
from tests.factories import make_order, make_ticket_type, make_user, owner_of
from tests.notifications.postbox import HOST, postbox

SENDER = "/api/v1/mail-sender/"
OWN = {"address": "tickets@alpha.example", "host": HOST, "port": 587, "username": "alpha", "password": "sesame"}


@pytest.fixture
def client(alpha, client_for):
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
    return client_for(alpha, owner_of(alpha))


def order_in(tenant):
    with in_tenant(tenant):
        make_order(make_ticket_type(price_minor=0), email="ada@example.test")
        deliver_due()


def test_a_name_and_an_address_for_answers_stand_in_every_mail(alpha, client):
    assert client.patch(SENDER, {"name": "The Alpha Hall", "reply_to": "hall@alpha.example"}).status_code == 200
    order_in(alpha)
    message = mail.outbox[0].message()
    assert message["From"].startswith("The Alpha Hall <no-reply@")
    assert message["Reply-To"] == "hall@alpha.example"
    with in_tenant(alpha):
        assert AuditEntry.objects.filter(topic="mail_sender.changed").exists()


def test_our_server_sends_as_no_address_that_nobody_proved(alpha, client):
    client.patch(SENDER, {"address": "ceo@bank.example"})
    order_in(alpha)
    assert "ceo@bank.example" not in mail.outbox[0].message()["From"]
    with in_tenant(alpha):
        Sender.objects.update(proven_at=timezone.now())
    order_in(alpha)
    assert "ceo@bank.example" in mail.outbox[1].message()["From"]
    client.patch(SENDER, {"address": "ceo@other.example"})
    order_in(alpha)
    assert "other.example" not in mail.outbox[2].message()["From"], "a new domain begins anew"


def test_mail_goes_through_the_tenants_own_server_encrypted_and_logged_in(alpha, client, tmp_path, monkeypatch):
    with postbox(tmp_path, monkeypatch) as box:
        assert client.patch(SENDER, OWN).status_code == 200
        order_in(alpha)
    assert not mail.outbox, "none of it went through ours"
    assert len(box.mails) == len(box.logins) == 1
    message = message_from_bytes(box.mails[0], policy=policy.default)
    assert message["from"] == "Alpha <tickets@alpha.example>"
    assert message["to"] == "ada@example.test"
    assert client.get(SENDER).json()["worked_at"]


def test_the_password_is_kept_sealed_and_never_told(alpha, client):
    told = client.patch(SENDER, OWN).json()
    assert told["has_password"] is True and "sesame" not in str(told)
    with in_tenant(alpha):
        assert b"sesame" not in bytes(Sender.objects.get().sealed)
        assert "sesame" not in str(list(AuditEntry.objects.values_list("details", flat=True)))


def test_another_server_does_not_get_the_password_of_the_one_before(alpha, client):
    client.patch(SENDER, OWN)
    refused = client.patch(SENDER, {"host": "mail.attacker.example"})
    assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == "password"
    assert client.get(SENDER).json()["host"] == HOST


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", 22), ("port", 6379), ("port", "x"), ("host", "localhost"), ("host", "127.0.0.1"), ("host", "10.0.0.1"),
        ("host", "[::1]"), ("host", "a b.example"), ("host", "x" * 300), ("address", "no address"),
        ("address", "a@b.example\r\nBcc: c@d.example"), ("reply_to", "x"), ("name", "A\r\nBcc: x@y.example"),
        ("name", "x" * 81), ("dkim_selector", "a.b"), ("password", "x\x00"), ("host", None), ("address", ["x"]),
    ],
)  # fmt: skip
def test_what_no_sender_can_be_is_refused(client, field, value):
    answer = client.patch(SENDER, {field: value})
    assert answer.status_code == 400, answer.content
    assert "\x00" in str(value) or field in [each["field"] for each in answer.json()["errors"]]


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.9", "::1", "fd00::1"])
def test_a_name_that_leads_inside_is_never_connected_to(alpha, client, monkeypatch, inner):
    family = socket.AF_INET6 if ":" in inner else socket.AF_INET
    real = socket.getaddrinfo
    lies = [(family, socket.SOCK_STREAM, 6, "", (inner, 587))]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: lies if host == HOST else real(host, *rest, **more)
    )
    client.patch(SENDER, OWN)
    answer = client.post(f"{SENDER}test/")
    assert answer.status_code == 409 and answer.json()["code"] == "mail_failed"
    assert "not on the public Internet" in answer.content.decode()


@pytest.mark.parametrize(("how", "words"), [("plain", "no encryption"), ("refuses", "user name and password")])
def test_a_test_mail_says_in_words_what_is_wrong(client, tmp_path, monkeypatch, how, words):
    with postbox(tmp_path, monkeypatch, how) as box:
        client.patch(SENDER, OWN)
        answer = client.post(f"{SENDER}test/")
    assert answer.status_code == 409 and words in answer.content.decode()
    assert not box.mails and (how != "plain" or not box.logins), "no password in the clear"
    assert words in client.get(SENDER).json()["problem"]


def test_a_test_mail_goes_to_who_asks_for_it_only(alpha, client, page_for):
    assert client.post(f"{SENDER}test/", {"to": "stranger@example.test"}).json() == {"to": owner_of(alpha).email}
    assert owner_of(alpha).email in mail.outbox[0].recipients()[0]
    page = page_for(alpha, owner_of(alpha))
    assert page.post("/dashboard/settings/sender/test/").status_code == 302
    assert len(mail.outbox) == 2


def test_a_server_that_says_nothing_is_not_waited_for_twice(alpha, client, tmp_path, monkeypatch):
    monkeypatch.setattr(smtp, "TIMEOUT_SECONDS", 0.3)
    with postbox(tmp_path, monkeypatch, "silent") as box:
        client.patch(SENDER, OWN)
        with in_tenant(alpha):
            for _number in range(5):
                make_order(make_ticket_type(price_minor=0), email="ada@example.test")
            began = time.monotonic()
            deliver_due()
        assert time.monotonic() - began < 5
        assert box.calls == 1, "the others came again later instead of waiting"
    state = client.get(SENDER).json()
    assert "does not answer in time" in state["problem"] and state["failing_since"] and state["waiting_mails"] == 5


def test_a_failing_server_parks_its_tenants_mails_alone_and_they_go_when_it_is_mended(
    alpha, beta, client, tmp_path, monkeypatch
):
    with postbox(tmp_path, monkeypatch, "refuses"):
        client.patch(SENDER, OWN)
        with in_tenant(alpha):
            make_order(make_ticket_type(price_minor=0), email="ada@example.test")
            for number in range(MAX_TRIES):
                Sender.objects.update(rest_until=None)
                deliver_due(now=timezone.now() + timedelta(hours=2 * number))
            assert OutboxMessage.objects.filter(topic="order.paid", parked_at__isnull=False).count() == 1
        with in_tenant(beta):
            OutboxMessage.objects.all().delete()
        order_in(beta)
        assert len(mail.outbox) == 1, "beta's mail left"
    with postbox(tmp_path, monkeypatch) as box:
        client.patch(SENDER, {"password": "better"})
        with in_tenant(alpha):
            deliver_due()
        # Beside it goes word to the staff that something was parked.
        assert sum(b"To: ada@example.test" in each for each in box.mails) == 1
    assert client.get(SENDER).json()["problem"] == ""


def test_the_page_shows_and_keeps_it_and_puts_it_back(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    assert page.get("/dashboard/settings/sender/").status_code == 200
    typed = {"name": "Hall", "address": "hall@alpha.example", "port": "587"}
    assert page.post("/dashboard/settings/sender/", typed).status_code == 302
    shown = page.get("/dashboard/settings/sender/").content.decode()
    assert "v=spf1 include:" in shown and "foyer-mail=" in shown and "_dmarc.alpha.example" in shown
    wrong = page.post("/dashboard/settings/sender/", {**typed, "host": "127.0.0.1"})
    assert wrong.status_code == 400
    assert page.post("/dashboard/settings/sender/remove/").status_code == 302
    with in_tenant(alpha):
        assert not Sender.objects.exists()


def test_another_tenant_and_strangers_see_nothing_of_it(alpha, beta, client, client_for):
    client.patch(SENDER, OWN)
    assert client_for(beta, owner_of(beta)).get(SENDER).json()["host"] == ""
    assert client_for(alpha, make_user()).get(SENDER).status_code == 403
    assert client_for(alpha).patch(SENDER, OWN).status_code == 401
