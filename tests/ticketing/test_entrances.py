"""What an entrance's rules do to a scan: day, window, how often, which way, and how many its zone holds."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shared_apps.core.errors import InvalidInput
from tenant_apps.activity.models import AuditEntry
from tenant_apps.ticketing import by_hand, codes, entrances, live, scanning, services
from tenant_apps.ticketing.errors import CheckInListUsed, ZoneFuller, ZoneInUse
from tenant_apps.ticketing.models import CheckIn, CheckInList, CheckInZone, Ticket
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user


@pytest.fixture
def kind(in_alpha):
    return make_ticket_type(make_event(timezone="Europe/Berlin"), price_minor=0)


def entrance(kind, **fields):
    return entrances.create_check_in_list(kind.event, name="Door", actor=None, **fields)


def ticket_of(kind):
    sold = getattr(kind, "sold", None)
    return sold.pop() if sold else make_paid_order(kind).lines.get().ticket


_number = iter(range(10**9))


def scan(door, ticket, **options):
    return scanning.scan(door, codes.code_text(ticket), f"s{next(_number)}", by=None, **options)


def outcome(answer):
    return answer.reason or "admitted"


@pytest.fixture
def long_ago(kind):
    """Sold and over, so that scans of its days may be sent as a scanner without network sends them."""
    kind.sold = [ticket_of(kind) for _each in range(3)]
    type(kind.event).objects.filter(pk=kind.event.pk).update(
        starts_at=datetime(2026, 3, 6, 17, tzinfo=UTC), ends_at=datetime(2026, 3, 8, 23, tzinfo=UTC)
    )
    kind.event.refresh_from_db()
    return kind


def at(day, hour, minute=0):
    """A moment of March 2026 in Berlin, which is an hour ahead of UTC."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=1)


def test_a_list_of_one_day_admits_on_that_day_only(long_ago):
    ticket = ticket_of(long_ago)
    door = entrance(long_ago, day=datetime(2026, 3, 7).date())
    assert outcome(scan(door, ticket, scanned_at=at(6, 23, 59))) == "not_yet_valid"
    assert outcome(scan(door, ticket, scanned_at=at(8, 0))) == "expired"
    assert outcome(scan(door, ticket, scanned_at=at(7, 0))) == "admitted"


def test_a_day_that_begins_at_five_keeps_the_night_with_the_evening(long_ago):
    ticket = ticket_of(long_ago)
    door = entrance(long_ago, day=datetime(2026, 3, 7).date(), day_starts=5)
    assert outcome(scan(door, ticket, scanned_at=at(7, 4, 59))) == "not_yet_valid"
    assert outcome(scan(door, ticket, scanned_at=at(8, 4, 59))) == "admitted"


def test_a_list_is_open_from_its_first_moment_and_closed_at_its_last(long_ago):
    ticket = ticket_of(long_ago)
    door = entrance(long_ago, opens_at="2026-03-06T18:00", closes_at="2026-03-06T20:00")
    assert outcome(scan(door, ticket, scanned_at=at(6, 17, 59))) == "not_yet_valid"
    assert outcome(scan(door, ticket, scanned_at=at(6, 20))) == "expired"
    assert outcome(scan(door, ticket, scanned_at=at(6, 18))) == "admitted"
    # Whoever is inside may leave after it has closed.
    assert outcome(scan(door, ticket, scanned_at=at(6, 22), direction="out")) == "admitted"


def test_once_means_once_even_after_going_out(kind):
    door, ticket = entrance(kind, entries="once"), ticket_of(kind)
    first = scan(door, ticket)
    assert first.admitted
    assert scan(door, ticket, direction="out").admitted
    again = scan(door, ticket)
    assert (again.reason, again.admitted_at) == ("already_used", first.check_in.scanned_at)
    scanning.undo(door, first.check_in.scan_id, by=make_user())
    assert scan(door, ticket).admitted


def test_once_a_day_admits_again_the_next_day_though_nobody_was_scanned_out(long_ago):
    door, ticket = entrance(long_ago, entries="once_per_day", day_starts=5), ticket_of(long_ago)
    assert scan(door, ticket, scanned_at=at(6, 19)).admitted
    assert outcome(scan(door, ticket, scanned_at=at(6, 21))) == "already_used"
    assert outcome(scan(door, ticket, scanned_at=at(7, 2))) == "already_used"
    assert scan(door, ticket, scanned_at=at(7, 19)).admitted
    assert CheckIn.objects.standing().count() == 1
    assert scan(door, ticket, scanned_at=at(7, 20), direction="out").admitted
    assert outcome(scan(door, ticket, scanned_at=at(7, 21))) == "already_used"


