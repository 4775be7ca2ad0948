"""The cart and the checkout by plain forms, without JavaScript."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.catalog.models import DeliveryMethod
from tenant_apps.events import details
from tenant_apps.events.models import Question
from tenant_apps.orders.models import Cart, CartLine, Order
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing.models import Quota
from tenants.context import in_tenant
from tests.factories import make_event, make_ticket_type, make_user
from tests.orders.shops import make_shirt
from tests.pages.test_storefront import text_of


def typed_in(page, **more):
    """What a browser sends of the checkout's form, with what somebody typed."""
    html = page.content.decode()
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', html) for name in ("key", "told")}
    hidden = {name: one[1].replace("&quot;", '"') for name, one in found.items() if one}
    radios = re.findall(r'name="(method|provider|address)" value="([^"]+)" checked', html)
    return {**hidden, **dict(radios), "email": "ada@example.test", "name": "Ada", **more}


@pytest.fixture
def kind(alpha):
    with in_tenant(alpha):
        return make_ticket_type(make_event("Gala"), price_minor=2500, capacity=5)


@pytest.fixture
def shirt(alpha):
    with in_tenant(alpha):
        DeliveryMethod.objects.create(name="Courier", kind="courier", currency="EUR", price_minor=500)
        DeliveryMethod.objects.create(name="Shop", kind="pickup", currency="EUR", price_minor=0)
        return make_shirt()


def choose(client, kind, quantity=2, **more):
    return client.post(f"/events/{kind.event.slug}/", {f"quantity_{kind.pk}": quantity, **more})


def test_chosen_tickets_lead_to_the_checkout_and_to_thanks(alpha, page_for, kind):
    client = page_for(alpha)
    chosen = choose(client, kind)
    assert chosen.status_code == 302 and chosen["Location"] == "/checkout/"
    assert client.cookies["cart"]["httponly"] and client.cookies["cart"]["samesite"] == "Lax"
    page = client.get("/checkout/")
    words = text_of(page)
    assert "2 × Gala: Standard" in words and "€50" in words and "Held for you until" in words
    done = client.post("/checkout/", typed_in(page))
    assert done.status_code == 302 and done["Location"].endswith("/thanks/"), text_of(done)
    thanks = text_of(client.get(done["Location"]))
    assert "Thank you, Ada!" in thanks and "€50" in thanks and "Pay and give the order code" in thanks
    with in_tenant(alpha):
        assert Order.objects.get().status == "pending" and Cart.objects.count() == 0
    assert client.cookies["cart"].value == ""
    assert breaches_in(alpha) == []


def test_the_same_form_sent_again_adds_nothing_and_orders_nothing_more(alpha, page_for, kind):
    client = page_for(alpha)
    key = re.search(r'name="key" value="([^"]+)"', client.get("/events/" + kind.event.slug + "/").content.decode())[1]
    choose(client, kind, key=key)
    choose(client, kind, key=key)
    with in_tenant(alpha):
        assert CartLine.objects.get().quantity == 2
    page = client.get("/checkout/")
    body = typed_in(page)
    first, second = client.post("/checkout/", body), client.post("/checkout/", body)
    assert first["Location"] == second["Location"]
    with in_tenant(alpha):
        assert Order.objects.count() == 1
    assert client.post("/checkout/", {**body, "key": "another"})["Location"] == "/cart/"


