"""A ticket that changes hands, is withdrawn or refunded while somebody is at the door with it: real commits (T4)."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from threading import Barrier

import pytest
from django.db import connections

from shared_apps.core.errors import DomainError
from tenant_apps.orders import passing_on
from tenant_apps.payments.line_refunds import cancel_lines, intend_line_refund
from tenant_apps.reports.invariants import breaches_in
from tenant_apps.ticketing import codes, key_life, lifecycle, scanning, services
from tenant_apps.ticketing.models import CheckIn, CheckInList, CheckInZone, EventKey, Handover, RetiredCode, Ticket
from tenant_apps.ticketing.scanning import Scan
from tenants.context import in_tenant
from tests.factories import make_paid_order, make_ticket_type

pytestmark = pytest.mark.usefixtures("transactional_db")
ROUNDS = 6
_ids = count()
_ZONED = False


@pytest.fixture(params=["plain", "zone"], autouse=True)
def entrance(request, monkeypatch):
    """Each race at a plain entrance and at one of a zone that is counted, where admitting is another statement."""
    monkeypatch.setattr(sys.modules[__name__], "_ZONED", request.param == "zone")


def sold(tenant, quantity=1, price_minor=0):
    with in_tenant(tenant):
        kind = make_ticket_type(price_minor=price_minor)
        services.ensure_door(kind.event)
        order = make_paid_order(kind, quantity=quantity)
        tickets = [line.ticket for line in order.lines.select_related("ticket__event", "ticket__ticket_type")]
        if _ZONED:
            zone = CheckInZone.objects.create(event=kind.event, name="Hall", capacity=50)
            CheckInList.objects.filter(event=kind.event).update(zone=zone)
        door = CheckInList.objects.select_related("event").get(event=kind.event)
        return door, order, tickets, [codes.code_text(ticket) for ticket in tickets]


def together(tenant, acts):
    """Run the acts at one moment; return what each gave, or the code it was refused with."""
    start = Barrier(len(acts))

    def run(act):
        try:
            with in_tenant(tenant):
                start.wait(timeout=20)
                return act()
        except DomainError as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def scan(door, code):
    return scanning.scan(door, code, f"race-{next(_ids)}", by=None)


def hand(ticket, number=0):
    return passing_on.pass_on(ticket, name=f"Next {number}", email=f"next{number}@example.test")


def test_of_many_who_pass_one_ticket_on_at_once_one_does(alpha):
    door, order, [ticket], [code] = sold(alpha)
    answers = together(alpha, [partial(hand, ticket, number) for number in range(12)])
    won = [each for each in answers if isinstance(each, Ticket)]
    assert len(won) == 1
    assert {each for each in answers if not isinstance(each, Ticket)} == {"ticket_passed_on"}
    with in_tenant(alpha):
        assert Handover.objects.count() == 1
        assert Ticket.objects.filter(status="active").get() == won[0]
        assert order.lines.get().ticket == won[0]
        assert scan(door, code).reason == "transferred"
    assert breaches_in(alpha) == []


def test_a_ticket_passed_on_beside_its_scans_admits_one_person(alpha):
    for _round in range(ROUNDS):
        door, _order, [ticket], [code] = sold(alpha)
        *scans, given = together(alpha, [*[partial(scan, door, code)] * 5, partial(hand, ticket)])
        admitted = [each for each in scans if each.admitted]
        with in_tenant(alpha):
            if isinstance(given, Ticket):
                # It was passed on first: whoever came with the old code was told so, and the new one admits.
                assert {each.reason for each in scans} == {"transferred"}
                assert scan(door, codes.code_text(given)).admitted
            else:
                assert given == "ticket_used"
                assert len(admitted) == 1
                assert {each.reason for each in scans if not each.admitted} <= {"already_used"}
            assert CheckIn.objects.standing().filter(check_in_list=door).count() == 1
    assert breaches_in(alpha) == []


def test_a_scan_after_the_answer_of_a_transfer_is_never_admitted(alpha):
    """Each scan begins when the transfer has answered: T4 from the moment of commit."""
    for _round in range(ROUNDS):
        door, _order, [ticket], [code] = sold(alpha)
        with in_tenant(alpha):
            hand(ticket)
        answers = together(alpha, [partial(scan, door, code)] * 4)
        assert {each.reason for each in answers} == {"transferred"}


def test_a_refund_beside_scans_leaves_no_good_ticket(alpha):
    for _round in range(ROUNDS):
        door, order, tickets, [code, _other] = sold(alpha, quantity=2, price_minor=1000)
        with in_tenant(alpha):
            line = order.lines.get(ticket=tickets[0]).pk
        *scans, _refunded = together(
            alpha, [*[partial(scan, door, code)] * 5, partial(intend_line_refund, order, [line])]
        )
        assert {each.reason for each in scans if not each.admitted} <= {"already_used", "refunded"}
        assert len([each for each in scans if each.admitted]) <= 1
        with in_tenant(alpha):
            assert Ticket.objects.get(pk=tickets[0].pk).status == "refunded"
            assert scan(door, code).reason == "refunded"
    assert breaches_in(alpha) == []


def test_a_transfer_beside_the_cancelling_of_its_line_leaves_no_good_ticket(alpha):
    for _round in range(ROUNDS):
        door, order, tickets, [code, _other] = sold(alpha, quantity=2, price_minor=1000)
        with in_tenant(alpha):
            line = order.lines.get(ticket=tickets[0]).pk
        given, cancelled = together(
            alpha, [partial(hand, tickets[0]), partial(cancel_lines, order, [line], by_staff=True)]
        )
        assert cancelled not in ("wrong_state",), cancelled
        with in_tenant(alpha):
            chain = passing_on.chain_of(tickets[0])
            assert [each.status for each in chain] in (["cancelled"], ["transferred", "cancelled"])
            assert scan(door, code).reason == ("transferred" if isinstance(given, Ticket) else "cancelled")
    assert breaches_in(alpha) == []


def test_a_batch_beside_a_revocation_admits_nobody_after_it(alpha):
    for _round in range(ROUNDS // 2):
        door, _order, tickets, texts = sold(alpha, quantity=10)
        batch = [Scan(code, f"batch-{next(_ids)}") for code in texts]

        def revoke_all(tickets=tickets):
            for ticket in reversed(tickets):
                lifecycle.revoke(ticket, reason="Forged card", actor=None)

        answers, _done = together(alpha, [partial(scanning.scan_many, door, batch, by=None), revoke_all])
        assert {each.reason for each in answers if not each.admitted} <= {"revoked"}
        with in_tenant(alpha):
            assert set(Ticket.objects.filter(event=door.event).values_list("status", flat=True)) == {"revoked"}
            admitted = CheckIn.objects.admissions().filter(check_in_list=door)
            revoked_at = {ticket.pk: ticket.modified_at for ticket in Ticket.objects.filter(event=door.event)}
            assert all(each.received_at < revoked_at[each.ticket_id] for each in admitted)
            assert {scan(door, code).reason for code in texts} <= {"revoked"}
    assert breaches_in(alpha) == []


def test_a_reissue_beside_scans_with_the_lost_code_admits_at_most_its_finder_or_its_owner(alpha):
    for _round in range(ROUNDS):
        door, _order, [ticket], [lost] = sold(alpha)
        *scans, again = together(alpha, [*[partial(scan, door, lost)] * 5, partial(lifecycle.reissue, ticket)])
        with in_tenant(alpha):
            if isinstance(again, Ticket):
                assert {each.reason for each in scans} == {"revoked"}
                assert scan(door, codes.code_text(again)).admitted
                assert RetiredCode.objects.filter(ticket=ticket).count() == 1
            else:
                assert again == "ticket_used"
                assert len([each for each in scans if each.admitted]) == 1
            assert CheckIn.objects.standing().filter(check_in_list=door).count() == 1


def test_keys_made_or_disowned_at_once_leave_one_that_signs(alpha):
    door, _order, _tickets, [code] = sold(alpha)
    event, key = door.event, codes.read(code).key_id
    acts = [*[partial(key_life.rotate, event, actor=None)] * 4]
    acts += [partial(key_life.revoke_key, event, key, reason="Leak", actor=None)] * 3
    answers = together(alpha, acts)
    assert answers.count("key_already_revoked") == 2
    with in_tenant(alpha):
        assert EventKey.objects.filter(event=event, retired_at__isnull=True, revoked_at__isnull=True).count() == 1
        assert EventKey.objects.filter(event=event, revoked_at__isnull=False).count() == 1
        assert scan(door, code).reason == "revoked"
