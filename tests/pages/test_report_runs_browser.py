"""Reports made in the background, in a real browser: nothing in anybody's way, and progress is seen by itself."""

import os
from pathlib import Path

import pytest
from django.conf import settings

from tenant_apps.reports import runs
from tenant_apps.reports.models import ReportRun
from tenant_apps.reports.registry import by_slug
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
# Where whoever looks at the pages wants pictures of them; none by default.
PICTURES = os.environ.get("PAGE_PICTURES", "")
LIST = "/dashboard/reports/runs/"


def test_a_report_is_asked_for_and_its_progress_seen(alpha, site, browser):
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(make_event("A night of very long overtures and encores"), price_minor=2500))
        for status, slug in (("failed", "sales"), ("done", "customers")):
            run = runs.ask(by_slug(slug), {}, "pdf", actor=owner_of(alpha))
            error = "The file would be too large. Ask for fewer days or group by less."
            ReportRun.objects.filter(pk=run.pk).update(status=status, rows=12, error=error * (status == "failed"))
        failed = ReportRun.objects.get(status="failed").pk
    signed_in(browser, site, alpha, owner_of(alpha))
    page, found = browser.new_page(), []

    def look(name):
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{browser.width}.png"), full_page=True)
        if page.evaluate("document.documentElement.scrollWidth") > browser.width:
            found.append((name, "wider than the screen"))
        page.evaluate(AXE)
        found.extend((name, *each) for each in page.evaluate(RUN_AXE))

    page.goto(site.url(alpha, f"{LIST}?report=taxes&group_by=month"))
    look("runs")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/reports/runs/*/")
    look("run-waiting")
    with in_tenant(alpha):
        runs.make(ReportRun.objects.get(report="taxes").pk)
    page.get_by_role("link", name="Download").wait_for()
    look("run-done")
    browser.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "ru", "url": site.url(alpha, "/")}])
    page.emulate_media(color_scheme="dark")
    page.goto(site.url(alpha, LIST))
    look("runs-ru-dark")
    page.goto(site.url(alpha, f"{LIST}{failed}/"))
    look("run-failed-ru-dark")
    assert not found