def test_the_cart_shows_changes_and_removes(alpha, page_for, kind, shirt):
    client = page_for(alpha)
    assert choose(client, kind, 1, stay="1")["Location"] == "/cart/"
    added = client.post(f"/products/{shirt.product.slug}/add/", {f"variant_{shirt.pk}": "3"}, follow=True)
    words = text_of(added)
    assert "It is in your cart." in words and "T-shirt" in words and "€85" in words
    assert 'aria-label="Cart, 4 things"' in added.content.decode()
    with in_tenant(alpha):
        tickets, goods = CartLine.objects.order_by("pk")
    assert "€65" in text_of(client.post(f"/cart/lines/{goods.pk}/", {"quantity": "2"}, follow=True))
    for quantity in ("", "x", "-1", "9" * 5000, "١"):
        refused = client.post(f"/cart/lines/{goods.pk}/", {"quantity": quantity}, follow=True)
        assert "whole number" in text_of(refused)
    sold_out = client.post(f"/cart/lines/{tickets.pk}/", {"quantity": "6"}, follow=True)
    assert "sold out" in text_of(sold_out)
    assert "€40" in text_of(client.post(f"/cart/lines/{tickets.pk}/", {"remove": "1"}, follow=True))
    assert "nothing in it yet" in text_of(client.post("/cart/empty/", follow=True))
    assert breaches_in(alpha) == []


def test_goods_ask_for_delivery_and_an_address(alpha, page_for, kind, shirt):
    client = page_for(alpha)
    choose(client, kind)
    client.post(f"/products/{shirt.product.slug}/add/", {f"variant_{shirt.pk}": "1"})
    page = client.get("/checkout/")
    body = typed_in(page)
    unsaid = client.post("/checkout/", body)
    assert unsaid.status_code == 400 and "Choose how the goods reach you." in text_of(unsaid)
    with in_tenant(alpha):
        courier, shop = DeliveryMethod.objects.order_by("pk")
    assert json.loads(body["told"]) == {"total": 7000, "ways": [[courier.pk, 7500], [shop.pk, 7000]]}
    nameless = client.post("/checkout/", {**body, "method": courier.pk, "to_name": "Ada"})
    assert nameless.status_code == 400 and text_of(nameless).count("Please fill this in.") == 2
    address = {"to_name": "Ada", "to_city": "London", "to_street": "Strand"}
    done = client.post("/checkout/", {**body, "method": courier.pk, **address})
    assert done.status_code == 302, text_of(done)
    with in_tenant(alpha):
        order = Order.objects.get()
        assert order.total_minor == 7500 and order.delivery["city"] == "London"
    assert "Courier: Strand" in text_of(client.get(done["Location"]))


def test_a_saved_address_is_chosen_and_a_new_one_kept(alpha, page_for, shirt):
    from tenant_apps.orders.addresses import addresses_of, save_address

    with in_tenant(alpha):
        ann = make_user(name="Ann")
        save_address(ann, {"name": "Ann", "city": "Bonn", "street": "Allee"})
        courier = DeliveryMethod.objects.get(name="Courier")
    client = page_for(alpha, ann)
    for address, typed, city in (
        (None, {}, "Bonn"),
        ("new", {"to_name": "Ann", "to_city": "Kiel", "to_street": "Ufer", "keep_address": "on"}, "Kiel"),
    ):
        client.post(f"/products/{shirt.product.slug}/add/", {f"variant_{shirt.pk}": "1"})
        body = typed_in(client.get("/checkout/"), method=courier.pk, **typed)
        body |= {"address": address} if address else {}
        assert client.post("/checkout/", body).status_code == 302
        with in_tenant(alpha):
            assert Order.objects.order_by("-created_at")[0].delivery["city"] == city
    with in_tenant(alpha):
        assert {one.city for one in addresses_of(ann)} == {"Bonn", "Kiel"}


def test_a_price_that_rose_meanwhile_is_told_and_not_charged(alpha, page_for, kind):
    client = page_for(alpha)
    choose(client, kind)
    body = typed_in(client.get("/checkout/"))
    with in_tenant(alpha):
        type(kind).objects.filter(pk=kind.pk).update(price_minor=3000)
    told = client.post("/checkout/", body)
    assert told.status_code == 409 and "The total has changed to €60." in text_of(told)
    again = client.post("/checkout/", typed_in(told))
    assert again.status_code == 302
    with in_tenant(alpha):
        assert Order.objects.get().total_minor == 6000


