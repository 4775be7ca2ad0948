"""Reviews in a real browser, on a phone and a desk, in both languages: clean by axe in either theme."""

import pytest
from django.utils.translation import trans_real

from platform_config.translations import compile_translations
from tenant_apps.events import standing
from tenant_apps.reviews import moderation, services
from tenant_apps.reviews.models import Review
from tenants.context import in_tenant
from tests.factories import make_user, owner_of
from tests.pages.test_audit_browser import in_language
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look
from tests.reviews.making import came, night, over, scan_in

pytestmark = pytest.mark.browser
WORDS = (
    (5, "Superb strings, and the encore made everybody stand up.\n\nWe will come again.", "Grace Hopper"),
    (4, "Schöner Abend, nur die Garderobe war voll.", "Konrad Zuse"),
    (4, "", ""),
    (2, "Buy tickets at https://spam.example today", "Mallory"),
    (1, "WORST EVENING OF MY WHOLE LIFE, NEVER AGAIN", "Eve"),
)


@pytest.fixture(scope="module", autouse=True)
def _russian_is_compiled():
    if compile_translations():
        trans_real._translations.clear()


@pytest.mark.parametrize(("language", "sent"), [("en", "Thank you!"), ("ru", "Спасибо!")])
def test_a_visitor_reviews_and_staff_decide(alpha, site, browser, language, sent):
    owner = owner_of(alpha)
    ada = make_user("ada@example.test", name="Ada Lovelace", language=language)
    owner.language = language
    owner.save(update_fields=["language"])
    with in_tenant(alpha):
        kind = night("A Night of Strings", slug="night", description="<p>An evening with four violins.</p>")
        people = [came(kind, name=name) for _stars, _text, name in WORDS]
        came(kind, ada)
        for person in [*people, ada]:
            scan_in(kind, person)
        event = over(kind)
        for person, (stars, text, name) in zip(people, WORDS, strict=True):
            services.write(event, user=person, rating=stars, comment=text, name=name)
        first = Review.objects.get(name="Grace Hopper")
        moderation.answer(first, "Thank you, see you in spring!", actor=owner)
        services.report(first, user=make_user(), kind="false", text="I did not see her there.")
        standing.fold(event.pk)
    signed_in(browser, site, alpha, ada)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/events/night/"))
    page.locator("#reviews .rate").wait_for()
    found = look(page, browser, f"event-with-reviews-{language}")
    page.locator(".rate__star").nth(3).click()
    assert page.locator('.rate input[value="4"]').is_checked()
    page.locator('#reviews textarea[name="comment"]').fill("I liked the second half best.")
    page.locator("#reviews form button[type=submit]").click()
    page.get_by_text(sent).first.wait_for()
    page.goto(site.url(alpha, "/events/night/review/"))
    found += look(page, browser, f"own-review-{language}")
    for name, path in (
        ("reviews", "/events/night/reviews/"),
        ("my-reviews", "/account/reviews/"),
        ("report", f"/reviews/{first.pk}/report/"),
        ("list-by-rating", "/events/?show=past&ordering=-rating"),
    ):
        page.goto(site.url(alpha, path))
        found += look(page, browser, f"{name}-{language}")
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page.goto(site.url(alpha, "/dashboard/reviews/"))
    page.locator(".moderated").first.wait_for()
    found += look(page, browser, f"moderation-{language}")
    spam = page.locator(".moderated", has_text="spam.example")
    spam.locator("details summary").first.click()
    spam.locator('input[name="reason"]').fill("Advertising")
    found += look(page, browser, f"moderation-open-{language}")
    spam.locator("details[open] button[type=submit]").click()
    page.locator(".moderated", has_text="spam.example").wait_for(state="detached")
    page.goto(site.url(alpha, "/dashboard/settings/"))
    found += look(page, browser, f"settings-{language}")
    assert found == []
    with in_tenant(alpha):
        assert Review.objects.get(name="Mallory").status == "rejected"
        assert Review.objects.filter(user_id=ada.pk, rating=4, status="published").exists()
