"""Accounts that tenants linked to the platform's: their messages come to one address, and reach the right shop only."""

import json

import pytest
import requests

from shared_apps.billing.models import TicketFees
from shared_apps.billing.usage import measure
from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders.platform_fees import of_order
from tenant_apps.payments import accounts
from tenant_apps.payments.models import Dispute, LedgerEntry, Payment, ProviderEvent
from tenants.context import in_public, in_tenant
from tenants.models import ConnectedAccount
from tests.billing.plans import allow
from tests.concurrency.test_races import at_once
from tests.factories import bearer, owner_of

SECRET = "whsec_of_the_platform"
ACCOUNT = "acct_alpha"


@pytest.fixture
def shop(open_shop, site, settings):
    """alpha's shop, whose Stripe account is linked to the platform's; the platform takes 5 per cent."""
    settings.STRIPE_PLATFORM_KEY = "sk_test_platform"
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = f"whsec_old, {SECRET}"
    settings.PLATFORM_FEE_PERCENT = "5"
    shop = open_shop("stripe")
    shop.fake.connect_endpoint = (f"http://{platform(shop)}/api/v1/billing/webhooks/stripe-connect/", SECRET)
    with in_tenant(shop.tenant):
        accounts.connect("stripe", {"account": ACCOUNT}, actor=owner_of(shop.tenant))
    return shop


def platform(shop):
    return f"localhost:{shop.site.port}"


def send(shop, event, secret=SECRET, **options):
    body, headers = shop.fake.signed(event, secret, **options)
    address = f"{shop.site.address}/api/v1/billing/webhooks/stripe-connect/"
    return requests.post(address, data=body, headers={"Host": platform(shop), **headers}, timeout=20)


def paid_event(shop, **changes):
    with in_tenant(shop.tenant):
        payment = Payment.objects.latest("created_at")
    about = {
        "id": payment.reference, "amount_received": 2500, "currency": "eur",
        "metadata": {"payment": str(payment.pk), "flow": "element"},
    }  # fmt: skip
    return {
        "id": "evt_planted", "object": "event", "type": "payment_intent.succeeded", "livemode": False, "created": 1,
        "account": ACCOUNT, "data": {"object": about}, **changes,
    }  # fmt: skip


def test_a_connected_account_is_paid_through_the_platform_s_address_alone(shop):
    order = shop.order()
    shop.pay(order)
    shop.fake.settled()
    assert shop.state(order)["status"] == "paid"
    assert shop.fake.books.all("endpoint", ACCOUNT) == []
    with in_tenant(shop.tenant):
        ledger = dict(LedgerEntry.objects.values_list("kind", "amount_minor"))
        assert (ledger, LedgerEntry.objects.filter(account__public__account=ACCOUNT).count()) == (
            {"payment": 2500, "fee": -125}, 2,
        )  # fmt: skip


def test_what_was_kept_back_is_not_invoiced_once_more(shop):
    allow(shop.tenant)
    order = shop.order()
    shop.pay(order)
    shop.fake.settled()
    with in_tenant(shop.tenant):
        measure()
        paid = Payment.objects.get(status="succeeded")
        # 2.5 % of 25.00 by the plan that held when it was ordered; the setting is for who has none.
        assert (paid.fee_minor, of_order(paid.order)) == (63, 63)
    row = TicketFees.objects.get(tenant=shop.tenant)
    assert (row.gross_minor, row.fee_minor, row.collected_minor, row.due_minor) == (2500, 63, 63, 0)


