"""The pages about webhooks in a real browser: nothing in anybody's way, at both widths and in both languages."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tenant_apps.activity.delivery import deliver_due as hand_over
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.webhooks import services
from tenant_apps.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenant_apps.webhooks.sending import deliver_due
from tenants.context import in_tenant
from tests.factories import make_paid_order, owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser
# Where whoever looks at the pages wants pictures of them; none by default.
PICTURES = os.environ.get("PAGE_PICTURES", "")


@pytest.fixture
def hooks(alpha: Any, receivers: Any) -> dict[str, str]:
    """A webhook that works, one that fails, one that is off. Returns the pages."""
    works, fails = receivers(), receivers()
    fails.status = 500
    with in_tenant(alpha):
        OutboxMessage.objects.all().delete()
        good, _secret = services.create_endpoint(url=works.url, topics=["*"], description="Bookkeeping", actor=None)
        bad, _secret = services.create_endpoint(
            url=f"{fails.url}/with/a/path/that/is/rather/long", topics=["order.paid", "order.placed"], actor=None
        )
        off, _secret = services.create_endpoint(url=fails.url, topics=["order.paid"], description="Old", actor=None)
        make_paid_order()
        hand_over()
        deliver_due()
        WebhookEndpoint.objects.filter(pk=bad.pk).update(failures=5)
        services.rotate_secret(good, actor=None)
        WebhookEndpoint.objects.filter(pk=off.pk).update(enabled=False, disabled_because="failing")
        told = WebhookDelivery.objects.filter(endpoint=bad).latest("created_at")
    home = "/dashboard/webhooks/"
    return {
        "list": home,
        "new": f"{home}new/",
        "works": f"{home}{good.pk}/",
        "fails": f"{home}{bad.pk}/",
        "off": f"{home}{off.pk}/",
        "edit": f"{home}{bad.pk}/edit/",
        "delivery": f"{home}{bad.pk}/log/{told.pk}/",
    }


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ru", "dark")])
def test_the_pages_about_webhooks_fit_and_have_no_findings(alpha, site, browser, hooks, language, scheme):
    signed_in(browser, site, alpha, owner_of(alpha))
    browser.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": site.url(alpha, "/")}])
    page, found = browser.new_page(), []
    page.emulate_media(color_scheme=scheme)

    def look(name: str) -> None:
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{browser.width}-{language}.png"), full_page=True)
        if page.evaluate("document.documentElement.scrollWidth") > browser.width:
            found.append((name, "wider than the screen"))
        page.evaluate(AXE)
        found.extend((name, each) for each in page.evaluate(RUN_AXE))

    for name, path in hooks.items():
        page.goto(site.url(alpha, path))
        look(name)
    page.goto(site.url(alpha, hooks["works"]))
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("form[action$='/rotate/'] button").click()
    page.locator("#secret").wait_for()
    assert page.locator("#secret").input_value().startswith("whsec_")
    look("secret")
    assert not found
