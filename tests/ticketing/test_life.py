"""What becomes of a ticket, and that the door knows it from the commit on, with the right reason (T4)."""

import base64
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError
from django.utils import timezone

from shared_apps.core.errors import InvalidInput, WrongState
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.events.models import Event
from tenant_apps.orders import attendees, passing_on
from tenant_apps.orders import services as orders
from tenant_apps.orders.errors import CancellationNotAllowed
from tenant_apps.payments import line_refunds
from tenant_apps.ticketing import codes, key_life, lifecycle, scanning, services
from tenant_apps.ticketing.errors import (
    KeyAlreadyRevoked,
    SameHolder,
    TicketPassedOn,
    TicketUsed,
    TooManyTransfers,
    TransferClosed,
    TransferNotAllowed,
)
from tenant_apps.ticketing.models import CheckInList, EventKey, Handover, RetiredCode, Ticket, TicketType
from tests.factories import make_paid_order, make_ticket_type, make_user

GRACE = {"name": "Grace Hopper", "email": "grace@example.test"}


@pytest.fixture
def kind(in_alpha):
    kind = make_ticket_type(price_minor=0)
    services.ensure_door(kind.event)
    return kind


@pytest.fixture
def door(kind):
    return CheckInList.objects.get(event=kind.event)


@pytest.fixture
def order(kind):
    return make_paid_order(kind, quantity=2)


@pytest.fixture
def ticket(order):
    return order.lines.first().ticket


def scan(door, code, scan_id="1", **options):
    return scanning.scan(door, code if isinstance(code, str) else codes.code_text(code), scan_id, by=None, **options)


def fresh(ticket):
    return Ticket.objects.select_related("event", "ticket_type").get(pk=ticket.pk)


# --- Passing on -----------------------------------------------------------------------------------------------------


def test_a_ticket_that_is_passed_on_admits_its_new_holder_and_nobody_else(door, order, ticket):
    old_code = codes.code_text(ticket)
    new = passing_on.pass_on(ticket, **GRACE)
    assert scan(door, old_code, "old").reason == "transferred"
    assert scan(door, new, "new").admitted
    assert fresh(ticket).status == "transferred"
    assert (new.holder_name, new.holder_email, new.price_minor) == ("Grace Hopper", GRACE["email"], ticket.price_minor)
    assert new.token != ticket.token
    assert len(new.secret) == 32
    line = order.lines.get(ticket=new)
    assert (line.attendee_name, line.attendee_email) == ("Grace Hopper", GRACE["email"])


def test_the_chain_of_holders_is_kept_in_order(ticket):
    second = passing_on.pass_on(ticket, **GRACE)
    third = passing_on.pass_on(second, name="Ada", email="ada@example.test")
    for each in (ticket, second, third):
        assert passing_on.chain_of(each) == [ticket, second, third]
        assert passing_on.line_of(each).ticket == third
    assert set(Handover.objects.values_list("first", flat=True)) == {ticket.pk}


def test_a_ticket_is_passed_on_once_whatever_the_code_forgets(ticket):
    new = passing_on.pass_on(ticket, **GRACE)
    with pytest.raises(TicketPassedOn):
        passing_on.pass_on(ticket, name="Ada", email="ada@example.test")
    with pytest.raises(IntegrityError):
        Handover.objects.create(old=ticket, new=new, first=ticket)


def test_the_rules_of_the_type_bind_holders_and_not_staff(kind, order, ticket):
    TicketType.objects.filter(pk=kind.pk).update(transfer_allowed=False)
    with pytest.raises(TransferNotAllowed):
        passing_on.pass_on(ticket, **GRACE)
    TicketType.objects.filter(pk=kind.pk).update(transfer_allowed=True, transfer_until=timezone.now())
    with pytest.raises(TransferClosed):
        passing_on.pass_on(ticket, **GRACE)
    assert passing_on.pass_on(ticket, by_staff=True, **GRACE).holder_name == "Grace Hopper"