def test_the_platform_s_fee_comes_back_in_parts_that_sum_to_the_whole(shop):
    order = shop.order()
    shop.come_back(shop.pay(order))
    staff = {"Authorization": f"Bearer {bearer(owner_of(shop.tenant))}"}
    for amount in ("8.33", "8.33", "8.34"):
        answer = shop.call(
            "POST", f"orders/{order['code']}/refund/", json={"amount": amount},
            headers={**staff, "Idempotency-Key": amount + str(len(shop.fake.books.all("refund")))},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
    with in_tenant(shop.tenant):
        fees = list(LedgerEntry.objects.filter(kind="fee").order_by("at").values_list("amount_minor", flat=True))
    assert fees[0] == -125
    assert sum(fees) == 0


def test_a_message_that_names_somebody_else_s_account_changes_nothing_here(shop, beta):
    """beta linked an account too: what is said about it never reaches alpha's payment, whatever it names (O7)."""
    with in_tenant(beta):
        accounts.connect("stripe", {"account": "acct_beta"}, actor=owner_of(beta))
    order = shop.order(flow="element")
    for account in ("acct_beta", "acct_nobody", "", None, ["acct_alpha"], {"id": "acct_alpha"}):
        assert send(shop, paid_event(shop, account=account)).status_code == 200
    assert send(shop, {k: v for k, v in paid_event(shop).items() if k != "account"}).status_code == 200
    assert shop.state(order)["status"] == "pending"
    with in_tenant(shop.tenant):
        assert not ProviderEvent.objects.exists()
    assert send(shop, paid_event(shop)).status_code == 200
    assert shop.state(order)["status"] == "paid"


def test_only_the_platform_s_secret_signs_for_connected_accounts(shop):
    order = shop.order(flow="element")
    tenants_own = shop.fake.books.all("endpoint")[0]["secret"]
    for secret in ("", "whsec_wrong", tenants_own):
        answer = send(shop, paid_event(shop), secret)
        assert (answer.status_code, answer.json()["code"]) == (400, "signature_invalid")
    for seconds in (-400, 400):
        import time

        assert send(shop, paid_event(shop), at=int(time.time()) + seconds).status_code == 400
    assert shop.state(order)["status"] == "pending"


def test_an_empty_secret_opens_no_connected_account_at_the_tenant_s_own_address(shop):
    """A linked account has no secret of its own; nothing that is signed with none gets in."""
    order = shop.order(flow="element")
    body, headers = shop.fake.signed(paid_event(shop), "")
    answer = shop.call("POST", "payments/webhooks/stripe/", data=body, headers=headers)
    assert answer.status_code == 400
    assert shop.state(order)["status"] == "pending"


@pytest.mark.parametrize("body", [b"[]", b"1", b"{}", b'{"account": "acct_alpha"}', b"{", b"\xff"])
def test_odd_bodies_are_answered_without_an_error_of_ours(shop, body):
    import hashlib
    import hmac
    import time

    moment = int(time.time())
    signature = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    answer = requests.post(
        f"{shop.site.address}/api/v1/billing/webhooks/stripe-connect/", data=body, timeout=20,
        headers={"Host": platform(shop), "Stripe-Signature": f"t={moment},v1={signature}"},
    )  # fmt: skip
    assert answer.status_code in (200, 400)


def test_live_messages_settle_no_test_payment_and_a_tenant_s_host_has_no_such_address(shop):
    order = shop.order(flow="element")
    assert send(shop, paid_event(shop, livemode=True)).status_code == 200
    assert shop.state(order)["status"] == "pending"
    assert shop.call("POST", "billing/webhooks/stripe-connect/", data=b"{}").status_code == 404


def test_the_same_message_many_times_at_once_pays_once(shop):
    order = shop.order(flow="element")
    event = paid_event(shop)
    answers = at_once(shop.tenant, [lambda: send(shop, event).raise_for_status()] * 8)
    assert answers == {"ok": 8}
    with in_tenant(shop.tenant):
        assert ProviderEvent.objects.count() == 1
        assert LedgerEntry.objects.filter(kind="payment").count() == 1
    assert shop.state(order)["status"] == "paid"


def test_an_account_that_is_linked_cannot_be_linked_by_another(shop, beta):
    answer = shop.call(
        "POST", "payment-accounts/", json={"provider": "stripe", "account": ACCOUNT},
        headers={"Host": shop.site.host(beta), "Authorization": f"Bearer {bearer(owner_of(beta))}"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (409, "account_taken")
    with in_public():
        assert ConnectedAccount.objects.get().tenant_id == shop.tenant.pk


def test_without_a_secret_of_the_platform_nothing_gets_in(shop, settings):
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = ""
    order = shop.order(flow="element")
    for secret in (SECRET, ""):
        assert send(shop, paid_event(shop), secret).status_code == 400
    assert shop.state(order)["status"] == "pending"


# --- Disputes ---------------------------------------------------------------------------------------------------------


def paid(shop):
    order = shop.order()
    shop.come_back(shop.pay(order))
    return order, shop.fake.books.all("intent")[-1]["id"]


def adjustments(shop):
    with in_tenant(shop.tenant):
        rows = LedgerEntry.objects.filter(kind="adjustment").order_by("at").values_list("amount_minor", flat=True)
        return list(rows)


def test_a_dispute_is_recorded_and_the_money_it_takes_is_in_the_ledger(shop):
    _order, intent = paid(shop)
    shop.fake.dispute(intent)
    shop.fake.settled()
    with in_tenant(shop.tenant):
        found = Dispute.objects.get()
        assert (found.status, found.reason, found.amount_minor, found.withdrawn) == ("open", "fraudulent", 2500, True)
        assert AuditEntry.objects.filter(topic="dispute.opened").count() == 1
    assert adjustments(shop) == [-2500]
    shop.fake.dispute(intent, "won")
    shop.fake.settled()
    with in_tenant(shop.tenant):
        found = Dispute.objects.get()
        assert (found.status, found.withdrawn) == ("won", False)
    assert adjustments(shop) == [-2500, 2500]


def test_a_dispute_s_messages_come_to_the_same_in_any_order_and_number(shop):
    _order, intent = paid(shop)
    shop.fake.settled()
    shop.fake.knobs.repeat_webhooks, shop.fake.knobs.reorder_webhooks = 3, True
    for status in ("needs_response", "under_review", "won"):
        shop.fake.dispute(intent, status)
    shop.fake.flush()
    shop.fake.settled()
    with in_tenant(shop.tenant):
        found = Dispute.objects.get()
        assert (found.status, found.withdrawn) == ("won", False)
    assert sorted(adjustments(shop)) == [-2500, 2500]


def test_a_dispute_about_a_payment_that_nobody_started_here_is_nothing_to_us(shop):
    paid(shop)
    about = {"id": "dp_x", "amount": 2500, "currency": "eur", "payment_intent": "pi_of_nobody", "status": "lost"}
    event = {**paid_event(shop), "type": "charge.dispute.created", "data": {"object": about}}
    assert json.loads(send(shop, event).text) == {"received": True}
    with in_tenant(shop.tenant):
        assert not Dispute.objects.exists()


def test_staff_who_give_money_back_are_told_once_and_see_it_on_the_order(shop, mailoutbox, page_for, client_for):
    from tenant_apps.activity.delivery import deliver_due
    from tenant_apps.staff.models import Membership, Role
    from tests.factories import make_user

    clerk, door = make_user("clerk@example.test"), make_user("door@example.test")
    with in_tenant(shop.tenant):
        Membership.objects.create(user_id=clerk.pk, role=Role.objects.get(preset="accountant"))
        Membership.objects.create(user_id=door.pk, role=Role.objects.get(preset="door"))
    order, intent = paid(shop)
    shop.fake.dispute(intent)
    shop.fake.dispute(intent, "under_review")
    shop.fake.settled()
    with in_tenant(shop.tenant):
        for _ in range(3):
            deliver_due()
    told = sorted(mail.to[0] for mail in mailoutbox if "disputed" in mail.subject)
    assert told == sorted([clerk.email, owner_of(shop.tenant).email])
    owner = owner_of(shop.tenant)
    page = page_for(shop.tenant, owner).get(f"/dashboard/orders/{order['code']}/").content.decode()
    assert "Disputed by the buyer&#x27;s bank" in page or "Disputed by the buyer's bank" in page
    assert order["code"] in page_for(shop.tenant, owner).get("/dashboard/money/disputes/").content.decode()
    (shown,) = client_for(shop.tenant, owner).get(f"/api/v1/orders/{order['code']}/").json()["disputes"]
    assert (shown["status"], shown["amount"], shown["withdrawn"]) == ("review", "25.00", True)
    assert "disputes" not in shop.state(order)