@pytest.mark.parametrize("told", ["", "{}", "[]", "null", '{"total": "1"}', '{"total": 1, "ways": [[1]]}', "x" * 1999])
def test_a_form_that_tells_no_total_is_charged_by_todays_prices(alpha, page_for, kind, told):
    client = page_for(alpha)
    choose(client, kind)
    body = typed_in(client.get("/checkout/")) | {"told": told}
    assert client.post("/checkout/", body).status_code == 302
    with in_tenant(alpha):
        assert Order.objects.get().total_minor == 5000


def test_questions_are_asked_for_each_ticket_and_what_is_missing_is_marked(alpha, page_for, kind):
    with in_tenant(alpha):
        question = details.make(Question, kind.event, actor=None, text="Which glaze?", required=True)
    client = page_for(alpha)
    choose(client, kind)
    page = client.get("/checkout/")
    with in_tenant(alpha):
        line = CartLine.objects.get().pk.hex
    names = [f"answer_{line}_{number}_{question.pk}" for number in (0, 1)]
    assert all(name in page.content.decode() for name in names)
    half = client.post("/checkout/", typed_in(page, **{names[0]: "Blue"}))
    assert half.status_code == 400 and "Please answer this question." in text_of(half)
    assert 'value="Blue"' in half.content.decode()
    answered = {names[0]: "Blue", names[1]: "Green", f"name_{line}_1": "Grace"}
    done = client.post("/checkout/", typed_in(half, **answered))
    assert done.status_code == 302, text_of(done)
    with in_tenant(alpha):
        lines = list(Order.objects.get().lines.all())
    assert [one.said for one in lines] == [[("Which glaze?", "Blue")], [("Which glaze?", "Green")]]
    assert [one.attendee_name for one in lines] == ["", "Grace"]


def test_a_lapsed_cart_says_so_and_is_held_again(alpha, page_for, kind):
    client = page_for(alpha)
    choose(client, kind)
    with in_tenant(alpha):
        Cart.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "We do not hold this for you any more." in text_of(client.get("/cart/"))
    again = client.post("/cart/hold/", {"next": "/checkout/"}, follow=True)
    assert again.redirect_chain[-1][0] == "/checkout/" and "Held for you until" in text_of(again)


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil"])
def test_no_form_leads_to_another_site(alpha, page_for, kind, wanted):
    client = page_for(alpha)
    choose(client, kind)
    assert client.post("/cart/hold/", {"next": wanted})["Location"] == "/cart/"


def test_sold_out_places_that_somebody_held_too_long_are_on_the_page_though_no_job_ran(alpha, page_for, kind):
    choose(page_for(alpha), kind, 5)
    other = page_for(alpha)
    assert "Get tickets" not in text_of(other.get(f"/events/{kind.event.slug}/"))
    with in_tenant(alpha):
        Cart.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Get tickets" in text_of(other.get(f"/events/{kind.event.slug}/"))
    with in_tenant(alpha):
        assert Quota.objects.get(ticket_types=kind).held == 0


def test_a_line_that_cannot_be_bought_leads_back_to_the_cart(alpha, page_for, kind):
    client = page_for(alpha)
    choose(client, kind)
    with in_tenant(alpha):
        type(kind.event).objects.filter(pk=kind.event_id).update(status="cancelled")
    assert client.get("/checkout/")["Location"] == "/cart/"
    words = text_of(client.get("/cart/"))
    assert "Gala is not on sale." in words and "Please change or remove" in words
    assert client.post("/checkout/", {"email": "a@example.test"}).status_code == 409


def test_where_one_needs_an_account_the_cart_waits_for_the_sign_in(alpha, page_for, kind):
    with in_tenant(alpha):
        alpha.preferences["guest_checkout"] = False
        alpha.save()
        ann = make_user()
    try:
        client = page_for(alpha)
        choose(client, kind)
        assert "Please sign in to order" in text_of(client.get("/checkout/"))
        from tests.factories import sign_in

        sign_in(client, ann)
        page = client.get("/checkout/")
        assert "2 × Gala: Standard" in text_of(page)
        assert client.post("/checkout/", typed_in(page)).status_code == 302
        with in_tenant(alpha):
            assert Order.objects.get().user_id == ann.pk
    finally:
        alpha.preferences.pop("guest_checkout")
        alpha.save()


