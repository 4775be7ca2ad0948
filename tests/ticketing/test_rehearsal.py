"""The rehearsal of an evening at the door: what is planned is what comes of it, on a real server."""

import io
from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from tenant_apps.events.models import Event
from tenant_apps.staff.errors import KeyRefused
from tenant_apps.staff.models import ApiKey
from tenant_apps.ticketing import doors, evening
from tenant_apps.ticketing.models import CheckIn, Ticket
from tenants.context import in_tenant


def test_an_evening_is_the_same_for_the_same_seed_and_keeps_its_order():
    codes = [f"code {number}" for number in range(400)]
    one, same = (evening.plan(codes, ["forged"], gates=5, seed=3) for _ in range(2))
    assert one == same
    assert one != evening.plan(codes, ["forged"], gates=5, seed=4)
    assert [act.at for act in one.acts] == sorted(act.at for act in one.acts)
    assert all(0 <= act.at <= 1 and 0 <= act.gate < 5 for act in one.acts)
    assert len({act.scan_id for act in one.acts}) == len(one.acts)
    assert set(one.kinds) == {"arrival", "leaving", "return", "second try", "forgery"}
    assert len(one.outages) == 2 and any(one.is_offline(act) for act in one.acts)
    last: Counter[int] = Counter()
    for act in one.acts:
        moves = [other.direction for other in one.acts if other.ticket == act.ticket]
        if act.ticket >= 0 and "out" in moves:
            assert moves == ["in", "out", "in"] and not one.is_offline(act)
            last[act.ticket] += 1
    assert sum(last.values()) == 3 * one.leavings


def test_an_evening_that_is_played_on_a_server_comes_out_as_planned(site, alpha):
    said = io.StringIO()
    with in_tenant(alpha):
        before = Event.objects.count(), Ticket.objects.count()
        # The server is this process: its statements are composed now, and not while the first guest waits.
        with pytest.raises(KeyRefused):
            doors.see_with_key(1, None, "foyer_aaaaaaaaaa_" + "a" * 43)
    try:
        call_command(
            "rehearse_door", alpha.slug, "--url", site.address, "--tickets", "60", "--gates", "3", "--seconds", "4",
            "--seed", "5", stdout=said, no_color=True,
        )  # fmt: skip
    except SystemExit:
        pytest.fail(said.getvalue())
    told = said.getvalue()
    assert "Everybody who had to get in got in once, and nobody else." in told
    assert "already used" in told and "unknown" in told and "(going out)" in told
    with in_tenant(alpha):
        assert (Event.objects.count(), Ticket.objects.count()) == before
        assert not CheckIn.objects.exists()
        assert not ApiKey.objects.filter(revoked_at=None, name="Door rehearsal").exists()


def test_a_door_that_answers_wrongly_is_told(site, alpha, monkeypatch):
    from tenant_apps.ticketing import scanning

    real = scanning._refusal
    monkeypatch.setattr(
        scanning, "_refusal", lambda *given: "revoked" if given[1] is not None and given[3] == "out" else real(*given)
    )
    said = io.StringIO()
    with pytest.raises(SystemExit):
        call_command(
            "rehearse_door", alpha.slug, "--url", site.address, "--tickets", "60", "--gates", "3", "--seconds", "3",
            "--seed", "5", stdout=said, no_color=True,
        )  # fmt: skip
    assert "0 leavings, and" in said.getvalue()


@pytest.mark.parametrize("wrong", [("nobody",), ("alpha", "--tickets", "0"), ("alpha", "--gates", "1")])
def test_what_cannot_be_played_is_said(alpha, wrong):
    with pytest.raises(CommandError):
        call_command("rehearse_door", *wrong, stdout=io.StringIO())
