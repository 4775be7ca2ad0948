"""The reports' pages, the self-check and the log in a real browser: clean by axe in either theme, on phones too."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from django.utils.translation import trans_real

from platform_config.translations import compile_translations
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.reports import building, log, schedules
from tenant_apps.reports.models import BuildState, DayFigure
from tenants import heartbeats
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_audit_browser import in_language
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import PICTURES, look

pytestmark = pytest.mark.browser
TITLES = ("Night of Strings", "Open Day for the whole Family and all Friends of the House", "Jazz in the Court", "Gala")


@pytest.fixture(scope="module", autouse=True)
def _russian_is_compiled():
    if compile_translations():
        trans_real._translations.clear()


@pytest.fixture
def season(alpha):
    """Half a year of figures of four events, as the read model keeps them, and one order that is really there."""
    with in_tenant(alpha):
        kinds = [make_ticket_type(make_event(title), price_minor=2400, name="Standard") for title in TITLES]
        make_paid_order(kinds[0])
        building.bring_up_to_date()
        today = date.today()
        rows = []
        for back in range(180):
            day = today - timedelta(days=back)
            for number, kind in enumerate(kinds):
                count = (back * (number + 3) * 7919 % 11) - 3 + (8 if day.weekday() > 4 else 0)
                if count <= 0 or number * 40 > back + 60:
                    continue
                gross = count * 2400
                rows.append(
                    DayFigure(
                        day=day, event_day=day, kind="ticket", event_id=kind.event_id, item_id=kind.pk,
                        channel="online" if back % 4 else "box_office", currency="EUR", tax_rate=7, orders=count // 2,
                        event_orders=count // 2, quantity=count, list_minor=gross, gross_minor=gross,
                        refunded_minor=gross // 8 if back % 9 == 0 else 0, fees_minor=gross // 40,
                        tax_minor=gross * 7 // 107,
                    )
                )  # fmt: skip
        DayFigure.objects.bulk_create(rows, ignore_conflicts=True)
        assert BuildState.objects.exists()
        yield kinds


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_reports_are_clean(alpha, season, site, browser, language):
    signed_in(browser, site, alpha, owner_of(alpha))
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    failed, foreign = [], []
    page.on("console", lambda message: failed.append(message.text) if message.type == "error" else None)
    host = site.url(alpha, "/")
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(host) else None)
    found = []
    paths = (
        ("index", ""),
        ("days", "sales/?period=last_30_days&compare=1"),
        ("stacked", "sales/?period=last_30_days&group_by=day,event"),
        ("curve", f"sales/?from={date.today() - timedelta(days=170)}&to={date.today()}&group_by=day&compare=1"),
        ("events", "sales/?period=this_year&group_by=event&compare=1"),
        ("attendance", "attendance/"),
        ("stock", "stock/"),
        ("settlement", "settlement/?period=this_month"),
        ("empty", "sales/?from=2020-01-01&to=2020-01-31"),
    )
    # Russian is longer: what it may break shows on the first few.
    for name, path in paths if language == "en" or PICTURES else paths[:3]:
        page.goto(site.url(alpha, f"/dashboard/reports/{path}"))
        found += look(page, browser, f"report-{name}-{language}")
    assert found == []
    assert failed == []
    assert foreign == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_schedules_self_check_and_log_are_clean(alpha, season, site, browser, language):
    owner = owner_of(alpha)
    with in_tenant(alpha):
        row = schedules.create(
            {"report": "sales", "params": {"period": "last_week"}, "cron": "0 8 * * 1", "recipients": [owner.email]},
            actor=owner,
        )
        schedules.create(
            {"report": "settlement", "params": {"period": "last_month"}, "cron": "15 6 1 1 *", "format": "xlsx",
             "recipients": [owner.email], "enabled": False},
            actor=owner,
        )  # fmt: skip
        OutboxMessage.objects.create(topic="order.paid", aggregate="orders.order:1", parked_at=timezone.now())
        log.write(
            [
                log.Noted(
                    "follow_up_failed", "order.paid", "warning", timezone.now(), "8a1b2c3d4e5f60718293a4b5c6d7e8f9"
                ),
                log.Noted("import_failed", "0198c7d2", "error", timezone.now()),
            ]
        )
    heartbeats.note(heartbeats.BEAT)
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    found = []
    paths = (
        ("schedules", "reports/schedules/"),
        ("schedule-new", "reports/schedules/new/?report=sales"),
        ("schedule", f"reports/schedules/{row.pk}/"),
        ("check", "settings/system-check/"),
        ("log", "log/"),
        ("audit", "audit/?search=report"),
        ("home", ""),
    )
    for name, path in paths if language == "en" or PICTURES else paths[1:2]:
        page.goto(site.url(alpha, f"/dashboard/{path}"))
        found += look(page, browser, f"{name}-{language}")
    assert found == []
    page.goto(site.url(alpha, "/dashboard/reports/schedules/new/?report=sales"))
    assert page.locator("#id_weekday").is_visible()
    assert not page.locator("#id_cron").is_visible()
    page.locator("#id_often").select_option("own")
    assert page.locator("#id_cron").is_visible()
    assert not page.locator("#id_weekday").is_visible()
