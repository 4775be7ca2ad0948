"""Two gates scan one ticket at the same moment, with real connections: one admission (T2)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from tenant_apps.ticketing import codes, scanning, services
from tenant_apps.ticketing.models import CheckIn, CheckInList
from tenants.context import in_tenant
from tests.factories import make_paid_order, make_ticket_type


@pytest.fixture
def sold(transactional_db, alpha):
    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0)
        services.ensure_door(kind.event)
        ticket = make_paid_order(kind).lines.get().ticket
        return CheckInList.objects.get(event=kind.event), codes.code_text(ticket)


def at_once(alpha, jobs):
    """Run the jobs in threads with a connection each, released together; return what each gave."""
    start = threading.Barrier(len(jobs))

    def run(job):
        try:
            with in_tenant(alpha):
                start.wait(timeout=20)
                return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_two_gates_with_twenty_scans_each_admit_one(alpha, sold):
    door, code = sold

    def job(number):
        return lambda: scanning.scan(door, code, f"gate{number % 2}-{number}", by=None)

    answers = at_once(alpha, [job(number) for number in range(40)])
    assert [answer.admitted for answer in answers].count(True) == 1
    assert {answer.reason for answer in answers if not answer.admitted} == {"already_used"}
    with in_tenant(alpha):
        assert CheckIn.objects.count() == 40
        assert CheckIn.objects.standing().count() == 1


def test_one_scan_sent_twenty_times_at_once_is_answered_alike(alpha, sold):
    door, code = sold
    answers = at_once(alpha, [lambda: scanning.scan(door, code, "same", by=None)] * 20)
    assert all(answer.admitted for answer in answers)
    assert [answer.repeated for answer in answers].count(False) == 1
    with in_tenant(alpha):
        assert CheckIn.objects.count() == 1


def test_an_undo_beside_scans_leaves_one_admission_at_most(alpha, sold):
    from tests.factories import make_user

    door, code = sold
    with in_tenant(alpha):
        scanning.scan(door, code, "first", by=None)
    person = make_user()

    def take_back():
        scanning.undo(door, "first", by=person)

    def job(number):
        return lambda: scanning.scan(door, code, f"again-{number}", by=None)

    at_once(alpha, [take_back, *(job(number) for number in range(12))])
    with in_tenant(alpha):
        assert CheckIn.objects.standing().count() <= 1
        assert CheckIn.objects.get(scan_id="first").undone_at is not None


@pytest.mark.parametrize("entries", ["once", "once_per_day"])
def test_once_is_once_whatever_forty_scans_with_exits_between_try(transactional_db, alpha, entries):
    from tenant_apps.ticketing import entrances

    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0)
        door = entrances.create_check_in_list(kind.event, name="Door", entries=entries, actor=None)
        code = codes.code_text(make_paid_order(kind).lines.get().ticket)

    def job(number):
        direction = "out" if number % 4 == 3 else "in"
        return lambda: scanning.scan(door, code, f"s{number}", by=None, direction=direction)

    at_once(alpha, [job(number) for number in range(40)])
    with in_tenant(alpha):
        assert CheckIn.objects.admissions().count() == 1
        assert CheckIn.objects.count() == 40


def test_a_zone_for_seven_holds_seven_whatever_forty_scans_at_two_gates_try(transactional_db, alpha):
    from tenant_apps.ticketing import entrances
    from tests.factories import make_user

    with in_tenant(alpha):
        kind = make_ticket_type(price_minor=0)
        zone = entrances.create_zone(kind.event, name="Hall", capacity=7, actor=None)
        gates = [
            entrances.create_check_in_list(kind.event, name=name, zone=zone, actor=None) for name in ("North", "South")
        ]
        tickets = [make_paid_order(kind).lines.get().ticket for _each in range(16)]
        texts = [codes.code_text(ticket) for ticket in tickets]
    person = make_user()

    def come(number):
        return lambda: scanning.scan(gates[number % 2], texts[number % 16], f"in-{number}", by=None)

    answers = at_once(alpha, [come(number) for number in range(40)])
    reasons = [answer.reason for answer in answers]
    assert reasons.count("") == 7
    assert set(reasons) == {"", "zone_full", "already_used"}

    def leave(number):
        return lambda: scanning.scan(gates[(number + 1) % 2], texts[number], f"out-{number}", by=None, direction="out")

    def undo(answer):
        return lambda: scanning.undo(answer.check_in.check_in_list, answer.check_in.scan_id, by=person)

    stood = [answer for answer in answers if answer.admitted]
    jobs = [undo(answer) for answer in stood[:3]] + [leave(number) for number in range(16)]
    jobs += [come(number) for number in range(40, 56)] + [lambda: entrances.empty_zone(zone, actor=person)]
    at_once(alpha, jobs)
    with in_tenant(alpha):
        zone.refresh_from_db()
        standing = CheckIn.objects.standing().filter(zone=zone)
        assert zone.inside == standing.count() <= 7
        assert standing.values("ticket").distinct().count() == standing.count()
