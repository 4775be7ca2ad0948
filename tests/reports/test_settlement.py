"""The settlement report: the ledger's sums, per account, currency and day."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tenant_apps.payments.models import LedgerEntry, ProviderAccount
from tenant_apps.payments.refunds import refund_order
from tenants.context import in_tenant
from tests.factories import make_paid_order, make_ticket_type, owner_of
from tests.pages.test_dashboard import text_of


def entry(order, kind, amount_minor, at=None, account=None, currency="EUR", reference=""):
    number = LedgerEntry.objects.count()
    return LedgerEntry.objects.create(
        order=order, kind=kind, amount_minor=amount_minor, currency=currency, account=account, at=at or timezone.now(),
        provider=account.provider if account else "manual", reference=reference or f"r{number}",
    )  # fmt: skip


@pytest.fixture
def order(alpha, request):
    with in_tenant(alpha):
        return make_paid_order(make_ticket_type(price_minor=2500))


def get(client, query=""):
    answer = client.get(f"/api/v1/reports/settlement/{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_payment_and_its_refund_are_in_the_day_s_sums(alpha, order, client_for):
    with in_tenant(alpha):
        refund_order(order, 1000)
    report = get(client_for(alpha, owner_of(alpha)))
    (row,) = report["rows"]
    assert row["provider"] == "manual"
    assert {name: row[name] for name in ("quantity", "gross", "refunded", "fees", "net", "currency", "live")} == {
        "quantity": 1, "gross": "25.00", "refunded": "10.00", "fees": "0.00", "net": "15.00", "currency": "EUR",
        "live": None,
    }  # fmt: skip
    assert (report["totals"]["net"], report["currency"]) == ("15.00", "EUR")
    assert row["day"] == report["to"]


def test_accounts_modes_and_currencies_are_apart_and_sum_to_the_ledger(alpha, order, client_for):
    with in_tenant(alpha):
        live = ProviderAccount.objects.create(provider="stripe", live=True, sealed=b"x")
        test = ProviderAccount.objects.create(provider="stripe", live=False, sealed=b"x")
        entry(order, "payment", 10_000, account=live)
        entry(order, "fee", -500, account=live)
        entry(order, "adjustment", -2_000, account=live)
        entry(order, "payment", 7_000, account=test)
        entry(order, "payment", 900, account=live, currency="JPY")
    client = client_for(alpha, owner_of(alpha))
    report = get(client, "?group_by=total")
    shown = {(row["account"], row["currency"]): (row["gross"], row["fees"], row["net"]) for row in report["rows"]}
    assert shown == {
        (None, "EUR"): ("25.00", "0.00", "25.00"),
        (str(live.pk), "EUR"): ("100.00", "5.00", "75.00"),
        (str(test.pk), "EUR"): ("70.00", "0.00", "70.00"),
        (str(live.pk), "JPY"): ("900", "0", "900"),
    }
    # Test money is in no total of real money.
    assert report["totals"]["net"] == "100.00"
    assert [(row["currency"], row["live"], row["net"]) for row in report["totals_by_currency"]] == [
        ("EUR", True, "100.00"), ("JPY", True, "900"), ("EUR", False, "70.00"),
    ]  # fmt: skip
    assert [row["account"] for row in get(client, "?mode=test")["rows"]] == [str(test.pk)]
    with in_tenant(alpha):
        ledger = sum(LedgerEntry.objects.filter(currency="EUR").values_list("amount_minor", flat=True))
    assert ledger == 10_000 + 7_000


def test_a_day_ends_at_the_tenant_s_own_midnight(alpha, order, client_for):
    alpha.timezone = "Asia/Almaty"
    alpha.save()
    with in_tenant(alpha):
        LedgerEntry.objects.all().delete()
        entry(order, "payment", 100, at=datetime(2026, 5, 1, 18, 59, tzinfo=UTC))
        entry(order, "payment", 200, at=datetime(2026, 5, 1, 19, 0, tzinfo=UTC))
    client = client_for(alpha, owner_of(alpha))
    rows = get(client, "?from=2026-05-01&to=2026-05-02")["rows"]
    assert [(row["day"], row["gross"]) for row in rows] == [("2026-05-02", "2.00"), ("2026-05-01", "1.00")]
    assert [row["gross"] for row in get(client, "?from=2026-05-02&to=2026-05-02")["rows"]] == ["2.00"]
    assert [row["day"] for row in get(client, "?from=2026-04-01&to=2026-05-31&group_by=month")["rows"]] == [
        "2026-05-01"
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"), ("to=2026-13-01", "to"), ("from=2026-05-02&to=2026-05-01", "to"),
        ("from=1999-01-01", "from"), ("from=2020-01-01&to=2026-01-01", "to"), ("group_by=account_id;--", "group_by"),
        ("mode=both", "mode"), ("to=2000-01-01&from=2000-01-02", "to"), ("from=20260501", "from"),
    ],
)  # fmt: skip
def test_what_is_no_time_or_group_is_refused(alpha, client_for, query, field):
    answer = client_for(alpha, owner_of(alpha)).get(f"/api/v1/reports/settlement/?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_the_file_has_the_same_rows_and_guards_its_cells(alpha, order, client_for, page_for):
    with in_tenant(alpha):
        LedgerEntry.objects.update(provider="=cmd", at=timezone.now() - timedelta(minutes=1))
    day = get(client_for(alpha, owner_of(alpha)))["rows"][0]["day"]
    for answer in (
        client_for(alpha, owner_of(alpha)).get("/api/v1/reports/settlement.csv"),
        page_for(alpha, owner_of(alpha)).get("/dashboard/money/settlement.csv"),
    ):
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert lines == [
            "day,provider,account,mode,currency,quantity,gross,refunded,fees,adjustments,net",
            f"{day},'=cmd,,,EUR,1,25.00,0.00,0.00,0.00,25.00",
        ]


def test_the_page_shows_the_sums_and_says_what_is_wrong_with_a_time(alpha, order, page_for):
    page = page_for(alpha, owner_of(alpha))
    shown = text_of(page.get("/dashboard/money/"))
    assert "€25.00" in shown and "Came in" in shown
    refused = page.get("/dashboard/money/?from=2026-05-02&to=2026-05-01")
    assert (refused.status_code, "From the earlier to the later day" in text_of(refused)) == (400, True)
    assert "No money moved" in text_of(page.get("/dashboard/money/?from=2001-01-01&to=2001-01-31"))
