"""Setting up ticket types and quotas in the dashboard, and choosing them in the storefront; without JavaScript."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tenant_apps.orders.models import OrderLine
from tenant_apps.ticketing import services
from tenant_apps.ticketing.models import Quota, TicketPriceTier, TicketType
from tenant_apps.ticketing.price_tiers import TierWish
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of

PLACE = "/dashboard/events/gala/tickets/"


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def event(alpha):
    with in_tenant(alpha):
        return make_event("Gala", slug="gala", timezone="Europe/Berlin")


@pytest.fixture
def owner(alpha, page_for):
    return page_for(alpha, owner_of(alpha))


def form(**fields):
    return {
        "name": "Standard", "price_kind": "fixed", "price": "20,00", "min_per_order": "1", "max_per_order": "10",
        "position": "0", "cancel_allowed": "on", "transfer_allowed": "on", "tax_rate": "19", "tax_included": "no",
        "tiers-TOTAL_FORMS": "2", "tiers-INITIAL_FORMS": "0", "tiers-0-name": "Early bird", "tiers-0-price": "12.50",
        "tiers-0-until": "2035-05-01T00:00", "tiers-0-quantity": "30", "capacity": "100", **fields,
    }  # fmt: skip


def test_a_type_is_made_with_its_tiers_in_the_events_time_and_shown_to_buyers(alpha, owner, page_for, event):
    answer = owner.post(f"{PLACE}new/", form())
    assert (answer.status_code, answer["Location"]) == (302, PLACE)
    with in_tenant(alpha):
        made = TicketType.objects.get()
        assert (made.price_minor, made.tax_included, str(made.tax_rate)) == (2000, False, "19.00")
        tier = made.tiers.get()
        assert tier.until == datetime(2035, 4, 30, 22, tzinfo=UTC)  # midnight of the first of May in Berlin
        assert (tier.price_minor, tier.quota.capacity) == (1250, 30)
        assert made.quotas.get().capacity == 100
    for page in (owner.get(PLACE), page_for(alpha).get("/events/gala/")):
        shown = text_of(page)
        assert "Early bird until 1 May" in shown
        assert "30 at this price" in shown
        assert "plus 19 % tax: €14.88" in shown
    again = text_of(owner.get(f"{PLACE}{made.pk}/"))
    assert "What buyers see" in again
    assert 'value="2035-05-01T00:00"' in owner.get(f"{PLACE}{made.pk}/").content.decode()


def test_a_preview_shows_what_buyers_would_see_and_keeps_nothing(alpha, owner, event):
    answer = owner.post(f"{PLACE}new/", form(preview="1"))
    assert answer.status_code == 200
    assert "plus 19 % tax: €14.88" in text_of(answer)
    with in_tenant(alpha):
        assert not TicketType.objects.exists()
        assert not Quota.objects.exists()


def test_what_is_refused_stands_at_its_row_and_what_was_typed_stays(alpha, owner, event):
    answer = owner.post(f"{PLACE}new/", form(**{"tiers-0-until": "", "tiers-0-quantity": ""}))
    assert answer.status_code == 400
    shown = answer.content.decode()
    assert "A tier ends at a time, after so many tickets, or both." in shown
    assert 'value="12.50"' in shown
    wrong = owner.post(f"{PLACE}new/", form(sale_starts_at="2030-01-02T00:00", sale_ends_at="2030-01-01T00:00"))
    assert "The sale cannot end before it starts." in text_of(wrong)
    with in_tenant(alpha):
        assert not TicketType.objects.exists()


def test_a_type_is_edited_its_tier_kept_and_another_removed(alpha, owner, event):
    owner.post(f"{PLACE}new/", form(**{"tiers-1-name": "Late", "tiers-1-price": "18", "tiers-1-quantity": "5"}))
    with in_tenant(alpha):
        kind = TicketType.objects.get()
        first, second = kind.tiers.all()
        quota = kind.quotas.get()
    body = form(name="Regular", quotas=[str(quota.pk)], max_per_person="4")
    body |= {"tiers-INITIAL_FORMS": "2", "tiers-0-id": first.pk, "tiers-1-id": second.pk, "tiers-1-remove": "on"}
    assert owner.post(f"{PLACE}{kind.pk}/", body).status_code == 302
    with in_tenant(alpha):
        kind.refresh_from_db()
        assert (kind.name, kind.max_per_person) == ("Regular", 4)
        assert list(TicketPriceTier.objects.all()) == [first]
        assert list(kind.quotas.all()) == [quota]
    assert owner.post(f"{PLACE}{kind.pk}/delete/").status_code == 302
    with in_tenant(alpha):
        assert not TicketType.objects.exists()


def test_a_quota_is_made_shared_filled_and_not_made_too_small(alpha, owner, event):
    with in_tenant(alpha):
        kinds = [make_ticket_type(event, name=name, price_minor=0) for name in ("Standard", "VIP")]
        make_paid_order(kinds[0], quantity=3)
    both = [str(kind.pk) for kind in kinds]
    body = {"new-name": "Hall", "new-capacity": "10", "new-ticket_types": both}
    assert owner.post("/dashboard/events/gala/quotas/new/", body).status_code == 302
    with in_tenant(alpha):
        hall = Quota.objects.get(name="Hall")
        assert hall.sold == 3
    shown = owner.get(PLACE)
    assert "Hall 3 / 10" in text_of(shown)
    assert shown.content.decode().count("checked") >= 2
    key = f"q{hall.pk}"
    small = {f"{key}-name": "Hall", f"{key}-capacity": "2", f"{key}-ticket_types": both}
    refused = owner.post(f"/dashboard/events/gala/quotas/{hall.pk}/", small)
    assert refused.status_code == 400
    assert "3 places are sold or held already" in text_of(refused)
    assert owner.post(f"/dashboard/events/gala/quotas/{hall.pk}/delete/", follow=True).status_code == 200
    with in_tenant(alpha):
        assert Quota.objects.filter(name="Hall").exists()


def test_nobody_without_the_right_finds_the_pages(alpha, page_for, event):
    assert page_for(alpha).get(PLACE).status_code == 302  # to sign in
    for address in (PLACE, f"{PLACE}new/"):
        assert page_for(alpha, make_user()).get(address).status_code == 403


def test_a_buyer_says_a_price_and_is_told_when_it_is_too_low(alpha, page_for, event):
    with in_tenant(alpha):
        kind = make_ticket_type(
            event, price_minor=500, price_kind="pay_what_you_want", suggested_price_minor=1200, name="Support"
        )
    buyer = page_for(alpha)
    shown = buyer.get("/events/gala/")
    assert "Pay what you want, €5 or more" in text_of(shown)
    assert 'value="12.00"' in shown.content.decode()
    body = {f"quantity_{kind.pk}": "2", f"price_{kind.pk}": "4,50"}
    refused = buyer.post("/events/gala/", body)
    assert refused.status_code == 400
    assert "Support costs €5 or more." in text_of(refused)
    assert f'aria-describedby="error-price_{kind.pk}"' in refused.content.decode()
    assert buyer.post("/events/gala/", {**body, f"price_{kind.pk}": "7,50"}).status_code == 302
    assert "2 × €7.50" in text_of(buyer.get("/cart/"))
    assert buyer.post("/checkout/", {"email": "ada@example.test"}).status_code == 302
    with in_tenant(alpha):
        assert [line.unit_price_minor for line in OrderLine.objects.all()] == [750, 750]


def test_the_chooser_tells_when_sales_begin_and_ended_and_how_few_are_left(alpha, page_for, event):
    now = timezone.now()
    with in_tenant(alpha):
        make_ticket_type(event, name="Soon", sale_starts_at=datetime(2034, 3, 1, 9, tzinfo=UTC))
        make_ticket_type(event, name="Gone", sale_ends_at=now - timedelta(days=1))
        make_ticket_type(event, name="Scarce", capacity=4, show_stock_below=5)
        make_ticket_type(event, name="Silent", capacity=4, show_stock_below=3)
        event.starts_at = datetime(2035, 1, 1, tzinfo=UTC)
        event.save()
    shown = text_of(page_for(alpha).get("/events/gala/"))
    assert "from 1 March, 10:00" in shown  # the event's zone, not UTC
    assert "ended " in shown
    assert shown.count("Only 4 left") == 1


def test_tiers_do_not_cost_the_page_a_statement(alpha, page_for, event, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with in_tenant(alpha):
        quota = services.create_quota(event, "Places", 50, actor=None)
        services.create_ticket_type(event, actor=None, name="Plain", price_minor=500, quotas=[quota])
    buyer = page_for(alpha)
    buyer.get("/events/gala/")
    with CaptureQueriesContext(connection) as plain:
        buyer.get("/events/gala/")
        cost = len(plain)
    with in_tenant(alpha):
        for number in range(5):
            wishes = [TierWish("Early", 100, quantity=5), TierWish("Later", 200, quantity=5)]
            services.create_ticket_type(
                event, actor=None, name=f"T{number}", price_minor=500, quotas=[quota], tiers=wishes
            )
    with django_assert_max_num_queries(cost):
        buyer.get("/events/gala/")
