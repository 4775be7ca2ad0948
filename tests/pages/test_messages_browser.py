"""The feed, the bell, the words of messages and the sender in a real browser: clean by axe, shown while one types."""

import pytest

from tenant_apps.notifications.sending import notify
from tenant_apps.notifications.topics import Recipient, topic
from tenant_apps.notifications.unsubscribing import unsubscribe_url
from tenants.context import in_tenant
from tests.factories import make_user, owner_of
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_person_sees_the_bell_and_reads_what_is_new(alpha, site, browser, language):
    ada = make_user("ada@example.test", name="Ada Lovelace", language=language)
    with in_tenant(alpha):
        to = Recipient(user_id=ada.pk, email=ada.email, name="Ada", language=language)
        for number, text in enumerate(("It was wonderful to have you here.", "Thank you!")):
            notify("review.answered", to, {"event": "Night of Strings", "text": text}, key=f"k{number}", url="/events/")
        away = unsubscribe_url(alpha, ada.email, topic("review.answered")).partition("/unsubscribe/")[2]
    signed_in(browser, site, alpha, ada)
    page = browser.new_page()
    page.goto(site.url(alpha, "/events/"))
    page.locator(".bell__count").get_by_text("2").wait_for()
    found = look(page, browser, f"bell-{language}")
    page.goto(site.url(alpha, "/account/notices/"))
    found += look(page, browser, f"notices-{language}")
    page.locator(".notices__link").first.click()
    page.get_by_text("Thank you!").wait_for()
    page.locator(".bell__count").get_by_text("1").wait_for()
    found += look(page, browser, f"notice-{language}")
    page.goto(site.url(alpha, f"/unsubscribe/{away}"))
    found += look(page, browser, f"unsubscribe-{language}")
    page.locator("main form button").click()
    page.locator("main form button[name=again]").wait_for()
    found += look(page, browser, f"unsubscribed-{language}")
    assert found == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_words_are_previewed_while_they_are_typed(alpha, site, browser, language):
    owner = owner_of(alpha)
    type(owner).objects.filter(pk=owner.pk).update(language=language)
    signed_in(browser, site, alpha, owner)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/settings/messages/"))
    found = look(page, browser, f"messages-{language}")
    page.goto(site.url(alpha, "/dashboard/settings/messages/order.placed/en/"))
    page.locator("#id_title").fill("Pay {code} now")
    page.locator("#preview").get_by_text("Pay K7Q2M now").first.wait_for()
    found += look(page, browser, f"message-{language}")
    page.locator("#id_title").fill("Pay {cdoe}")
    page.locator("#preview").get_by_text("{cdoe}").first.wait_for()
    found += look(page, browser, f"message-wrong-{language}")
    page.goto(site.url(alpha, "/dashboard/settings/sender/"))
    page.locator("#id_address").fill("hall@alpha.example")
    page.locator("main form button[type=submit]").first.click()
    page.get_by_text("_dmarc.alpha.example").wait_for()
    found += look(page, browser, f"sender-{language}")
    assert found == []
