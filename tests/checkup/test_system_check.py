"""The self-check says in words what is wrong and how to mend it, to the right people, and never breaks or hangs."""

import io
import json
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone, translation

import platform_config.checkup as platform_checks
import tenants.checkup as tenant_checks
from shared_apps.core import checkup
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications.models import Delivery
from tenant_apps.orders.footprints import differences
from tenant_apps.payments import keys
from tenant_apps.payments.models import ProviderAccount
from tenants import heartbeats
from tenants.context import in_public, in_tenant
from tenants.models import Domain, Heartbeat, Tenant
from tests.factories import make_user, owner_of

EXPIRED = ssl.SSLCertVerificationError("expired")
EXPIRED.verify_message = "certificate has expired"  # as a handshake sets it


@pytest.fixture(autouse=True)
def nothing_waits(alpha, beta):
    """Tests that commit leave messages behind, which are late by the time that these run."""
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            OutboxMessage.objects.all().delete()
            # What those messages would have told the public copy.
            list(differences(mend=True))


def asked(client):
    answer = client.get("/api/v1/system-check/")
    assert answer.status_code == 200, answer.content
    return answer.json(), {each["code"]: each for each in answer.json()["checks"]}


def outbox_row(**fields):
    return OutboxMessage.objects.create(topic="order.paid", aggregate="orders.order:1", **fields)


def test_a_healthy_tenant_is_told_so(alpha, client_for):
    heartbeats.note(heartbeats.BEAT)
    with in_tenant(alpha):
        ProviderAccount.objects.create(provider="stripe", live=True, sealed=keys.sealed({"secret_key": "x"}))
    answer, checks = asked(client_for(alpha, owner_of(alpha)))
    assert {code: each["state"] for code, each in checks.items()} == dict.fromkeys(checks, "ok")
    assert answer["state"] == "ok"
    assert {"outbox", "parked", "mail", "schedule", "domain", "database", "provider_keys"} <= checks.keys()


def test_messages_that_do_not_leave_are_told_with_how_long(alpha, client_for):
    now = timezone.now()
    with in_tenant(alpha):
        outbox_row(due_at=now - timedelta(minutes=3))
        Delivery.objects.create(message_id=outbox_row(delivered_at=now).id, channel="email", topic="order.paid",
                                created_at=now - timedelta(hours=2))  # fmt: skip
    answer, checks = asked(client_for(alpha, owner_of(alpha)))
    assert checks["outbox"]["state"] == "warning"
    assert "3\xa0minutes" in checks["outbox"]["message"]
    assert checks["outbox"]["todo"]
    assert (checks["mail"]["state"], answer["state"]) == ("problem", "problem")
    with in_tenant(alpha):
        OutboxMessage.objects.filter(delivered_at=None).update(due_at=now - timedelta(minutes=11))
    assert asked(client_for(alpha, owner_of(alpha)))[1]["outbox"]["state"] == "problem"


def test_what_is_set_aside_is_counted_by_its_topic(alpha, client_for):
    with in_tenant(alpha):
        outbox_row(parked_at=timezone.now())
        outbox_row(parked_at=timezone.now())
    parked = asked(client_for(alpha, owner_of(alpha)))[1]["parked"]
    assert parked["state"] == "problem"
    assert "order.paid (2)" in parked["message"]


def test_keys_that_cannot_be_opened_and_test_keys_are_told(alpha, client_for):
    with in_tenant(alpha):
        ProviderAccount.objects.create(provider="stripe", live=True, sealed=b"not ours")
    found = asked(client_for(alpha, owner_of(alpha)))[1]["provider_keys"]
    assert (found["state"], "Stripe" in found["message"]) == ("problem", True)


def test_work_that_stands_still_is_told_without_the_platforms_insides(alpha, client_for):
    client = client_for(alpha, owner_of(alpha))
    assert asked(client)[1]["schedule"]["state"] == "unknown"
    heartbeats.note(heartbeats.BEAT, now=timezone.now() - timedelta(minutes=20))
    answer, checks = asked(client)
    assert checks["schedule"]["state"] == "problem"
    text = json.dumps(answer).lower()
    assert not [word for word in ("celery", "beat", "worker", "broker", "valkey", "postgres", "_url") if word in text]


def test_a_tenant_sees_nothing_of_another(alpha, beta, client_for):
    with in_tenant(beta):
        outbox_row(parked_at=timezone.now())
    answer, checks = asked(client_for(alpha, owner_of(alpha)))
    assert checks["parked"]["state"] == "ok"
    assert "beta" not in json.dumps(answer).lower()
    codes = {each.code for each in checkup.checks_of("platform")}
    assert not codes & checks.keys()


def test_only_who_may_change_settings_sees_it(alpha, client_for, page_for):
    assert client_for(alpha, make_user()).get("/api/v1/system-check/").status_code == 403
    assert client_for(alpha).get("/api/v1/system-check/").status_code == 401
    assert page_for(alpha, make_user()).get("/dashboard/settings/system-check/").status_code in (403, 404)
    page = page_for(alpha, owner_of(alpha)).get("/dashboard/settings/system-check/")
    assert page.status_code == 200
    assert b"Self-check" in page.content