def test_a_known_scan_id_ends_no_admission_of_the_day_before(long_ago):
    zone = entrances.create_zone(long_ago.event, name="Hall", capacity=1, actor=None)
    door, ticket = entrance(long_ago, entries="once_per_day", zone=zone), ticket_of(long_ago)
    code = codes.code_text(ticket)
    assert scanning.scan(door, code, "same", by=None, scanned_at=at(6, 19)).admitted
    assert scanning.scan(door, code, "same", by=None, scanned_at=at(7, 19)).repeated
    assert CheckIn.objects.standing().get().scanned_at == at(6, 19)
    zone.refresh_from_db()
    assert zone.inside == 1


@pytest.mark.parametrize(("only", "refused"), [("in", "out"), ("out", "in")])
def test_an_entrance_of_one_direction_refuses_the_other(kind, only, refused):
    door, ticket = entrance(kind, directions=only), ticket_of(kind)
    assert outcome(scan(door, ticket, direction=refused)) == "wrong_direction"
    assert outcome(scan(door, ticket, direction=only)) == "admitted"


@pytest.fixture
def hall(kind):
    """A hall for two with two gates; the number of people inside, counted anew."""
    zone = entrances.create_zone(kind.event, name="Hall", capacity=2, actor=None)
    north = entrance(kind, zone=zone, gate="North")
    south = entrance(kind, zone=zone, gate="South")

    def inside():
        zone.refresh_from_db()
        assert zone.inside == CheckIn.objects.standing().filter(zone=zone).count()
        return zone.inside

    return zone, north, south, inside


def test_a_zone_that_is_full_admits_nobody_until_somebody_leaves(kind, hall):
    _zone, north, south, inside = hall
    first, second, third = ticket_of(kind), ticket_of(kind), ticket_of(kind)
    assert scan(north, first).admitted
    assert scan(south, second).admitted
    full = scan(north, third)
    assert (full.reason, full.ticket) == ("zone_full", third)
    third.refresh_from_db()
    assert (third.status, inside()) == ("active", 2)
    # The same scan gets the same answer; another one is a new try.
    assert scanning.scan(north, codes.code_text(third), full.check_in.scan_id, by=None).reason == "zone_full"
    assert scan(south, first, direction="out").admitted  # by another gate than they came
    assert inside() == 1
    assert scan(north, third).admitted
    assert inside() == 2


def test_a_ticket_stands_in_a_zone_once_whatever_gate_it_came_by(kind, hall):
    _zone, north, south, inside = hall
    ticket = ticket_of(kind)
    assert scan(north, ticket).admitted
    assert outcome(scan(south, ticket)) == "already_used"
    assert outcome(scan(north, ticket)) == "already_used"
    assert inside() == 1


def test_an_undone_admission_gives_the_zone_its_place_back_once(kind, hall):
    _zone, north, _south, inside = hall
    ticket = ticket_of(kind)
    admitted = scan(north, ticket).check_in
    person = make_user()
    scanning.undo(north, admitted.scan_id, by=person)
    scanning.undo(north, admitted.scan_id, by=person)
    assert inside() == 0
    second = scan(north, ticket).check_in
    assert scan(north, ticket, direction="out").admitted
    scanning.undo(north, second.scan_id, by=person)  # it is over, and took no place any more
    assert inside() == 0
    ticket.refresh_from_db()
    assert ticket.status == "active"


def test_a_list_that_leads_elsewhere_now_gives_the_old_zone_its_place_back(kind, hall):
    zone, north, _south, inside = hall
    ticket = ticket_of(kind)
    assert scan(north, ticket).admitted
    other = entrances.create_zone(kind.event, name="Yard", actor=None)
    north = entrances.change_check_in_list(north, zone=other, actor=None)
    assert inside() == 1
    assert scan(north, ticket, direction="out").admitted
    assert inside() == 0
    assert CheckInZone.objects.get(pk=other.pk).inside == 0
    assert zone.pk != other.pk


def test_everybody_counted_as_gone_may_come_in_again(kind, hall):
    zone, north, south, inside = hall
    tickets = [ticket_of(kind), ticket_of(kind)]
    assert scan(north, tickets[0]).admitted
    assert scan(south, tickets[1]).admitted
    person = make_user()
    assert entrances.empty_zone(zone, actor=person) == 2
    assert inside() == 0
    assert AuditEntry.objects.get(topic="check_in_zone.emptied").details["before"] == {"inside": 2}
    assert scan(north, tickets[1]).admitted


