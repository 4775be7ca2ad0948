"""What a scan sends to Postgres where a zone or a rule asks more: as much as at a plain one, and no guarantee less.

Counted on the wire, with sign-in, BEGIN and COMMIT. The races hold one scan up where its statement has begun already.
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test import Client

from bench.counting import statements_through
from tenant_apps.staff import services as staff
from tenant_apps.staff.keys import make_key
from tenant_apps.ticketing import codes, doors, entrances, scanning
from tenant_apps.ticketing.models import CheckIn, CheckInZone, Ticket
from tenants.context import in_tenant
from tests.factories import bearer, make_event, make_paid_order, make_ticket_type, make_user
from tests.ticketing.test_gates import at_once

BY_KEY, BY_PERSON = 2, 3


class Gates:
    """An event with entrances of each kind, tickets for them, and those who scan."""

    def __init__(self):
        self.kind = make_ticket_type(make_event(), price_minor=0)
        event = self.kind.event
        self.hall = entrances.create_zone(event, name="Hall", capacity=50, actor=None)
        self.full = entrances.create_zone(event, name="Full", capacity=0, actor=None)
        self.plain = self._door("Plain")
        self.north = self._door("North", zone=self.hall)
        self.south = self._door("South", zone=self.hall)
        self.shut = self._door("Shut", zone=self.full)
        self.once = self._door("Once", entries="once")
        self.daily = self._door("Daily", entries="once_per_day")
        self.daily_hall = self._door("Daily hall", entries="once_per_day", zone=self.hall)
        self.person = make_user()
        staff.add_member(self.person, staff.preset_role("door"), actor=None)
        _key, self.key_text = make_key(name="Gate", scopes=["check_in"], actor=self.person)

    def _door(self, name, **rules):
        return entrances.create_check_in_list(self.kind.event, name=name, actor=None, **rules)

    def ticket(self):
        return codes.code_text(make_paid_order(self.kind).lines.get().ticket)

    def inside(self):
        """How many the hall counts, which are those that stand there."""
        zone = CheckInZone.objects.get(pk=self.hall.pk)
        assert zone.inside == CheckIn.objects.standing().filter(zone=zone).count()
        return zone.inside


@pytest.fixture
def gates(transactional_db, alpha):
    with in_tenant(alpha):
        return Gates()


STORIES = {
    "a zone admits": ("north", [], "in", ""),
    "a zone holds them already": ("north", ["in"], "in", "already_used"),
    "a zone admits again": ("north", ["in", "out"], "in", ""),
    "a zone is full": ("shut", [], "in", "zone_full"),
    "out of a zone": ("north", ["in"], "out", ""),
    "out of a zone where nobody was": ("north", [], "out", ""),
    "once admits": ("once", [], "in", ""),
    "once is over": ("once", ["in", "out"], "in", "already_used"),
    "a day admits": ("daily", [], "in", ""),
    "the next day admits who never left": ("daily", ["yesterday"], "in", ""),
    "the next day admits to a zone who never left": ("daily_hall", ["yesterday"], "in", ""),
    "a day is over": ("daily", ["in", "out"], "in", "already_used"),
}


def test_an_entrance_that_asks_more_costs_no_statement_more_on_the_wire(alpha, gates):
    client = Client(HTTP_HOST=f"{alpha.slug}.localhost")
    client.get("/api/v1/tags/")  # the process gets to know the tenant
    signed_in = {"key": f"Token {gates.key_text}", "person": f"Bearer {bearer(gates.person)}"}

    def send(door, code, scan_id, direction, by):
        body = {"code": code, "scan_id": scan_id, "direction": direction}
        path = f"/api/v1/check-in-lists/{door.pk}/scan/"
        answer = client.post(path, json.dumps(body), content_type="application/json", HTTP_AUTHORIZATION=by)
        assert answer.status_code in (200, 201), answer.content
        return answer.json()

    counts, sent_in = {}, {}
    with statements_through(connection) as sent:
        for turn in ("warm", "counted"):
            for story, (name, before, direction, reason) in STORIES.items():
                for who, by in signed_in.items():
                    door = getattr(gates, name)
                    with in_tenant(alpha):
                        code = gates.ticket()
                        for number, act in enumerate(before):
                            way = "in" if act == "yesterday" else act
                            scan_id = f"{turn}-{story}-{who}-{number}"[:64].replace(" ", "_")
                            assert scanning.scan(door, code, scan_id, by=None, direction=way).admitted
                            if act == "yesterday":
                                CheckIn.objects.filter(scan_id=scan_id).update(
                                    scanned_at=scanning.timezone.now() - timedelta(days=1, hours=1)
                                )
                    start = len(sent)
                    told = send(door, code, f"{turn}-{story}-{who}"[:64].replace(" ", "_"), direction, by)
                    assert told.get("reason", "") == reason, (story, told)
                    counts[story, who], sent_in[story, who] = len(sent) - start, sent[start:]
    nobody_there = "out of a zone where nobody was"
    # Where nobody was seen to leave it is asked once more: they may have come in at that very moment.
    dear = {(nobody_there, who) for who in signed_in}
    expected = {
        (story, who): {"key": BY_KEY, "person": BY_PERSON}[who] + ((story, who) in dear)
        for story in STORIES
        for who in signed_in
    }
    assert counts == expected, {each: sent_in[each] for each in counts if counts[each] != expected[each]}
    with in_tenant(alpha):
        gates.inside()


def came_and_went(gates, rule, code):
    """Come in, so that no constraint of another list or of a finished admission stands in the way of a second time."""
    if rule == "north":
        assert scanning.scan(gates.south, code, "first", by=None).admitted
        return
    door = getattr(gates, rule)
    assert scanning.scan(door, code, "first", by=None).admitted
    assert scanning.scan(door, code, "left", by=None, direction="out").admitted


@pytest.mark.parametrize("rule", ["north", "once", "daily"])
def test_what_was_read_before_another_admission_admits_nobody(alpha, gates, rule):
    door = getattr(gates, rule)
    with in_tenant(alpha):
        code = gates.ticket()
        # Used elsewhere already: the ticket's status says nothing about this entrance.
        assert scanning.scan(gates.plain, code, "elsewhere", by=None).admitted
        seen = doors.see(door.pk, codes.read(code), actor=gates.person)
        came_and_went(gates, rule, code)
        late = scanning.scan_at(door.pk, scanning.Scan(code, "second"), by=gates.person, seen=seen)
        assert late.reason == "already_used"
        assert CheckIn.objects.admissions().exclude(check_in_list=gates.plain).count() == 1
        gates.inside()


@pytest.mark.parametrize("act", ["in", "out", "undo", "plain in", "zone in", "plain out"])
def test_every_act_with_a_ticket_counts_its_passages_up(alpha, gates, act):
    with in_tenant(alpha):
        code = gates.ticket()
        token = codes.read(code).token
        assert scanning.scan(gates.once, code, "first", by=None).admitted
        before = Ticket.objects.get(token=token).passages
        if act == "undo":
            scanning.undo(gates.once, "first", by=gates.person)
        else:
            doors_of = {"in": gates.daily, "out": gates.once, "zone in": gates.north}
            way = act.split()[-1]
            assert scanning.scan(doors_of.get(act, gates.plain), code, "second", by=None, direction=way).admitted
        assert Ticket.objects.get(token=token).passages > before
        now = Ticket.objects.get(token=token).passages
        assert scanning.scan(gates.once, "x", "third", by=None).reason == "unknown"
        assert Ticket.objects.get(token=token).passages == now


def held_up(alpha, first, then):
    """Run `then` beside `first`, whose transaction is open until `then` waits for it; return what `then` gave."""

    def beside():
        try:
            with in_tenant(alpha):
                pid.append(_pid())
                asks.set()
                return then()
        finally:
            connections.close_all()

    pid, asks = [], threading.Event()
    with ThreadPoolExecutor(1) as pool, in_tenant(alpha):
        with transaction.atomic():
            first()
            other = pool.submit(beside)
            assert asks.wait(20)
            _wait_until_blocked(pid[0])
        return other.result(timeout=20)


def _pid():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def _wait_until_blocked(pid):
    for _each in range(400):
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid])
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("It never waited.")


@pytest.mark.parametrize("rule", ["north", "once", "daily"])
def test_a_scan_that_waited_for_another_of_the_ticket_does_not_believe_what_it_saw(alpha, gates, rule):
    with in_tenant(alpha):
        code = gates.ticket()
        assert scanning.scan(gates.plain, code, "elsewhere", by=None).admitted
    answer = held_up(
        alpha,
        lambda: came_and_went(gates, rule, code),
        lambda: scanning.scan(getattr(gates, rule), code, "second", by=None),
    )
    assert answer.reason == "already_used"
    with in_tenant(alpha):
        assert CheckIn.objects.admissions().exclude(check_in_list=gates.plain).count() == 1
        gates.inside()


def test_a_scan_that_waited_for_the_last_place_finds_the_zone_full(alpha, gates):
    with in_tenant(alpha):
        CheckInZone.objects.filter(pk=gates.hall.pk).update(capacity=1)
        codes_of = [gates.ticket(), gates.ticket()]
    answer = held_up(
        alpha,
        lambda: scanning.scan(gates.north, codes_of[0], "first", by=None),
        lambda: scanning.scan(gates.south, codes_of[1], "second", by=None),
    )
    assert (answer.reason, answer.check_in.result) == ("zone_full", "refused")
    with in_tenant(alpha):
        stored = CheckIn.objects.get(scan_id="second")
        assert (stored.result, stored.reason, stored.zone_id) == ("refused", "zone_full", None)
        assert Ticket.objects.get(pk=stored.ticket_id).status == "active"
        assert gates.inside() == 1


def test_a_scan_id_of_another_ticket_that_comes_meanwhile_takes_no_place(alpha, gates):
    with in_tenant(alpha):
        codes_of = [gates.ticket(), gates.ticket()]
    answer = held_up(
        alpha,
        lambda: scanning.scan(gates.north, codes_of[0], "same", by=None),
        lambda: scanning.scan(gates.north, codes_of[1], "same", by=None),
    )
    assert answer.repeated
    with in_tenant(alpha):
        assert gates.inside() == 1
        assert Ticket.objects.get(token=codes.read(codes_of[1]).token).status == "active"


def test_who_never_left_is_still_inside_where_the_next_day_finds_the_other_zone_full(alpha, gates):
    with in_tenant(alpha):
        code = gates.ticket()
        first = scanning.scan(gates.daily_hall, code, "first", by=None)
        CheckIn.objects.filter(pk=first.check_in.pk).update(scanned_at=first.check_in.scanned_at - timedelta(days=2))
        entrances.change_check_in_list(gates.daily_hall, zone=gates.full, actor=None)
        assert scanning.scan(gates.daily_hall, code, "second", by=None).reason == "zone_full"
        assert gates.inside() == 1
        entrances.change_zone(gates.full, capacity=1, actor=None)
        assert scanning.scan(gates.daily_hall, code, "third", by=None).admitted
        assert gates.inside() == 0
        assert CheckInZone.objects.get(pk=gates.full.pk).inside == 1


def test_a_new_day_in_a_race_with_exits_and_undo_is_entered_once_and_the_hall_counts_who_stands(alpha, gates):
    with in_tenant(alpha):
        texts = [gates.ticket() for _each in range(4)]
        for number, code in enumerate(texts):
            assert scanning.scan(gates.daily_hall, code, f"old-{number}", by=None).admitted
        CheckIn.objects.update(scanned_at=scanning.timezone.now() - timedelta(days=2))
        entrances.change_zone(gates.hall, capacity=4, actor=None)

    def job(number):
        if number % 8 == 7:
            return lambda: scanning.undo(gates.daily_hall, f"old-{number % 4}", by=gates.person)
        way = "out" if number % 5 == 4 else "in"
        return lambda: scanning.scan(gates.daily_hall, texts[number % 4], f"new-{number}", by=None, direction=way)

    at_once(alpha, [job(number) for number in range(40)])
    with in_tenant(alpha):
        assert gates.inside() <= 4
        came = CheckIn.objects.admissions().filter(scan_id__startswith="new-")
        assert came.count() == 4
        assert came.values("ticket").distinct().count() == 4
