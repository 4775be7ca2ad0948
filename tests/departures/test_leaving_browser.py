"""The page of pausing and leaving in a real browser, in both languages and themes: clean by axe, and it does what it
says while the site serves nobody."""

import pytest

from shared_apps.departures import erasing, exports
from tenants.models import Tenant
from tests.factories import PASSWORD, owner_of
from tests.pages.test_audit_browser import _russian_is_compiled, in_language  # noqa: F401  (a fixture)
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("language", "make", "close", "back"),
    [("en", "Make an archive", "Close the site", "Take the closing back"),
     ("ru", "Собрать архив", "Закрыть сайт", "Отменить закрытие")],
)  # fmt: skip
def test_an_owner_takes_everything_along_closes_and_comes_back(
    alpha, site, browser, settings, tmp_path, language, make, close, back
):
    settings.MEDIA_ROOT = tmp_path
    owner = owner_of(alpha)
    owner.language = language
    owner.set_password(PASSWORD)
    owner.save()
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/export/"))
    page.get_by_role("button", name=make).click()
    page.locator("progress").wait_for()
    found = look(page, browser, f"leaving-{language}")
    exports.work(exports.of(alpha).get().pk)
    # The part asks for itself how far it is.
    page.locator("#archives a.button--good").wait_for()
    page.locator("#id_slug").fill("alpha")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name=close, exact=True).click()
    page.get_by_role("button", name=back, exact=True).wait_for()
    found += look(page, browser, f"leaving-closing-{language}")
    assert Tenant.objects.get(pk=alpha.pk).status == "closing"
    page.get_by_role("button", name=back, exact=True).click()
    page.locator("#id_slug").wait_for()
    assert Tenant.objects.get(pk=alpha.pk).status == "open"
    # Else the page goes on asking a site that is gone for news.
    page.goto("about:blank")
    erasure = erasing.erase(alpha, at_once=True)
    page.goto(site.url(None, f"/erasures/{erasure.secret}/"))
    found += look(page, browser, f"erasure-{language}")
    assert erasure.signature in page.content()
    assert found == []
