"""A retail buyer's whole way by the pages: an account, the catalog, the cart, the address, thanks, the mail, the order.

The seed scenario "log in, register with email, confirm, address, email, open order" without anybody at the dashboard.
"""

import re

import pytest
from django.core import mail

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.catalog.models import DeliveryMethod, Product, ProductCategory, ProductVariant
from tenant_apps.orders.models import Order
from tenant_apps.payments.services import mark_paid
from tenant_apps.reports.invariants import breaches_in
from tenants.context import in_tenant
from tests.accounts.helpers import code_in, letters_to
from tests.factories import PASSWORD
from tests.pages.test_cart_pages import typed_in
from tests.pages.test_storefront import text_of

ADDRESS = {"to_name": "Ada Lovelace", "to_city": "London", "to_street": "Strand", "to_house": "1", "to_phone": "+44 1"}


@pytest.fixture
def goods(alpha):
    with in_tenant(alpha):
        phones = ProductCategory.objects.create(name="Phones", slug="phones", lineage=["phones"])
        product = Product.objects.create(
            name="Smart phone", slug="smart-phone", category=phones, price_minor=30000, currency="EUR", weight_grams=300
        )
        DeliveryMethod.objects.create(name="Courier", kind="courier", currency="EUR", price_minor=900)
        return ProductVariant.objects.create(
            product=product, name="black", sku="P-1", capacity=20, min_quantity=2, order_multiple=2
        )


def test_a_retail_buyer_registers_chooses_orders_and_opens_the_order(alpha, page_for, goods):
    buyer = page_for(alpha, enforce_csrf_checks=True)

    def send(path, typed, page=None):
        """Send a form with the token of the page that it stands on."""
        html = (page or buyer.get(path)).content.decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)[1]
        return buyer.post(path, {**typed, "csrfmiddlewaretoken": token}, follow=True)

    # An account, confirmed by the code in the letter.
    person = {"name": "Ada Lovelace", "email": "ada@example.test", "password1": PASSWORD, "password2": PASSWORD}
    send("/account/register/", person)
    code = code_in(letters_to("ada@example.test")[0])
    send("/account/confirm/", {"email": "ada@example.test", "code": code})
    send("/account/login/", {"email": "ada@example.test", "password": PASSWORD})

    # The catalog, a product, the cart. The partner sells in pairs.
    assert "Smart phone" in text_of(buyer.get("/products/"))
    path = f"/products/{goods.product.slug}/"
    card = buyer.get(path)
    assert "In multiples of 2" in text_of(card) and "At least 2 per order" in text_of(card)
    odd = send(f"{path}add/", {f"variant_{goods.pk}": "3"}, card)
    assert "in multiples of 2" in text_of(odd)
    cart = send(f"{path}add/", {f"variant_{goods.pk}": "4"}, card)
    assert cart.redirect_chain[-1][0] == "/cart/" and "€1,200" in text_of(cart)

    # The address and the confirmation.
    page = buyer.get("/checkout/")
    assert 'value="ada@example.test"' in page.content.decode()
    thanks = send("/checkout/", typed_in(page, keep_address="on", **ADDRESS), page)
    words = text_of(thanks)
    assert "Thank you, Ada!" in words and "€1,209" in words and "Courier: Strand 1, London" in words
    with in_tenant(alpha):
        order = Order.objects.get()
        deliver_due()
    letters = [
        letter for letter in mail.outbox if letter.to == ["Ada <ada@example.test>"] and order.code in letter.body
    ]
    assert letters, [(letter.to, letter.subject) for letter in mail.outbox]
    assert f"/orders/{order.code}/" in letters[0].body

    # The list of orders, and the order; when its money is there, the next letter says that the goods are packed.
    listed = buyer.get("/orders/")
    assert order.code in text_of(listed)
    shown = buyer.get(f"/orders/{order.code}/", follow=True)
    assert "Smart phone: black × 4" in text_of(shown) and "Awaiting payment" in text_of(shown)
    before = len(mail.outbox)
    with in_tenant(alpha):
        mark_paid(order)
        deliver_due()
    confirmed = [letter for letter in mail.outbox[before:] if "ada@example.test" in letter.to[0]]
    assert confirmed and "Smart phone" in confirmed[0].body
    assert "To be packed" in text_of(buyer.get(f"/orders/{order.code}/", follow=True))
    with in_tenant(alpha):
        goods.refresh_from_db()
        assert (goods.held, goods.sold) == (0, 4)
        order.refresh_from_db()
        assert order.delivery["house"] == "1" and order.user_id is not None
    assert breaches_in(alpha) == []

    # Next time the address is there already.
    send(f"{path}add/", {f"variant_{goods.pk}": "2"}, buyer.get(path))
    assert "Strand 1, London" in text_of(buyer.get("/checkout/"))
