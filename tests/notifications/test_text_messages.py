"""Text messages: by a service that throttles, fails and hangs, one telephone gets one, and a day has its price."""

import threading

import pytest
from django.db import connection

from shared_apps.core.phones import e164
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.notifications import sms_accounts
from tenant_apps.notifications.channels import Undeliverable, gsm, sms, sms_service
from tenant_apps.notifications.models import SmsAccount, SmsMessage
from tenant_apps.notifications.topics import Recipient, Text
from tenants.context import in_tenant
from tests.factories import owner_of
from tests.fakes.server import Books, Knobs
from tests.fakes.sms import SmsService

NUMBER = "+4930901820"


@pytest.fixture(scope="module")
def started():
    with SmsService() as fake:
        yield fake


@pytest.fixture
def service(settings, started):
    settings.SMS_API_BASE = started.url
    started.books, started.knobs, started.keys = Books(), Knobs(), {"good-key"}
    started.throttled = started.refusing = 0
    started.calls.clear()
    return started


@pytest.fixture
def account(service, in_alpha):
    return sms_accounts.set_up(sender="Alpha", key="good-key", daily_parts=20, actor=owner_of(in_alpha))


def text(key="m1", words="The doors open at seven.", url=""):
    return Text("Title", words, words, url, key)


def send(key="m1", words="The doors open at seven.", url="", phone=NUMBER):
    sms.send(None, Recipient(phone=phone), text(key, words, url))


def used():
    return SmsAccount.objects.get().used_parts


@pytest.mark.parametrize(
    ("words", "encoding", "units", "parts"),
    [
        ("", "gsm7", 0, 0),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        # 153 units: a two-unit sign that would be cut goes into the next part as a whole.
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),
        ("я" * 70, "ucs2", 70, 1),
        ("я" * 71, "ucs2", 71, 2),
        ("😀" * 35, "ucs2", 70, 1),
        ("я" * 66 + "😀" + "я" * 66, "ucs2", 134, 3),
    ],
)
def test_a_text_is_cut_into_the_parts_that_it_costs(words, encoding, units, parts):
    assert gsm.size(words) == (encoding, units, parts)


def test_typographic_signs_do_not_make_a_text_twice_as_dear():
    assert gsm.plain("It’s “on” – today…") == 'It\'s "on" - today...'
    assert gsm.plain("Сегодня – да") == "Сегодня – да"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("+49 30 901820", NUMBER),
        ("+1 (201) 555-0123", "+12015550123"),
        ("+7 912 345-67-89", "+79123456789"),
        ("030 901820", ""),
        ("+49 1", ""),
        ("+999 123456", ""),
        ("+49 30 901820 ext. 5", ""),
        ("+４９30901820", ""),
        ("javascript:alert(1)", ""),
        ("+" + "1" * 50, ""),
    ],
)
def test_only_numbers_that_can_exist_are_kept(given, kept):
    assert e164(given) == kept


def test_one_is_sent_with_our_id_and_written_into_both_books(account, service):
    send(url="https://alpha.example.org/orders/1/")
    (got,) = service.sent()
    assert (got["to"], got["from"]) == (NUMBER, "Alpha")
    assert got["text"] == "The doors open at seven. https://alpha.example.org/orders/1/"
    kept = SmsMessage.objects.get()
    assert (kept.key, kept.status, kept.parts, kept.reference) == ("m1", "sent", 1, got["reference"])
    assert used() == 1


def test_the_same_message_again_is_neither_sent_nor_paid_twice(account, service):
    for _ in range(3):
        send()
    assert len(service.sent()) == 1
    assert used() == 1


@pytest.mark.parametrize("trouble", ["error_before", "error_after", "throttled"])
def test_a_service_in_trouble_is_asked_again_and_the_telephone_rings_once(account, service, trouble):
    if trouble == "throttled":
        service.throttled = 1
    else:
        setattr(service.knobs, trouble, 1)
    with pytest.raises(sms_service.NoWord):
        send()
    assert SmsMessage.objects.get().status == "claimed"
    send()
    assert len(service.sent()) == 1
    assert used() == 1


def test_a_service_that_hangs_is_left_and_what_it_did_is_not_done_twice(account, service, monkeypatch):
    monkeypatch.setattr(sms_service, "SECONDS", 0.2)
    service.knobs.delay_s = 0.6
    with pytest.raises(sms_service.NoWord):
        send()
    service.knobs.delay_s = 0
    monkeypatch.setattr(sms_service, "SECONDS", 5)
    send()
    assert len(service.sent()) == 1


def test_nobody_there_is_a_try_that_is_made_again(account, settings):
    settings.SMS_API_BASE = "http://127.0.0.1:9"
    with pytest.raises(sms_service.NoWord):
        send()


def test_a_number_that_the_service_refuses_is_never_tried_again_and_costs_nothing(account, service):
    service.refusing = 1
    with pytest.raises(Undeliverable):
        send()
    assert used() == 0
    with pytest.raises(Undeliverable):
        send()
    assert service.calls == [("POST", "/messages")]


def test_what_is_no_number_is_never_sent(account, service):
    with pytest.raises(Undeliverable):
        send(phone="112 call me")
    assert not service.calls


