"""The pages of what happens by the clock in a real browser, in both languages: clean by axe in either theme."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from django.utils.translation import trans_real

from platform_config.translations import compile_translations
from shared_apps.billing.models import Usage
from tenant_apps.events import services as events
from tenant_apps.notifications import reminder_plan, reminders, rounds
from tenant_apps.ticketing.models import Ticket
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_ticket_type, owner_of
from tests.pages.test_audit_browser import in_language
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser
START = datetime(2031, 3, 31, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _russian_is_compiled():
    if compile_translations():
        trans_real._translations.clear()


@pytest.mark.parametrize(("language", "heading"), [("en", "Reminders"), ("ru", "Напоминания")])
def test_staff_see_and_set_reminders_and_read_what_was_used(alpha, site, browser, language, heading):
    owner = owner_of(alpha)
    with in_tenant(alpha):
        event = make_event("A Night of Strings", slug="night", starts_at=START, timezone="Europe/London")
        make_order(make_ticket_type(event, price_minor=0))
        Ticket.objects.update(created_at=START - timedelta(days=90))
        rounds.plan(START - timedelta(days=3))
        rounds.send_due(reminders.WRITERS, START - timedelta(hours=24))
        event = events.postpone(event, starts_at=START + timedelta(days=7), actor=owner)
        reminder_plan.set_offsets(event, [4320, 90], actor=owner)
    for back in range(40):
        day = timezone.now().date() - timedelta(days=back)
        Usage.objects.create(
            tenant=alpha, day=day, orders=37 * back, paid_tickets=1234, mails=98, api_requests=65_432,
            storage_bytes=123_456_789,
        )  # fmt: skip
    owner.language = language
    owner.save(update_fields=["language"])
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/events/night/reminders/"))
    page.get_by_role("heading", name=heading, exact=True).wait_for()
    found = look(page, browser, f"reminders-{language}")
    page.locator("textarea").fill("45")
    page.locator("form:has(textarea) button[type=submit]").click()
    page.locator("td", has_text="45").first.wait_for()
    page.goto(site.url(alpha, "/dashboard/settings/usage/"))
    found += look(page, browser, f"usage-{language}")
    page.goto(site.url(alpha, "/dashboard/settings/"))
    found += look(page, browser, f"settings-{language}")
    assert found == []
