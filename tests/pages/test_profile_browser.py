"""A person's public page, their own profile, whom they follow and what is ahead, in a real browser; and the queue of
reports. Clean by axe in both themes, nothing wider than the screen."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shared_apps.people import avatars, profiles, protection
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.services import record
from tenant_apps.events.models import Event
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user
from tests.operators.helpers import make_operator
from tests.pages.test_browser import signed_in
from tests.pages.test_people_browser import look
from tests.pictures import picture_file

pytestmark = pytest.mark.browser


def test_a_profile_is_opened_followed_and_reported(alpha, beta, site, browser):
    ada, bob = make_user("ada@example.test"), make_user("bob@example.test", name="Bob")
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(make_event("Night of Strings")), quantity=2, email=ada.email, user=ada)
        past = make_event("A very long Evening with the whole Philharmonic Orchestra and its Friends")
        make_paid_order(make_ticket_type(past), email=ada.email, user=ada)
        deliver_due()
        Event.objects.filter(pk=past.pk).update(starts_at=timezone.now() - timedelta(days=3))
        record("event.updated", past)
        deliver_due()
    with in_tenant(beta):
        make_paid_order(make_ticket_type(make_event("Open Day")), email=ada.email, user=ada)
        deliver_due()
    avatars.set_avatar(ada, picture_file())
    signed_in(browser, site, None, ada)
    page = browser.new_page()
    page.goto(site.url(None, "/account/profile/"))
    found = look(page, browser, "profile-private")
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("About you").fill("Mathematics, horses and strings.\n\nSee you in the first row.")
    for box in ("My profile is public", "Show events that I am going to", "Show events that I have been to"):
        page.get_by_label(box).check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your profile is public.").wait_for()
    found += look(page, browser, "profile-public")
    page.goto(site.url(None, "/account/events/"))
    found += look(page, browser, "coming-events")
    signed_in(browser, site, None, bob)
    page.goto(site.url(None, f"/people/{ada.pk}/"))
    page.get_by_role("button", name="Follow").click()
    page.get_by_text("1 follower").wait_for()
    page.get_by_role("heading", name="Has been to").wait_for()
    page.get_by_text("Block or report").click()
    found += look(page, browser, "person")
    profiles.change_profile(bob, {"is_public": True})
    page.get_by_label("What is wrong").select_option("impersonation")
    page.get_by_label("In your words").fill("This is not the Ada that I know.")
    page.get_by_role("button", name="Report").click()
    page.get_by_text("The platform's operators look at it.").wait_for()
    cara = make_user(name="Cara")
    profiles.change_profile(cara, {"is_public": True})
    protection.block(bob, cara.pk)
    page.goto(site.url(None, "/account/people/"))
    found += look(page, browser, "people")
    signed_in(browser, site, alpha, bob)
    page.goto(site.url(alpha, f"/people/{ada.pk}/"))
    page.get_by_text("Night of Strings").wait_for()
    assert page.get_by_text("Open Day").count() == 0
    found += look(page, browser, "person-at-alpha")
    signed_in(browser, site, None, make_operator())
    page.goto(site.url(None, "/operator/reports/"))
    found += look(page, browser, "reports")
    page.get_by_role("button", name="Hide the profile").click()
    page.get_by_role("heading", name="Hidden now").wait_for()
    found += look(page, browser, "reports-hidden")
    assert page.goto(site.url(None, f"/people/{ada.pk}/")).status == 404
    browser.problems[:] = [each for each in browser.problems if "404" not in each]
    assert found == []
