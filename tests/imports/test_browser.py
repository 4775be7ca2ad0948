"""The festival in a real browser: uploaded, mapped, looked at, applied; at phone and desktop width, in both themes."""

import json
import os
from pathlib import Path

import pytest

from tenant_apps.events.models import Event
from tenant_apps.imports import services
from tenant_apps.imports.models import ImportJob
from tenant_apps.ticketing.models import Quota
from tenants.context import in_tenant
from tests.factories import owner_of
from tests.imports.test_open_house import FILE
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

DATA = Path(__file__).parents[1] / "data" / "open-house-london-2021.csv"
SHOTS = os.environ.get("SCREENSHOTS")

pytestmark = pytest.mark.browser


def work(tenant):
    """What the worker does with what waits."""
    with in_tenant(tenant):
        assert ImportJob.objects.filter(mapped=True, status__in=["pending", "validating", "applying"]).exists()
        for job in ImportJob.objects.filter(mapped=True, status__in=["pending", "validating", "applying"]):
            (services.apply if job.status == "applying" else services.validate)(job)


def shot(page, browser, name):
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/imports-{name}-{browser.width}.png", full_page=True)


def test_the_festival_comes_in_through_the_pages(alpha, site, browser):
    signed_in(browser, site, alpha, owner_of(alpha))
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/imports/"))
    page.locator('main a[href$="/imports/events/"]').click()
    page.get_by_label("File", exact=True).set_input_files(DATA)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Which column is which?").wait_for()
    assert page.locator("#column-title option:checked").inner_text() == "name · Holy Trinity Church in Bow"
    assert page.locator("#column-starts_at option:checked").inner_text().startswith("start ·")
    assert page.locator("#column-capacity option:checked").inner_text().startswith("capacity ·")
    page.get_by_text("More columns").click()
    page.locator("#column-timezone").select_option("same")
    page.locator("#constant-timezone").fill("Europe/London")
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("progressbar").wait_for()
    page.reload()
    page.get_by_role("progressbar").wait_for()
    work(alpha)
    page.get_by_role("heading", name="Ready to apply").wait_for()
    assert page.locator(".facts").inner_text().split() == [
        "New",
        "2028",
        "Changed",
        "0",
        "Unchanged",
        "0",
        "Refused",
        "0",
    ]
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("progressbar").wait_for()
    work(alpha)
    page.get_by_text("The file is applied.").wait_for()
    with in_tenant(alpha):
        assert Event.objects.filter(timezone="Europe/London").count() == 2028
        assert sum(Quota.objects.exclude(capacity=None).values_list("capacity", flat=True)) == 46510
    page.goto(site.url(alpha, "/dashboard/imports/events/"))
    page.get_by_label("File", exact=True).set_input_files(DATA)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("progressbar").wait_for()
    work(alpha)
    page.get_by_role("heading", name="Ready to apply").wait_for()
    assert page.locator(".facts").inner_text().split() == [
        "New",
        "0",
        "Changed",
        "0",
        "Unchanged",
        "2028",
        "Refused",
        "0",
    ]


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(alpha, site, browser):
    with in_tenant(alpha):
        good = services.run_now(resource="events", file_name="open-house.csv", content=FILE, actor=owner_of(alpha))
        changed = FILE.replace(b",12,False", b",13,False").replace(b"10007,Holy", b"10007,Wholly")
        few = b"".join(changed.splitlines(keepends=True)[:30])
        ready = services.validate(services.start(resource="events", file_name="a.csv", content=few, actor=None))
        bad = services.validate(
            services.start(resource="events", file_name="b.csv", content=FILE.replace(b"T11:00", b"noon"), actor=None)
        )
        asks = services.start(resource="events", file_name="c.csv", content=FILE, actor=None, ask=True,
                              looked=(good.header, [["10007", "Holy Trinity"] + ["x"] * 18]))  # fmt: skip
        running = services.start(resource="events", file_name="d.csv", content=FILE, actor=None)
    pages = {
        "index": "/dashboard/imports/", "upload": "/dashboard/imports/events/",
        "columns": f"/dashboard/imports/{asks.pk}/columns/", "applied": f"/dashboard/imports/{good.pk}/",
        "ready": f"/dashboard/imports/{ready.pk}/", "invalid": f"/dashboard/imports/{bad.pk}/",
        "running": f"/dashboard/imports/{running.pk}/", "events": "/dashboard/events/?show=all",
        "orders": "/dashboard/orders/", "products": "/dashboard/products/",
    }  # fmt: skip
    signed_in(browser, site, alpha, owner_of(alpha))
    found = []
    page = browser.new_page()
    for name, path in pages.items():
        page.goto(site.url(alpha, f"{path}{'&' if '?' in path else '?'}lang=en"))
        page.evaluate(AXE)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found += [(theme, name, *each) for each in page.evaluate(RUN_AXE)]
            shot(page, browser, f"{name}-en-{theme}")
        for language in ("en", "ru"):
            page.goto(site.url(alpha, f"{path}{'&' if '?' in path else '?'}lang={language}"))
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > browser.width:
                found.append((name, language, f"{width} px wide"))
            shot(page, browser, f"{name}-{language}-dark")
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


def test_without_javascript_the_mapping_and_the_progress_work(alpha, site, chromium):
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    signed_in(context, site, alpha, owner_of(alpha))
    page = context.new_page()
    page.goto(site.url(alpha, "/dashboard/imports/events/"))
    page.get_by_label("File", exact=True).set_input_files(DATA)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Check the file").click()
    work(alpha)
    page.get_by_role("link", name="Look again").click()
    page.get_by_role("button", name="Apply").click()
    work(alpha)
    page.get_by_role("link", name="Look again").click()
    page.get_by_text("The file is applied.").wait_for()
    context.close()
