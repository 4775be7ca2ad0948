"""How background work stands, in a real browser: in both languages and themes, clean by axe."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenant_apps.activity.models import OutboxMessage
from tenants.context import in_tenant
from tests.factories import owner_of
from tests.pages.test_audit_browser import _russian_is_compiled, in_language  # noqa: F401  (a fixture)
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("language", "again"), [("en", "Try all again"), ("ru", "Повторить все")])
def test_what_was_given_up_is_read_and_tried_again(alpha, site, browser, language, again):
    owner = owner_of(alpha)
    owner.language = language
    owner.save(update_fields=["language"])
    now = timezone.now()
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        for number, error in enumerate(
            (
                "notifications.subscribers.send_again: SMTPRecipientsRefused: {'a@b.c': (550, b'no such user')}",
                "tenant_apps.notifications.subscribers.send_again: DoesNotExist: Order matching query does not exist.",
                "KeyError: 'name'",
            )
        ):
            OutboxMessage.objects.create(
                topic="order.resend",
                aggregate=f"orders.order:01a2004e-a1b8-7714-bdf4-fb17c893d2c{number}",
                tries=10,
                parked_at=now - timedelta(minutes=number),
                last_error=error,
            )
        OutboxMessage.objects.create(
            topic="order.paid", aggregate="a:1", queue="urgent", due_at=now - timedelta(minutes=7)
        )
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/background/"))
    page.locator("details summary").first.click()
    found = look(page, browser, f"background-{language}")
    page.get_by_role("button", name=again, exact=True).click()
    page.locator(".empty").wait_for()
    found += look(page, browser, f"background-after-{language}")
    with in_tenant(alpha):
        assert not OutboxMessage.objects.filter(parked_at__isnull=False).exists()
    assert found == []
