"""Web push: what is sent is read by the one browser it is for; devices that are gone are forgotten."""

import base64
import os
import uuid

import pytest

from shared_apps.core.outgoing import AddressRefused
from shared_apps.core.personal import Person
from shared_apps.people.deployment_keys import push_key
from shared_apps.people.models import DeploymentKey
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.notifications import message_personal, push_devices
from tenant_apps.notifications.channels import Undeliverable, push
from tenant_apps.notifications.models import PushSubscription
from tenant_apps.notifications.sending import notify
from tenant_apps.notifications.topics import Recipient, Text, topic
from tenants.context import in_tenant
from tests.factories import make_paid_order, make_user
from tests.fakes.push import PushService


@pytest.fixture(scope="module")
def started():
    with PushService() as fake:
        yield fake


@pytest.fixture
def service(settings, db, started):
    settings.OUTGOING_OWN_SERVERS = [started.url.removeprefix("http://")]
    started.browsers.clear()
    started.calls.clear()
    started.public_key = push.public_key()
    return started


def keep(user, browser, device="Firefox"):
    told = browser.subscription
    return push_devices.subscribe(user, endpoint=told["endpoint"], device=device, **told["keys"])


def text(key="k1", title="Doors open", body="At seven.", url="/orders/ABC/secret/"):
    return Text(title, body, "", url, key)


def send(user, **said):
    push.send(topic("event.message"), Recipient(user_id=user.pk), text(**said))


def test_a_browser_reads_what_was_sent_to_it_alone(service, in_alpha):
    user, browser, other = make_user(), service.browser("one"), service.browser("two")
    keep(user, browser)
    keep(make_user(), other)
    send(user)
    (shown,) = browser.shown
    assert (shown["title"], shown["body"]) == ("Doors open", "At seven.")
    assert shown["url"] == "http://alpha.localhost/orders/ABC/secret/"
    assert browser.headers[0]["urgency"] == "normal"
    assert other.shown == []


def test_a_text_without_end_still_fits_into_a_push(service, in_alpha):
    user, browser = make_user(), service.browser()
    keep(user, browser)
    send(user, title="я" * 300, body="😀" * 5000)
    assert browser.shown[0]["body"].endswith("…")


def test_every_device_gets_it_once_also_when_one_of_them_has_to_be_asked_again(service, in_alpha):
    user, good, slow = make_user(), service.browser("good"), service.browser("slow")
    keep(user, good)
    keep(user, slow)
    slow.answers = [503, 429]
    for _ in range(2):
        with pytest.raises(push.NotTaken):
            send(user)
    send(user)
    assert (len(good.shown), len(slow.shown)) == (1, 1)
    send(user, key="k2")
    assert (len(good.shown), len(slow.shown)) == (2, 2)


@pytest.mark.parametrize("answer", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(service, in_alpha, answer):
    user, browser = make_user(), service.browser()
    keep(user, browser)
    browser.answers = [answer]
    send(user)
    assert not PushSubscription.objects.exists()
    with pytest.raises(Undeliverable):
        send(user)


def test_a_subscription_of_another_key_is_forgotten(service, in_alpha):
    user, browser = make_user(), service.browser()
    keep(user, browser)
    service.public_key = "another"
    send(user)
    assert not PushSubscription.objects.exists()


def test_an_address_that_only_fails_is_ended_after_some_tries(service, in_alpha):
    user, browser = make_user(), service.browser()
    keep(user, browser)
    browser.answers = [500] * 10
    for _ in range(push.MOST_FAILURES - 1):
        with pytest.raises(push.NotTaken):
            send(user)
    send(user)
    assert not PushSubscription.objects.exists()


def test_an_address_that_leads_inside_by_now_is_never_called(service, in_alpha, settings):
    user, browser = make_user(), service.browser()
    keep(user, browser)
    settings.OUTGOING_OWN_SERVERS = []
    send(user)
    assert service.calls == []
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/x",
        "https://127.0.0.1/x",
        "https://10.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/",
        "https://push.example.org:8443/x",
        "https://user:pass@push.example.org/x",
        "https://localhost/x",
        "file:///etc/passwd",
        "https://",
    ],
)
def test_addresses_that_lead_inside_are_not_kept(service, alpha, client_for, endpoint):
    client = client_for(alpha, make_user())
    keys = service.browser().subscription["keys"]
    answer = client.post("/api/v1/push-subscriptions/", {"endpoint": endpoint, "keys": keys}, format="json")
    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == [AddressRefused.code]
    with in_tenant(alpha):
        assert not PushSubscription.objects.exists()


