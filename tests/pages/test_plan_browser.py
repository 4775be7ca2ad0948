"""What one's plan allows and how much of it is used, in a real browser: both languages and themes, clean by axe; and
the way there from what was refused."""

import pytest

from shared_apps.billing.models import TicketFees
from tenants.context import in_tenant
from tests.billing.plans import allow
from tests.factories import make_event, owner_of
from tests.pages.test_audit_browser import _russian_is_compiled, in_language  # noqa: F401  (a fixture)
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("language", "full"), [("en", "Full. A larger plan"), ("ru", "Занято всё")])
def test_what_is_full_is_seen_and_a_refusal_leads_to_the_plans(alpha, site, browser, language, full):
    from django.utils import timezone

    owner = owner_of(alpha)
    owner.language = language
    owner.save(update_fields=["language"])
    with in_tenant(alpha):
        make_event()
        make_event()
    allow(alpha, events=2, staff=4, storage_bytes=5_000_000_000, domains=1)
    TicketFees.objects.create(
        tenant=alpha, day=timezone.now().date(), currency="EUR", tickets=1240, gross_minor=3_720_000, fee_minor=93_000,
        collected_minor=61_050,
    )  # fmt: skip
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/settings/plan/"))
    page.get_by_text(full).wait_for()
    found = look(page, browser, f"plan-{language}")
    page.goto(site.url(alpha, "/dashboard/staff/invite/"))
    allow(alpha, staff=1)
    page.locator("input[name=email]").fill("somebody@else.test")
    page.locator("form.form button[type=submit]").last.click()
    page.locator(".alert a").wait_for()
    assert page.locator(".alert a").get_attribute("href").endswith("/dashboard/billing/")
    found += look(page, browser, f"plan-refused-{language}")
    # The browser writes every answer of 4xx to its console.
    browser.problems[:] = [one for one in browser.problems if "status of 4" not in one]
    assert found == []