def test_a_wrong_key_is_told_to_staff_once_and_stands_on_the_page(account, service, in_alpha):
    service.keys = set()
    for key in ("a", "b"):
        with pytest.raises(sms_service.AccountFails):
            send(key)
    assert SmsAccount.objects.get().problem == "key_refused"
    assert OutboxMessage.objects.filter(topic="sms.account_fails").count() == 1
    deliver_due()
    told = OutboxMessage.objects.get(topic="notify.staff.sms_fails")
    assert told.payload["recipient"]["user_id"] == in_alpha.owner_id
    service.keys = {"good-key"}
    send("a")
    assert SmsAccount.objects.get().problem == ""


def test_a_day_costs_no_more_than_it_may(account, service):
    for number in range(20):
        send(f"m{number}")
    with pytest.raises(Undeliverable):
        send("one-more")
    assert len(service.sent()) == 20
    SmsAccount.objects.update(day="2026-01-01")
    send("next-day")
    assert used() == 1


def test_a_long_text_is_cut_and_its_link_is_whole(account, service):
    send(words="я" * 1000, url="https://alpha.example.org/x/")
    (got,) = service.sent()
    assert got["text"].endswith("... https://alpha.example.org/x/")
    assert gsm.size(got["text"]).parts == sms.MOST_PARTS == SmsMessage.objects.get().parts


def test_many_workers_at_once_stay_within_the_day(transactional_db, settings, alpha):
    with SmsService() as service:
        settings.SMS_API_BASE = service.url
        with in_tenant(alpha):
            sms_accounts.set_up(sender="Alpha", key="good-key", daily_parts=3, actor=None)
        outcomes = []

        def work(number):
            try:
                with in_tenant(alpha):
                    send(f"m{number}")
                    outcomes.append("sent")
            except Undeliverable:
                outcomes.append("limit")
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["limit"] * 5 + ["sent"] * 3
        assert len(service.sent()) == 3


def test_the_account_is_set_up_through_the_api_and_its_key_never_comes_out(alpha, client_for, service):
    client = client_for(alpha, owner_of(alpha))
    none = {"sender": "", "enabled": False, "daily_parts": 0, "left_today": 0, "problem": ""}
    assert client.get("/api/v1/sms-account/").json() == none
    wrong = client.put("/api/v1/sms-account/", {"sender": "!", "key": "a b", "daily_parts": 10**6}, format="json")
    assert wrong.status_code == 400
    assert {error["field"] for error in wrong.json()["errors"]} == {"sender", "key", "daily_parts"}
    made = client.put("/api/v1/sms-account/", {"sender": "Alpha", "key": "good-key", "daily_parts": 5}, format="json")
    assert made.status_code == 200
    told = {"sender": "Alpha", "enabled": True, "daily_parts": 5, "left_today": 5, "problem": ""}
    assert client.get("/api/v1/sms-account/").json() == told
    with in_tenant(alpha):
        row = SmsAccount.objects.get()
        assert b"good-key" not in bytes(row.sealed)
        assert sms_accounts.key_of(row) == "good-key"
        assert "good-key" not in str(list(AuditEntry.objects.filter(topic="sms.account_changed").values()))
    changed = client.put("/api/v1/sms-account/", {"sender": "Beta", "daily_parts": 7}, format="json")
    assert changed.json()["sender"] == "Beta"
    assert client.delete("/api/v1/sms-account/").status_code == 204
    assert client.get("/api/v1/sms-account/").json() == none


def test_a_key_that_is_copied_to_the_neighbour_cannot_be_opened_there(alpha, beta, service):
    with in_tenant(alpha):
        sealed = bytes(sms_accounts.set_up(sender="Alpha", key="good-key", daily_parts=5, actor=None).sealed)
    with in_tenant(beta):
        row = SmsAccount.objects.create(sender="Beta", sealed=sealed, daily_parts=5)
        with pytest.raises(sms_accounts.CannotDecrypt):
            sms_accounts.key_of(row)


def test_the_page_of_the_account_works_without_script(alpha, page_for, service):
    page = page_for(alpha, owner_of(alpha))
    address = "/dashboard/settings/text-messages/"
    assert page.get(address).status_code == 200
    refused = page.post(address, {"sender": "x", "daily_parts": "5", "enabled": "on"})
    assert refused.status_code == 400
    saved = page.post(address, {"sender": "Alpha", "key": "good-key", "daily_parts": "5", "enabled": "on"})
    assert saved.status_code == 302
    shown = page.get(address).content.decode()
    assert "good-key" not in shown
    assert "Alpha" in shown
    assert page.post(f"{address}remove/").status_code == 302
    with in_tenant(alpha):
        assert not SmsAccount.objects.exists()


def test_a_platform_without_a_service_says_so(alpha, client_for, page_for):
    answer = client_for(alpha, owner_of(alpha)).put(
        "/api/v1/sms-account/", {"sender": "Alpha", "key": "k", "daily_parts": 5}, format="json"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "sms_not_offered")
    shown = page_for(alpha, owner_of(alpha)).get("/dashboard/settings/text-messages/").content.decode()
    assert "no service for text messages yet" in shown
