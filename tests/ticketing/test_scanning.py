"""One scan and its answer: admitted once, refused with a reason, the same id answered alike (T1-T4)."""

import random
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.forgery import forged
from shared_apps.core.errors import InvalidInput, NotFound
from tenant_apps.activity.models import AuditEntry
from tenant_apps.events.models import Event, Question
from tenant_apps.ticketing import codes, scanning, services
from tenant_apps.ticketing.errors import NothingToUndo
from tenant_apps.ticketing.keys import ensure_key
from tenant_apps.ticketing.models import CheckIn, CheckInList, EventKey, Ticket, TicketType
from tenant_apps.ticketing.querysets import list_numbers
from tests.factories import make_event, make_paid_order, make_ticket_type, make_user


@pytest.fixture
def kind(in_alpha):
    kind = make_ticket_type(price_minor=0)
    services.ensure_door(kind.event)
    return kind


@pytest.fixture
def door(kind):
    return CheckInList.objects.get(event=kind.event)


@pytest.fixture
def ticket(kind):
    return make_paid_order(kind).lines.get().ticket


def scan(door, ticket, scan_id, **options):
    code = ticket if isinstance(ticket, str) else codes.code_text(ticket)
    return scanning.scan(door, code, scan_id, by=None, **options)


def test_a_good_ticket_is_admitted_once_and_refused_the_second_time(door, ticket):
    first = scan(door, ticket, "1")
    assert first.admitted
    assert first.ticket == ticket
    second = scan(door, ticket, "2")
    assert (second.admitted, second.reason) == (False, "already_used")
    assert second.admitted_at == first.check_in.scanned_at
    ticket.refresh_from_db()
    assert ticket.status == "used"


def test_the_same_scan_id_gets_the_first_answer_again_whatever_happened_since(door, ticket):
    admitted = scan(door, ticket, "1")
    refused = scan(door, ticket, "2")
    again, again_refused = scan(door, ticket, "1"), scan(door, ticket, "2")
    assert again.admitted
    assert again.repeated
    assert again.check_in.pk == admitted.check_in.pk
    assert again_refused.check_in.pk == refused.check_in.pk
    scanning.undo(door, "1", by=make_user())
    assert scan(door, ticket, "1").admitted
    assert CheckIn.objects.count() == 2


def test_a_scan_id_that_was_used_for_another_ticket_is_answered_as_then(door, kind, ticket):
    other = make_paid_order(kind).lines.get().ticket
    scan(door, ticket, "1")
    answer = scan(door, other, "1")
    assert answer.repeated
    assert answer.ticket == ticket
    other.refresh_from_db()
    assert other.status == "active"


@pytest.mark.parametrize("status", ["cancelled", "refunded", "transferred", "revoked", "expired"])
def test_an_ended_ticket_is_refused_with_its_own_reason(door, ticket, status):
    Ticket.objects.filter(pk=ticket.pk).update(status=status)
    assert scan(door, ticket, "1").reason == status


def test_nobody_is_admitted_to_a_cancelled_event(door, ticket):
    Event.objects.update(status="cancelled")
    assert scan(door, ticket, "1").reason == "cancelled"


def test_a_ticket_for_another_event_is_refused_and_not_shown(door, in_alpha):
    other = make_paid_order(make_ticket_type(price_minor=0)).lines.get().ticket
    answer = scan(door, other, "1")
    assert answer.reason == "wrong_event"
    assert answer.ticket is None


def test_an_entrance_takes_only_its_ticket_types(kind, ticket):
    vip = make_ticket_type(kind.event, name="VIP")
    entrance = services.create_check_in_list(kind.event, name="VIP", ticket_types=[vip], actor=None)
    assert scan(entrance, ticket, "1").reason == "wrong_ticket_type"
    services.change_check_in_list(entrance, ticket_types=[vip, kind], actor=None)
    assert scan(entrance, ticket, "2").admitted


def test_a_ticket_is_good_only_in_its_time(door, ticket):
    now = timezone.now()
    Ticket.objects.filter(pk=ticket.pk).update(valid_from=now + timedelta(hours=1))
    assert scan(door, ticket, "1").reason == "not_yet_valid"
    Ticket.objects.filter(pk=ticket.pk).update(valid_from=None, valid_until=now - timedelta(hours=1))
    assert scan(door, ticket, "2").reason == "expired"
    assert scan(door, ticket, "3", scanned_at=now - timedelta(hours=2)).admitted


