"""Subscriptions through the API, the pages and the address that Stripe calls: who gets in, and what is refused how."""

import hashlib
import hmac
import json
import time
from datetime import timedelta

import pytest
from django.core.cache import caches

from shared_apps.billing import callbacks, subscriptions
from shared_apps.billing.models import BillingEvent, PlatformInvoice, Subscription
from tenant_apps.activity.models import AuditEntry
from tenants.context import in_tenant
from tests.billing.customers import BAD, KEPT_BUT_REFUSED, SECRET
from tests.factories import make_user, owner_of

API = "/api/v1/tenants/alpha/subscription/"
PAGE = "/dashboard/billing/"
EVENT = {"title": "One more", "starts_at": "2031-05-01T20:00:00+02:00", "timezone": "Europe/Berlin"}


def post_event(client, body: bytes, secret: str = SECRET, at: int | None = None):
    moment = at or int(time.time())
    signature = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return client.post(
        "/api/v1/billing/webhooks/stripe/", data=body, content_type="application/json",
        headers={"Stripe-Signature": f"t={moment},v1={signature}"},
    )  # fmt: skip


def test_an_owner_buys_changes_cancels_and_keeps_a_plan_over_the_api(account, alpha, client_for):
    owner = client_for(None, owner_of(alpha))
    assert owner.get(API).json()["plan"] == "free"
    answer = owner.post(API, {"plan": "house-monthly"}, format="json")
    assert (answer.status_code, answer.json()["plan"]) == (201, "free")
    account.pay(answer.json()["checkout_url"])
    account.deliver()
    subscriptions.sweep(account.now())
    assert owner.get(API).json()["status"] == "trialing"
    account.pass_days(16)
    preview = owner.get(API + "preview/?plan=chain-monthly").json()
    assert preview["currency"] == "EUR"
    assert 0 < float(preview["due"]) < 70
    changed = owner.post(API, {"plan": "chain-monthly"}, format="json")
    assert (changed.status_code, changed.json()["plan"]) == (200, "chain-monthly")
    assert owner.delete(API).json()["cancel_at_period_end"] is True
    assert owner.post(API + "resume/").json()["cancel_at_period_end"] is False
    invoices = owner.get("/api/v1/tenants/alpha/invoices/").json()
    assert [row["status"] for row in invoices["results"]] == ["paid"] * 3
    assert invoices["results"][0]["total"] == preview["due"]
    assert owner.post("/api/v1/tenants/alpha/billing-portal/").json()["url"].startswith(account.fake.url)
    with in_tenant(alpha):
        topics = list(AuditEntry.objects.filter(topic__startswith="subscription.").values_list("topic", flat=True))
    assert sorted(topics) == [
        "subscription.asked", "subscription.cancelled", "subscription.changed", "subscription.portal_opened",
        "subscription.resumed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"plan": "no-such"}, 400, "plan_unknown"),
        ({"plan": "free"}, 400, "plan_is_free"),
        ({"plan": ""}, 400, "invalid"),
        ({"plan": "house-monthly", "coupon": "NOPE"}, 400, "coupon_unknown"),
        ({"plan": ["house-monthly"]}, 400, "invalid"),
    ],
)
def test_what_cannot_be_bought_is_refused_in_words(account, alpha, client_for, given, status, code):
    answer = client_for(None, owner_of(alpha)).post(API, given, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Subscription.objects.exclude(checkout_plan=None).exists()


def test_others_do_not_learn_that_there_is_such_a_tenant(account, alpha, beta, client_for):
    stranger = client_for(None, owner_of(beta))
    for method, path in (
        ("get", ""), ("post", ""), ("delete", ""), ("post", "resume/"), ("get", "preview/?plan=house-monthly"),
    ):  # fmt: skip
        answer = getattr(stranger, method)(API + path, {"plan": "house-monthly"} if method == "post" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client_for().get(API).status_code == 401
    assert Subscription.objects.count() == 0


def test_a_coupon_lessens_the_first_invoice_only(account, alpha, client_for):
    client = subscriptions.gateway._client()
    coupon = client.v1.coupons.create(params={"percent_off": 50, "duration": "once"})
    client.v1.promotion_codes.create(params={"code": "SPRING", "promotion": {"type": "coupon", "coupon": coupon["id"]}})
    Subscription.objects.create(tenant=alpha, had_trial=True)
    account.buy(alpha, "house-monthly", coupon="SPRING")
    account.pass_days(32)
    assert list(PlatformInvoice.objects.order_by("issued_at").values_list("total_minor", flat=True)) == [1450, 2900]


def test_a_plan_that_is_too_small_is_refused_by_name(account, alpha, client_for):
    account.buy(alpha, "chain-monthly")
    from tenants.models import Domain

    for number in range(2):
        Domain.objects.create(tenant=alpha, domain=f"hall{number}.example", is_primary=False)
    before = account.fake.books.all("subscription")
    answer = client_for(None, owner_of(alpha)).post(API, {"plan": "house-monthly"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "plan_too_small")
    assert answer.json()["over"] == [{"name": "domains", "limit": 1, "used": 2}]
    assert account.fake.books.all("subscription") == before


def test_while_stripe_is_away_nothing_changes_and_the_days_pass_all_the_same(account, alpha, client_for):
    account.buy(alpha, "house-monthly")
    account.pass_days(15)
    account.set_card(alpha, KEPT_BUT_REFUSED)
    account.pass_days(31)
    assert account.row(alpha).status == "past_due"
    account.advance(8)
    account.fake.knobs.error_before = 100
    account.fake.read_billing = lambda *_: account.fake.error(500, "api_error", "away")
    answer = client_for(None, owner_of(alpha)).delete(API)
    assert (answer.status_code, answer.json()["code"]) == (503, "billing_unavailable")
    subscriptions.sweep(account.now())
    assert account.row(alpha).status == "restricted"


def test_only_the_platform_s_secret_lets_a_message_in_and_nothing_of_others_is_kept(account, client_for, alpha):
    body = json.dumps({"id": "evt_1", "type": "invoice.paid", "livemode": False, "created": 1}).encode()
    client = client_for()
    for secret, at in (("", None), ("whsec_wrong", None), (SECRET, int(time.time()) - 400), (SECRET, 2**40)):
        answer = post_event(client, body, secret, at)
        assert (answer.status_code, answer.json()["code"]) == (400, "signature_invalid")
    assert (
        client.post("/api/v1/billing/webhooks/stripe/", data=b"{}", content_type="application/json").status_code == 400
    )
    assert not BillingEvent.objects.exists()
    assert caches["global"].get(callbacks.REFUSED_KEY) == 5
    assert post_event(client, body).status_code == 200
    assert post_event(client, body, "whsec_old").status_code == 200
    assert BillingEvent.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        b"[]", b"1", b"{", b"\xff", b"{}", b'{"id": 7, "type": []}', b'{"id": "evt_2", "data": 3}',
        b'{"id": "evt_3", "type": "x", "data": {"object": {"customer": {"id": ["a"]}}}, "created": "soon"}',
        b'{"id": "evt_\\u0000", "type": "x"}', b'{"id": "evt_4", "type": "x", "created": 99999999999999999999}',
    ],
)  # fmt: skip
def test_odd_messages_are_answered_without_an_error_of_ours(account, client_for, alpha, body):
    assert post_event(client_for(), body).status_code in (200, 400)
    subscriptions.sweep(account.now())
    assert not BillingEvent.objects.waiting().exists()


def test_a_message_about_a_tenant_that_is_gone_or_never_was_does_nothing(account, alpha, client_for):
    account.buy(alpha, "house-monthly")
    events = account.events()
    Subscription.objects.all().delete()
    PlatformInvoice.objects.all().delete()
    for event in events:
        assert post_event(client_for(), json.dumps(event).encode()).status_code == 200
    subscriptions.sweep(account.now())
    assert not BillingEvent.objects.waiting().exists()
    assert not Subscription.objects.exists()


def test_a_message_that_claims_somebody_else_s_tenant_touches_only_who_has_that_customer(account, alpha, beta):
    account.buy(alpha, "house-monthly")
    account.buy(beta, "chain-monthly")
    event = account.events()[-1]
    event["id"], event["data"]["object"]["metadata"] = "evt_planted", {"tenant": str(alpha.pk)}
    event["data"]["object"]["status"] = "canceled"
    account.hand_over(event)
    subscriptions.sweep(account.now())
    assert [account.row(each).status for each in (alpha, beta)] == ["trialing", "trialing"]


def test_a_live_message_is_not_for_a_test_account(account, alpha):
    account.buy(alpha, "house-monthly")
    assert account.hand_over(account.events()[0] | {"id": "evt_live", "livemode": True}) is False
    assert not BillingEvent.objects.filter(stripe_event="evt_live").exists()


def test_the_subscription_of_a_tenant_that_closed_is_ended_at_stripe(account, alpha):
    account.buy(alpha, "house-monthly")
    type(alpha).objects.filter(pk=alpha.pk).update(status="closed")
    account.pass_days(2)
    assert account.fake.books.all("subscription")[0]["status"] == "canceled"


def test_the_page_says_what_follows_and_leads_to_the_card(account, alpha, page_for, client_for):
    owner = page_for(alpha, owner_of(alpha))
    assert "Choose House" in owner.get(PAGE).content.decode()
    answer = owner.post(PAGE + "plans/house-monthly/", {"coupon": ""})
    assert answer["Location"].startswith(account.fake.url)
    assert account.pay(answer["Location"], BAD).status_code == 402
    back = account.pay(answer["Location"])
    assert back.headers["Location"].endswith("/dashboard/billing/?checkout=done")
    assert "You have the plan House now." in owner.get(PAGE + "?checkout=done").content.decode()
    account.pass_days(15)
    account.set_card(alpha, KEPT_BUT_REFUSED)
    account.pass_days(31)
    assert "A payment for your plan is missing." in owner.get("/dashboard/").content.decode()
    assert "Pay now" in owner.get(PAGE).content.decode()
    account.pass_days(8)
    refused = client_for(alpha, owner_of(alpha)).post("/api/v1/events/", EVENT, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_missing")
    assert refused.json()["upgrade_url"].endswith(PAGE)
    account.pass_days(14)
    assert page_for(alpha).get("/").status_code == 403
    assert "this site is suspended" in owner.get(PAGE).content.decode()
    invoice = PlatformInvoice.objects.filter(status="open").latest("issued_at")
    for each in PlatformInvoice.objects.filter(status="open"):
        account.pay(each.page_url)
    assert invoice.page_url.startswith(account.fake.url)
    account.deliver()
    subscriptions.sweep(account.now())
    assert page_for(alpha).get("/").status_code == 200


def test_staff_who_own_nothing_look_and_do_not_choose(account, alpha, page_for):
    from tenant_apps.staff.models import Membership, Role

    with in_tenant(alpha):
        manager = make_user()
        Membership.objects.create(user=manager, role=Role.objects.get(preset="manager"))
    page = page_for(alpha, manager)
    assert "Only an owner can choose." in page.get(PAGE).content.decode()
    for path in ("plans/house-monthly/", "cancel/", "resume/", "portal/"):
        assert page.post(PAGE + path).status_code == 403
    assert page_for(alpha, make_user()).get(PAGE).status_code == 403
    assert not Subscription.objects.exists()


def test_pages_without_a_stripe_account_say_so(settings, alpha, page_for, client_for):
    settings.STRIPE_PLATFORM_KEY = ""
    page = page_for(alpha, owner_of(alpha))
    assert "Plans cannot be bought on this platform yet." in page.get(PAGE).content.decode()
    answer = client_for(None, owner_of(alpha)).post(API, {"plan": "house-monthly"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "billing_off")
    assert page.post(PAGE + "plans/house-monthly/").status_code == 409


def test_a_page_that_nobody_paid_on_is_waited_for_no_more_after_a_day(account, alpha):
    subscriptions.start(alpha, "house-monthly")
    session = account.fake.books.all("session")[0]
    account.fake.books.put("session", account.fake.books.account_of(session["id"]), session | {"status": "expired"})
    subscriptions.sweep(account.now() + timedelta(minutes=11))
    subscriptions.sweep(account.now() + timedelta(days=1))
    row = account.row(alpha)
    assert (row.status, row.look_at) == ("free", None)
    assert subscriptions.start(alpha, "house-monthly") != session["url"]
