"""The security history and the audit trail in a real browser, in both languages: clean by axe in either theme."""

import pytest
from django.conf import settings
from django.utils.translation import trans_real

from platform_config.translations import compile_translations
from shared_apps.accounts import trail
from tenant_apps.activity.services import record_refusal
from tenant_apps.events.services import update_event
from tenant_apps.staff.roles import change_role_itself, make_role
from tenants.context import in_tenant
from tests.factories import make_event, make_user, owner_of
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture(scope="module", autouse=True)
def _russian_is_compiled():
    if compile_translations():
        trans_real._translations.clear()


def in_language(browser, site, tenant, language):
    name = settings.LANGUAGE_COOKIE_NAME
    browser.add_cookies([{"name": name, "value": language, "url": site.url(tenant, "/")}])


@pytest.mark.parametrize(("language", "heading"), [("en", "Security history"), ("ru", "История безопасности")])
def test_a_person_reads_what_happened_to_their_account(alpha, site, browser, language, heading):
    ada, operator = make_user("ada@example.test", language=language), make_user()
    trail.note("account.confirmed", ada.pk, address="192.0.2.7")
    trail.note("sign_in.done", ada.pk, address="2001:db8:85a3:8d3:1319:8a2e:370:7348", user_agent=FIREFOX)
    trail.note_refusal("sign_in.refused", email=ada.email, address="198.51.100.23", user_agent="curl/8")
    trail.note("session.copied", ada.pk, refused=True, address="198.51.100.23")
    with trail.acting(operator):
        trail.note("totp.off", ada.pk)
    for _each in range(50):
        trail.note("session.ended", ada.pk, address="192.0.2.7")
    signed_in(browser, site, alpha, ada)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/account/security/"))
    found = look(page, browser, f"security-{language}")
    page.goto(site.url(alpha, "/account/security/history/"))
    page.get_by_role("heading", name=heading).wait_for()
    assert page.locator("time").count() == 50
    page.locator(".pagination a").click()
    page.get_by_text("198.51.100.23").first.wait_for()
    found += look(page, browser, f"history-{language}")
    assert page.locator("time").count() == 5
    assert found == []


@pytest.mark.parametrize(("language", "refused"), [("en", "Refused"), ("ru", "Отказано")])
def test_staff_read_the_audit_trail(alpha, site, browser, language, refused):
    owner = owner_of(alpha)
    with in_tenant(alpha):
        event = make_event("Night of Strings")
        update_event(event, actor=owner, title="A Night of Strings and Brass in the Old Town Hall")
        role = make_role(name="Front desk", permissions=["check_in"], actor=owner)
        change_role_itself(role, permissions=["check_in", "view_orders", "change_orders"], actor=owner)
        facts = {"method": "DELETE", "status": 403, "code": "forbidden", "permissions": ["change_event"]}
        record_refusal(make_user("a-stranger-with-a-long-name@example.test"), "/api/v1/events/gala/", **facts)
        record_refusal(None, "/api/v1/staff/", **{**facts, "status": 401, "code": "sign_in_required"})
    owner.language = language
    owner.save(update_fields=["language"])
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/audit/"))
    found = look(page, browser, f"audit-{language}")
    page.get_by_text("A Night of Strings and Brass").wait_for()
    page.goto(site.url(alpha, "/dashboard/audit/?refused=true"))
    page.locator("table .chip", has_text=refused).first.wait_for()
    assert page.locator("tbody tr").count() == 2
    found += look(page, browser, f"audit-refused-{language}")
    assert found == []
