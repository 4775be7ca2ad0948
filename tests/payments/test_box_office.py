"""Selling at a counter: cash or given away, by people who may, and never what is not there."""

from datetime import timedelta

from django.core import mail
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.events.grants import grant
from tenant_apps.orders.models import Order
from tenant_apps.payments.models import LedgerEntry
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, make_variant, owner_of

API = "/api/v1/box-office/orders/"


def lines(*types, quantity=1):
    return [{"ticket_type": kind.pk, "quantity": quantity} for kind in types]


def sell(client, body, key="key-1"):
    return client.post(API, {"payment": "cash", **body}, format="json", HTTP_IDEMPOTENCY_KEY=key)


def test_cash_pays_at_once_and_the_codes_are_in_the_answer(alpha, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1200, capacity=3)
    client = client_for(alpha, owner_of(alpha))
    answer = sell(client, {"lines": lines(kind, quantity=2)})
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert (shown["status"], shown["total"], shown["email"]) == ("paid", "24.00", "")
    assert all(ticket["code"].startswith("FOYER1.") for ticket in shown["tickets"])
    assert [(one["provider"], one["status"], one["amount"]) for one in shown["payments"]] == [
        ("cash", "succeeded", "24.00")
    ]
    # The same key again sells nothing more.
    assert sell(client, {"lines": lines(kind, quantity=2)}).json()["code"] == shown["code"]
    with in_tenant(alpha):
        order = Order.objects.get()
        assert (order.channel, kind.quotas.get().sold) == ("box_office", 2)
        assert LedgerEntry.objects.get().amount_minor == 2400
        deliver_due()
    assert mail.outbox == []
    assert breaches_in(alpha) == []
    refused = sell(client, {"lines": lines(kind, quantity=2)}, key="key-2")
    assert (refused.status_code, refused.json()["code"]) == (409, "sold_out")


def test_who_leaves_an_address_gets_the_tickets_by_mail_too(alpha, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type()
    sell(client_for(alpha, owner_of(alpha)), {"lines": lines(kind), "email": "ada@example.test"})
    with in_tenant(alpha):
        deliver_due()
    assert [message.to for message in mail.outbox] == [["ada@example.test"]]


def test_who_takes_goods_away_is_not_told_that_they_will_be_sent(alpha, client_for):
    with in_tenant(alpha):
        mug = make_variant("Mug")
    body = {"lines": [{"variant": mug.pk, "quantity": 1}], "email": "ada@example.test"}
    sell(client_for(alpha, owner_of(alpha)), body)
    with in_tenant(alpha):
        deliver_due()
    (letter,) = [each for each in mail.outbox if each.to == ["ada@example.test"]]
    assert "Mug" in letter.body and "on their way" not in letter.body


def test_what_is_given_away_costs_nothing_and_takes_its_place(alpha, client_for):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1200, tax_rate=20, capacity=5)
    body = {"lines": lines(kind), "payment": "complimentary", "name": "Press"}
    shown = sell(client_for(alpha, owner_of(alpha)), body).json()
    assert (shown["status"], shown["total"], shown["discount"], shown["tax"]) == ("paid", "0.00", "12.00", "0.00")
    assert shown["payments"] == []
    with in_tenant(alpha):
        line = Order.objects.get().lines.get()
        assert (line.applied[0]["kind"], line.unit_price_minor, kind.quotas.get().sold) == ("complimentary", 1200, 1)
    assert breaches_in(alpha) == []


def test_the_counter_sells_hidden_types_after_the_online_sale_and_no_fee_is_charged(alpha, client_for):
    past = timezone.now() - timedelta(hours=1)
    alpha.preferences = {"service_fee_fixed": "1.00", "service_fee_paid_by": "buyer", "guest_checkout": False}
    alpha.save()
    with in_tenant(alpha):
        event = make_event(starts_at=past)
        kind = make_ticket_type(event, hidden=True, sale_ends_at=past, min_per_order=4, max_per_order=4)
    shown = sell(client_for(alpha, owner_of(alpha)), {"lines": lines(kind)}).json()
    assert (shown["status"], shown["total"], shown["fees"]) == ("paid", "12.00", "0.00")


