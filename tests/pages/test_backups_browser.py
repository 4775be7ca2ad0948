"""The page of a site's backups, in a real browser: in both languages and themes, clean by axe."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.backup_models import Backup, Restore
from tests.factories import owner_of
from tests.pages.test_audit_browser import _russian_is_compiled, in_language  # noqa: F401  (a fixture)
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("language", "now"), [("en", "Back up now"), ("ru", "Сделать копию сейчас")])
def test_backups_are_seen_and_one_more_is_asked_for(alpha, site, browser, language, now):
    owner = owner_of(alpha)
    owner.language = language
    owner.save(update_fields=["language"])
    mine = {"schema_name": alpha.schema_name, "slug": "alpha"}
    days = [timezone.now() - timedelta(days=number) for number in range(4)]
    kept = [
        Backup.objects.create(
            **mine, status=status, cause=cause, created_at=day, taken_at=day if status == "ready" else None,
            rows=1_065_589, files=192, size_bytes=50_800_000,
        )
        for day, status, cause in zip(
            days, ("ready", "failed", "ready", "ready"), ("schedule", "schedule", "restore", "asked"), strict=True
        )
    ]  # fmt: skip
    reason = "They deleted the wrong season"
    Restore.objects.create(**mine, backup=kept[3], status="ready", created_at=days[2], reason=reason)
    signed_in(browser, site, alpha, owner)
    in_language(browser, site, alpha, language)
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/settings/backups/"))
    page.get_by_text(reason).wait_for()
    found = look(page, browser, f"backups-{language}")
    page.get_by_role("button", name=now).click()
    page.get_by_role("button", name=now, disabled=True).wait_for()
    assert Backup.objects.filter(schema_name=alpha.schema_name, cause="asked").count() == 2
    assert found == []