def test_nobody_passes_on_a_ticket_after_its_event(kind, ticket):
    Event.objects.update(starts_at=timezone.now() - timedelta(hours=3), ends_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(TransferClosed):
        passing_on.pass_on(ticket, **GRACE)


def test_a_used_ticket_is_not_passed_on_even_by_staff(door, ticket):
    scan(door, ticket)
    scan(door, ticket, "out", direction="out")
    for by_staff in (False, True):
        with pytest.raises(TicketUsed):
            passing_on.pass_on(ticket, by_staff=by_staff, **GRACE)
    scanning.undo(door, "1", by=make_user())
    assert passing_on.pass_on(ticket, **GRACE).status == "active"


def test_a_ticket_of_a_cancelled_event_or_order_is_not_passed_on(order, ticket):
    Event.objects.update(status="cancelled")
    with pytest.raises(WrongState):
        passing_on.pass_on(ticket, **GRACE)
    orders.cancel(order, by_staff=True)
    with pytest.raises(WrongState):
        passing_on.pass_on(ticket, by_staff=True, **GRACE)


def test_passing_on_asks_for_another_person_by_name_and_ends_after_ten_hands(ticket):
    with pytest.raises(InvalidInput) as refused:
        passing_on.pass_on(ticket, name="  ", email="")
    assert [each.field for each in refused.value.errors] == ["name", "email"]
    with pytest.raises(SameHolder):
        passing_on.pass_on(ticket, name="Me", email=ticket.holder_email.upper())
    for number in range(passing_on.MOST_TRANSFERS):
        ticket = passing_on.pass_on(ticket, name="Next", email=f"next{number}@example.test")
    with pytest.raises(TooManyTransfers):
        passing_on.pass_on(ticket, **GRACE)


def test_whoever_passed_a_ticket_on_neither_renames_nor_cancels_it_but_staff_do(order, ticket, door):
    line = order.lines.get(ticket=ticket)
    new = passing_on.pass_on(ticket, **GRACE)
    with pytest.raises(TicketPassedOn):
        attendees.change_attendee(order, line.pk, name="Me again", email="")
    with pytest.raises(CancellationNotAllowed):
        line_refunds.cancel_lines(order, [line.pk])
    with pytest.raises(CancellationNotAllowed):
        orders.cancel(order)
    line_refunds.cancel_lines(order, [line.pk], by_staff=True)
    assert scan(door, new).reason == "cancelled"
    assert fresh(ticket).status == "transferred"


def test_a_refund_of_the_line_ends_the_ticket_of_the_new_holder(in_alpha):
    kind = make_ticket_type(price_minor=1200)
    services.ensure_door(kind.event)
    order = make_paid_order(kind, quantity=2)
    new = passing_on.pass_on(order.lines.first().ticket, **GRACE)
    line_refunds.intend_line_refund(order, [order.lines.get(ticket=new).pk])
    assert scan(CheckInList.objects.get(event=kind.event), new).reason == "refunded"


# --- Another name, another code -------------------------------------------------------------------------------------


def test_a_new_holder_changes_the_name_until_the_event_starts(order, ticket, door):
    new = passing_on.pass_on(ticket, **GRACE)
    code = codes.code_text(new)
    passing_on.rename(new, name="Rear  Admiral Hopper")
    assert fresh(new).holder_name == "Rear Admiral Hopper"
    assert order.lines.get(ticket=new).attendee_name == "Rear Admiral Hopper"
    Event.objects.update(starts_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(TransferClosed):
        passing_on.rename(new, name="Too late")
    passing_on.rename(new, name="Known at the door", by_staff=True)
    assert scan(door, code).admitted
    with pytest.raises(TicketUsed):
        passing_on.rename(new, name="Inside")


def test_a_reissued_ticket_has_another_code_and_the_lost_one_is_dead(door, ticket):
    lost, short = codes.code_text(ticket), ticket.short_code
    again = lifecycle.reissue(ticket)
    assert again.pk == ticket.pk
    assert again.short_code != short
    refused = scan(door, lost, "lost")
    assert (refused.reason, refused.ticket) == ("revoked", ticket)
    assert scan(door, again, "found").admitted
    assert RetiredCode.objects.get().ticket == ticket


def test_a_lost_code_lets_out_whoever_is_inside_and_not_in_again(door, ticket):
    lost = codes.code_text(ticket)
    scan(door, lost)
    with pytest.raises(TicketUsed):
        lifecycle.reissue(ticket)
    again = lifecycle.reissue(ticket, by_staff=True)
    assert scan(door, again, "twice").reason == "already_used"
    assert scan(door, lost, "out", direction="out").admitted
    assert scan(door, lost, "back").reason == "revoked"
    assert scan(door, again, "new").admitted


# --- Withdrawn and good again ---------------------------------------------------------------------------------------


def test_a_revoked_ticket_is_refused_until_it_is_reinstated(door, ticket):
    user = make_user()
    with pytest.raises(InvalidInput):
        lifecycle.revoke(ticket, reason="  ", actor=user)
    lifecycle.revoke(ticket, reason="Sold on the black market", actor=user)
    lifecycle.revoke(ticket, reason="Said twice", actor=user)
    assert scan(door, ticket).reason == "revoked"
    lifecycle.reinstate(ticket, actor=user)
    lifecycle.reinstate(ticket, actor=user)
    assert scan(door, ticket, "2").admitted
    told = list(AuditEntry.objects.filter(topic__startswith="ticket.re").order_by("at").values_list("topic", "details"))
    assert [topic for topic, _details in told] == ["ticket.revoked", "ticket.reinstated"]
    assert told[0][1]["reason"] == "Sold on the black market"
    assert (told[0][1]["before"], told[0][1]["after"]) == ({"status": "active"}, {"status": "revoked"})


def test_somebody_inside_whose_ticket_was_revoked_may_leave_and_stays_out(door, ticket):
    scan(door, ticket)
    lifecycle.revoke(ticket, reason="Fight", actor=None)
    assert scan(door, ticket, "out", direction="out").admitted
    assert scan(door, ticket, "again").reason == "revoked"
    lifecycle.reinstate(ticket, actor=None)
    assert fresh(ticket).status == "used"
    assert scan(door, ticket, "friends").admitted


def test_what_ended_otherwise_is_neither_revoked_nor_reinstated(order, ticket):
    lifecycle.revoke(ticket, reason="Doubt", actor=None)
    orders.cancel(order, by_staff=True)
    assert fresh(ticket).status == "cancelled"
    for act in (
        lambda: lifecycle.reinstate(ticket, actor=None),
        lambda: lifecycle.revoke(ticket, reason="More doubt", actor=None),
        lambda: lifecycle.reissue(ticket, by_staff=True),
        lambda: lifecycle.resend(ticket),
        lambda: passing_on.rename(ticket, name="Nobody", by_staff=True),
    ):
        with pytest.raises(WrongState):
            act()


# --- The end of its time --------------------------------------------------------------------------------------------


def test_unused_tickets_expire_half_a_day_after_their_event_and_used_ones_stay(door, order, ticket):
    used, other = order.lines.last().ticket, make_paid_order(ticket.ticket_type).lines.get().ticket
    scan(door, used)
    now = timezone.now()
    Event.objects.update(starts_at=now - timedelta(hours=15), ends_at=now - timedelta(hours=11), status="finished")
    assert lifecycle.expire_over(now) == 0
    assert lifecycle.expire_over(now + timedelta(hours=2)) == 2
    assert lifecycle.expire_over(now + timedelta(hours=2)) == 0
    assert (fresh(ticket).status, fresh(used).status) == ("expired", "used")
    assert scan(door, ticket, "2").admitted, "its event's time is not over yet by the clock"
    Event.objects.update(ends_at=now - timedelta(hours=13))
    assert scan(door, other, "3").reason == "expired"
    entry = AuditEntry.objects.filter(topic="event.tickets_expired").first()
    assert entry.details == {"count": 2}


def test_a_ticket_with_dates_of_its_own_expires_by_them_and_scans_sent_late_count(door, ticket):
    now = timezone.now()
    Ticket.objects.filter(pk=ticket.pk).update(valid_until=now - timedelta(minutes=10))
    assert lifecycle.expire_over() == 1
    assert scan(door, ticket).reason == "expired"
    assert scan(door, ticket, "offline", scanned_at=now - timedelta(minutes=20)).admitted
    assert fresh(ticket).status == "used"


# --- Keys -----------------------------------------------------------------------------------------------------------


def test_a_new_key_signs_new_codes_and_the_old_ones_still_admit(kind, door, order, ticket):
    printed = codes.code_text(ticket)
    before = EventKey.objects.get(event=kind.event)
    key = key_life.rotate(kind.event, actor=None)
    shown = codes.code_text(ticket)
    assert shown != printed
    assert codes.read(shown).key_id == key.key_id
    assert codes.read(shown).token == codes.read(printed).token
    assert scan(door, printed).admitted
    assert scan(door, order.lines.last().ticket, "2").admitted
    before.refresh_from_db()
    assert before.retired_at is not None
    assert EventKey.objects.filter(event=kind.event, retired_at__isnull=True).count() == 1


def test_a_leaked_key_admits_nobody_and_every_holder_gets_the_new_code(kind, door, order, ticket):
    printed = codes.code_text(ticket)
    leaked = EventKey.objects.get(event=kind.event)
    OutboxMessage.objects.all().delete()
    key_life.revoke_key(kind.event, leaked.key_id, reason="A laptop was stolen", actor=None)
    assert scan(door, printed).reason == "revoked"
    assert scan(door, ticket, "2").admitted
    letters = OutboxMessage.objects.filter(topic="ticket.codes_changed")
    assert sorted(letters.get().payload["tickets"]) == sorted(str(line.ticket_id) for line in order.lines.all())
    with pytest.raises(KeyAlreadyRevoked):
        key_life.revoke_key(kind.event, leaked.key_id, reason="Again", actor=None)
    later = make_paid_order(kind).lines.get().ticket
    signing = EventKey.objects.get(event=kind.event, retired_at__isnull=True)
    assert {key.key_id: key.tickets for key in key_life.keys_of_event(kind.event)} == {
        leaked.key_id: 2,
        signing.key_id: 3,
    }
    assert scan(door, later, "3").admitted


def test_scanners_are_told_what_is_dead_and_what_is_good_again(kind, door, order, ticket):
    begin = timezone.now()
    other = order.lines.last().ticket
    assert key_life.revocations(kind.event).tokens == ()
    old = ticket.token
    new = passing_on.pass_on(ticket, **GRACE)
    lost = other.token
    lifecycle.reissue(other)
    lifecycle.revoke(new, reason="Doubt", actor=None)
    told = key_life.revocations(kind.event, begin)
    assert set(told.tokens) == {old.bytes, lost.bytes, new.token.bytes}
    assert base64.urlsafe_b64decode(key_life.packed(told.tokens[:1]) + "==") == told.tokens[0]
    lifecycle.reinstate(new, actor=None)
    told = key_life.revocations(kind.event, told.until)
    assert new.token.bytes not in told.tokens
    assert told.restored == (new.token.bytes,)
    later = key_life.revocations(kind.event, timezone.now(), now=timezone.now() + timedelta(hours=1))
    assert (later.tokens, later.restored) == ((), ())
    leaked = services.ensure_key(kind.event)
    key_life.revoke_key(kind.event, leaked.key_id, reason="Leak", actor=None)
    assert key_life.revocations(kind.event).keys == (leaked.key_id,)


def test_a_long_list_of_revocations_comes_in_parts_that_lose_nothing(kind, order, monkeypatch):
    make_paid_order(kind, quantity=5)
    for each in Ticket.objects.all():
        lifecycle.reissue(each)
    monkeypatch.setattr(key_life, "MOST_TOKENS", 3)
    since, seen = None, set()
    for _round in range(5):
        part = key_life.revocations(kind.event, since, now=timezone.now() + timedelta(hours=1))
        seen |= set(part.tokens)
        since = part.until
        if not part.more:
            break
    assert len(seen) == 7


def test_only_its_own_module_and_the_doors_statement_write_a_tickets_status():
    """What does not go through `lifecycle` would be no move of its table, and unknown to scanners without network."""
    pattern = re.compile(r"Ticket\b[^\n]*\.update\([^)]*\bstatus=|UPDATE ticketing_ticket\b[^\n]*\bstatus\b")
    root = Path(lifecycle.__file__).parents[2]
    found = {
        path.name
        for folder in ("tenant_apps", "api", "shared_apps")
        for path in (root / folder).rglob("*.py")
        if "migrations" not in path.parts and pattern.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"answering.py"}
