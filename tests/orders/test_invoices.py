"""Invoices and credit notes: numbered without a gap, fixed when issued, opened by their owner only."""

import io
from typing import Any

import pytest
from django.db import transaction
from pypdf import PdfReader

from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders import invoices
from tenant_apps.orders.errors import NothingToInvoice
from tenant_apps.orders.invoice_models import DocumentCounter, Invoice
from tenant_apps.orders.invoice_pdf import pdf
from tenant_apps.payments.refunds import cancel_order, refund_order
from tenant_apps.payments.services import mark_paid
from tenant_apps.staff.site_settings import change_settings
from tenants.context import in_tenant
from tests.factories import (
    make_delivery,
    make_event,
    make_order,
    make_paid_order,
    make_ticket_type,
    make_user,
    make_variant,
    owner_of,
)


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def setting(tenant: Any, **changes: Any) -> None:
    change_settings(changes, actor=owner_of(tenant))
    tenant.refresh_from_db()


@pytest.fixture
def with_settings(alpha):
    """Change settings of alpha and enter it anew, as the next request would."""

    def change(**changes: Any) -> Any:
        with in_tenant(alpha):
            setting(alpha, **changes)
        return in_tenant(alpha)

    return change


def test_each_paid_order_has_the_next_number(in_alpha):
    numbers = [make_paid_order().invoices.get().number for _ in range(3)]
    assert numbers == ["INV-1", "INV-2", "INV-3"]
    assert AuditEntry.objects.filter(topic="order.invoice_issued").count() == 3


def test_free_and_unpaid_orders_have_no_invoice(in_alpha):
    free = make_order(make_ticket_type(price_minor=0))
    unpaid = make_order()
    assert not Invoice.objects.exists()
    for order in (free, unpaid):
        with pytest.raises(NothingToInvoice):
            invoices.issue(order, by_staff=True)
    assert not DocumentCounter.objects.exists()


def test_a_payment_that_is_rolled_back_takes_its_number_with_it(in_alpha):
    first, second = make_order(), make_order()
    with pytest.raises(RuntimeError), transaction.atomic():
        mark_paid(first)
        assert first.invoices.get().number == "INV-1"
        raise RuntimeError
    mark_paid(second)
    assert [each.number for each in Invoice.objects.all()] == ["INV-1"]
    assert Invoice.objects.get().order == second


def test_what_is_issued_neither_changes_nor_goes(in_alpha):
    invoice = make_paid_order().invoices.get()
    invoice.number = "INV-9"
    with pytest.raises(TypeError):
        invoice.save()
    with pytest.raises(TypeError):
        invoice.delete()


def test_the_paper_stays_as_it_was_whatever_is_changed_later(in_alpha):
    order = make_paid_order(make_ticket_type(make_event("Gala"), price_minor=2500))
    invoice = order.invoices.get()
    before = pdf(invoice)
    order.lines.update(title="Something else", total_minor=1)
    setting(in_alpha, seller_name="Another seller", colour="#ff0000")
    assert pdf(Invoice.objects.get()) == before
    assert "Gala" in text_of(before)


def test_the_paper_says_who_sold_what_to_whom_at_which_tax(alpha, with_settings):
    with with_settings(
        seller_name="Alpha Bühnen GmbH", seller_address=["Hafenstraße 1", "10115 Berlin"], seller_tax_id="DE123456789",
        invoice_prefix="RE/2026-", invoice_start=41, invoice_footer=["Bank: Sparkasse"],
    ):  # fmt: skip
        event = make_event("Sommerfest")
        kind = make_ticket_type(event, price_minor=1190, tax_rate=19)
        order = make_order(kind, quantity=3)
        order.name = "Ada Lovelace"
        order.save()
        mark_paid(order)
        invoice = order.invoices.get()
        text = text_of(pdf(invoice))
    assert invoice.number == "RE/2026-41"
    assert (invoice.total_minor, invoice.tax_minor) == (3570, 570)
    for said in (
        "Alpha Bühnen GmbH", "Hafenstraße 1", "DE123456789", "RE/2026-41", order.code, "Ada Lovelace", order.email,
        "Sommerfest", "€11.90", "€35.70", "€30.00", "€5.70", "19%", "Bank: Sparkasse",
    ):  # fmt: skip
        assert said in text, said