def test_goods_go_over_the_counter(alpha, client_for):
    with in_tenant(alpha):
        mug = make_variant("Mug", price_minor=700, capacity=2)
    shown = sell(client_for(alpha, owner_of(alpha)), {"lines": [{"variant": mug.pk, "quantity": 2}]}).json()
    assert (shown["status"], shown["total"], shown["lines"][0]["fulfilment"]) == ("paid", "14.00", "delivered")
    assert breaches_in(alpha) == []


def test_only_who_may_change_orders_of_the_event_sells_its_tickets(alpha, client_for):
    clerk, helper = make_user(), make_user()
    with in_tenant(alpha):
        mine, other = make_ticket_type(), make_ticket_type()
        mug = make_variant(capacity=2)
        grant(mine.event, clerk, "change_orders", actor=None)
        grant(mine.event, helper, "view_orders", actor=None)
    client = client_for(alpha, clerk)
    assert sell(client, {"lines": lines(mine)}).status_code == 201
    for number, body in enumerate(({"lines": lines(other)}, {"lines": [{"variant": mug.pk, "quantity": 1}]})):
        refused = sell(client, body, key=f"other-{number}")
        assert (refused.status_code, refused.json()["code"]) == (400, "does_not_exist")
    assert sell(client_for(alpha, helper), {"lines": lines(mine)}).status_code == 404
    assert sell(client_for(alpha, make_user()), {"lines": lines(mine)}).status_code == 404
    assert sell(client_for(alpha), {"lines": lines(mine)}).status_code == 401
    with in_tenant(alpha):
        assert Order.objects.count() == 1


def test_what_the_counter_cannot_sell_is_refused_by_its_code(alpha, client_for):
    with in_tenant(alpha):
        draft = make_ticket_type(make_event(published=False))
        cancelled = make_ticket_type(make_event(status="cancelled"))
        kind = make_ticket_type()
    client = client_for(alpha, owner_of(alpha))
    for number, (body, code) in enumerate(
        (
            ({"lines": lines(draft)}, "does_not_exist"),
            ({"lines": lines(cancelled)}, "not_on_sale"),
            ({"lines": lines(kind, quantity=0)}, None),
            ({"lines": lines(kind, quantity=10**30)}, None),
            ({"lines": lines(kind, quantity=21)}, "too_many_tickets"),
            ({"lines": lines(kind), "payment": "card"}, None),
            ({"lines": [{**lines(kind)[0], "price": "1.00"}]}, "price_not_allowed"),
            ({"lines": []}, None),
        )
    ):
        refused = sell(client, body, key=f"key-{number}")
        assert refused.status_code in (400, 409), body
        assert code is None or refused.json()["code"] == code, refused.content


def test_the_till_sells_and_shows_the_codes_at_once(alpha, page_for):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Night of Strings"), price_minor=1250, capacity=5)
        event = kind.event
    page = page_for(alpha, owner_of(alpha))
    assert page.get("/dashboard/box-office/")["Location"] == f"/dashboard/box-office/{event.slug}/"
    place = f"/dashboard/box-office/{event.slug}/"
    assert "5 left" in page.get(place).content.decode()
    form = {"key": "k", "way": "cash", f"quantity_{kind.pk}": "2", "given": "30"}
    assert "€25.00" in page.post(f"{place}total/", form).content.decode()
    answer = page.post(place, form, follow=True)
    text = answer.content.decode()
    assert "Give back <strong>€5.00" in text
    assert text.count('class="qr"') + text.count("<svg") >= 2
    # A second tap is the same sale.
    assert page.post(place, form)["Location"].split("?")[0] == answer.redirect_chain[-1][0].split("?")[0]
    with in_tenant(alpha):
        assert Order.objects.count() == 1
    refused = page.post(place, {**form, "key": "k2", f"quantity_{kind.pk}": "4"})
    assert refused.status_code in (400, 409)
    assert page.post(place, {**form, "key": "k3", f"quantity_{kind.pk}": "0"}).status_code == 400


