"""When a schedule is due: on the tenant's wall clock, each time once, through both changes of the clock."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared_apps.core.errors import InvalidInput
from tenant_apps.reports import cron
from tenant_apps.reports.forms import in_words, parts_of

BERLIN = "Europe/Berlin"


def walk(text, since, until, zone):
    """Every moment between two, in UTC."""
    found, moment, line = [], since, cron.parse(text)
    while (moment := cron.next_after(line, moment, zone)) is not None and moment < until:
        found.append(moment)
    return found


def test_eight_o_clock_is_eight_o_clock_in_summer_and_winter():
    found = walk("0 8 * * *", datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC), BERLIN)
    assert [each.hour for each in found] == [7, 7, 6, 6]
    found = walk("0 8 * * *", datetime(2026, 10, 23, 12, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC), BERLIN)
    assert [each.hour for each in found] == [6, 7, 7]


def test_a_time_that_the_clock_jumps_over_is_due_once_and_an_hour_later():
    found = walk("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC), BERLIN)
    assert found == [datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)]


def test_a_time_that_comes_twice_is_due_the_first_time_only():
    found = walk("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC), BERLIN)
    assert found == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Almaty", "America/Asuncion"])
def test_a_year_of_days_has_one_moment_each_and_they_go_forward(zone):
    for text in ("0 0 * * *", "30 2 * * *", "0 23 * * *"):
        found = walk(text, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), zone)
        assert found == sorted(set(found))
        assert 364 <= len(found) <= 366
        gaps = {(two - one) for one, two in pairwise(found)}
        assert min(gaps) >= timedelta(hours=22)
        assert max(gaps) <= timedelta(hours=26)


def test_days_and_weekdays_are_read_as_crontab_does():
    since, until = datetime(2026, 5, 31, 12, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    mondays = walk("0 8 * * mon", since, until, "UTC")
    assert [each.day for each in mondays] == [1, 8, 15, 22, 29]
    first = walk("0 8 1 * *", since, until, "UTC")
    assert [each.day for each in first] == [1]
    either = walk("0 8 10 * 1", since, until, "UTC")
    assert [each.day for each in either] == [1, 8, 10, 15, 22, 29]
    assert [each.hour for each in walk("15 */6 1 6 *", since, until, "UTC")] == [0, 6, 12, 18]


def test_the_last_of_february_comes_after_years():
    found = cron.next_after(cron.parse("0 8 29 2 *"), datetime(2026, 1, 1, tzinfo=UTC), "UTC")
    assert found == datetime(2028, 2, 29, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "", "0 8 * *", "0 8 * * * *", "60 8 * * *", "0 24 * * *", "0 8 30 2 *", "0 8 * * 8", "a b c d e", "@daily",
        "0 0-99999999999 * * *", "0 8 * * */0", "0 8 * * mon;tue", "*/15 * * * *", "0,30 8 * * *", "* * * * *", None,
        17, ["0 8 * * *"], "0 8 * * *" * 40, "0 8 -1 * *", "0 8 5-1-3 * *", "0 8 ٣ * *",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(InvalidInput):
        cron.parse(text)


@pytest.mark.parametrize("text", ["0 8 * * *", "30 7 * * 1-5", "5 9 * * 0", "0 6 1 * *", "0 6 1 1 *", "0 */2 * * *"])
def test_a_line_has_words_and_the_form_gives_it_back(text):
    parts = parts_of(text)
    assert in_words(text)
    if parts["often"] == "own":
        assert parts["cron"] == text
    else:
        assert ":" in in_words(text)
