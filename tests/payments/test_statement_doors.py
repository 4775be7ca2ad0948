"""Bank statements through the API and the pages."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenant_apps.events.grants import grant
from tenant_apps.orders.models import Order
from tenant_apps.payments import statements
from tenant_apps.payments.models import LedgerEntry, Statement
from tenant_apps.payments.tasks import book_statement
from tenants.context import in_tenant
from tests.factories import make_order, make_ticket_type, make_user, owner_of
from tests.pages.test_dashboard import text_of


@pytest.fixture
def order(alpha):
    with in_tenant(alpha):
        return make_order(make_ticket_type(price_minor=2500))


def file(order, *more, header="Date;Amount;Currency;Purpose;Payer", name="bank.csv"):
    rows = [header, f"20.11.2026;25,00;EUR;Order {order.code};Ann", "20.11.2026;3,00;EUR;a gift;Bob", *more]
    return SimpleUploadedFile(name, "\n".join(rows).encode())


def test_a_file_is_looked_at_and_booked_over_http(alpha, order, client_for):
    client = client_for(alpha, owner_of(alpha))
    answer = client.post("/api/v1/bank-statements/", {"file": file(order)}, format="multipart")
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["status"], told["counts"]) == ("ready", {"matched": 1, "unknown": 1})
    assert told["lines"][0] == {
        "line": 2, "day": "2026-11-20", "amount": "25.00", "currency": "EUR", "payer": "Ann",
        "purpose": f"Order {order.code}", "state": "matched", "order": order.code, "owed": "25.00",
    }  # fmt: skip
    again = client.post("/api/v1/bank-statements/", {"file": file(order)}, format="multipart")
    assert (again.status_code, again.json()["id"]) == (200, told["id"])
    with in_tenant(alpha):
        assert not LedgerEntry.objects.exists()
    address = f"/api/v1/bank-statements/{told['id']}/"
    assert client.post(f"{address}book/").status_code == 202
    with in_tenant(alpha):
        book_statement(str(Statement.objects.get().pk))
    found = client.get(address).json()
    assert (found["status"], found["counts"]) == ("booked", {"booked": 1, "unknown": 1})
    assert client.post(f"{address}book/").status_code == 202
    with in_tenant(alpha):
        book_statement(str(Statement.objects.get().pk))
        assert (Order.objects.get().status, LedgerEntry.objects.count()) == ("paid", 1)
    refused = client.patch(address, {"mapping": {"day": "Date"}})
    assert (refused.status_code, refused.json()["code"]) == (409, "statement_booked")
    assert [row["id"] for row in client.get("/api/v1/bank-statements/").json()["results"]] == [told["id"]]


def test_columns_are_said_over_http(alpha, order, client_for):
    client = client_for(alpha, owner_of(alpha))
    told = client.post(
        "/api/v1/bank-statements/", {"file": file(order, header="When;What;Cur;Why;Who")}, format="multipart"
    ).json()
    assert (told["status"], told["columns"]) == ("columns", ["When", "What", "Cur", "Why", "Who"])
    address = f"/api/v1/bank-statements/{told['id']}/"
    booked = client.post(f"{address}book/")
    assert (booked.status_code, booked.json()["errors"][0]["field"]) == (400, "mapping")
    wrong = client.patch(address, {"mapping": {"day": "When", "amount": "nowhere", "shell": "rm"}})
    assert {(one["field"], one["code"]) for one in wrong.json()["errors"]} == {
        ("mapping.amount", "unknown_column"), ("mapping.shell", "invalid"),
    }  # fmt: skip
    mapping = {
        "day": "When",
        "amount": "What",
        "currency": "Cur",
        "purpose": ["Why"],
        "decimal": ",",
        "dates": "%d.%m.%Y",
    }
    assert client.patch(address, {"mapping": mapping}).json()["counts"] == {"matched": 1, "unknown": 1}


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"nothing"])
def test_what_is_no_statement_is_refused_over_http(alpha, client_for, content):
    answer = client_for(alpha, owner_of(alpha)).post(
        "/api/v1/bank-statements/", {"file": SimpleUploadedFile("x.csv", content)}, format="multipart"
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file")


def test_the_pages_lead_from_the_file_to_the_booking(alpha, order, page_for):
    page = page_for(alpha, owner_of(alpha))
    sent = page.post("/dashboard/money/statements/", {"file": file(order)})
    assert sent.status_code == 302, text_of(sent)
    shown = text_of(page.get(sent["Location"]))
    assert "Pays the order" in shown and "No order named" in shown and "Book 1 payment" in shown
    page.post(f"{sent['Location']}book/")
    assert 'hx-trigger="every 1s"' in page.get(sent["Location"]).content.decode()
    with in_tenant(alpha):
        book_statement(str(Statement.objects.get().pk))
    assert "Booked" in text_of(page.get(sent["Location"]))
    again = page.post("/dashboard/money/statements/", {"file": file(order)}, follow=True)
    assert "This file was brought in before." in text_of(again)


def test_the_page_asks_which_column_is_which(alpha, order, page_for):
    page = page_for(alpha, owner_of(alpha))
    sent = page.post("/dashboard/money/statements/", {"file": file(order, header="When;What;Cur;Why;Who")})
    assert sent["Location"].endswith("/columns/")
    assert "Which column is which?" in text_of(page.get(sent["Location"]))
    refused = page.post(sent["Location"], {"day": "When"})
    assert refused.status_code == 400
    form = {"day": "When", "amount": "What", "currency": "Cur", "purpose": ["Why"], "decimal": ",", "dates": "%d.%m.%Y"}
    read = page.post(sent["Location"], form)
    assert read.status_code == 302
    assert "Pays the order" in text_of(page.get(read["Location"]))


def test_a_file_that_is_none_is_refused_on_the_page(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    refused = page.post("/dashboard/money/statements/", {"file": SimpleUploadedFile("x.csv", b"\x00")})
    assert (refused.status_code, "This is no CSV file." in text_of(refused)) == (400, True)
    assert page.post("/dashboard/money/statements/", {}).status_code == 400


def test_a_right_on_one_event_opens_no_page_about_the_tenant_s_money(alpha, order, client_for, page_for):
    """The API asks for the role; the pages show no less than a bank account, and book what stands on it."""
    helper, owner = make_user(), owner_of(alpha)
    with in_tenant(alpha):
        statement = statements.upload("bank.csv", file(order).read(), actor=owner)[0]
        for permission in ("view_orders", "change_orders", "refund_orders", "view_reports"):
            grant(order.lines.get().event, helper, permission, actor=owner)
    assert client_for(alpha, helper).get("/api/v1/bank-statements/").status_code == 403
    page, own = "/dashboard/money/", f"/dashboard/money/statements/{statement.pk}/"
    for path in ("", "settlement.csv", "promotions/", "disputes/", "statements/"):
        assert page_for(alpha, helper).get(f"{page}{path}").status_code == 404, path
        assert page_for(alpha, owner).get(f"{page}{path}").status_code == 200, path
    assert page_for(alpha, helper).get(own).status_code == 404
    assert page_for(alpha, helper).get(f"{own}columns/").status_code == 404
    assert page_for(alpha, helper).post(f"{own}columns/").status_code == 404
    assert page_for(alpha, helper).post(f"{page}statements/", {"file": file(order)}).status_code == 404
    assert page_for(alpha, helper).post(f"{own}book/").status_code == 404
    with in_tenant(alpha):
        assert Statement.objects.get().status == "ready"
    # Nor does the menu lead there.
    assert page not in page_for(alpha, helper).get("/dashboard/orders/").content.decode()
    assert page in page_for(alpha, owner).get("/dashboard/orders/").content.decode()


def test_another_tenant_s_statement_is_not_there(alpha, beta, order, client_for, page_for):
    told = client_for(alpha, owner_of(alpha)).post(
        "/api/v1/bank-statements/", {"file": file(order)}, format="multipart"
    ).json()  # fmt: skip
    assert client_for(beta, owner_of(beta)).get(f"/api/v1/bank-statements/{told['id']}/").status_code == 404
    assert page_for(beta, owner_of(beta)).get(f"/dashboard/money/statements/{told['id']}/").status_code == 404
    with in_tenant(beta):
        assert not Statement.objects.exists()
