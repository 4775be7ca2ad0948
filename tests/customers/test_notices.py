"""Who keeps something in mind hears of its price and state, who follows of what is new: once, and as they wish."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from shared_apps.people.wishes import change_wishes
from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.catalog import services as goods
from tenant_apps.customers import favourites, follows
from tenant_apps.customers.models import FreshEvent
from tenant_apps.events import services, standing
from tenant_apps.events.models import EventSeries
from tenant_apps.notifications.favourites import look_at_event
from tenant_apps.notifications.followers import tell_followers
from tenant_apps.notifications.models import Notification
from tenant_apps.ticketing.services import change_ticket_type
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user

LATER = timezone.now() + timedelta(days=60)


@pytest.fixture
def ada(in_alpha):
    return make_user("ada@example.test")


@pytest.fixture
def gala(in_alpha):
    event = make_event("Gala", slug="gala")
    event.kind = make_ticket_type(event, price_minor=2400)
    return event


def told():
    """What left by mail, after everything in the outbox was delivered."""
    for _ in range(3):
        deliver_due()
    return [(one.to[0], one.subject, one.body) for one in mail.outbox]


def test_a_lower_price_is_told_once(gala, ada):
    favourites.keep(gala, ada)
    change_ticket_type(gala.kind, price_minor=2000, actor=None)
    ((to, subject, body),) = told()
    assert (to, subject) == ("ada@example.test", "What is new: Gala")
    assert "The price is now €20 (before: €24)." in body.replace(".00", "")
    look_at_event(OutboxMessage.objects.filter(topic="ticket_type.updated").latest("created_at"))
    change_ticket_type(gala.kind, name="Renamed", actor=None)
    assert len(told()) == 1
    assert Notification.objects.get(user_id=ada.pk).url == "/events/gala/"


def test_what_is_called_off_is_told_but_not_twice_to_who_has_a_ticket(gala, ada):
    bob = make_user("bob@example.test")
    favourites.keep(gala, ada)
    favourites.keep(gala, bob)
    make_paid_order(gala.kind, user=bob, email=bob.email)
    told()
    mail.outbox.clear()
    services.cancel(gala, actor=None)
    by_person = {to: subject for to, subject, _body in told()}
    assert by_person == {"ada@example.test": "What is new: Gala", "bob@example.test": "Gala does not take place"}
    assert "It does not take place." in mail.outbox[0].body + mail.outbox[1].body


def test_a_postponed_event_is_told_with_its_date(gala, ada):
    favourites.keep(gala, ada)
    services.postpone(gala, starts_at=LATER, actor=None)
    ((_to, _subject, body),) = told()
    assert "It is postponed. The new date is" in body


def test_goods_that_are_there_again_are_told_and_that_they_sold_out_is_not(in_alpha, ada):
    mug = goods.create_product(actor=None, name="Mug", price_minor=500, variants=[{"capacity": 1}])
    favourites.keep(mug, ada)
    standing_of_goods()
    variant = mug.variants.get()
    type(variant).objects.filter(pk=variant.pk).update(sold=1)
    goods.update_product(mug, actor=None, description="A mug.")
    assert told() == []
    variant.refresh_from_db()
    goods.change_variant(variant, actor=None, capacity=10)
    ((_to, _subject, body),) = told()
    assert "It is available again." in body


def standing_of_goods():
    from tenant_apps.catalog.standing import STANDINGS

    STANDINGS.settle()
    standing.settle()


def test_whoever_does_not_want_it_is_not_told(gala, ada):
    change_wishes(ada, [{"topic": "favourite.changed", "channel": "email", "enabled": False}])
    favourites.keep(gala, ada)
    change_ticket_type(gala.kind, price_minor=2000, actor=None)
    assert told() == []


def test_followers_hear_of_several_new_events_in_one_letter(in_alpha, ada):
    follows.follow(ada)
    for number in range(3):
        services.publish(make_event(f"Evening {number}", published=False), actor=None)
    assert told() == []
    assert FreshEvent.objects.count() == 3
    assert tell_followers() == 1
    ((to, subject, body),) = told()
    assert (to, subject) == ("ada@example.test", "New at Alpha: Evening 0 and more")
    assert "Evening 1" in body and "Evening 2" in body
    assert tell_followers() == 0
    assert len(told()) == 1


def test_a_round_that_was_broken_off_tells_nobody_twice(in_alpha, ada, monkeypatch):
    follows.follow(ada)
    services.publish(make_event("Gala", published=False), actor=None)
    told()
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(follows, "end", lambda _round: (_ for _ in ()).throw(RuntimeError("killed")))
        tell_followers()
    services.publish(make_event("Ball", published=False), actor=None)
    told()
    tell_followers()
    assert [subject for _to, subject, _body in told()] == ["New at Alpha: Gala", "New at Alpha: Ball"]


def test_who_follows_a_series_hears_of_its_dates_alone(in_alpha, ada):
    template = make_event("Friday jazz", published=False)
    jazz = EventSeries.objects.create(slug="jazz", title="Jazz", template=template, timezone="Europe/Berlin")
    follows.follow(ada, jazz)
    services.publish(make_event("Polka", published=False), actor=None)
    date = make_event("Friday jazz: May", published=False, series=jazz, series_start=LATER)
    services.publish(date, actor=None)
    told()
    tell_followers()
    ((_to, subject, body),) = told()
    assert subject == "New at Alpha: Friday jazz: May" and "Polka" not in body


def test_what_was_taken_back_or_goes_on_sale_again_is_no_news(in_alpha, ada):
    follows.follow(ada)
    gone, again = make_event("Gone", published=False), make_event("Again")
    services.publish(gone, actor=None)
    told()
    services.cancel(gone, actor=None)
    services.postpone(again, starts_at=LATER, actor=None)
    services.publish(again, actor=None)
    told()
    tell_followers()
    assert told() == []
