"""Banks' files: read as banks write them, shown beside the orders, booked once."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from shared_apps.core.codes import READABLE
from shared_apps.core.errors import InvalidInput
from tenant_apps.activity.models import AuditEntry
from tenant_apps.orders.checkout import Basket, BasketLine
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import expire_overdue
from tenant_apps.payments import services, statement_files, statements
from tenant_apps.payments.line_refunds import cancel_lines
from tenant_apps.payments.models import LedgerEntry, Payment, Refund, StatementLine
from tenants.context import in_tenant
from tests.concurrency.test_races import at_once
from tests.factories import make_event, make_order, make_ticket_type, owner_of


@pytest.fixture
def kind(in_alpha):
    """A ticket type of 25.00 with places enough."""
    in_alpha.preferences = {**in_alpha.preferences, "payment_providers": ["bank_transfer", "manual"]}
    return make_ticket_type(price_minor=2500)


def order_by_transfer(kind, **options):
    return make_order(kind, provider="bank_transfer", **options)


def csv(*rows, header="Date;Amount;Currency;Purpose;Payer", encoding="utf-8"):
    return "\r\n".join([header, *rows, ""]).encode(encoding)


def states(statement):
    return [verdict.state for verdict in statements.verdicts(statement)]


def uploaded(content, tenant, **options):
    return statements.upload("statement.csv", content, actor=owner_of(tenant), **options)[0]


# --- Formats ----------------------------------------------------------------------------------------------------------

MT940 = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Beguenstigter/Zahlungspflichtiger";'
    '"Kontonummer";"BLZ";"Betrag";"Waehrung";"Info"\r\n'
    '"12345";"20.11.26";"20.11.26";"GUTSCHRIFT";"EREF+X SVWZ+Ticket {code}";"M\u00fcller, J\u00f6rg";"DE1";"X";'
    '"1.025,00";"EUR";"Umsatz gebucht"\r\n'
    '"12345";"19.11.26";"19.11.26";"LASTSCHRIFT";"Strom";"Stadtwerke";"DE2";"X";"-80,50";"EUR";"Umsatz gebucht"\r\n'
)
RUSSIAN = (
    "Выписка по счёту;40702810000000000001\r\nПериод;01.11.2026 - 20.11.2026\r\n\r\n"
    "Дата операции;Дебет;Кредит;Валюта;Плательщик;Назначение платежа\r\n"
    "20.11.2026;;1 025,00;EUR;Иванов Иван;Оплата заказа {code}, без НДС\r\n"
    "19.11.2026;80,50;;EUR;Аренда;Аренда зала\r\n"
    ";80,50;1 025,00;;Итого;\r\n"
)
BRITISH = (
    "Date,Description,Paid In,Paid Out,Balance\r\n"
    '20/11/2026,"Faster payment {code}","1,025.00",,"9,000.00"\r\n'
    '19/11/2026,Rent,,80.50,"7,975.00"\r\n'
)
AMERICAN = (
    'Transaction Date,Description,Amount,Currency\r\n11/20/2026,ACH {code},"$1,025.00",EUR\r\n'
    "11/19/2026,Rent,(80.50),EUR\r\n"
)
ISO = "booking date\tamount\tcurrency\treference\tcounterparty\r\n" + (
    "2026-11-20T10:00:00Z\t1025.00\tEUR\t{code}\tAnn\r\n2026-11-19T10:00:00Z\t-80.50\tEUR\tRent\tLandlord\r\n"
)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (MT940, "cp1252"),
        (MT940, "utf-8-sig"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "utf-8"),
        (RUSSIAN, "utf-16"),
        (BRITISH, "utf-8"),
        (AMERICAN, "utf-8"),
        (ISO, "utf-8"),
    ],
)
def test_what_banks_save_is_read_without_a_question(in_alpha, text, encoding):
    order = order_by_transfer(make_ticket_type(price_minor=102500))
    statement = uploaded(text.format(code=order.code).encode(encoding), in_alpha)
    lines = list(statement.lines.order_by("number"))
    assert [(line.day.isoformat(), line.amount_minor, line.currency) for line in lines] == [
        ("2026-11-20", 102500, "EUR"),
        ("2026-11-19", -8050, "EUR"),
    ]
    assert states(statement) == ["matched", "outgoing"]
    assert order.code in lines[0].purpose


def test_letters_of_an_old_encoding_come_out_right(in_alpha):
    german = uploaded(MT940.format(code="X").encode("cp1252"), in_alpha)
    assert german.lines.order_by("number")[0].payer == "Müller, Jörg"
    russian = uploaded(RUSSIAN.format(code="X").encode("cp1251"), in_alpha)
    assert russian.lines.order_by("number")[0].payer == "Иванов Иван"


@pytest.mark.parametrize(
    ("amount", "decimal", "minor"),
    [
        ("25,00", ",", 2500),
        ("25.00", ".", 2500),
        ("1.234,56", ",", 123456),
        ("1,234.56", ".", 123456),
        ("1 234,56", ",", 123456),
        ("1'234.56", ".", 123456),
        ("+25,00", ",", 2500),
        ("25,00-", ",", -2500),
        ("−25,00", ",", -2500),
        ("(25.00)", ".", -2500),
        ("25,00 €", ",", 2500),
        ("EUR 25.00", ".", 2500),
        ("25", ".", 2500),
        ("25,005", ",", None),
        ("", ".", None),
        ("abc", ".", None),
        ("1.2.3", ".", None),
        ("9" * 30, ".", None),
        ("25,00 S", ",", -2500),
        ("25,00 H", ",", 2500),
    ],
)
def test_amounts_as_banks_write_them(amount, decimal, minor):
    mapping = {"day": "D", "amount": "A", "purpose": ["P"], "currency": "=EUR", "decimal": decimal, "dates": "%Y-%m-%d"}
    sheet = statement_files.Sheet(["D", "A", "P"], [(2, ["2026-11-20", amount, "x"])])
    found = statement_files.read(sheet, statement_files.checked(mapping, sheet.header))
    assert [each.amount_minor for each in found.movements] == ([] if minor is None else [minor])
    assert [error.field for error in found.errors] == (["2.amount"] if minor is None else [])


def test_unknown_columns_are_asked_for_and_then_read(in_alpha):
    order = order_by_transfer(make_ticket_type(price_minor=2500))
    content = csv(f"20.11.2026;25,00;for {order.code}", header="Wann;Wieviel;Wozu")
    statement = uploaded(content, in_alpha)
    assert statement.status == "columns"
    header, rows = statements.columns_of(statement)
    assert (header, rows[0][1]) == (["Wann", "Wieviel", "Wozu"], "25,00")
    with pytest.raises(InvalidInput) as refused:
        statements.say_columns(statement, {"day": "Wann", "amount": "Betrag"}, actor=None)
    assert [(one.field, one.code) for one in refused.value.errors] == [("mapping.amount", "unknown_column")]
    said = {
        "day": "Wann",
        "amount": "Wieviel",
        "purpose": "Wozu",
        "currency": "=EUR",
        "decimal": ",",
        "dates": "%d.%m.%Y",
    }
    statement = statements.say_columns(statement, said, actor=owner_of(in_alpha))
    assert (statement.status, states(statement)) == ("ready", ["matched"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n ",
        b"\x00\x01\x02",
        b"one column only\nno more\n",
        b"\xff\xfe\x00",
        b"PK\x03\x04" + b"\x00" * 50,
        b"a" * 200_000 + b";" + b"b" * 200_000,
        b"x" * (5 * 1024 * 1024 + 1),
        b'"never closed;a;b\n' * 3,
        b";;;;\n;;;;\n",
        "Дата;Сумма\n".encode("utf-16")[:-1],
    ],
)
def test_what_is_no_statement_is_refused_or_asked_about(in_alpha, content):
    try:
        statement = uploaded(content, in_alpha)
    except InvalidInput as refusal:
        assert refusal.errors[0].field == "file"
    else:
        assert statement.status == "columns"


def test_each_line_that_is_wrong_is_named_when_the_columns_were_said(in_alpha):
    content = csv("20.11.2026;25,00;EUR;x;y", "31.02.2026;much;EUR;x;y", "20.11.2026;25,00;XXQ;x;y")
    mapping = {"day": "Date", "amount": "Amount", "currency": "Currency", "purpose": ["Purpose"]}
    with pytest.raises(InvalidInput) as refused:
        uploaded(content, in_alpha, mapping=mapping)
    assert [(one.field, one.code) for one in refused.value.errors] == [
        ("3.day", "invalid_date"),
        ("3.amount", "invalid_amount"),
        ("4.currency", "currency_unknown"),
    ]


# --- Codes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "ACDEFGHJ",
        "order acdefghj thanks",
        "SVWZ+ACDEFGHJ",
        "ACDE FGHJ",
        "ACDE-FGHJ",
        "ACD EFG HJ",
        "ORDERACDEFGHJ.",
        "АСDЕFGНJ",
    ],
)
def test_a_code_is_found_however_it_was_typed(text):
    assert "ACDEFGHJ" in statements.codes_in(text)


def test_of_a_line_of_nothing_but_codes_only_so_many_are_looked_up():
    noise = " ".join("".join(random.Random(number).choices(READABLE, k=20)) for number in range(23))
    found = statements.codes_in(f"ACDEFGHJ {noise}")
    assert len(found) == statements.MOST_CODES and "ACDEFGHJ" in found


# --- Matching and booking ---------------------------------------------------------------------------------------------


def test_each_state_is_shown_before_anything_is_booked(in_alpha, kind):
    one, two, three, four, paid, gone = (order_by_transfer(kind) for _ in range(6))
    services.mark_paid(paid)
    from tenant_apps.payments.refunds import cancel_order

    cancel_order(gone, by_staff=True)
    content = csv(
        f"20.11.2026;25,00;EUR;{one.code};A",
        f"20.11.2026;24,99;EUR;{two.code};B",
        f"20.11.2026;26,00;EUR;{three.code};C",
        f"20.11.2026;25,00;USD;{four.code};D",
        f"20.11.2026;25,00;EUR;{paid.code};E",
        f"20.11.2026;25,00;EUR;{gone.code};F",
        "20.11.2026;25,00;EUR;a gift;G",
        f"20.11.2026;25,00;EUR;{one.code} {two.code};H",
        f"20.11.2026;-25,00;EUR;{two.code};I",
        f"21.11.2026;25,00;EUR;{one.code};A",
    )
    statement = uploaded(content, in_alpha)
    assert states(statement) == [
        "matched",
        "too_little",
        "too_much",
        "other_currency",
        "paid_already",
        "ended",
        "unknown",
        "several",
        "outgoing",
        "paid_already",
    ]
    assert LedgerEntry.objects.count() == 1  # of the order that staff marked
    statements.ask_to_book(statement, actor=owner_of(in_alpha))
    statement.refresh_from_db()
    assert statements.book(statement) == 2
    found = {order.code: order.status for order in Order.objects.all()}
    assert [found[each.code] for each in (one, two, three, four, gone)] == [
        "paid",
        "pending",
        "paid",
        "pending",
        "cancelled",
    ]
    assert states(statement)[0] == "booked"
    # What was too much is on its way back, by hand.
    assert Payment.objects.get(order=three).refunding_minor == 100


def test_a_transfer_for_what_is_left_of_an_order_pays_it(in_alpha, kind):
    order = services.place(
        Basket(email="ada@example.test", lines=[BasketLine(kind.pk, 2)], provider="bank_transfer"),
    )[0]
    cancel_lines(order, [order.lines.first().pk])
    statement = uploaded(csv(f"20.11.2026;25,00;EUR;{order.code};Ada"), in_alpha)
    assert states(statement) == ["matched"]
    assert statements.book(statement) == 1
    order.refresh_from_db()
    assert (order.status, LedgerEntry.objects.get().amount_minor) == ("paid", 2500)


def test_staff_who_say_that_the_money_is_there_say_so_of_what_is_left(in_alpha, kind):
    order = services.place(
        Basket(email="ada@example.test", lines=[BasketLine(kind.pk, 2)], provider="bank_transfer"),
    )[0]
    cancel_lines(order, [order.lines.first().pk])
    services.mark_paid(order)
    assert list(LedgerEntry.objects.values_list("kind", "amount_minor")) == [("payment", 2500)]
    assert not Refund.objects.exists()


def test_the_same_file_and_one_that_overlaps_it_book_nothing_twice(in_alpha, kind):
    one, two = order_by_transfer(kind), order_by_transfer(kind)
    first = f"20.11.2026;25,00;EUR;{one.code};A"
    content = csv(first)
    statement = uploaded(content, in_alpha)
    statements.ask_to_book(statement, actor=None)
    statements.book(statement)
    again, new = statements.upload("other name.csv", content, actor=None)
    assert (again.pk, new) == (statement.pk, False)
    assert statements.book(again) == 0
    overlapping = uploaded(csv(first, f"21.11.2026;25,00;EUR;{two.code};B"), in_alpha)
    assert states(overlapping) == ["booked", "matched"]
    assert statements.book(overlapping) == 1
    assert LedgerEntry.objects.count() == 2
    assert sorted(StatementLine.objects.values_list("status", flat=True)) == ["booked", "booked", "open"]


def test_one_movement_in_two_files_that_are_booked_at_once_is_booked_once(alpha, transactional_db):
    with in_tenant(alpha):
        order = order_by_transfer(make_ticket_type(price_minor=2500))
        row = f"20.11.2026;25,00;EUR;{order.code};A"
        files = [uploaded(csv(row, f"{day}.11.2026;1,00;EUR;x;y"), alpha) for day in (1, 2, 3, 4)]
    answers = at_once(alpha, [lambda each=each: statements.book(each) for each in files])
    assert answers == {"ok": 4}
    with in_tenant(alpha):
        assert LedgerEntry.objects.get().amount_minor == 2500
        assert StatementLine.objects.filter(status="booked").count() == 1
        assert Order.objects.get().status == "paid"


def test_money_that_comes_late_pays_if_the_places_are_free_and_is_left_alone_if_not(in_alpha):
    for capacity, expected in ((1, "paid"), (0, "expired")):
        kind = make_ticket_type(price_minor=2500, capacity=1)
        order = order_by_transfer(kind)
        expire_overdue(now=timezone.now() + timedelta(days=60))
        kind.quotas.update(capacity=capacity)
        statement = uploaded(csv(f"20.11.2026;25,00;EUR;{order.code};A"), in_alpha)
        statements.book(statement)
        order.refresh_from_db()
        assert order.status == expected
        assert order.ledger.count() == (expected == "paid")
    assert states(statement) == ["matched"]


def test_a_booking_that_was_broken_off_is_taken_up(in_alpha, kind, monkeypatch):
    orders = [order_by_transfer(kind) for _ in range(3)]
    statement = uploaded(csv(*(f"20.11.2026;25,00;EUR;{each.code};A" for each in orders)), in_alpha)
    statements.ask_to_book(statement, actor=None)
    book_line, calls = statements.book_line, []

    def dies(line):
        if calls:
            raise SystemExit
        calls.append(line)
        return book_line(line)

    monkeypatch.setattr(statements, "book_line", dies)
    with pytest.raises(SystemExit):
        statements.book(statement)
    monkeypatch.setattr(statements, "book_line", book_line)
    assert statements.unfinished() == []
    statement.__class__.objects.update(modified_at=timezone.now() - timedelta(minutes=3))
    (found,) = statements.unfinished()
    assert statements.book(found) == 2
    assert set(Order.objects.values_list("status", flat=True)) == {"paid"}
    found.refresh_from_db()
    assert (found.status, found.content) == ("booked", "")


def test_a_statement_of_many_lines_costs_a_few_statements_to_match(in_alpha, kind, django_assert_max_num_queries):
    orders = [order_by_transfer(kind) for _ in range(8)]
    rows = [f"20.11.2026;25,00;EUR;{each.code};A" for each in orders]
    statement = uploaded(csv(*rows, *(f"{day % 28 + 1}.10.2026;1,00;EUR;x {day};y" for day in range(500))), in_alpha)
    with django_assert_max_num_queries(6):
        assert statements.counts_of(statements.verdicts(statement)) == {"matched": 8, "unknown": 500}


def test_who_booked_what_is_in_the_audit_trail(in_alpha, kind):
    statement = uploaded(csv("20.11.2026;25,00;EUR;x;A"), in_alpha)
    statements.ask_to_book(statement, actor=owner_of(in_alpha))
    topics = AuditEntry.objects.filter(target__startswith="payments.statement").values_list("topic", flat=True)
    assert set(topics) == {"statement.uploaded", "statement.accepted"}


# --- The longer hold --------------------------------------------------------------------------------------------------


def placed(kind, provider):
    basket = Basket(email="b@example.test", lines=[BasketLine(ticket_type=kind.pk)], provider=provider)
    return services.place(basket)[0]


def test_an_order_by_transfer_is_held_for_days_and_never_past_the_start(in_alpha, settings):
    in_alpha.preferences = {"payment_providers": ["bank_transfer", "manual"], "bank_transfer_hold_days": 4}
    far = make_ticket_type(make_event(starts_at=timezone.now() + timedelta(days=30)))
    soon = make_ticket_type(make_event(starts_at=datetime.now(UTC) + timedelta(days=1)))
    order = placed(far, "bank_transfer")
    assert order.expires_at - order.created_at == timedelta(days=4)
    assert placed(soon, "bank_transfer").expires_at == soon.event.starts_at
    by_hand = placed(far, "manual")
    assert by_hand.expires_at - by_hand.created_at == timedelta(minutes=15)


def test_choosing_the_transfer_later_or_anew_holds_from_when_the_order_was_placed(in_alpha):
    in_alpha.preferences = {"payment_providers": ["bank_transfer", "manual"]}
    order = placed(make_ticket_type(make_event(starts_at=timezone.now() + timedelta(days=30))), "manual")
    for _ in range(2):
        services.start(order, "bank_transfer")
        order.refresh_from_db()
        assert order.expires_at - order.created_at == timedelta(days=5)


def test_the_buyer_is_shown_where_the_money_goes_and_until_when(alpha, page_for):
    alpha.preferences = {
        "payment_providers": ["bank_transfer", "manual"],
        "bank_transfer_details": ["Gala e.V.", "DE02 1203 0000 0000 2020 51"],
    }
    alpha.save()
    with in_tenant(alpha):
        order = placed(make_ticket_type(make_event(starts_at=timezone.now() + timedelta(days=30))), "bank_transfer")
    shown = page_for(alpha).get(f"/orders/{order.code}/{order.secret}/").content.decode()
    assert "DE02 1203 0000 0000 2020 51" in shown and "Your places are held until" in shown
    assert f">{order.code}</strong>" in shown
