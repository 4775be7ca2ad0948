"""The operators' console and a visit in a real browser: from the list to a tenant's dashboard and out again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shared_apps.billing.models import Usage
from shared_apps.operators.measuring import measure
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.reports.log_models import LogEntry
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of
from tests.operators.helpers import REASON, make_operator
from tests.pages.test_audit_browser import _russian_is_compiled, in_language  # noqa: F401  (a fixture)
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser
WORDS = {
    "en": {"go": "Go there", "leave": "Leave", "retry": "Try again", "end": "End now", "reason": "Reason"},
    "ru": {"go": "Зайти", "leave": "Уйти", "retry": "Повторить", "end": "Закончить сейчас", "reason": "Причина"},
}


def prepare(tenant, *, parked):
    now = timezone.now()
    Usage.objects.create(tenant=tenant, day=now.date(), orders=41, paid_tickets=97, mails=160, storage_bytes=7_340_032)
    with in_tenant(tenant):
        make_paid_order(make_ticket_type(make_event("Gala"), price_minor=125_000), quantity=2)
        OutboxMessage.objects.all().delete()
        for number in range(parked):
            OutboxMessage.objects.create(
                topic="order.paid", aggregate=f"orders.order:{number}", tries=10, parked_at=now,
                last_error="tenant_apps.notifications.tickets.send: SMTPConnectError: (421, b'no route')",
            )  # fmt: skip
        hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        LogEntry.objects.create(hour=hour, event="page_failed", level="error", times=parked)
        measure()


def test_an_operator_finds_what_is_wrong_goes_there_and_leaves(alpha, beta, site, browser, settings):
    settings.PLATFORM_PORT = f":{site.port}"
    language = "ru" if browser.width == 390 else "en"
    words = WORDS[language]
    prepare(alpha, parked=3)
    prepare(beta, parked=0)
    operator = make_operator(name="Olga Operator", language=language)
    signed_in(browser, site, None, operator)
    for tenant in (None, alpha):
        in_language(browser, site, tenant, language)
    page = browser.new_page()
    page.goto(site.url(None, "/operator/"))
    found = look(page, browser, f"operators-list-{language}")
    page.get_by_role("link", name="Alpha", exact=True).click()
    page.get_by_role("heading", name="Alpha", exact=True).wait_for()
    found += look(page, browser, f"operators-tenant-{language}")
    page.goto(site.url(None, "/operator/failed/"))
    found += look(page, browser, f"operators-failed-{language}")
    page.get_by_role("button", name=words["retry"]).first.click()
    page.locator(".empty").wait_for()

    page.goto(site.url(None, "/operator/tenants/alpha/"))
    page.locator("#id_visit-reason").fill(REASON)
    page.get_by_role("button", name=words["go"], exact=True).click()
    page.locator(".operator-visit").wait_for()
    assert page.url == site.url(alpha, "/dashboard/")
    found += look(page, browser, f"operators-visit-{language}")
    page.goto(site.url(alpha, "/dashboard/operators/"))
    found += look(page, browser, f"operators-visits-here-{language}")
    page.locator(".operator-visit").get_by_role("button", name=words["leave"]).click()
    page.wait_for_url(site.url(None, "/operator/"))
    page.goto(site.url(None, "/operator/visits/"))
    found += look(page, browser, f"operators-visits-{language}")
    page.goto(site.url(alpha, "/dashboard/"))
    page.wait_for_url("**/account/login/**")
    page.close()

    # The owner is told, sees it, and would end one that still runs.
    browser.clear_cookies()
    signed_in(browser, site, alpha, owner_of(alpha))
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/operators/"))
    page.get_by_text(REASON).wait_for()
    assert page.get_by_role("button", name=words["end"]).count() == 0
    assert found == []
