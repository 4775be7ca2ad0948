"""The public copy of who goes where is what the tenants' own rows say, whatever comes between."""

import random
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from shared_apps.core.errors import DomainError
from shared_apps.people import footprints as copy
from shared_apps.people.models import BoughtOrder, BoughtPlace
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.activity.services import record
from tenant_apps.events import services as events
from tenant_apps.events.models import Event
from tenant_apps.orders import footprints
from tenant_apps.orders.footprints import differences, keep_footprint, move_places, newest_differences
from tenants.context import in_public, in_tenant
from tenants.models import Tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of

ADA = "ada@example.test"


@pytest.fixture
def ada(db):
    return make_user(ADA, name="Ada")


def ahead(client, query=""):
    answer = client.get(f"/api/v1/me/events/{query}")
    assert answer.status_code == 200, answer.content
    return [row["title"] for row in answer.json()["results"]]


@pytest.mark.parametrize("on_a_tenants_host", [False, True])
def test_my_events_of_all_tenants_ahead_and_over(alpha, beta, ada, deliver, client_for, page_for, on_a_tenants_host):
    with in_tenant(alpha):
        soon = make_event("Night of Strings", starts_at=timezone.now() + timedelta(days=1))
        make_paid_order(make_ticket_type(soon), quantity=2, email=ADA, user=ada)
        past = make_event("Long Ago")
        make_paid_order(make_ticket_type(past), email=ADA, user=ada)
        Event.objects.filter(pk=past.pk).update(starts_at=timezone.now() - timedelta(days=3))
    with in_tenant(beta):
        make_order(make_ticket_type(make_event("Open Day")), email=ADA, user=ada)
    deliver(alpha, beta)
    host = alpha if on_a_tenants_host else None
    client = client_for(host, ada)
    assert ahead(client) == ahead(client, "?when=upcoming") == ["Night of Strings", "Open Day"]
    assert ahead(client, "?when=past") == ["Long Ago"]
    assert client.get("/api/v1/me/events/?when=never").status_code == 400
    html = page_for(host, ada).get("/account/events/").content.decode()
    assert html.index("Night of Strings") < html.index("Open Day") and "2 places" in html
    assert "Long Ago" not in html and "http://alpha.localhost/events/" in html
    assert "Nothing ahead" in page_for(host, make_user()).get("/account/events/").content.decode()
    assert page_for(host).get("/account/events/").status_code == 302


def test_what_is_called_off_postponed_or_passed_on_is_ahead_no_more(alpha, ada, deliver, client_for):
    from tenant_apps.orders.passing_on import pass_on

    with in_tenant(alpha):
        off, later, given = make_event("Off"), make_event("Later"), make_event("Given")
        for event in (off, later):
            make_paid_order(make_ticket_type(event), email=ADA, user=ada)
        order = make_paid_order(make_ticket_type(given), email=ADA, user=ada)
    deliver(alpha)
    client = client_for(None, ada)
    assert set(ahead(client)) == {"Off", "Later", "Given"}
    with in_tenant(alpha):
        events.cancel(off, actor=owner_of(alpha))
        starts_at = (timezone.now() + timedelta(days=400)).isoformat()
        events.postpone(later, actor=owner_of(alpha), starts_at=starts_at)
        pass_on(order.lines.get().ticket, name="Bob", email="bob@example.test", by_staff=True)
    deliver(alpha)
    assert ahead(client) == ["Later"]
    assert [row["title"] for row in client.get("/api/v1/me/upcoming-events/").json()["results"]] == ["Later"]
    with in_tenant(alpha):
        assert list(differences()) == []
        events.archive(Event.objects.get(pk=off.pk), actor=owner_of(alpha))
    deliver(alpha)
    with in_tenant(alpha):
        assert list(differences()) == []


def test_an_event_that_moves_while_its_order_is_copied_is_right_in_the_end(alpha, ada, monkeypatch, deliver):
    """Two messages of two aggregates are delivered at once: the event's finds no places yet, the order's has read the
    old time."""
    moved = timezone.now() + timedelta(days=77)
    with in_tenant(alpha):
        event = make_event("Mover")
        order = make_paid_order(make_ticket_type(event), email=ADA, user=ada)
        plain, calls = footprints.point, []

        def between(name):
            plain(name)
            if name == "projection.read" and not calls:
                calls.append(name)
                Event.objects.filter(pk=event.pk).update(starts_at=moved)
                record("event.updated", event)
                move_places(OutboxMessage.objects.filter(topic="event.updated").latest("created_at"))

        monkeypatch.setattr(footprints, "point", between)
        keep_footprint(OutboxMessage.objects.get(topic="order.placed", aggregate__endswith=str(order.pk)))
        assert calls and BoughtPlace.objects.get(order_id=order.pk).starts_at == moved


def test_a_worker_that_stood_still_and_goes_on_does_not_bring_back_what_was(alpha, ada, monkeypatch):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(), email=ADA, user=ada)
        messages = list(OutboxMessage.objects.filter(aggregate__endswith=str(order.pk)).order_by("created_at"))
        plain, stood = footprints.point, []

        def stand_still(name):
            plain(name)
            if name == "projection.read" and not stood:
                stood.append(name)
                from tenant_apps.orders.services import cancel

                cancel(order, by_staff=True)
                keep_footprint(OutboxMessage.objects.get(topic="order.cancelled"))

        monkeypatch.setattr(footprints, "point", stand_still)
        keep_footprint(messages[0])
        assert stood and not BoughtPlace.objects.filter(order_id=order.pk).exists()
        assert list(differences()) == []


