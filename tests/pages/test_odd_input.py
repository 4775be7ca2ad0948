"""Odd input to the pages of events and goods: refused in words, never a fault of ours (B1, B2)."""

from datetime import datetime, timedelta

import pytest

from shared_apps.core.errors import InvalidInput
from tenant_apps.events import recurrence
from tenant_apps.events import services as events
from tenant_apps.events.errors import CurrencyFixed
from tenant_apps.orders.errors import TooManyPerPerson
from tenant_apps.ticketing import services as ticketing
from tenant_apps.ticketing.price_tiers import TierWish
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, owner_of


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "²", "0", "1e9"])
def test_a_page_of_goods_with_any_number_is_a_page(alpha, page_for, number):
    assert page_for(alpha).get("/products/", {"page": number}).status_code == 200


@pytest.mark.parametrize("path", ["/dashboard/bulk-events/", "/dashboard/product-bulk/", "/dashboard/new-event/"])
def test_a_nul_in_a_form_is_refused(alpha, page_for, path):
    page = page_for(alpha, owner_of(alpha))
    for form in ({"event": "a\0b", "action": "publish"}, {"a\0b": "x"}):
        assert page.post(path, form).status_code == 400


@pytest.mark.parametrize("start", ["9999-12-31T23:59", "0001-01-01T00:00"])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_start_at_the_end_of_all_time_is_refused_in_the_list_too(alpha, page_for, start, zone):
    with in_tenant(alpha):
        event = make_event(slug="gala", timezone=zone)
        event.ends_at = event.starts_at + timedelta(hours=2)
        event.save()
    page = page_for(alpha, owner_of(alpha))
    assert page.post("/dashboard/events/gala/quick/", {"title": "Gala", "starts_at": start}).status_code == 400


@pytest.mark.parametrize("until", ["99991231T235959Z", "00010101T000000Z", "99991231", "00010101"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_rule_until_the_end_of_all_time_is_refused(until, zone):
    start = datetime(2027, 1, 1, 20)
    with pytest.raises(InvalidInput) as refused:
        recurrence.dates(f"FREQ=DAILY;UNTIL={until}", start, zone)
    assert refused.value.errors[0].field == "rule"


@pytest.mark.parametrize("email", ["ada@straße.de", "ada@почта.рф", "ſam@example.test"])
def test_letters_that_two_programs_make_capital_unlike_raise_no_limit(in_alpha, email):
    kind = make_ticket_type(price_minor=0, max_per_person=1)
    make_order(kind, email=email)
    for spelled in (email, email.replace("ada@", "ADA@")):
        with pytest.raises(TooManyPerPerson):
            make_order(kind, email=spelled)


@pytest.mark.parametrize("by_import", [False, True])
def test_prices_of_tiers_and_suggestions_are_amounts_too_when_the_currency_changes(in_alpha, by_import):
    from tests.imports.test_events_file import found, row, run

    for name, fields in (
        ("early", {"tiers": [TierWish("Early bird", 1250, None, 5)]}),
        ("open", {"price_kind": "pay_what_you_want", "suggested_price_minor": 1250}),
    ):
        event = make_event(name, external_id=name)
        ticketing.create_ticket_type(event, actor=None, name="A", price_minor=0, **fields)
        if by_import:
            at = event.starts_at.isoformat()
            job = run(row(external_id=name, title=name, starts_at=at, currency="JPY"))
            assert found(job) == [(2, "currency", CurrencyFixed.code)]
            continue
        with pytest.raises(CurrencyFixed):
            events.update_event(event, actor=None, currency="JPY")


def test_a_refund_rule_of_nothing_is_refused(alpha, client_for):
    with in_tenant(alpha):
        make_event(slug="gala")
    answer = client_for(alpha, owner_of(alpha)).patch("/api/v1/events/gala/", {"refund_tiers": [None]}, format="json")
    assert answer.status_code == 400
