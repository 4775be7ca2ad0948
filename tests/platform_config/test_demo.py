"""The demo: complete, alive, the same when made twice, and impossible in production."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from bench.report_equality import differences
from platform_config.demo import seed as demo
from platform_config.demo.people import DEMO_EMAILS, PASSWORD, PEOPLE
from shared_apps.accounts.models import User
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.imports.models import ImportJob
from tenant_apps.orders import footprints
from tenant_apps.orders.models import Order
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.reports.models import DayFigure
from tenant_apps.reports.queries import event_numbers, headline, sales_per_day
from tenant_apps.staff.models import Membership
from tenant_apps.ticketing.models import CheckIn, Ticket, TicketType
from tenants.context import in_tenant
from tenants.models import Tenant


def counts(tenant: Tenant) -> dict[str, int]:
    with in_tenant(tenant):
        models = (Event, TicketType, Order, Ticket, CheckIn, Membership, ImportJob)
        return {model.__name__: model.objects.count() for model in models}


def test_the_demo_is_alive_true_to_its_rules_and_the_same_when_made_twice(transactional_db):
    demo.seed()
    tenants = list(Tenant.objects.filter(slug__in=["aurora", "kinoteatr", "volga"]).order_by("slug"))
    assert [(one.slug, one.kind, one.currency) for one in tenants] == [
        ("aurora", "organizer", "EUR"),
        ("kinoteatr", "organizer", "RUB"),
        ("volga", "retail", "RUB"),
    ]
    before = {tenant.slug: counts(tenant) for tenant in tenants}
    people = User.objects.count()
    assert demo.seed() == "nothing to do"
    assert {tenant.slug: counts(tenant) for tenant in tenants} == before
    assert User.objects.count() == people
    assert 150 <= sum(one["Order"] for one in before.values()) <= 300
    assert all(breaches_in(tenant) == [] for tenant in tenants)
    for tenant in tenants:
        with in_tenant(tenant):
            assert differences() == []
            assert DayFigure.objects.exists()
            assert list(footprints.differences()) == []
            assert breaches_in(tenant) == []
    for person in PEOPLE:
        user = User.objects.get(email=person.email)
        assert user.check_password(PASSWORD)
        assert user.is_superuser is person.operator
    for tenant in tenants:
        with in_tenant(tenant):
            look_alive(tenant)
    with in_tenant(tenants[0]):
        look_at_aurora()
    with override_settings(DEVELOPMENT=False):
        found = run_checks(tags=["database"], databases=["default"])
        assert "foyer.C001" in [one.id for one in found]
    assert run_checks(tags=["database"], databases=["default"]) == []


def look_alive(tenant: Tenant) -> None:
    """Dashboards and plots have something to show: sales over weeks, people who came, events behind and ahead."""
    now = timezone.now()
    assert Event.objects.filter(status="finished", starts_at__lt=now).exists()
    assert Event.objects.on_sale(now).exists()
    assert Order.objects.filter(created_at__gt=now).count() == 0
    assert Order.objects.filter(created_at__lt=now - timedelta(days=41)).count() == 0
    assert Order.objects.filter(status="paid", paid_at__isnull=True).count() == 0
    assert headline(now=now).tickets.now > 10
    assert sum(1 for day in sales_per_day(days=40) if day.tickets) >= 5
    assert CheckIn.objects.filter(result="admitted").exists()
    assert CheckIn.objects.filter(ticket__event__starts_at__gt=now).count() == 0


def look_at_aurora() -> None:
    roles = set(Membership.objects.values_list("role__preset", flat=True))
    assert {"owner", "manager", "box_office", "door"} <= roles
    free = TicketType.objects.filter(price_minor=0, event__in=Event.objects.on_sale(), hidden=False)
    assert any(quota.free for ticket_type in free for quota in ticket_type.quotas.all())
    jazz = Event.objects.get(external_id="aurora-nils-berg")
    assert event_numbers([jazz])[jazz.pk].sold_percent >= 75
    buyer = User.objects.get(email="buyer@demo.test")
    assert Order.objects.filter(user=buyer, status="paid").count() >= 3
    # A few mails go out, for the mailbox; two hundred about the past do not.
    assert 1 <= OutboxMessage.objects.filter(topic="order.paid", delivered_at__isnull=True).count() <= 5


def test_a_demo_that_was_cut_short_is_completed(transactional_db, monkeypatch):
    def fail(self: object) -> None:
        raise RuntimeError("the power went out")

    with monkeypatch.context() as patch:
        patch.setattr(demo.Seller, "sell_everything", fail)
        with pytest.raises(RuntimeError):
            demo.seed()
    assert not demo.is_seeded()
    aurora = Tenant.objects.get(slug="aurora")
    assert counts(aurora)["Event"] == 0
    monkeypatch.setattr(demo.Seller, "sell_everything", lambda self: None)
    demo.seed()
    assert demo.is_seeded()
    assert counts(aurora)["Event"] == 16


def test_production_refuses_to_make_the_demo(db):
    with override_settings(DEVELOPMENT=False), pytest.raises(CommandError, match="no development server"):
        call_command("seed_demo", stdout=StringIO())
    assert not User.objects.filter(email__in=DEMO_EMAILS).exists()


@pytest.mark.parametrize(
    "day", [datetime(2026, 1, 5), datetime(2026, 11, 22), datetime(2027, 3, 28), datetime(2028, 2, 29)]
)
def test_the_files_are_moved_by_whole_weeks_to_both_sides_of_any_day(day):
    tenant = Tenant(slug="aurora", timezone="Europe/Vienna")
    now = day.replace(hour=12, tzinfo=UTC)
    rows = list(csv.DictReader(StringIO(demo.shifted(tenant, now).decode())))
    with (demo.FOLDER / "aurora.csv").open(encoding="utf-8", newline="") as source:
        original = list(csv.DictReader(source))
    starts = [datetime.fromisoformat(row["starts_at"]).replace(tzinfo=UTC) for row in rows]
    assert min(starts) < now - timedelta(days=20)
    assert max(starts) > now + timedelta(days=30)
    for row, before in zip(rows, original, strict=True):
        moved = datetime.fromisoformat(row["starts_at"]) - datetime.fromisoformat(before["starts_at"])
        assert moved % timedelta(weeks=1) == timedelta()
        assert {k: v for k, v in row.items() if k not in demo.TIMES} == {
            k: v for k, v in before.items() if k not in demo.TIMES
        }