def test_russian_paper_is_in_russian_letters(alpha, with_settings):
    with with_settings(seller_name="ООО «Волга»", seller_address=["г. Самара"], language="ru"):
        order = make_paid_order(make_ticket_type(make_event("Концерт на набережной")))
        assert order.language == "ru"
        text = text_of(pdf(order.invoices.get()))
    for said in ("Счёт INV-1", "ООО «Волга»", "г. Самара", "Концерт на набережной", "Итого"):
        assert said in text, said


def test_what_the_font_lacks_and_what_cannot_be_seen_does_not_break_the_paper(in_alpha):
    order = make_order(make_ticket_type(make_event("Jazz 日本 🎷")))
    order.name = "Ada\x07\u202e <b>**Lovelace**</b>\n%s"
    order.save()
    mark_paid(order)
    text = text_of(pdf(order.invoices.get()))
    assert "Ada <b>**Lovelace**</b>" in text
    assert "Jazz" in text


def test_a_long_order_goes_on_over_pages(in_alpha):
    event = make_event("Festival")
    kinds = [make_ticket_type(event, name=f"Kind {number}", price_minor=100 + number) for number in range(20)]
    orders = [make_order(kind) for kind in kinds]
    mark_paid(orders[0])
    invoice = orders[0].invoices.get()
    line = invoice.data["lines"][0]
    invoice.data["lines"] = [{**line, "title": f"Line {number}"} for number in range(90)]
    document = PdfReader(io.BytesIO(pdf(invoice)))
    assert len(document.pages) > 2
    assert "Line 89" in document.pages[-1].extract_text() + document.pages[-2].extract_text()


def test_goods_their_delivery_and_its_address_are_on_the_paper(in_alpha):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order
    from tenant_apps.orders.goods import Delivery

    shirt, courier = make_variant("Mug", price_minor=1500), make_delivery(price_minor=490)
    where = Delivery(
        method=courier.pk, name="Ada", street="Hafenstraße", house="5", apartment="3", postcode="10115", city="Berlin"
    )
    order = place_order(
        Basket(email="a@example.test", lines=[BasketLine(variant=shirt.pk, quantity=2)], delivery=where)
    )
    mark_paid(order)
    invoice = order.invoices.get()
    assert invoice.data["buyer"]["address"] == ["Hafenstraße 5, 3", "10115 Berlin"]
    assert [(each["title"], each["quantity"], each["total"]) for each in invoice.data["lines"]] == [
        ("Mug", 2, 3000),
        ("Courier", 1, 490),
    ]
    assert invoice.total_minor == order.total_minor == 3490


def test_delivery_has_the_tenants_rate_and_the_sums_of_the_rates_are_the_orders(alpha, with_settings):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order
    from tenant_apps.orders.goods import Delivery

    with with_settings(tax_rate="19"):
        mug, courier = make_variant("Mug", price_minor=999), make_delivery(price_minor=490)
        kind = make_ticket_type(price_minor=1070, tax_rate=7)
        lines = [BasketLine(variant=mug.pk), BasketLine(ticket_type=kind.pk)]
        where = Delivery(method=courier.pk, name="Ada", street="Strand", city="London")
        order = place_order(Basket(email="a@example.test", lines=lines, delivery=where))
        mark_paid(order)
        data = order.invoices.get().data
    assert {each["title"]: each["rate"] for each in data["lines"]}["Courier"] == "19"
    assert [(row["rate"], row["gross"]) for row in data["taxes"]] == [("7", 1070), ("19", 1489)]
    assert (data["total"], data["tax"]) == (order.total_minor, order.tax_minor)


# --- Credit notes ---------------------------------------------------------------------------------------------------


def test_money_that_goes_back_has_a_credit_note_with_its_tax(in_alpha):
    order = make_paid_order(make_ticket_type(price_minor=1190, tax_rate=19), quantity=2)
    refund_order(order, 1190)
    note = order.invoices.get(kind="credit_note")
    assert note.number == "CN-2"
    assert (note.total_minor, note.tax_minor) == (1190, 190)
    assert note.corrects == order.invoices.get(kind="invoice")
    assert "INV-1" in text_of(pdf(note))