def test_whoever_went_out_may_come_in_again(door, ticket):
    assert scan(door, ticket, "1").admitted
    assert list_numbers(door) == {"expected": 1, "arrived": 1, "inside": 1}
    assert scan(door, ticket, "2", direction="out").admitted
    assert list_numbers(door) == {"expected": 1, "arrived": 1, "inside": 0}
    assert scan(door, ticket, "3").admitted
    assert scan(door, ticket, "4").reason == "already_used"
    assert list_numbers(door) == {"expected": 1, "arrived": 1, "inside": 1}


def test_an_undone_admission_makes_the_ticket_good_again_and_is_written_down(door, ticket):
    scan(door, ticket, "1")
    person = make_user()
    scanning.undo(door, "1", by=person)
    scanning.undo(door, "1", by=person)
    ticket.refresh_from_db()
    assert ticket.status == "active"
    assert AuditEntry.objects.filter(topic="check_in.undone", actor_id=person.pk).count() == 1
    assert scan(door, ticket, "2").admitted


def test_an_admission_at_another_entrance_keeps_the_ticket_used(kind, door, ticket):
    second = services.create_check_in_list(kind.event, name="Hall B", actor=None)
    scan(door, ticket, "1")
    assert scan(second, ticket, "1").admitted
    scanning.undo(second, "1", by=make_user())
    ticket.refresh_from_db()
    assert ticket.status == "used"


def test_a_refusal_cannot_be_undone_and_an_unknown_scan_is_not_there(door, ticket):
    scan(door, "nonsense", "1")
    with pytest.raises(NothingToUndo):
        scanning.undo(door, "1", by=make_user())
    with pytest.raises(NotFound):
        scanning.undo(door, "2", by=make_user())


def test_a_neighbours_ticket_looks_like_an_unknown_code(door, beta):
    from tenants.context import in_tenant

    with in_tenant(beta):
        foreign = codes.code_text(make_paid_order(make_ticket_type(price_minor=0)).lines.get().ticket)
    known, random_code = scan(door, foreign, "1"), scan(door, "FOYER1." + "A" * 136, "2")
    assert known.reason == random_code.reason == "unknown"
    assert known.ticket is random_code.ticket is None
    assert CheckIn.objects.filter(ticket=None).count() == 2


def test_a_signature_alone_admits_nobody(door, ticket):
    forged = Ticket(event=ticket.event, event_id=ticket.event_id, token=codes.new_token())
    text = codes.code_text(forged)
    assert codes.verify(text)
    assert scan(door, text, "1").reason == "unknown"


def test_a_known_token_under_another_events_signature_is_unknown(door, ticket):
    text = codes.code_text(ticket, ensure_key(make_event()))
    assert scan(door, text, "1").reason == "unknown"


def test_none_of_ten_thousand_random_and_mutated_codes_is_accepted(door, kind, ticket):
    other = make_paid_order(make_ticket_type(price_minor=0)).lines.get().ticket
    never = Ticket(event_id=ticket.event_id, token=codes.new_token())
    good = [codes.code_text(line.ticket) for line in make_paid_order(kind, quantity=3).lines.all()]
    elsewhere = [codes.code_text(other), codes.code_text(never)]
    accepted = [
        text
        for number, text in enumerate(islice(forged(random.Random(11), good, elsewhere), 10_000))
        if scan(door, text, f"s{number}").admitted
    ]
    assert accepted == []
    assert all(scan(door, text, f"good-{number}").admitted for number, text in enumerate(good))


@pytest.mark.parametrize("scan_id", ["", "x" * 65, "a b", "\x00", "ü", None, 7])
def test_a_scan_needs_an_id_of_its_own(door, ticket, scan_id):
    with pytest.raises(InvalidInput):
        scan(door, ticket, scan_id)


def test_a_clock_that_runs_ahead_cannot_write_into_the_future(door, ticket):
    answer = scan(door, ticket, "1", scanned_at=timezone.now() + timedelta(days=400))
    assert answer.check_in.scanned_at <= timezone.now()


def test_a_wrong_clock_is_put_right_by_what_it_says_as_it_sends(door, ticket):
    now = timezone.now()
    Ticket.objects.filter(pk=ticket.pk).update(valid_until=now - timedelta(hours=1))
    late = now - timedelta(days=3)
    answer = scan(door, ticket, "1", scanned_at=late - timedelta(minutes=5), sent_at=late)
    assert (answer.reason, answer.clock_off) == ("expired", 3 * 24 * 3600)
    assert abs(answer.check_in.scanned_at - (now - timedelta(minutes=5))) < timedelta(seconds=5)
    ahead = now + timedelta(days=400)
    answer = scan(door, ticket, "2", scanned_at=ahead - timedelta(hours=2), sent_at=ahead)
    assert answer.admitted
    assert answer.clock_off == pytest.approx(-400 * 24 * 3600, abs=5)
    assert scan(door, ticket, "3", scanned_at=now, sent_at=now).clock_off is None


