"""What buyers get by mail: once, in their language, in the tenant's name, and never with somebody else's headers."""

import io
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone
from PIL import Image

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events.models import Venue
from tenant_apps.notifications.channels.email import header_text
from tenant_apps.notifications.models import Delivery
from tenant_apps.notifications.subscribers import send_tickets
from tenant_apps.orders import services
from tenants.models import Tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type


@pytest.fixture(autouse=True)
def nothing_waiting(in_alpha: Tenant) -> None:
    OutboxMessage.objects.all().delete()


def sent() -> Any:
    """The one mail that was sent, as a mail program reads it."""
    assert len(mail.outbox) == 1, [one.subject for one in mail.outbox]
    return message_from_bytes(mail.outbox[0].message().as_bytes(), policy=policy.default)


def part(message: Any, content_type: str) -> str:
    return next(one.get_content() for one in message.walk() if one.get_content_type() == content_type)


def test_a_paid_order_is_mailed_with_a_readable_qr_code_for_each_ticket(in_alpha):
    order = make_paid_order(make_ticket_type(make_event("Gala")), quantity=2, email="ada@example.test")
    OutboxMessage.objects.filter(topic="order.placed").delete()
    deliver_due()
    message = sent()
    assert message["to"] == "ada@example.test"
    assert message["from"].startswith("Alpha <")
    assert message["subject"] == "Your tickets for Gala"
    html, text = part(message, "text/html"), part(message, "text/plain")
    pictures = {one["content-id"].strip("<>"): one for one in message.walk() if one.get_content_type() == "image/png"}
    assert set(re.findall(r"cid:([^\"]+)", html)) == set(pictures)
    assert len(pictures) == 2
    for picture in pictures.values():
        image = Image.open(io.BytesIO(picture.get_content()))
        assert image.width == image.height > 100
    link = f"http://alpha.localhost/orders/{order.code}/{order.secret}/"
    assert link in text
    assert link in html
    for line in order.lines.select_related("ticket"):
        assert line.ticket.short_code in text


def test_the_mail_says_when_and_where_in_the_events_zone(in_alpha):
    venue = Venue.objects.create(slug="hall", name="Great Hall", address="Lichtgasse 12", city="Vienna")
    starts = datetime(2031, 7, 1, 17, 30, tzinfo=UTC)
    event = make_event("Gala", starts_at=starts, timezone="Europe/Vienna", venue=venue)
    make_order(make_ticket_type(event, price_minor=0))
    deliver_due()
    text = part(sent(), "text/plain")
    assert "Tuesday, 1 July 2031, 19:30 (Europe/Vienna)" in text
    assert "Great Hall, Lichtgasse 12, Vienna" in text


def test_a_buyer_who_ordered_in_russian_is_written_to_in_russian(in_alpha):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    event = make_event("Gala", starts_at=datetime(2031, 7, 1, 17, 30, tzinfo=UTC))
    ticket_type = make_ticket_type(event, price_minor=0)
    place_order(Basket(email="ivan@example.test", lines=[BasketLine(ticket_type.pk, 1)], language="ru"))
    deliver_due()
    message = sent()
    assert "1 июля 2031" in part(message, "text/plain")
    assert '<html lang="ru">' in part(message, "text/html")


def test_a_pending_order_is_told_how_and_until_when_to_pay(in_alpha):
    order = make_order(make_ticket_type(make_event("Gala"), price_minor=1250), email="ada@example.test")
    deliver_due()
    message = sent()
    assert order.code in message["subject"]
    text = part(message, "text/plain")
    assert "Please pay until" in text
    assert "€12.50" in text
    assert f"/orders/{order.code}/{order.secret}/" in text


def test_an_order_that_was_paid_meanwhile_is_not_asked_to_pay(in_alpha):
    make_paid_order(make_ticket_type(make_event("Gala")))
    deliver_due()
    assert sent()["subject"] == "Your ticket for Gala"


def test_a_cancelled_order_is_told_so(in_alpha):
    order = make_order(make_ticket_type(price_minor=0))
    deliver_due()
    mail.outbox.clear()
    services.cancel(order, by_staff=True)
    deliver_due()
    message = sent()
    assert message["subject"] == f"Order {order.code} is cancelled"
    assert "no longer admit" in part(message, "text/plain")


def test_a_redelivered_message_sends_nothing_twice(in_alpha):
    make_order(make_ticket_type(price_minor=0))
    deliver_due()
    message = OutboxMessage.objects.get(topic="order.paid")
    send_tickets(message)
    send_tickets(message)
    assert len(mail.outbox) == 1
    assert Delivery.objects.get(message_id=message.id).sent_at is not None


def test_a_crash_between_mail_server_and_commit_sends_again_under_the_same_message_id(in_alpha):
    make_order(make_ticket_type(price_minor=0))
    deliver_due()
    Delivery.objects.update(sent_at=None)
    send_tickets(OutboxMessage.objects.get(topic="order.paid"))
    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


def test_a_mail_server_that_refuses_is_tried_again_later(in_alpha):
    make_order(make_ticket_type(price_minor=0))
    with override_settings(EMAIL_BACKEND="tests.notifications.refusing.RefusingBackend"):
        deliver_due()
    message = OutboxMessage.objects.get(topic="order.paid")
    assert message.delivered_at is None
    assert message.tries == 1
    OutboxMessage.objects.update(due_at=timezone.now())
    deliver_due()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "nasty", ["Gala\r\nBcc: everyone@example.test", "Gala\nSubject: x", "Gala\u2028Bcc: a@b.test", "Gala\u202etxt"]
)
def test_a_line_break_in_a_title_or_name_adds_no_header(in_alpha, nasty):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    ticket_type = make_ticket_type(make_event(nasty), price_minor=0)
    place_order(Basket(email="ada@example.test", name=nasty, lines=[BasketLine(ticket_type.pk, 1)]))
    deliver_due()
    message = sent()
    assert message["bcc"] is None
    assert len(message.get_all("subject")) == 1
    assert mail.outbox[0].recipients() and all("example.test" in one for one in mail.outbox[0].recipients())
    assert "\n" not in message["subject"]


def test_markup_in_what_people_typed_is_shown_and_not_obeyed(in_alpha):
    from tenant_apps.orders.checkout import Basket, BasketLine, place_order

    ticket_type = make_ticket_type(make_event("<b>Gala</b> & Co"), price_minor=0)
    place_order(Basket(email="a@example.test", name="<script>x</script>", lines=[BasketLine(ticket_type.pk, 1)]))
    deliver_due()
    message = sent()
    html, text = part(message, "text/html"), part(message, "text/plain")
    assert "<script>" not in html
    assert "&lt;b&gt;Gala&lt;/b&gt; &amp; Co" in html
    assert "<b>Gala</b> & Co" in text


def test_staff_can_have_the_tickets_sent_again(in_alpha):
    order = make_order(make_ticket_type(price_minor=0))
    deliver_due()
    services.resend(order, actor=None)
    deliver_due()
    assert [one.subject for one in mail.outbox] == [mail.outbox[0].subject] * 2


def test_header_text_is_one_short_line():
    assert header_text("a\r\n b\tc") == "a b c"
    assert len(header_text("x" * 500)) == 150
