"""What is sent to a webhook's address by whoever likes: forged, old, for another tenant, doubled, unknown."""

import time

import pytest
import requests
from django.utils import timezone

from tenant_apps.payments import tasks
from tenant_apps.payments.callbacks import apply_open
from tenant_apps.payments.models import LedgerEntry, Payment, ProviderEvent
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import owner_of
from tests.payments.conftest import KEYS


def deliver(shop, body, headers, tenant=None):
    host = shop.site.host(tenant or shop.tenant)
    address = f"{shop.site.address}/api/v1/payments/webhooks/{shop.name}/"
    return requests.post(address, data=body, headers={"Host": host, **headers}, timeout=20)


def signed_event(shop, order):
    """The message that says the order is paid, as the provider signs it."""
    shop.fake.knobs.drop_webhooks = True
    shop.pay(order)
    if shop.name == "freedompay":
        payment = shop.fake.books.all("payment")[0]
        return shop.fake.signed(payment)
    if shop.name == "paypal":
        token = requests.post(f"{shop.fake.url}/v1/oauth2/token", auth=("alpha", "shh"), timeout=5).json()[
            "access_token"
        ]
        session = shop.fake.books.all("order")[0]["id"]
        requests.post(
            f"{shop.fake.url}/v2/checkout/orders/{session}/capture", json={},
            headers={"Authorization": f"Bearer {token}", "PayPal-Request-Id": "x"}, timeout=5,
        )  # fmt: skip
    event = shop.fake.books.all("event")[-1]
    endpoint = shop.fake.books.all("endpoint")[0]
    return shop.fake.signed(event, endpoint["secret"] if shop.name == "stripe" else endpoint["id"])


def test_a_good_message_pays_the_order_once_however_often_and_parallel_it_comes(shop):
    order = shop.order()
    body, headers = signed_event(shop, order)
    answers = at_once(shop.tenant, [lambda: deliver(shop, body, headers).raise_for_status()] * 8)
    assert answers == {"ok": 8}
    assert shop.state(order)["status"] == "paid"
    with in_tenant(shop.tenant):
        assert ProviderEvent.objects.count() == 1
        assert LedgerEntry.objects.count() == 1
    shop.books_agree()


@pytest.mark.parametrize("harm", ["no signature", "wrong secret", "one byte more", "empty", "not text"])
def test_a_message_that_the_provider_did_not_sign_is_refused_and_leaves_nothing(shop, harm):
    order = shop.order()
    if harm == "wrong secret":
        shop.fake.knobs.bad_signature = True
    body, headers = signed_event(shop, order)
    if harm == "no signature":
        headers = {"Content-Type": headers["Content-Type"]}
        body = b"&".join(part for part in body.split(b"&") if not part.startswith(b"pg_sig"))
    body = {"one byte more": body + b" ", "empty": b"", "not text": b"\xff\xfe\x00"}.get(harm, body)
    answer = deliver(shop, body, headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "signature_invalid")
    assert shop.state(order)["status"] == "pending"
    with in_tenant(shop.tenant):
        assert not ProviderEvent.objects.exists()


def test_a_message_for_a_tenant_without_this_provider_finds_nothing_there(shop, beta):
    body, headers = signed_event(shop, shop.order())
    assert deliver(shop, body, headers, tenant=beta).status_code == 404


def test_another_tenant_s_secret_opens_no_door_here(shop, beta):
    """beta has an account of its own: what was signed for alpha is not signed for beta (O7)."""
    from tenant_apps.payments import accounts

    other = {
        "stripe": {"secret_key": "sk_test_beta", "publishable_key": "pk_test_beta"},
        "paypal": {"client_id": "beta"},
        "freedompay": {"merchant_id": "500002", "secret_key": "another-freedompay-secret"},
    }[shop.name]
    with in_tenant(beta):
        accounts.connect(shop.name, KEYS[shop.name] | other, actor=owner_of(beta))
    body, headers = signed_event(shop, shop.order())
    assert deliver(shop, body, headers, tenant=beta).status_code == 400


def test_a_signed_message_about_somebody_else_s_payment_changes_nothing(open_shop):
    shop = open_shop("stripe")
    order = shop.order()
    secret = shop.fake.books.all("endpoint")[0]["secret"]
    event = {
        "id": "evt_planted", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
        "data": {"object": {"id": "pi_x", "amount_received": 2500, "currency": "eur", "metadata": {"payment": "x'"}}},
    }  # fmt: skip
    assert deliver(shop, *shop.fake.signed(event, secret)).status_code == 200
    assert shop.state(order)["status"] == "pending"
    with in_tenant(shop.tenant):
        assert ProviderEvent.objects.get().outcome == "unknown payment"


