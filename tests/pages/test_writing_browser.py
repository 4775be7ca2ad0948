"""Messages to ticket holders, devices and text messages in a real browser, in both languages; clean by axe."""

import pytest

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.notifications import message_tasks, sms_accounts
from tenant_apps.notifications.models import Message
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_audit_browser import _russian_is_compiled, in_language  # noqa: F401  (a fixture of this module too)
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser
WORDS = {
    "en": ("Preview and count", "Yes, send it", "Everybody has it", "1 person gets it"),
    "ru": ("Посмотреть и посчитать", "Да, отправить", "Отправлено всем", "Получит 1 человек"),
}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_staff_write_look_send_and_follow(alpha, site, browser, language, settings):
    settings.SMS_API_BASE = "https://sms.example.org"
    look_first, send, everybody, one = WORDS[language]
    owner = owner_of(alpha)
    with in_tenant(alpha):
        event = make_event("Night of Strings", slug="strings")
        make_ticket_type(event, name="Balcony")
        make_paid_order(make_ticket_type(event, name="Seats"), email="ada@example.test")
        sms_accounts.set_up(sender="Alpha", key="k", daily_parts=100, actor=None)
    owner.language = language
    owner.save(update_fields=["language"])
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/events/strings/messages/"))
    found = look(page, browser, f"message-write-{language}")
    page.locator("[name=subject]").fill("Doors open earlier")
    page.locator("[name=message]").fill("{greeting}\n\nthe doors of {event} open at seven.\n\n{site}")
    page.locator("[name=channels][value=sms]").check()
    page.get_by_role("button", name=look_first).click()
    page.get_by_text(one).wait_for()
    assert page.get_by_text("ada@example.test").count() == 1
    found += look(page, browser, f"message-preview-{language}")
    page.get_by_role("button", name=send).click()
    page.locator("#going progress").wait_for()
    found += look(page, browser, f"message-going-{language}")
    with in_tenant(alpha):
        sms_accounts.remove(actor=None)
        message_tasks.send_message(str(Message.objects.get().pk))
        while deliver_due():
            pass
    # The page asks by itself.
    page.get_by_role("heading", name=everybody).wait_for()
    found += look(page, browser, f"message-done-{language}")
    page.goto(site.url(alpha, "/dashboard/settings/text-messages/"))
    found += look(page, browser, f"sms-{language}")
    page.goto(site.url(alpha, "/account/devices/"))
    found += look(page, browser, f"devices-{language}")
    page.goto(site.url(alpha, "/account/notifications/"))
    found += look(page, browser, f"wishes-{language}")
    page.goto(site.url(alpha, "/account/phone/"))
    found += look(page, browser, f"phone-{language}")
    assert found == []


def test_a_push_is_shown_by_the_service_worker(alpha, site, chromium):
    """What a push service would hand to the browser is handed to it by the browser's own tools."""
    context = chromium.new_context(locale="en-GB")
    context.grant_permissions(["notifications"], origin=site.url(alpha, "/").rstrip("/"))
    signed_in(context, site, alpha, owner_of(alpha))
    page = context.new_page()
    page.goto(site.url(alpha, "/account/devices/"))
    tools = context.new_cdp_session(page)
    registrations = []
    tools.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    tools.send("ServiceWorker.enable")
    page.evaluate(
        """async () => {
          const form = document.getElementById("push");
          await navigator.serviceWorker.register(form.dataset.worker, {scope: form.dataset.scope});
          await navigator.serviceWorker.ready;
        }"""
    )
    page.wait_for_timeout(200)
    mine = next(each for each in registrations if each["scopeURL"].endswith("/account/devices/"))
    data = '{"title": "Doors open", "body": "At seven", "url": "/events/", "tag": "t1"}'
    for _ in range(2):
        tools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": site.url(alpha, "/").rstrip("/"), "registrationId": mine["registrationId"], "data": data},
        )
    page.wait_for_function(
        "async () => (await (await navigator.serviceWorker.ready).getNotifications()).length > 0", timeout=5000
    )
    shown = page.evaluate(
        """async () => (await (await navigator.serviceWorker.ready).getNotifications())
             .map((each) => [each.title, each.body, each.tag, each.data.url])"""
    )
    assert shown == [["Doors open", "At seven", "t1", "/events/"]]
    context.close()