@pytest.mark.parametrize("moment", [datetime.min, datetime.max], ids=["the first", "the last"])
@pytest.mark.parametrize("sent", [datetime.min, datetime.max, None], ids=["first", "last", "unsaid"])
def test_a_clock_at_the_end_of_all_times_is_answered_too(door, ticket, moment, sent):
    told = None if sent is None else sent.replace(tzinfo=UTC)
    answer = scan(door, ticket, "1", scanned_at=moment.replace(tzinfo=UTC), sent_at=told)
    assert answer.admitted
    assert answer.check_in.scanned_at <= timezone.now()


def test_what_an_offline_scanner_had_decided_otherwise_is_kept_and_flagged(door, ticket):
    assert not scan(door, ticket, "1", decided="admitted").check_in.is_conflict
    second = scan(door, ticket, "2", decided="admitted")
    assert (second.reason, second.check_in.is_conflict) == ("already_used", True)
    assert CheckIn.objects.get(scan_id="2").decided_offline == "admitted"
    assert scan(door, ticket, "2").check_in.is_conflict
    with pytest.raises(InvalidInput):
        scan(door, ticket, "3", decided="perhaps")


def test_the_door_is_told_what_to_look_at(door, kind):
    question = Question.objects.create(event=kind.event, text="Allergies", at_door=True)
    hidden = Question.objects.create(event=kind.event, text="Size")
    meals = Question.objects.create(event=kind.event, text="Vegetarian", kind="yes_no", at_door=True)
    TicketType.objects.filter(pk=kind.pk).update(door_note="Check the student card")
    line = make_paid_order(kind).lines.get()
    line.answers = [
        {"question": question.pk, "text": "Allergies", "answer": "nuts"},
        {"question": hidden.pk, "text": "Size", "answer": "L"},
        {"question": meals.pk, "text": "Vegetarian", "answer": False},
    ]
    line.save()
    text = codes.code_text(line.ticket)
    scan(door, text, "warm", direction="out")
    with CaptureQueriesContext(connection) as queries:
        answer = scan(door, text, "1")
    assert answer.attention == ("Check the student card", "Allergies: nuts")
    assert len(queries) == 3
    assert scan(door, text, "1").attention == answer.attention
    assert scan(door, text, "2").attention == ()


def test_a_new_key_is_looked_at_anew_with_each_scan(door, ticket):
    good = codes.code_text(ticket)
    assert scan(door, good, "1").admitted
    EventKey.objects.update(public_key=ensure_key(make_event()).public_key)
    assert scan(door, good, "2").reason == "unknown"


def test_a_ticket_that_ends_between_the_look_and_the_answer_is_refused(door, ticket, monkeypatch):
    from tenant_apps.ticketing import answering

    real, text = answering.write_admission, codes.code_text(ticket)

    def late(answer, seen):
        Ticket.objects.filter(pk=ticket.pk).update(status="revoked")
        return real(answer, seen)

    monkeypatch.setattr(answering, "write_admission", late)
    assert scan(door, text, "1").reason == "revoked"
    assert CheckIn.objects.get().reason == "revoked"


def test_a_code_that_dies_between_the_look_and_the_answer_is_unknown(door, ticket, monkeypatch):
    from tenant_apps.ticketing import answering

    real, text = answering.write_admission, codes.code_text(ticket)

    def late(answer, seen):
        Ticket.objects.filter(pk=ticket.pk).update(token=codes.new_token())
        return real(answer, seen)

    monkeypatch.setattr(answering, "write_admission", late)
    assert scan(door, text, "1").reason == "unknown"
    ticket.refresh_from_db()
    assert ticket.status == "active"


@pytest.mark.parametrize(
    ("story", "most"), [("admitted", 2), ("already used", 2), ("repeated", 3), ("unknown", 2), ("out", 2)]
)
def test_a_scan_costs_few_statements(door, ticket, story, most):
    good = codes.code_text(ticket)
    if story in ("already used", "repeated", "out"):
        scan(door, good, "1")
    code = "FOYER1." + "A" * 136 if story == "unknown" else good
    with CaptureQueriesContext(connection) as queries:
        scan(door, code, "1" if story == "repeated" else "2", direction="out" if story == "out" else "in")
    sent = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "PREPARE"))]
    assert len(sent) == most, "\n".join(sent)