def test_live_money_settles_no_test_payment(open_shop):
    shop = open_shop("stripe")
    order = shop.order()
    with in_tenant(shop.tenant):
        payment = str(Payment.objects.get().pk)
    event = {
        "id": "evt_live", "object": "event", "type": "payment_intent.succeeded", "livemode": True,
        "data": {"object": {"id": "pi_1", "amount_received": 2500, "currency": "eur",
                            "metadata": {"payment": payment}}},
    }  # fmt: skip
    secret = shop.fake.books.all("endpoint")[0]["secret"]
    assert deliver(shop, *shop.fake.signed(event, secret)).status_code == 200
    assert shop.state(order)["status"] == "pending"


@pytest.mark.parametrize("seconds", [-400, 400])
def test_a_message_from_another_time_is_refused(open_shop, seconds):
    shop = open_shop("stripe")
    signed_event(shop, shop.order())
    event, secret = shop.fake.books.all("event")[-1], shop.fake.books.all("endpoint")[0]["secret"]
    body, headers = shop.fake.signed(event, secret, at=int(time.time()) + seconds)
    assert deliver(shop, body, headers).status_code == 400


def test_an_unknown_kind_of_message_is_kept_without_effect(open_shop):
    shop = open_shop("stripe")
    secret = shop.fake.books.all("endpoint")[0]["secret"]
    event = {
        "id": "evt_new",
        "object": "event",
        "type": "moon.rose",
        "livemode": False,
        "data": {"object": {"id": "x"}},
    }
    assert deliver(shop, *shop.fake.signed(event, secret)).status_code == 200
    with in_tenant(shop.tenant):
        assert ProviderEvent.objects.get().outcome == "nothing to do"


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/certs/x", "http://api.paypal.com/cert", "https://api.paypal.com.evil.example/c",
     "https://api.paypal.com@evil.example/c", "https://api.paypal.com:8443/c", "file:///etc/passwd", ""],
)  # fmt: skip
def test_a_certificate_from_elsewhere_than_paypal_is_not_fetched(open_shop, address):
    shop = open_shop("paypal")
    signed_event(shop, shop.order())
    event, endpoint = shop.fake.books.all("event")[-1], shop.fake.books.all("endpoint")[0]
    body, headers = shop.fake.signed(event, endpoint["id"], cert_url=address)
    headers["Paypal-Cert-Url"] = address
    assert deliver(shop, body, headers).status_code == 400


def test_paypal_s_signature_covers_the_webhook_s_own_number(open_shop):
    shop = open_shop("paypal")
    signed_event(shop, shop.order())
    body, headers = shop.fake.signed(shop.fake.books.all("event")[-1], "WH-of-somebody-else")
    assert deliver(shop, body, headers).status_code == 400


def test_a_message_whose_effect_fails_is_answered_and_tried_again(open_shop, monkeypatch):
    from tenant_apps.payments import callbacks

    shop = open_shop("stripe")
    order = shop.order()
    body, headers = signed_event(shop, order)
    settle = callbacks.settle

    def broken(*args, **kwargs):
        raise RuntimeError("no luck")

    monkeypatch.setattr(callbacks, "settle", broken)
    assert deliver(shop, body, headers).status_code == 200
    monkeypatch.setattr(callbacks, "settle", settle)
    with in_tenant(shop.tenant):
        assert apply_open() == 1
    assert shop.state(order)["status"] == "paid"


def test_money_that_staff_sent_back_at_the_provider_s_own_site_is_in_our_books_too(open_shop):
    shop = open_shop("stripe")
    order = shop.order()
    shop.come_back(shop.pay(order))
    shop.fake.settled()
    intent = shop.fake.books.all("intent")[0]["id"]
    requests.post(
        f"{shop.fake.url}/v1/refunds", data={"payment_intent": intent, "amount": 500},
        headers={"Authorization": "Bearer sk_test_alpha"}, timeout=5,
    )  # fmt: skip
    shop.fake.settled()
    assert shop.payments() == [("partially_refunded", 2500, 500)]
    shop.books_agree()


def test_a_message_that_only_says_ask_us_is_done_although_the_queue_is_gone(open_shop, monkeypatch):
    """The payment is due to be asked about then, which the schedule does; nobody waits for the queue."""

    def refuse(*_args, **_options):
        raise ConnectionError

    monkeypatch.setattr(tasks.ask_provider, "apply_async", refuse)
    shop = open_shop("paypal")
    order = shop.order()
    shop.pay(order)
    shop.fake.settled()
    with in_tenant(shop.tenant):
        told = ProviderEvent.objects.get(kind="CHECKOUT.ORDER.APPROVED")
        assert told.done_at is not None and (told.outcome, told.tries) == ("asked", 1)
        assert Payment.objects.get().poll_at <= timezone.now()