def test_a_zones_capacity_is_not_set_below_who_is_inside_and_it_is_kept_while_used(kind, hall):
    zone, north, south, _inside = hall
    assert scan(north, ticket_of(kind)).admitted
    with pytest.raises(ZoneFuller):
        entrances.change_zone(zone, capacity=0, actor=None)
    assert entrances.change_zone(zone, capacity=1, actor=None).capacity == 1
    with pytest.raises(ZoneInUse):
        entrances.delete_zone(zone, actor=None)
    with pytest.raises(CheckInListUsed):
        entrances.delete_check_in_list(north, actor=None)
    empty = entrances.create_zone(kind.event, name="Yard", actor=None)
    entrances.delete_zone(empty, actor=None)
    entrances.delete_check_in_list(south, actor=None)
    assert list(CheckInZone.objects.values_list("name", flat=True)) == ["Hall"]


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"day": datetime(2020, 1, 1).date()}, "day", "not_a_day_of_the_event"),
        ({"day_starts": 24}, "day_starts", "out_of_range"),
        ({"entries": "often"}, "entries", "invalid"),
        ({"directions": "up"}, "directions", "invalid"),
        ({"opens_at": "soon"}, "opens_at", "invalid_time"),
        ({"opens_at": "2031-01-01T10:00", "closes_at": "2031-01-01T10:00"}, "closes_at", "before_start"),
        ({"gate": "x" * 61}, "gate", "too_long"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_name(kind, fields, field, code):
    with pytest.raises(InvalidInput) as refused:
        entrance(kind, **fields)
    assert [(each.field, each.code) for each in refused.value.errors] == [(field, code)]


def test_a_list_cannot_lead_into_another_events_zone(kind):
    foreign = entrances.create_zone(make_event(), name="Hall", actor=None)
    with pytest.raises(InvalidInput):
        entrance(kind, zone=foreign)


def test_an_events_twin_has_its_lists_and_zones_on_its_own_days(kind):
    zone = entrances.create_zone(kind.event, name="Hall", capacity=7, actor=None)
    day = entrances.days_of(kind.event)[0]
    entrance(kind, zone=zone, day=day, entries="once", ticket_types=[kind], gate="North")
    copy = services.duplicate_event(kind.event, actor=None, starts_at=kind.event.starts_at + timedelta(days=7))
    twin = copy.check_in_lists.get()
    assert (twin.name, twin.gate, twin.entries, twin.day) == ("Door", "North", "once", day + timedelta(days=7))
    assert (twin.zone.event, twin.zone.capacity, twin.zone.inside) == (copy, 7, 0)
    assert list(twin.ticket_types.all()) == list(copy.ticket_types.all())


def test_somebody_without_a_code_is_found_by_name_and_checked_in_with_a_reason(kind):
    door, ticket = entrance(kind), ticket_of(kind)
    Ticket.objects.filter(pk=ticket.pk).update(holder_name="Анна Петрова-Long", seat="B 12")
    other = ticket_of(make_ticket_type(price_minor=0))
    Ticket.objects.filter(pk=other.pk).update(holder_name="Анна Другая")
    for text in ("петр", "long анна", ticket.short_code.lower(), "b 12"):
        assert [found.pk for found in by_hand.look_up(door, text)] == [ticket.pk], text
    assert by_hand.look_up(door, "а") == []
    assert by_hand.look_up(door, "%") == by_hand.look_up(door, "__") == []
    person = make_user()
    with pytest.raises(InvalidInput):
        by_hand.check_in_by_hand(door, ticket.pk, reason="  ", by=person)
    with pytest.raises(InvalidInput):
        by_hand.check_in_by_hand(door, other.pk, reason="Phone is dead", by=person)
    answer = by_hand.check_in_by_hand(door, ticket.pk, reason="Phone is dead", by=person, scan_id="h1")
    assert answer.admitted
    assert (answer.check_in.note, answer.check_in.scanned_by) == ("Phone is dead", person.pk)
    assert by_hand.check_in_by_hand(door, ticket.pk, reason="Twice", by=person, scan_id="h1").repeated
    entry = AuditEntry.objects.get(topic="check_in.by_hand")
    assert (entry.actor_id, entry.details["why"]) == (person.pk, "Phone is dead")
    assert by_hand.look_up(door, "петр")[0].standing_since == answer.check_in.scanned_at
    assert outcome(by_hand.check_in_by_hand(door, ticket.pk, reason="Again", by=person)) == "already_used"


def test_the_rules_hold_for_who_is_checked_in_by_hand(kind):
    door, ticket = entrance(kind, opens_at="2031-01-01T10:00"), ticket_of(kind)
    assert outcome(by_hand.check_in_by_hand(door, ticket.pk, reason="No phone", by=make_user())) == "not_yet_valid"
    Ticket.objects.filter(pk=ticket.pk).update(status="refunded")
    assert outcome(by_hand.check_in_by_hand(door, ticket.pk, reason="No phone", by=make_user())) == "refunded"


def test_the_numbers_of_a_board_are_those_of_the_rows(kind, hall):
    zone, north, _south, _inside = hall
    tickets = [ticket_of(kind) for _each in range(3)]
    now = timezone.now().replace(second=30, microsecond=0)
    assert scan(north, tickets[0], scanned_at=now - timedelta(minutes=10)).admitted
    assert scan(north, tickets[1]).admitted
    assert scan(north, tickets[0], direction="out").admitted
    assert outcome(scan(north, tickets[2])) == "admitted"
    assert outcome(scan(north, tickets[2])) == "already_used"
    found = live.reckon(CheckInList.objects.select_related("event").get(pk=north.pk))
    assert (found.expected, found.arrived, found.inside, found.per_minute, found.refused) == (3, 3, 2, 2, 1)
    assert found.zone == live.Zone(zone.pk, "Hall", 2, 2)
    assert len(found.minutes) == 60
    assert (sum(each.came for each in found.minutes), sum(each.left for each in found.minutes)) == (3, 1)


def test_a_board_that_is_opened_long_after_shows_the_last_hour_in_which_people_came(long_ago):
    door, ticket = entrance(long_ago), ticket_of(long_ago)
    scan(door, ticket, scanned_at=at(6, 19))
    CheckIn.objects.update(received_at=at(6, 19))
    found = live.reckon(door)
    assert found.minutes[-1].at == at(6, 19)
    assert found.minutes[-1].came == 1


def test_a_list_by_day_expects_the_tickets_of_that_day(long_ago):
    door = entrance(long_ago, day=datetime(2026, 3, 7).date())
    saturday, sunday, any_day = ticket_of(long_ago), ticket_of(long_ago), ticket_of(long_ago)
    Ticket.objects.filter(pk=saturday.pk).update(valid_from=at(7, 0), valid_until=at(7, 23))
    Ticket.objects.filter(pk=sunday.pk).update(valid_from=at(8, 0))
    assert set(live.expected(door)) == {saturday, any_day}


@pytest.mark.parametrize("story", ["plain", "once", "zone", "zone full", "out"])
def test_the_rules_of_an_entrance_cost_no_statement_more(kind, story):
    zone = entrances.create_zone(kind.event, name="Hall", capacity=0 if story == "zone full" else 5, actor=None)
    fields = {"once": {"entries": "once"}, "plain": {}}.get(story, {"zone": zone})
    door, ticket = entrance(kind, **fields), ticket_of(kind)
    door = CheckInList.objects.select_related("event").get(pk=door.pk)
    if story == "out":
        scan(door, ticket)
    code = codes.code_text(ticket)
    with CaptureQueriesContext(connection) as queries:
        scanning.scan(door, code, "counted", by=None, direction="out" if story == "out" else "in")
    sent = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(sent) == 2, "\n".join(sent)


def test_lists_go_along_with_an_event_that_is_postponed(kind):
    from tenant_apps.activity.delivery import deliver_due
    from tenant_apps.activity.models import OutboxMessage
    from tenant_apps.events import services as events
    from tenant_apps.ticketing.moved import lists_go_along

    event = kind.event
    day, opens = entrances.days_of(event)[0], event.starts_at - timedelta(hours=1)
    ours = entrance(kind, day=day, opens_at=opens)
    plain = entrance(kind)
    events.postpone(event, starts_at=event.starts_at + timedelta(days=30), actor=None)
    deliver_due()
    ours.refresh_from_db()
    assert (ours.day, ours.opens_at) == (day + timedelta(days=30), opens + timedelta(days=30))
    lists_go_along(OutboxMessage.objects.get(topic="event.postponed"))
    ours.refresh_from_db()
    plain.refresh_from_db()
    assert (ours.day, ours.opens_at) == (day + timedelta(days=30), opens + timedelta(days=30))
    assert (plain.day, plain.opens_at) == (None, None)
    assert AuditEntry.objects.filter(topic="check_in_list.updated").count() == 1
