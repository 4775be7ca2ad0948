"""Everybody who holds a ticket hears of another time or place, and that an event does not take place. Once each."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due, subscribers
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.events import services
from tenant_apps.events.models import Venue
from tenant_apps.notifications.event_news import tell_of_end, tell_of_new_date
from tenant_apps.notifications.models import Notification
from tenant_apps.orders.checkout import Basket, BasketLine, place_order
from tenant_apps.ticketing.models import Ticket
from tests.factories import make_event, make_order, make_ticket_type, make_user

LATER = timezone.now() + timedelta(days=60)


@pytest.fixture
def gala(in_alpha):
    event = make_event("Gala", timezone="Europe/Vienna")
    kind = make_ticket_type(event, price_minor=0)
    make_order(kind, email="ada@example.test", quantity=2)
    make_order(kind, email="bob@example.test")
    deliver_due()
    mail.outbox.clear()
    return event


def told():
    return sorted((one.to[0], one.subject) for one in mail.outbox)


def test_a_postponed_event_is_told_to_each_holder_once(gala):
    services.postpone(gala, starts_at=LATER, actor=None)
    deliver_due()
    deliver_due()
    assert told() == [("ada@example.test", "Gala is postponed"), ("bob@example.test", "Gala is postponed")]
    assert "(Europe/Vienna)" in mail.outbox[0].body and "stays good" in mail.outbox[0].body
    tell_of_new_date(OutboxMessage.objects.get(topic="event.postponed"))
    deliver_due()
    assert len(mail.outbox) == 2


def test_a_cancelled_event_is_told_with_its_reason(gala):
    services.cancel(gala, actor=None, reason="The hall burnt down.")
    deliver_due()
    deliver_due()
    assert told() == [
        ("ada@example.test", "Gala does not take place"), ("bob@example.test", "Gala does not take place"),
    ]  # fmt: skip
    assert "The hall burnt down." in mail.outbox[0].body
    assert "List-Unsubscribe" not in mail.outbox[0].message(), "who has a ticket must know"


def test_where_money_goes_back_the_buyer_has_one_mail_and_other_holders_hear_too(gala):
    ticket = Ticket.objects.filter(holder_email="ada@example.test").first()
    Ticket.objects.filter(pk=ticket.pk).update(holder_email="eve@example.test")
    services.cancel(gala, actor=None, refund=True)
    message = OutboxMessage.objects.get(topic="event.cancelled")
    tell_of_end(message)
    assert [
        row.payload["recipient"]["email"] for row in OutboxMessage.objects.filter(topic="notify.event.cancelled")
    ] == ["eve@example.test"]


def test_another_time_and_place_are_told_and_a_new_description_is_not(gala):
    hall = Venue.objects.create(slug="hall", name="Great Hall", city="Vienna")
    services.update_event(gala, actor=None, description="New words", summary="Other")
    deliver_due()
    assert not mail.outbox
    services.update_event(gala, actor=None, starts_at=LATER, venue=hall)
    deliver_due()
    deliver_due()
    assert len(mail.outbox) == 2
    assert "New time:" in mail.outbox[0].body and "New place: Great Hall, Vienna" in mail.outbox[0].body


def test_what_changed_again_meanwhile_is_told_once_as_it_is_now(gala):
    services.postpone(gala, starts_at=LATER, actor=None)
    tell_of_new_date(OutboxMessage.objects.get(topic="event.postponed"))
    services.cancel(gala, actor=None)
    deliver_due()
    deliver_due()
    assert {subject for _to, subject in told()} == {"Gala does not take place"}


def test_a_ticket_that_is_no_good_any_more_tells_nobody(gala):
    Ticket.objects.filter(holder_email="bob@example.test").update(status="revoked")
    services.postpone(gala, starts_at=LATER, actor=None)
    deliver_due()
    deliver_due()
    assert [to for to, _subject in told()] == ["ada@example.test"]


def test_each_reads_their_own_language_and_the_buyers_feed_has_it(in_alpha):
    ada = make_user()
    kind = make_ticket_type(make_event("Gala"), price_minor=0)
    place_order(Basket(email="ivan@example.test", lines=[BasketLine(kind.pk, 1)], language="ru"))
    make_order(kind, user=ada, email=ada.email)
    deliver_due()
    mail.outbox.clear()
    services.cancel(kind.event, actor=None)
    deliver_due()
    deliver_due()
    subjects = dict(told())
    assert subjects[ada.email] == "Gala does not take place"
    assert subjects["ivan@example.test"] == "Gala не состоится"
    assert Notification.objects.get(user_id=ada.pk, topic="event.cancelled").title == "Gala does not take place"


def test_five_thousand_holders_cost_a_few_statements(in_alpha):
    event = make_event("Gala")
    kind = make_ticket_type(event, price_minor=0, capacity=6000)
    Ticket.objects.bulk_create(
        Ticket(
            event=event, ticket_type=kind, token=uuid4(), short_code=f"S{n:07}", price_minor=0,
            currency="EUR", holder_email=f"p{n}@example.test", holder_name=f"P {n}",
        )
        for n in range(5000)
    )  # fmt: skip
    services.postpone(event, starts_at=LATER, actor=None)
    message = OutboxMessage.objects.get(topic="event.postponed")
    with CaptureQueriesContext(connection) as asked:
        for each in subscribers("event.postponed"):
            if each is tell_of_new_date:
                each(message)
    assert OutboxMessage.objects.filter(topic="notify.event.postponed").count() == 5000
    assert len(asked) < 80, len(asked)
