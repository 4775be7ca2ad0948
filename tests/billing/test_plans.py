"""What the platform sells, what a tenant has of it, and where both are read."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from shared_apps.billing import limits, plans
from shared_apps.billing.models import Plan
from shared_apps.billing.plans import Standing
from shared_apps.departures import keeping
from tenants import lookup, restoring
from tenants.models import Tenant
from tests.billing.plans import make_plan
from tests.factories import make_user, owner_of

API = "/api/v1"
PAGE = "/dashboard/settings/plan/"


@pytest.fixture
def subscribed(monkeypatch):
    """`subscribed(tenant, plan)` is what the source of subscriptions tells from then on."""
    known = {}
    monkeypatch.setattr(plans, "_sources", [lambda tenant: known.get(tenant.pk)])

    def subscribe(tenant, plan, **standing):
        known[tenant.pk] = Standing(plan, **standing)
        limits.refresh(tenant)

    return subscribe


def test_anyone_reads_the_price_list(db, client_for):
    Plan.objects.filter(slug="chain-yearly").update(is_offered=False)
    found = client_for().get(f"{API}/plans/").json()["results"]
    assert [one["slug"] for one in found] == ["free", "house-monthly", "house-yearly", "chain-monthly"]
    assert found[0] == {
        "slug": "free", "name": "Free", "price": "0.00", "currency": "EUR", "interval": "", "trial_days": 0,
        "ticket_fee": {"percent": "2.5", "fixed": "0.00", "currency": "EUR"},
        "limits": {
            "events": None, "staff": None, "tickets_month": None, "api_rate": 600, "storage_bytes": 1_000_000_000,
            "domains": 0,
        },
    }  # fmt: skip
    assert (found[2]["price"], found[2]["interval"], found[2]["trial_days"]) == ("290.00", "year", 14)
    assert client_for().get(f"{API}/plans/?sort=price").status_code == 400


def test_who_subscribed_to_nothing_has_the_free_plan(alpha, client_for):
    answer = client_for(alpha, owner_of(alpha)).get(f"{API}/billing/plan/").json()
    assert (answer["plan"]["slug"], answer["restricted"]) == ("free", False)
    assert answer["upgrade_url"] == "https://alpha.localhost/dashboard/billing/" or answer["upgrade_url"].endswith(
        "alpha.localhost/dashboard/billing/"
    )
    used = {one["name"]: (one["used"], one["limit"]) for one in answer["limits"]}
    assert used["staff"] == (1, None) and used["storage_bytes"] == (0, 10**9) and used["api_rate"] == (None, 600)
    Plan.objects.all().delete()
    assert client_for(alpha, owner_of(alpha)).get(f"{API}/billing/plan/").json()["plan"]["slug"] == "free"


def test_a_new_plan_holds_with_the_next_request_of_every_process(alpha, beta, subscribed, client_for):
    owner = client_for(alpha, owner_of(alpha))
    assert owner.get(f"{API}/settings/")["RateLimit-Limit"] == "600"
    subscribed(alpha, make_plan(limits={"api_rate": 1234, "events": 7}))
    assert lookup.by_schema(alpha.schema_name).limits["events"] == 7
    answer = owner.get(f"{API}/billing/plan/")
    assert answer["RateLimit-Limit"] == "1234"
    assert {one["name"]: one["limit"] for one in answer.json()["limits"]}["events"] == 7
    # Nobody else's.
    assert client_for(beta, owner_of(beta)).get(f"{API}/settings/")["RateLimit-Limit"] == "600"


def test_refreshing_twice_writes_once(alpha, subscribed, django_assert_num_queries):
    subscribed(alpha, make_plan())
    version = lookup._version()
    assert limits.refresh(alpha)["plan"] == "small"
    assert lookup._version() == version


def test_a_small_rate_is_counted_hit_by_hit_and_said(alpha, subscribed, client_for):
    subscribed(alpha, make_plan(limits={"api_rate": 3}))
    owner = client_for(alpha, owner_of(alpha))
    assert [owner.get(f"{API}/settings/").status_code for _number in range(4)] == [200, 200, 200, 429]
    refused = owner.get(f"{API}/settings/")
    assert (refused.json()["code"], int(refused["Retry-After"]) > 0) == ("rate_limited", True)
    # The public reads, which have a short way of their own.
    anyone = client_for(alpha)
    assert [anyone.get(f"{API}/events/").status_code for _number in range(4)] == [200, 200, 200, 429]


def test_an_operators_change_reaches_everybody_who_has_the_plan(alpha, beta, subscribed, page_for):
    plan = make_plan(limits={"events": 5})
    subscribed(alpha, plan, told={"status": "active"})
    subscribed(beta, plan, restricted=True)
    operator = page_for(None, make_user(is_staff=True, is_superuser=True))
    form = {
        "name": "Larger", "ticket_fee_minor": 0, "ticket_fee_percent": "0.5", "trial_days": 0, "position": 4,
        "limits": '{"staff": 9}', "is_offered": "on",
    }  # fmt: skip
    answer = operator.post(f"/admin/billing/plan/{plan.pk}/change/", form | {"limits": '{"rooms": 9}'})
    assert "There is no limit" in answer.content.decode()
    assert operator.post(f"/admin/billing/plan/{plan.pk}/change/", form).status_code == 302
    rows = dict(Tenant.objects.values_list("pk", "limits"))
    assert (rows[alpha.pk]["staff"], rows[alpha.pk].get("events"), rows[alpha.pk]["standing"]) == (
        9, None, {"status": "active"},
    )  # fmt: skip
    assert rows[alpha.pk]["ticket_fee"]["percent"] == "0.5"
    assert rows[beta.pk]["events"] == 0
    assert operator.post(f"/admin/billing/plan/{plan.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"limits": {"rooms": 1}}, {"limits": {"events": -1}}, {"limits": {"events": True}}, {"limits": {"events": "5"}},
        {"limits": []}, {"limits": {"api_rate": 0}}, {"currency": "XXX"}, {"interval": ""}, {"interval": "week"},
    ],
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(db, wrong):
    with pytest.raises(ValidationError):
        Plan(**{"slug": "odd", "name": "Odd", "price_minor": 100, "interval": "month", **wrong}).full_clean()


@pytest.mark.parametrize("wrong", [{"price_minor": -1}, {"ticket_fee_percent": Decimal("100.01")}, {"interval": ""}])
def test_the_database_refuses_it_too(db, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_plan(**{"price_minor": 100, **wrong})


def test_the_page_shows_plan_use_and_price_list_in_both_languages(alpha, subscribed, page_for):
    subscribed(alpha, make_plan(name="Little", limits={"events": 4, "staff": 1}))
    owner = page_for(alpha, owner_of(alpha))
    page = owner.get(PAGE).content.decode()
    assert "Little" in page and "0 of 4" in page and "1 of 1" in page
    assert (
        "Full. A larger plan has room." in page
        and "€29" in page
        and "2.5\N{NO-BREAK SPACE}% of each paid ticket" in page
    )
    russian = owner.get(f"{PAGE}?lang=ru").content.decode()
    assert "Ваш тариф" in russian and "0 из 4" in russian and "Full." not in russian
    assert page_for(alpha, make_user()).get(PAGE).status_code == 403
    subscribed(alpha, make_plan("late"), restricted=True)
    assert "A payment is missing" in owner.get(f"{PAGE}?lang=en").content.decode()


def test_only_who_sets_the_site_up_reads_its_plan(alpha, client_for):
    for path in ("plan", "ticket-fees"):
        assert client_for(alpha).get(f"{API}/billing/{path}/").status_code == 401
        assert client_for(alpha, make_user()).get(f"{API}/billing/{path}/").status_code == 403


def test_a_plan_that_is_too_small_is_refused_by_name(in_alpha):
    from tests.factories import make_event

    for _number in range(3):
        make_event()
    small = make_plan(limits={"events": 2, "staff": 1, "domains": 0})
    assert [one.name for one in limits.too_much_for(in_alpha, small)] == ["events"]
    with pytest.raises(limits.PlanTooSmall) as refused:
        limits.require_fits(in_alpha, small)
    assert refused.value.members == {"over": [{"name": "events", "limit": 2, "used": 3}]}
    assert "Events at a time: 3 > 2" in str(refused.value)
    limits.require_fits(in_alpha, make_plan("fits", limits={"events": 3}))


def test_what_comes_back_from_a_backup_has_todays_plan(alpha, subscribed):
    from types import SimpleNamespace

    subscribed(alpha, make_plan(limits={"events": 5}))
    Tenant.objects.filter(pk=alpha.pk).update(limits={"plan": "of then", "events": 99})
    restored = Tenant.objects.get(pk=alpha.pk)
    after = {name: function for _order, name, function in restoring._afterwards}
    assert list(after["limits"](SimpleNamespace(tenant=restored))) == []
    assert Tenant.objects.get(pk=alpha.pk).limits["events"] == 5


def test_what_invoices_rest_on_outlives_the_tenant(alpha):
    why = {label: reason for label, _rows, reason in keeping.rows_of(alpha)}
    assert why["billing.TicketFees"] and why["billing.Usage"]