def test_a_check_that_fails_or_hangs_is_unknown_and_the_others_are_asked(alpha, monkeypatch):
    from django.db import connection

    def breaks():
        raise RuntimeError("secret insides")

    def hangs():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        raise AssertionError

    monkeypatch.setattr(checkup, "STATEMENT_SECONDS", 0.2)
    monkeypatch.setattr(
        checkup, "_checks",
        {
            "a": checkup.Check("a", "A", "tenant", breaks),
            "b": checkup.Check("b", "B", "tenant", hangs),
            "c": checkup.Check("c", "C", "tenant", lambda: checkup.ok("fine")),
        },
    )  # fmt: skip
    began = time.monotonic()
    with in_tenant(alpha):
        found = checkup.results("tenant")
    assert time.monotonic() - began < 5
    assert [each.state for each in found] == ["unknown", "unknown", "ok"]
    assert "secret" not in found[0].message
    with in_tenant(alpha):
        assert [each.state for each in checkup.results("tenant", budget=-1)] == ["unknown"] * 3


@pytest.mark.parametrize(
    ("primary", "verified", "ends", "state"),
    [
        ("alpha.localhost", None, timedelta(days=60), "ok"),
        ("tickets.example.org", None, timedelta(days=60), "problem"),
        ("tickets.example.org", "yes", timedelta(days=60), "ok"),
        ("tickets.example.org", "yes", timedelta(days=20), "warning"),
        ("tickets.example.org", "yes", timedelta(days=3), "problem"),
        ("tickets.example.org", "yes", OSError("no way there"), "unknown"),
        ("tickets.example.org", "yes", EXPIRED, "problem"),
    ],
)
def test_domain_and_certificate(alpha, monkeypatch, settings, primary, verified, ends, state):
    def certificate(host, port=443):
        if isinstance(ends, Exception):
            raise ends
        return datetime.now(UTC) + ends

    monkeypatch.setattr(tenant_checks, "certificate_ends", certificate)
    settings.PLATFORM_SCHEME = "https"
    with in_public():
        Domain.objects.filter(tenant=alpha, is_primary=True).update(
            domain=primary, verified_at=timezone.now() if verified else None
        )
    with in_tenant(alpha):
        assert tenant_checks.domain().state == state


def test_a_certificate_is_asked_of_public_addresses_only():
    with pytest.raises(ValueError, match="no public address"):
        tenant_checks.certificate_ends("127.0.0.1")


def run(*arguments):
    out, code = io.StringIO(), 0
    try:
        call_command("system_check", *arguments, stdout=out, no_color=True)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, out.getvalue()


def test_the_command_tells_of_the_platform_and_ends_with_a_status(alpha, monkeypatch):
    monkeypatch.setattr(platform_checks.app.control, "ping", lambda **options: [{"celery@one": {"ok": "pong"}}])
    for name in (heartbeats.BEAT, *heartbeats.QUEUES):
        heartbeats.note(name)
    code, said = run("--no-tenants")
    assert code == 0, said
    assert "celery@one" in said
    Heartbeat.objects.filter(name="bulk").update(at=timezone.now() - timedelta(minutes=30))
    code, said = run("--no-tenants")
    assert code == 1
    assert "Nobody takes tasks from: bulk" in said
    assert "→" in said


def test_a_worker_that_does_not_answer_and_a_beat_that_stands_still_are_problems(db, monkeypatch):
    monkeypatch.setattr(platform_checks.app.control, "ping", lambda **options: [])
    assert platform_checks.workers().state == "problem"
    assert platform_checks.beat().state == "problem"
    heartbeats.note(heartbeats.BEAT, now=timezone.now() - timedelta(minutes=2))
    assert platform_checks.beat().state == "warning"
    assert platform_checks.queues().state == "problem"


def test_a_tenant_that_is_behind_is_named(alpha, monkeypatch):
    Tenant.objects.filter(pk=alpha.pk).update(migrations_applied=1)
    found = platform_checks.migrations()
    assert (found.state, "alpha" in found.message, "migrate_tenants" in found.todo) == ("problem", True, True)


def test_a_mail_server_that_refuses_is_a_problem(db, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    found = platform_checks.mail_server()
    assert (found.state, "127.0.0.1:9" in found.message, "EMAIL_URL" in found.todo) == ("problem", True, True)


def test_clock_disk_and_database_are_looked_at(db, monkeypatch):
    assert platform_checks.database_server().state == "ok"
    assert platform_checks.clock().state == "ok"
    assert platform_checks.disk().state in ("ok", "warning", "problem")
    real = time.time
    monkeypatch.setattr(platform_checks.time, "time", lambda: real() + 40)
    assert platform_checks.clock().state == "problem"


def test_the_command_asks_one_tenant_or_all_and_writes_json(alpha, beta):
    with in_tenant(beta):
        outbox_row(parked_at=timezone.now())
    code, said = run("--tenant", "alpha", "--json")
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["where"] for line in lines} == {"alpha"}
    assert {"code", "state", "message", "todo"} <= lines[0].keys()
    assert code == 0
    assert run("--tenant", "beta")[0] == 1
    assert run("--tenant", "alpha", "--strict")[0] == 1


def test_beat_and_each_queue_leave_signs_of_life(db, monkeypatch):
    sent = []
    monkeypatch.setattr(heartbeats.pulse, "apply_async", lambda args, **options: sent.append((args, options["queue"])))
    heartbeats.heartbeat()
    heartbeats.heartbeat()
    assert [queue for _args, queue in sent] == [*heartbeats.QUEUES] * 2
    heartbeats.pulse("bulk", time.time() - 12)
    ages = heartbeats.ages()
    assert set(ages) == {"beat", "bulk"}
    assert 11 < ages["bulk"][1].total_seconds() < 14


def test_the_words_are_russian_for_a_russian(alpha):
    with in_tenant(alpha), translation.override("ru"):
        found = {each.code: each.message for each in checkup.results("tenant")}
    assert any("\u0430" <= letter <= "\u044f" for letter in found["parked"])