def test_told_again_in_any_order_and_more_than_once_the_copy_stays_as_the_orders_are(alpha, beta, ada, deliver):
    from tenant_apps.orders.services import cancel, change_contact

    chance = random.Random(9)
    for tenant in (alpha, beta):
        with in_tenant(tenant):
            event = make_event()
            kind = make_ticket_type(event)
            orders = [make_paid_order(kind, quantity=1 + n % 3, email=f"b{n}@example.test") for n in range(4)]
            orders.append(make_paid_order(kind, email=ADA, user=ada))
            cancel(orders[0], by_staff=True)
            change_contact(orders[1], actor=owner_of(tenant), email="new@example.test")
            Event.objects.filter(pk=event.pk).update(starts_at=timezone.now() + timedelta(days=50))
            record("event.updated", event)
    for _round in range(2):
        for tenant in (alpha, beta):
            with in_tenant(tenant):
                messages = [m for m in OutboxMessage.objects.all() if m.topic.partition(".")[0] in ("order", "event")]
                chance.shuffle(messages)
                for message in messages:
                    (move_places if message.aggregate.startswith("events.event:") else keep_footprint)(message)
                assert list(differences(mend=False)) == []
    call_command("check_projection")


def test_what_the_outbox_has_yet_to_tell_is_no_difference(alpha, ada, deliver):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(), email=ADA, user=ada)
        assert list(differences()) == [] == newest_differences(10), "its message waits"
        OutboxMessage.objects.update(parked_at=timezone.now())
        assert list(differences()) == [f"order {order.pk}: missing in the copy"] == newest_differences(10)


def test_the_checker_finds_what_is_torn_and_what_belongs_to_others(alpha, ada, deliver, capsys):
    with in_tenant(alpha):
        kind = make_ticket_type()
        whose, lost = (make_paid_order(kind, email=ADA, user=ada) for _ in range(2))
    deliver(alpha)
    BoughtPlace.objects.filter(order_id=whose.pk).update(user=make_user())
    BoughtOrder.objects.filter(order_id=lost.pk).delete()
    stray = BoughtPlace.objects.get(order_id=lost.pk)
    stray.pk, stray.order_id, stray.line_id = None, "018f0000-0000-7000-8000-000000000001", whose.pk
    stray.save()
    for _look in range(2):
        with pytest.raises(SystemExit) as ended:
            call_command("check_projection")
        told = capsys.readouterr().out
        assert ended.value.code == 1, "looking mends nothing"
        assert all(f"order {pk}: " in told for pk in (whose.pk, lost.pk, stray.order_id)) and "3 orders differ" in told
    call_command("check_projection", "--repair")
    call_command("check_projection")
    call_command("check_projection", "--tenant", "alpha")
    with pytest.raises(CommandError):
        call_command("check_projection", "--tenant", "nobody")


def test_nothing_is_kept_of_an_account_that_ended(alpha, ada, deliver):
    with in_tenant(alpha):
        make_paid_order(make_ticket_type(), email=ADA, user=ada)
    deliver(alpha)
    ada.is_active = False
    ada.save()
    with in_tenant(alpha):
        assert [line.rpartition(": ")[2] for line in differences()] == ["must not be in the copy"]
        list(differences(mend=True))
        assert list(differences()) == [] and not BoughtOrder.objects.exists()


def test_what_is_left_of_a_tenant_that_was_erased_is_found_and_dropped(alpha, beta, ada, deliver, capsys):
    with in_tenant(beta):
        make_paid_order(make_ticket_type(), email=ADA, user=ada)
    deliver(beta)
    Tenant.objects.filter(pk=beta.pk).update(status="closed", erased_at=timezone.now())
    with pytest.raises(SystemExit):
        call_command("check_projection")
    assert "beta  1 orders of a tenant that was erased" in capsys.readouterr().out
    call_command("check_projection", "--repair")
    assert not BoughtPlace.objects.exists()
    call_command("check_projection")


def test_the_self_check_tells_a_tenant_that_the_copy_differs(alpha, ada, deliver, client_for):
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(), email=ADA, user=ada)
    deliver(alpha)

    def state():
        checks = client_for(alpha, owner_of(alpha)).get("/api/v1/system-check/").json()["checks"]
        return next(each["state"] for each in checks if each["code"] == "projection")

    assert state() == "ok"
    BoughtPlace.objects.filter(order_id=order.pk).delete()
    assert state() == "warning"


def test_a_copy_that_never_comes_to_rest_is_tried_again_later(alpha, ada, monkeypatch):
    """Somebody changes it each time: the message fails and comes again, instead of holding a worker for ever."""
    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(), email=ADA, user=ada)
        event = order.lines.get().event
        times = iter(range(1000))

        def moving(name):
            if name == "projection.read":
                moved = timezone.now() + timedelta(days=3, seconds=next(times))
                Event.objects.filter(pk=event.pk).update(starts_at=moved)

        monkeypatch.setattr(footprints, "point", moving)
        with pytest.raises(footprints.StillMoving):
            footprints.keep_order(order.pk)
        monkeypatch.undo()
        footprints.keep_order(order.pk)
        with in_public():
            assert copy.as_kept(alpha.pk, [order.pk])[order.pk].places[0].starts_at > timezone.now()
        assert not issubclass(footprints.StillMoving, DomainError)