def test_the_till_sells_goods_beside_tickets_and_alone(alpha, page_for):
    clerk = make_user()
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=1250, capacity=5)
        mug = make_variant("Mug", price_minor=700, capacity=5)
        cups = make_variant("Paper cups", price_minor=10, capacity=30, min_quantity=12, order_multiple=6)
        yen = make_variant("Fan", currency="JPY")
        off = make_variant("Off sale", published=False)
        place = f"/dashboard/box-office/{kind.event.slug}/"
        grant(kind.event, clerk, "change_orders", actor=None)
    page = page_for(alpha, owner_of(alpha))
    shown = page.get(place).content.decode()
    assert "Mug" in shown and 'data-least="12" data-step="6"' in shown
    assert f"goods_{yen.pk}" not in shown and f"goods_{off.pk}" not in shown
    both = {"key": "k", "way": "cash", f"quantity_{kind.pk}": "1", f"goods_{mug.pk}": "2"}
    assert "€26.50" in page.post(f"{place}total/", both).content.decode()
    assert "2 × Mug" in page.post(place, both, follow=True).content.decode()
    alone = page.post(place, {"key": "k2", "way": "cash", f"goods_{cups.pk}": "12"}, follow=True)
    assert "12 × Paper cups" in alone.content.decode()
    assert page.get(place).content.decode().count("/receipts/") == 2
    refused = page.post(place, {"key": "k3", "way": "cash", f"goods_{cups.pk}": "7"})
    assert refused.status_code == 400 and 'value="7"' in refused.content.decode()
    assert breaches_in(alpha) == []
    # Who may sell one event's tickets sells nothing else, and does not see what else was sold.
    other = page_for(alpha, clerk)
    seen = other.get(place).content.decode()
    assert "Mug" not in seen and seen.count("/receipts/") == 1
    other.post(place, {"key": "k4", "way": "cash", f"goods_{mug.pk}": "1"})
    with in_tenant(alpha):
        mug.refresh_from_db()
        assert (mug.sold, Order.objects.count()) == (2, 2)
        goods_only = Order.objects.exclude(lines__event__isnull=False).get()
        mixed = Order.objects.exclude(pk=goods_only.pk).get()
    assert other.get(f"{place}receipts/{goods_only.code}/").status_code == 404
    assert "Mug" not in other.get(f"{place}receipts/{mixed.code}/").content.decode()


def test_a_receipt_opens_an_order_only_for_who_may_sell_all_that_is_in_it(alpha, client_for, page_for):
    clerk = make_user()
    with in_tenant(alpha):
        mine, other = make_ticket_type(price_minor=1200), make_ticket_type(price_minor=5000)
        grant(mine.event, clerk, "change_orders", actor=None)
    owner = owner_of(alpha)
    both = sell(client_for(alpha, owner), {"lines": lines(mine, other)}, key="both").json()
    own = sell(client_for(alpha, owner), {"lines": lines(mine)}, key="own").json()

    def receipt(user, order):
        place = f"/dashboard/box-office/{mine.event.slug}/receipts/{order['code']}/"
        return page_for(alpha, user).get(place).content.decode()

    assert own["secret"] in receipt(clerk, own) and both["secret"] in receipt(owner, both)
    assert both["code"] in receipt(clerk, both) and both["secret"] not in receipt(clerk, both)


def test_a_receipt_shows_nothing_that_was_not_sold_at_the_counter(alpha, page_for):
    clerk = make_user()
    with in_tenant(alpha):
        order = make_paid_order()
        event = order.lines.get().event
        grant(event, clerk, "change_orders", actor=None)
    assert page_for(alpha, clerk).get(f"/dashboard/box-office/{event.slug}/").status_code == 200
    assert page_for(alpha, clerk).get(f"/dashboard/box-office/{event.slug}/receipts/{order.code}/").status_code == 404
    assert page_for(alpha, make_user()).get(f"/dashboard/box-office/{event.slug}/").status_code in (403, 404)