def test_a_stranger_finds_neither_the_cart_nor_its_lines(alpha, beta, page_for, kind):
    client = page_for(alpha)
    choose(client, kind)
    with in_tenant(alpha):
        line = CartLine.objects.get().pk
    stranger = page_for(alpha)
    assert "nothing in it yet" in text_of(stranger.get("/cart/"))
    assert stranger.post(f"/cart/lines/{line}/", {"remove": "1"}).status_code == 404
    neighbour = page_for(beta)
    neighbour.cookies["cart"] = client.cookies["cart"].value
    assert "nothing in it yet" in text_of(neighbour.get("/cart/"))
    stranger.cookies["cart"] = "forged.token"
    assert "nothing in it yet" in text_of(stranger.get("/cart/"))


def test_pages_without_a_cart_cost_no_statement_more(alpha, page_for, django_assert_max_num_queries):
    client = page_for(alpha)
    client.get("/cart/")
    with django_assert_max_num_queries(2):
        client.get("/cart/")


def test_a_code_is_tried_on_both_pages_and_what_was_typed_stays(alpha, page_for, kind):
    from tests.orders.shops import make_voucher

    make_voucher(alpha)
    client = page_for(alpha)
    choose(client, kind)
    assert "There is no such code." in text_of(client.post("/cart/voucher/", {"voucher": "NEVER"}, follow=True))
    assert "€40" in text_of(client.post("/cart/voucher/", {"voucher": "spring"}, follow=True))
    assert "€50" in text_of(client.post("/cart/voucher/", {"remove": "1"}, follow=True))
    body = typed_in(client.get("/checkout/"))
    wrong = client.post("/checkout/", {**body, "name": "Grace", "email": "", "voucher": "NEVER", "apply": "1"})
    assert wrong.status_code == 400 and "There is no such code." in text_of(wrong)
    assert 'value="Grace"' in wrong.content.decode() and "This field is required" not in text_of(wrong)
    # Also with the button that orders: first one sees what the code makes of the total.
    tried = client.post("/checkout/", {**body, "voucher": "spring"})
    assert tried.status_code == 200 and "€40" in text_of(tried) and "SPRING −€10" in text_of(tried)
    dropped = client.post("/checkout/", {**typed_in(tried), "drop": "1"})
    assert "€40" not in text_of(dropped)
    tried = client.post("/checkout/", {**typed_in(dropped), "voucher": "spring", "apply": "1"})
    assert client.post("/checkout/", typed_in(tried)).status_code == 302
    with in_tenant(alpha):
        assert Order.objects.get().total_minor == 4000


def test_a_code_in_an_empty_cart_opens_a_hidden_type_on_its_page(alpha, page_for, kind):
    from tests.orders.shops import make_voucher

    with in_tenant(alpha):
        hidden = make_ticket_type(kind.event, name="Friends only", hidden=True, price_minor=500)
    make_voucher(alpha, percent=0, opens_hidden=True, ticket_types=[hidden.pk])
    client, path = page_for(alpha), f"/events/{kind.event.slug}/"
    assert "Friends only" not in text_of(client.get(path))
    client.post("/cart/voucher/", {"voucher": "SPRING"})
    assert "Friends only" in text_of(client.get(path))
    assert choose(client, hidden)["Location"] == "/checkout/"
    assert "2 × Gala: Friends only" in text_of(client.get("/checkout/"))
    assert "Friends only" not in text_of(page_for(alpha).get(path))


def test_a_form_without_a_key_orders_each_time_that_it_is_sent(alpha, page_for, kind):
    client = page_for(alpha)
    places = set()
    for _time in range(2):
        choose(client, kind, 1)
        places.add(client.post("/checkout/", {"email": "ada@example.test"})["Location"])
    assert len(places) == 2