def coded(content):
    return base64.urlsafe_b64encode(content).decode()


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dh": coded(b"\x04" + os.urandom(64)), "auth": coded(bytes(16))},
        {"p256dh": coded(b"\x04" + bytes(64)), "auth": coded(bytes(16))},
        {"p256dh": "!!!", "auth": coded(bytes(16))},
        {"p256dh": "good", "auth": coded(bytes(15))},
    ],
)
def test_keys_that_are_none_are_refused(service, in_alpha, client_for, keys):
    told = service.browser().subscription
    if keys["p256dh"] == "good":
        keys = {**keys, "p256dh": told["keys"]["p256dh"]}
    client = client_for(in_alpha, make_user())
    answer = client.post("/api/v1/push-subscriptions/", {"endpoint": told["endpoint"], "keys": keys}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "push_subscription_invalid")


def test_a_person_keeps_sees_and_removes_their_own_devices_only(service, alpha, beta, client_for):
    user, other = make_user(), make_user()
    mine, theirs = client_for(alpha, user), client_for(alpha, other)
    told = service.browser().subscription
    made = mine.post("/api/v1/push-subscriptions/", {**told, "device": "Phone"}, format="json")
    assert made.status_code == 201
    listed = mine.get("/api/v1/push-subscriptions/").json()
    assert [each["device"] for each in listed["devices"]] == ["Phone"]
    assert listed["public_key"] == service.public_key
    assert theirs.get("/api/v1/push-subscriptions/").json()["devices"] == []
    assert client_for(beta, user).get("/api/v1/push-subscriptions/").json()["devices"] == []
    address = f"/api/v1/push-subscriptions/{made.json()['id']}/"
    assert theirs.delete(address).status_code == 404
    assert client_for(beta, user).delete(address).status_code == 404
    assert mine.delete(f"/api/v1/push-subscriptions/{uuid.uuid4()}/").status_code == 404
    assert mine.delete(address).status_code == 204
    assert mine.get("/api/v1/push-subscriptions/").json()["devices"] == []
    assert client_for(alpha).get("/api/v1/push-subscriptions/").status_code == 401


def test_a_browser_is_whoever_s_is_signed_in_there_now_and_the_oldest_device_makes_room(service, in_alpha):
    first, second = make_user(), make_user()
    browser = service.browser()
    keep(first, browser)
    keep(second, browser)
    assert [each.user_id for each in PushSubscription.objects.all()] == [second.pk]
    for number in range(push_devices.MOST_DEVICES + 2):
        keep(first, service.browser(f"b{number}"), device=f"b{number}")
    kept = set(push_devices.devices_of(first).values_list("device", flat=True))
    assert kept == {f"b{number}" for number in range(2, push_devices.MOST_DEVICES + 2)}


def test_the_page_takes_what_the_browser_says_and_removes_without_script(service, alpha, page_for):
    user = make_user()
    page = page_for(alpha, user)
    told = service.browser().subscription
    shown = page.get("/account/devices/")
    assert service.public_key in shown.content.decode()
    form = {"endpoint": told["endpoint"], **told["keys"], "device": "Firefox · Linux"}
    assert page.post("/account/devices/", form).status_code == 302
    assert "Firefox · Linux" in page.get("/account/devices/").content.decode()
    assert page.post("/account/devices/", {"endpoint": "x"}).status_code == 400
    with in_tenant(alpha):
        pk = PushSubscription.objects.get().pk
    assert page_for(alpha, make_user()).post(f"/account/devices/{pk}/remove/").status_code == 404
    assert page.post(f"/account/devices/{pk}/remove/").status_code == 302
    worker = page.get("/account/devices/worker.js")
    assert worker["Content-Type"].startswith("text/javascript")
    assert "showNotification" in worker.content.decode()


def test_the_key_is_made_once_and_kept_sealed(db):
    first = push_key()
    assert push_key() == first
    row = DeploymentKey.objects.get()
    assert first not in bytes(row.sealed)


def test_what_is_told_reaches_the_device_by_the_outbox_and_only_where_it_is_wanted(service, alpha, client_for):
    buyer, browser = make_user(), service.browser()
    to = Recipient(user_id=buyer.pk, email=buyer.email)
    with in_tenant(alpha):
        make_paid_order(user=buyer, email=buyer.email)
        OutboxMessage.objects.all().delete()
        keep(buyer, browser)
        notify("staff.message", to, {"subject": "One", "text": "First"}, key="one", channels=["push"])
        deliver_due()
    assert [each["title"] for each in browser.shown] == ["One"]
    wish = {"preferences": [{"topic": "staff.message", "channel": "push", "enabled": False}]}
    client = client_for(alpha, buyer)
    assert client.patch("/api/v1/notification-preferences/", wish, format="json").status_code == 200
    with in_tenant(alpha):
        notify("staff.message", to, {"subject": "Two", "text": "Second"}, key="two", channels=["push"])
        deliver_due()
    assert len(browser.shown) == 1


def test_an_erased_person_leaves_no_device(service, in_alpha):
    user = make_user()
    keep(user, service.browser())
    person = Person(user_id=user.pk)
    assert [row["device"] for row in message_personal._devices(person)] == ["Firefox"]
    assert message_personal._end_devices(person) == 1
    assert not PushSubscription.objects.exists()
