"""A helper is invited to one event's door by mail, registers, accepts, and sees that event and nothing else."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from shared_apps.accounts.mail import send
from shared_apps.accounts.models import EmailCode
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.services import ensure_door
from tenants.context import in_tenant
from tests.factories import PASSWORD, make_event, make_paid_order, make_ticket_type, owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in

pytestmark = pytest.mark.browser


def look(page: Any, name: str) -> None:
    """Check the page as axe does, and keep its picture where SCREENSHOTS says, for people to look at."""
    page.evaluate(AXE)
    assert page.evaluate(RUN_AXE) == []
    if folder := os.environ.get("SCREENSHOTS"):
        width = page.viewport_size["width"]
        page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)


def test_a_door_person_is_invited_by_mail_and_sees_one_event_only(alpha, site, chromium, browser):
    with in_tenant(alpha):
        event, other = make_event("Night of Strings"), make_event("Secret Rehearsal")
        ticket = (
            make_paid_order(make_ticket_type(event, price_minor=0)).lines.select_related("ticket__event").get().ticket
        )
        for each in (event, other):
            ensure_door(each)
        code_on_paper = code_text(ticket)
    boss = chromium.new_context(viewport={"width": browser.width, "height": 900}, locale="en-GB")
    signed_in(boss, site, alpha, owner_of(alpha))
    desk = boss.new_page()
    desk.goto(site.url(alpha, f"/dashboard/events/{event.slug}/"))
    desk.get_by_role("link", name="People").click()
    desk.get_by_label("Email address").fill("nova@example.test")
    desk.get_by_role("button", name="Invite").click()
    desk.get_by_text("The invitation is on its way.").wait_for()
    look(desk, "people")

    mail.outbox.clear()
    with in_tenant(alpha):
        deliver_due()
    (letter,) = [each for each in mail.outbox if each.to == ["nova@example.test"]]
    assert "Night of Strings" in letter.subject
    path = re.search(r"(/invitations/\S+/)", letter.body)[1]

    page = browser.new_page()
    page.goto(site.url(alpha, path))
    look(page, "invitation")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill("Nova Door")
    page.get_by_label("Email").fill("nova@example.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label(re.compile("again|repeat", re.I)).fill(PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    page.get_by_role("heading", name="Confirm your email address").wait_for()
    send(EmailCode.objects.get(email="nova@example.test").pk)
    code = re.search(r"\b\d{6}\b", mail.outbox[-1].subject)[0]
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Email").fill("nova@example.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("heading", name="Night of Strings").wait_for()
    look(page, "her-event")

    entries = page.get_by_role("navigation", name="Dashboard").get_by_role("link").all_inner_texts()
    assert [entry.strip() for entry in entries] == ["Home", "Events", "Check-in"]
    page.goto(site.url(alpha, "/dashboard/events/"))
    assert (
        page.get_by_role("link", name="Night of Strings").count() and not page.get_by_text("Secret Rehearsal").count()
    )
    page.goto(site.url(alpha, "/dashboard/"))
    assert not page.get_by_text("Secret Rehearsal").count() and not page.get_by_text("Revenue").count()
    look(page, "her-home")
    page.get_by_role("link", name="Check-in").click()
    page.get_by_role("link", name=re.compile("Night of Strings")).click()
    page.get_by_label("Ticket code").fill(code_on_paper)
    page.keyboard.press("Enter")
    page.get_by_text("Admit", exact=True).wait_for()
    look(page, "her-scanner")

    with in_tenant(alpha):
        closed = other.check_in_lists.get().pk
    others = ["/dashboard/orders/", "/dashboard/staff/", "/dashboard/api-keys/", "/dashboard/roles/"]
    others += [f"/scan/{closed}/", f"/dashboard/events/{other.slug}/", f"/dashboard/events/{event.slug}/people/"]
    for address in others:
        assert page.goto(site.url(alpha, address)).status in (403, 404), address
    browser.problems[:] = [each for each in browser.problems if "40" not in each]
    boss.close()
