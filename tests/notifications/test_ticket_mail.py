"""What goes with the mail of a paid order: the tickets on paper, and the dates for a calendar."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from django.core import mail
from icalendar import Calendar

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events import calendars
from tenant_apps.notifications import enclosures
from tenant_apps.orders import passing_on, ticket_files
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.payments.services import mark_paid
from tenant_apps.ticketing import codes
from tests.factories import make_event, make_paid_order, make_ticket_type
from tests.ticketing import paper_trials


@pytest.fixture(autouse=True)
def nothing_waiting(in_alpha):
    OutboxMessage.objects.all().delete()


def mailed(order):
    OutboxMessage.objects.exclude(topic="order.paid").delete()
    deliver_due()
    assert len(mail.outbox) == 1
    return message_from_bytes(mail.outbox[0].message().as_bytes(), policy=policy.default)


def files(message):
    """What a mail program lists as attachments, by name."""
    return {
        part.get_filename(): part
        for part in message.iter_attachments()
        if part.get_content_disposition() == "attachment"
    }


def test_the_pdf_with_every_ticket_and_the_dates_stand_beside_the_text(in_alpha):
    one, two = (
        make_event(title, starts_at=datetime(2031, 7, day, 17, 30, tzinfo=UTC))
        for title, day in (("Gala", 1), ("Open Day", 5))
    )
    lines = [BasketLine(make_ticket_type(one).pk, 2), BasketLine(make_ticket_type(two).pk)]
    order = mark_paid(place_order(Basket(email="ada@example.test", lines=lines)))
    message = mailed(order)
    found = files(message)
    assert set(found) == {f"tickets-{order.code}.pdf", "calendar.ics"}
    pdf = found[f"tickets-{order.code}.pdf"].get_content()
    tickets = [line.ticket for line in order.lines.select_related("ticket").order_by("position")]
    read = [paper_trials.decoded(page) for page in paper_trials.pages(pdf)]
    assert read == [codes.code_text(ticket) for ticket in tickets]
    calendar = found["calendar.ics"]
    assert calendar.get_content_type() == "text/calendar"
    assert calendar["content-type"].params["method"] == "PUBLISH"
    raw = calendar.get_payload(decode=True)
    assert b"\r\n" in raw and b"\r\r\n" not in raw
    entries = Calendar.from_ical(raw).walk("VEVENT")
    assert [str(entry["SUMMARY"]) for entry in entries] == ["Gala", "Open Day"]
    # The same entry as in the feed: a calendar that follows it shows nothing twice.
    assert [str(entry["UID"]) for entry in entries] == [calendars.uid_of(event, in_alpha) for event in (one, two)]


def test_the_pictures_of_the_text_are_no_attachments(in_alpha):
    message = mailed(make_paid_order(make_ticket_type(make_event("Gala")), quantity=2))
    assert message.get_content_type() == "multipart/mixed"
    related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
    assert [part.get_content_type() for part in related.iter_parts()] == [
        "multipart/alternative",
        "image/png",
        "image/png",
    ]
    assert all(part.get_content_type() != "image/png" for part in message.iter_attachments())


def test_a_tenant_may_have_a_link_instead(in_alpha):
    in_alpha.preferences = {"ticket_mail": "linked"}
    order = make_paid_order(make_ticket_type(make_event("Gala")))
    message = mailed(order)
    assert set(files(message)) == {"calendar.ics"}
    text = next(part.get_content() for part in message.walk() if part.get_content_type() == "text/plain")
    assert f"http://alpha.localhost/orders/{order.code}/{order.secret}/tickets.pdf" in text
    assert "attached" not in text


def test_many_tickets_are_behind_the_link(in_alpha, monkeypatch):
    monkeypatch.setattr(enclosures, "MOST_ATTACHED", 2)
    order = make_paid_order(make_ticket_type(make_event("Gala")), quantity=3)
    assert set(files(mailed(order))) == {"calendar.ics"}


def test_the_file_is_in_the_language_that_the_buyer_ordered_in(in_alpha):
    kind = make_ticket_type(make_event("Gala"), price_minor=0)
    order = place_order(Basket(email="ivan@example.test", lines=[BasketLine(kind.pk)], language="ru"))
    message = mailed(order)
    (words,) = paper_trials.words(files(message)[f"tickets-{order.code}.pdf"].get_content())
    assert "Владелец" in words
    assert "Билеты приложены в PDF" in next(
        part.get_content() for part in message.walk() if part.get_content_type() == "text/plain"
    )


def test_whoever_is_given_a_ticket_gets_it_on_paper_and_the_buyer_no_longer_does(in_alpha):
    kind = make_ticket_type(make_event("Gala"), transfer_allowed=True)
    order = make_paid_order(kind, quantity=2)
    given, kept = [line.ticket for line in order.lines.select_related("ticket__event").order_by("position")]
    new = passing_on.pass_on(given, name="Grace Hopper", email="grace@example.test")
    OutboxMessage.objects.exclude(topic="ticket.received").delete()
    deliver_due()
    message = message_from_bytes(mail.outbox[0].message().as_bytes(), policy=policy.default)
    pdf = files(message)[f"tickets-{new.short_code}.pdf"].get_content()
    (page,), (words,) = paper_trials.pages(pdf), paper_trials.words(pdf)
    assert paper_trials.decoded(page) == codes.code_text(new)
    assert "Grace Hopper" in words
    # What somebody else bought and paid is not the new holder's matter.
    assert order.code not in words
    assert order.secret not in message.as_string()
    (left,) = paper_trials.pages(ticket_files.order_file(order))
    assert paper_trials.decoded(left) == codes.code_text(kept)
