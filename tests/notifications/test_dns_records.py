"""What DNS should say for a tenant's own address, what it says, and how long that is waited for."""

import time

import pytest
from django.utils import timezone

from tenant_apps.notifications.models import Sender
from tenants.context import in_tenant
from tests.factories import owner_of
from tests.name_server import NameServer

RECORDS = "/api/v1/mail-sender/records/"


@pytest.fixture
def zone(settings):
    """The TXT records of a name server on this machine: {name: texts}; None: it says nothing."""
    server = NameServer()
    settings.DNS_SERVERS = [server.place]
    settings.MAIL_SPF_INCLUDE = "mail.foyer.example"
    yield server.texts
    server.close()


@pytest.fixture
def client(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    client.patch("/api/v1/mail-sender/", {"address": "hall@alpha.example"})
    return client


def states(answer):
    return {each["kind"]: each["state"] for each in answer.json()}


def test_records_that_are_set_prove_the_address(alpha, client, zone):
    wanted = {each["kind"]: each for each in client.get(RECORDS).json()}
    assert states(client.post(RECORDS)) == {"proof": "missing", "spf": "missing", "dmarc": "missing"}
    zone["_foyer-mail.alpha.example"] = [wanted["proof"]["value"]]
    zone["alpha.example"] = ["google-site-verification=x", "v=spf1 a include:mail.foyer.example -all"]
    assert states(client.post(RECORDS)) == {"proof": "good", "spf": "good", "dmarc": "missing"}
    with in_tenant(alpha):
        assert Sender.objects.get().proven_at


def test_records_that_say_something_else_are_shown_and_prove_nothing(alpha, client, zone):
    zone["_foyer-mail.alpha.example"] = ["foyer-mail=00000000000000000000000000000000"]
    zone["alpha.example"] = ["v=spf1 include:other.example -all"]
    with in_tenant(alpha):
        Sender.objects.update(proven_at=timezone.now())
    answer = client.post(RECORDS)
    assert states(answer) == {"proof": "wrong", "spf": "wrong", "dmarc": "missing"}
    assert "other.example" in next(each["found"] for each in answer.json() if each["kind"] == "spf")
    with in_tenant(alpha):
        assert Sender.objects.get().proven_at is None, "what is taken back counts no more"


def test_the_proof_of_another_tenant_proves_nothing(alpha, beta, client, zone, client_for):
    other = client_for(beta, owner_of(beta))
    other.patch("/api/v1/mail-sender/", {"address": "hall@alpha.example"})
    theirs = {each["kind"]: each["value"] for each in other.get(RECORDS).json()}["proof"]
    zone["_foyer-mail.alpha.example"] = [theirs]
    assert states(client.post(RECORDS))["proof"] == "wrong"


def test_a_silent_name_server_is_waited_for_with_an_end_and_takes_nothing_away(alpha, client, zone, monkeypatch):
    monkeypatch.setattr("tenant_apps.notifications.dns_records.SECONDS_EACH", 0.4)
    monkeypatch.setattr("tenant_apps.notifications.dns_records.SECONDS_ALL", 1.0)
    for name in ("_foyer-mail.alpha.example", "alpha.example", "_dmarc.alpha.example"):
        zone[name] = None
    with in_tenant(alpha):
        Sender.objects.update(proven_at=timezone.now())
    began = time.monotonic()
    assert set(states(client.post(RECORDS)).values()) == {"unknown"}
    assert time.monotonic() - began < 3
    with in_tenant(alpha):
        assert Sender.objects.get().proven_at


def test_without_an_address_there_is_nothing_to_ask(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    assert client.get(RECORDS).json() == []
    assert client.post(RECORDS).json()["code"] == "no_sender_address"


def test_the_page_says_what_was_found(alpha, client, zone, page_for):
    zone["alpha.example"] = ["v=spf1 include:other.example -all"]
    shown = page_for(alpha, owner_of(alpha)).post("/dashboard/settings/sender/check/").content.decode()
    assert "says something else" in shown and "not there" in shown