def test_credit_notes_never_take_back_more_than_was_invoiced_and_all_of_its_tax(in_alpha):
    order = make_paid_order(make_ticket_type(price_minor=999, tax_rate=7), quantity=3)
    for part in (100, 333, 1, 1999):
        refund_order(order, part)
    refund_order(order)
    invoice = order.invoices.get(kind="invoice")
    notes = order.invoices.filter(kind="credit_note")
    assert sum(note.total_minor for note in notes) == invoice.total_minor == 2997
    assert sum(note.tax_minor for note in notes) == invoice.tax_minor
    assert [each.sequence for each in order.invoices.all()] == [1, 2, 3, 4, 5, 6]


def test_a_cancelled_order_has_one_credit_note_over_what_comes_back(in_alpha):
    event = make_event(refund_tiers=[{"days": 3, "percent": 50}])
    order = cancel_order(make_paid_order(make_ticket_type(event, price_minor=2501)))
    note = order.invoices.get(kind="credit_note")
    assert note.total_minor == order.refunded_minor == 1251


def test_a_credit_note_lists_the_line_that_was_cancelled_even_after_another(in_alpha):
    from tenant_apps.orders.cancelling import lines_of
    from tenant_apps.payments.line_refunds import cancel_lines

    event = make_event(refund_tiers=[{"days": 3, "percent": 50}])
    order = make_paid_order(make_ticket_type(event, price_minor=1000, tax_rate=19), quantity=3)
    lines = lines_of(order)
    for line in lines[:2]:
        cancel_lines(order, [line.pk])
    notes = order.invoices.filter(kind="credit_note")
    assert [[(each["key"], each["total"]) for each in note.data["lines"]] for note in notes] == [
        [(str(line.pk), 500)] for line in lines[:2]
    ]


def test_money_that_never_paid_the_order_is_not_credited(in_alpha):
    from tenant_apps.payments.services import intend, settle

    order = make_order()
    one, two = intend(order, "manual"), intend(order, "manual")
    settle(one, "succeeded", reference="one")
    settle(two, "succeeded", reference="two")
    refund_order(order, 1200)
    from tenant_apps.payments.models import Refund
    from tenant_apps.payments.refunds import carry_out

    for refund in Refund.objects.all():
        carry_out(refund)
    order.refresh_from_db()
    credited = sum(note.total_minor for note in order.invoices.filter(kind="credit_note"))
    assert credited == order.refunded_minor


# --- On request -----------------------------------------------------------------------------------------------------


def test_on_request_the_buyer_asks_and_says_whom_it_is_for(alpha, with_settings, page_for):
    with with_settings(invoices="on_request"):
        order = make_paid_order()
        assert not order.invoices.exists()
    page = page_for(alpha)
    assert "Get an invoice" in page.get(f"/orders/{order.code}/{order.secret}/").content.decode()
    body = {"name": "Ada GmbH", "address": "Street 1\n10115 Berlin", "tax_id": "DE9"}
    for _twice in range(2):
        answer = page.post(f"/orders/{order.code}/{order.secret}/invoice/", body)
        assert answer.status_code == 302
    with in_tenant(alpha):
        invoice = order.invoices.get()
        assert "Ada GmbH" in text_of(pdf(invoice))
        assert invoice.data["buyer"]["address"] == ["Street 1", "10115 Berlin"]


def test_an_invoice_that_is_asked_for_after_a_refund_is_credited_at_once(alpha, with_settings):
    with with_settings(invoices="on_request"):
        order = make_paid_order(make_ticket_type(price_minor=1000))
        refund_order(order, 400)
        invoices.issue(order)
        assert [(each.kind, each.total_minor) for each in order.invoices.all()] == [
            ("invoice", 1000),
            ("credit_note", 400),
        ]


