"""A ticket's pages: the buyer's, its new holder's, and the staff's, without JavaScript; and the letters about it."""

import io
import re

import pytest
from django.core import mail
from pypdf import PdfReader

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.grants import grant
from tenant_apps.orders import passing_on, ticket_files
from tenant_apps.ticketing import codes, key_life, lifecycle, scanning, services
from tenant_apps.ticketing.models import CheckInList, EventKey, Handover, Ticket, TicketType
from tenants.context import in_tenant
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user, owner_of

GRACE = {"name": "Grace Hopper", "email": "grace@example.test"}


@pytest.fixture
def order(alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(make_event("Gala", slug="gala"), price_minor=0)
        services.ensure_door(kind.event)
        found = make_paid_order(kind, quantity=2, email="ada@example.test")
        OutboxMessage.objects.all().delete()
        return found


@pytest.fixture
def line(alpha, order):
    with in_tenant(alpha):
        return order.lines.select_related("ticket__event").first()


@pytest.fixture
def new(alpha, line):
    with in_tenant(alpha):
        given = passing_on.pass_on(line.ticket, **GRACE)
        OutboxMessage.objects.all().delete()
        return given


def bought(order, line=None, act=""):
    base = f"/orders/{order.code}/{order.secret}/"
    return f"{base}lines/{line.pk}/{act}" if line else base


def given(ticket, act=""):
    return f"/tickets/{ticket.pk}/{ticket.secret}/{act}"


def letters(alpha):
    with in_tenant(alpha):
        deliver_due()
    return {each.to[0].split("<")[-1].rstrip(">"): each for each in mail.outbox}


# --- The buyer's ----------------------------------------------------------------------------------------------------


def test_a_buyer_is_asked_once_more_before_a_ticket_is_given_away(alpha, page_for, order, line):
    page, form = page_for(alpha), bought(order, line, "transfer/")
    assert "Pass it on" in page.get(bought(order)).content.decode()
    assert page.get(form).status_code == 200
    asked = page.post(form, GRACE)
    assert "Pass it on to them?" in asked.content.decode()
    with in_tenant(alpha):
        assert not Handover.objects.exists()
    done = page.post(form, {**GRACE, "confirmed": "1"}, follow=True)
    shown = done.content.decode()
    assert "Grace Hopper&#x27;s ticket now" in shown
    assert "Passed on" in shown
    assert page.post(form, {**GRACE, "confirmed": "1"}).status_code in (302, 404), "a second tap gives nothing away"
    with in_tenant(alpha):
        handed = Handover.objects.select_related("new").get()
        assert codes.code_text(handed.new) not in shown
        assert handed.new.secret not in shown
        other = order.lines.exclude(ticket=handed.new).get().ticket
    assert shown.count('class="qr"') == 1
    assert page.get(f"{bought(order)}tickets/{handed.new_id}.png").status_code == 404
    assert page.get(f"{bought(order)}tickets/{other.pk}.png").status_code == 200
    assert "no-store" in done["Cache-Control"]


def test_the_form_tells_what_is_wrong_and_what_cannot_be(alpha, page_for, order, line):
    page, form = page_for(alpha), bought(order, line, "transfer/")
    assert page.post(form, {"name": "", "email": "x"}).status_code == 400
    same = page.post(form, {"name": "Ada", "email": "ada@example.test", "confirmed": "1"})
    assert "This ticket is theirs already." in same.content.decode()
    with in_tenant(alpha):
        TicketType.objects.update(transfer_allowed=False)
    assert "cannot be passed on here" in page.get(form).content.decode()
    assert page.post(form, GRACE).status_code == 409
    assert "Pass it on" not in page.get(bought(order)).content.decode()
    assert page.get(form.replace(order.secret, "x" * 32)).status_code == 404


def test_a_buyer_gets_a_new_code_for_a_ticket_whose_code_others_saw(alpha, page_for, order, line):
    page = page_for(alpha)
    with in_tenant(alpha):
        lost = codes.code_text(line.ticket)
    assert "Somebody else may have my code" in page.get(bought(order, line)).content.decode()
    assert page.post(bought(order, line, "new-code/"), follow=True).status_code == 200
    with in_tenant(alpha):
        ticket = Ticket.objects.get(pk=line.ticket_id)
        assert codes.code_text(ticket) != lost
    letter = letters(alpha)["ada@example.test"]
    assert letter.subject == "New code for your ticket: Gala"
    assert f"/orders/{order.code}/{order.secret}/" in letter.body
    assert ticket.short_code in letter.body
    assert page.get(bought(order, line, "new-code/")).status_code == 405


# --- The new holder's -----------------------------------------------------------------------------------------------


def test_both_hear_of_it_and_only_the_new_holder_gets_a_link(alpha, page_for, order, line):
    page_for(alpha).post(bought(order, line, "transfer/"), {**GRACE, "confirmed": "1"})
    got = letters(alpha)
    assert set(got) == {"ada@example.test", "grace@example.test"}
    assert got["grace@example.test"].subject == "A ticket for Gala is yours now"
    assert got["ada@example.test"].subject == "You passed your ticket for Gala on"
    with in_tenant(alpha):
        new = Handover.objects.select_related("new").get().new
    whole = got["grace@example.test"].message().as_string()
    assert f"http://alpha.localhost{given(new)}" in got["grace@example.test"].body
    assert order.secret not in whole
    assert order.code not in whole
    assert "image/png" in whole
    to_giver = got["ada@example.test"].message().as_string()
    for hidden in (new.secret, new.short_code, "image/png"):
        assert hidden not in to_giver
    assert "Grace Hopper" in got["ada@example.test"].body


def test_a_new_holder_sees_the_code_renames_and_passes_on(alpha, page_for, order, line, new):
    page = page_for(alpha)
    shown = page.get(given(new))
    assert 'class="qr"' in shown.content.decode()
    assert order.code not in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert page.get(given(new, "code.png"))["Content-Type"] == "image/png"
    assert page.post(given(new, "name/"), {"name": ""}).status_code == 400
    assert "Rear Admiral" in page.post(given(new, "name/"), {"name": "Rear Admiral"}, follow=True).content.decode()
    page.post(given(new, "transfer/"), {"name": "Ada", "email": "ada2@example.test", "confirmed": "1"})
    gone = page.get(given(new)).content.decode()
    assert "You passed it on to Ada." in gone
    assert 'class="qr"' not in gone
    assert page.get(given(new, "code.png")).status_code == 404
    assert page.post(given(new, "name/"), {"name": "Me"}).status_code == 409
    assert page.get(given(new).replace(new.secret, "x" * 32)).status_code == 404
    assert page.get(f"/tickets/{line.ticket_id}/{'x' * 32}/").status_code == 404


def test_a_mail_that_staff_send_again_goes_to_the_holder_of_each_ticket(alpha, page_for, order, new):
    desk = page_for(alpha, owner_of(alpha))
    desk.post(f"/dashboard/tickets/{new.pk}/resend/")
    got = letters(alpha)
    assert set(got) == {"grace@example.test"}
    mail.outbox.clear()
    with in_tenant(alpha):
        from tenant_apps.orders.services import resend

        resend(order, actor=None)
    letter = letters(alpha)["ada@example.test"].message().as_string()
    assert new.short_code not in letter


def test_letters_speak_the_orders_language(alpha, order, line):
    with in_tenant(alpha):
        type(order).objects.filter(pk=order.pk).update(language="ru")
        passing_on.pass_on(line.ticket, **GRACE)
    got = letters(alpha)
    assert got["grace@example.test"].subject == "Теперь у вас есть билет: Gala"
    assert got["ada@example.test"].subject == "Вы передали свой билет: Gala"
    assert not re.search(
        r"[A-Za-z]{4,} [a-z]{3,}", got["ada@example.test"].body.replace("Grace Hopper", "").split("Gala")[0]
    )


def test_a_leaked_keys_holders_get_one_letter_each_with_their_own_codes(alpha, order, new):
    with in_tenant(alpha):
        lost = services.ensure_key(new.event)
        key_life.revoke_key(new.event, lost.key_id, reason="Leak", actor=None)
    got = letters(alpha)
    assert set(got) == {"ada@example.test", "grace@example.test"}
    assert new.short_code in got["grace@example.test"].body
    assert new.short_code not in got["ada@example.test"].body
    assert order.secret not in got["grace@example.test"].message().as_string()


# --- The staff's ----------------------------------------------------------------------------------------------------


def test_staff_see_the_chain_the_scans_and_do_what_is_left_to_do(alpha, page_for, order, line, new):
    desk = page_for(alpha, owner_of(alpha))
    with in_tenant(alpha):
        door = CheckInList.objects.get()
        scanning.scan(door, codes.code_text(line.ticket), "old", by=None)
    address = f"/dashboard/tickets/{new.pk}/"
    shown = desk.get(address).content.decode()
    for told in ("Grace Hopper", "ada@example.test", "passed on; only the new one counts", "Withdraw it", order.code):
        assert told in shown
    assert new.secret not in shown
    assert f"/dashboard/tickets/{new.pk}/" in desk.get(f"/dashboard/orders/{order.code}/").content.decode()
    assert desk.post(f"{address}revoke/", {"reason": " "}).status_code == 400
    assert "is withdrawn" in desk.post(f"{address}revoke/", {"reason": "Forged"}, follow=True).content.decode()
    assert desk.post(f"{address}new-code/").status_code == 409
    assert "Withdrawn" not in letters(alpha)["grace@example.test"].body
    assert mail.outbox[-1].subject == "Your ticket for Gala was withdrawn"
    assert "good again" in desk.post(f"{address}reinstate/", follow=True).content.decode()
    assert desk.post(f"{address}new-code/", follow=True).status_code == 200
    assert desk.post(f"{address}rename/", {"name": "Known"}, follow=True).status_code == 200
    assert desk.post(f"{address}transfer/", {"name": "", "email": "x"}).status_code == 400
    moved = desk.post(f"{address}transfer/", {"name": "Bo", "email": "bo@example.test"}, follow=True)
    assert "bo@example.test" in moved.content.decode()
    assert desk.post(f"{address}explode/").status_code == 404
    timeline = desk.get(f"/dashboard/orders/{order.code}/").content.decode()
    for told in ("Ticket withdrawn", "Forged", "New code given", "Passed on to somebody else"):
        assert told in timeline


def test_the_door_sees_a_ticket_and_changes_nothing(alpha, page_for, new):
    helper = make_user()
    with in_tenant(alpha):
        grant(new.event, helper, "check_in", actor=None)
    page = page_for(alpha, helper)
    shown = page.get(f"/dashboard/tickets/{new.pk}/").content.decode()
    assert "Grace Hopper" in shown
    assert "Withdraw it" not in shown
    assert page.post(f"/dashboard/tickets/{new.pk}/revoke/", {"reason": "x"}).status_code == 403
    assert page_for(alpha, make_user()).get(f"/dashboard/tickets/{new.pk}/").status_code == 403


def test_staff_make_a_new_key_and_disown_a_leaked_one(alpha, page_for, line):
    desk = page_for(alpha, owner_of(alpha))
    with in_tenant(alpha):
        printed = codes.code_text(line.ticket)
        key = EventKey.objects.get()
    base = "/dashboard/events/gala/codes/"
    assert "Signs now" in desk.get(base).content.decode()
    assert "A new key signs" in desk.post(f"{base}new-key/", follow=True).content.decode()
    assert "Say why." in desk.post(f"{base}{key.key_id}/revoke/", {"reason": ""}, follow=True).content.decode()
    assert "Disowned" in desk.post(f"{base}{key.key_id}/revoke/", {"reason": "Leak"}, follow=True).content.decode()
    with in_tenant(alpha):
        assert scanning.scan(CheckInList.objects.get(), printed, "1", by=None).reason == "revoked"


def test_expired_and_used_tickets_have_words_of_their_own(alpha, page_for, new):
    with in_tenant(alpha):
        lifecycle.move_all(Ticket.objects.filter(pk=new.pk), "expired")
    assert "admits nobody any more" in page_for(alpha).get(given(new)).content.decode()


def test_what_was_passed_on_is_in_no_file_and_on_no_page_of_the_order(alpha, page_for, client_for, order, line, new):
    page, base = page_for(alpha), f"/orders/{order.code}/{order.secret}"
    assert page.get(f"{base}/tickets/{new.pk}/").status_code == 404
    assert page.get(f"{base}/tickets/{new.pk}.pdf").status_code == 404
    api = client_for(alpha).get(f"/api/v1/tickets/{new.pk}/ticket.pdf?secret={order.secret}")
    assert (api.status_code, api.json()["code"]) == (409, "ticket_passed_on")
    assert client_for(alpha).get(f"/api/v1/tickets/{new.pk}/ticket.pdf?secret={new.secret}").status_code == 200
    mine = page.get(f"/tickets/{new.pk}/{new.secret}/ticket.pdf")
    assert mine["Content-Type"] == "application/pdf" and mine["Cache-Control"].startswith("no-store")
    text = " ".join(each.extract_text() for each in PdfReader(io.BytesIO(mine.content)).pages)
    assert "Grace Hopper" in text and order.code not in text
    assert page.get(f"/tickets/{new.pk}/{order.secret}/ticket.pdf").status_code == 404
    with in_tenant(alpha):
        assert [each.ticket_id for each in ticket_files.lines_of(order)] == [
            each.ticket_id for each in order.lines.exclude(ticket=new)
        ]