def test_where_invoices_are_off_only_staff_issue_one(alpha, with_settings, client_for):
    with with_settings(invoices="off"):
        order = make_paid_order()
    guest = client_for(alpha)
    answer = guest.post(f"/api/v1/orders/{order.code}/invoices/?secret={order.secret}", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_invoice")
    answer = client_for(alpha, owner_of(alpha)).post(f"/api/v1/orders/{order.code}/invoices/", {}, format="json")
    assert (answer.status_code, answer.json()["number"]) == (201, "INV-1")


# --- The doors ------------------------------------------------------------------------------------------------------


def test_the_file_opens_for_its_buyer_and_for_staff_and_for_nobody_else(alpha, beta, client_for):
    buyer = make_user()
    with in_tenant(alpha):
        order = make_paid_order(user=buyer)
        refund_order(order, 200)
    path = f"/api/v1/orders/{order.code}/invoice.pdf"
    for client, query in (
        (client_for(alpha, buyer), ""),
        (client_for(alpha), f"?secret={order.secret}"),
        (client_for(alpha, owner_of(alpha)), ""),
    ):
        answer = client.get(path + query)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/pdf"
        assert "no-store" in answer["Cache-Control"]
        assert answer.content.startswith(b"%PDF")
    for client, query in (
        (client_for(alpha), ""),
        (client_for(alpha), "?secret=wrong"),
        (client_for(alpha, make_user()), ""),
        (client_for(beta, owner_of(beta)), ""),
        (client_for(beta), f"?secret={order.secret}"),
    ):
        assert client.get(path + query).status_code == 404
    note = client_for(alpha, buyer).get(f"{path}?number=CN-2")
    assert "CN-2" in text_of(note.content)
    assert client_for(alpha, buyer).get(f"{path}?number=CN-3").status_code == 404


def test_the_list_names_each_document(alpha, client_for):
    with in_tenant(alpha):
        order = make_paid_order()
        refund_order(order, 200)
    answer = client_for(alpha).get(f"/api/v1/orders/{order.code}/invoices/?secret={order.secret}")
    assert [(each["number"], each["kind"], each["total"], each["corrects"]) for each in answer.json()] == [
        ("INV-1", "invoice", "12.00", None),
        ("CN-2", "credit_note", "2.00", "INV-1"),
    ]


def test_staff_of_one_event_do_not_open_a_paper_that_shows_another(alpha, client_for, page_for):
    from tenant_apps.events.grants import grant
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    helper = make_user()
    with in_tenant(alpha):
        kinds = [make_ticket_type(make_event()) for _ in range(2)]
        lines = [BasketLine(ticket_type=kind.pk) for kind in kinds]
        both = place_order(Basket(email="b@example.test", lines=lines))
        mark_paid(both)
        one = make_paid_order(kinds[0])
        grant(kinds[0].event, helper, "view_orders", actor=owner_of(alpha))
        papers = {order.code: order.invoices.get() for order in (both, one)}
    for order, status in ((both, 404), (one, 200)):
        assert client_for(alpha, helper).get(f"/api/v1/orders/{order.code}/invoice.pdf").status_code == status
        page = f"/dashboard/orders/{order.code}/invoices/{papers[order.code].pk}.pdf"
        assert page_for(alpha, helper).get(page).status_code == status


def test_the_pages_lead_to_the_papers(alpha, page_for):
    with in_tenant(alpha):
        order = make_paid_order()
        paper = order.invoices.get()
    mine = page_for(alpha).get(f"/orders/{order.code}/{order.secret}/").content.decode()
    address = f"/orders/{order.code}/{order.secret}/invoice.pdf?number=INV-1"
    assert address in mine
    answer = page_for(alpha).get(address)
    assert answer.content.startswith(b"%PDF")
    assert "no-store" in answer["Cache-Control"]
    staff = page_for(alpha, owner_of(alpha))
    theirs = f"/dashboard/orders/{order.code}/invoices/{paper.pk}.pdf"
    assert theirs in staff.get(f"/dashboard/orders/{order.code}/").content.decode()
    assert staff.get(theirs).content.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("invoice_prefix", "INV1"), ("invoice_prefix", "a" * 21), ("invoice_prefix", 5), ("invoice_start", 0),
        ("invoices", "always"), ("seller_address", ["x"] * 7), ("seller_address", [""]), ("seller_name", "a\nb"),
        ("order_email", "nobody"), ("invoice_footer", "text"),
    ],
)  # fmt: skip
def test_settings_that_make_no_paper_are_refused(alpha, client_for, name, value):
    answer = client_for(alpha, owner_of(alpha)).patch("/api/v1/settings/", {name: value}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, name)


def test_numbers_go_on_when_the_prefix_changes_and_never_back(alpha, with_settings):
    with with_settings(invoice_start=10):
        assert make_paid_order().invoices.get().number == "INV-10"
    with with_settings(invoice_prefix="2027/", invoice_start=3):
        assert make_paid_order().invoices.get().number == "2027/11"
