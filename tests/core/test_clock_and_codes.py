"""Wall clocks, and codes that people read aloud."""

from datetime import UTC, date, datetime

import pytest

from shared_apps.core.clock import day_bounds, from_local
from shared_apps.core.codes import READABLE, readable_code, unguessable_secret, uuid7


def test_a_time_that_the_clock_jumps_over_in_spring_is_refused():
    with pytest.raises(ValueError, match="does not exist"):
        from_local(datetime(2026, 3, 29, 2, 30), "Europe/Berlin")


def test_a_time_that_comes_twice_in_autumn_needs_an_offset():
    with pytest.raises(ValueError, match="twice"):
        from_local(datetime(2026, 10, 25, 2, 30), "Europe/Berlin")


def test_an_ordinary_wall_clock_time_is_one_moment():
    assert from_local(datetime(2026, 7, 1, 20, 0), "Europe/Berlin") == datetime(2026, 7, 1, 18, 0, tzinfo=UTC)


def test_the_day_of_a_clock_change_has_25_hours():
    start, end = day_bounds(date(2026, 10, 25), "Europe/Berlin")
    assert (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() == 25 * 3600


def test_codes_hold_only_characters_that_are_told_apart_aloud():
    assert not set(READABLE) & set("0O1IL2Z5S8BUV")
    assert set(readable_code(500)) <= set(READABLE)


def test_secrets_and_keys_do_not_repeat():
    assert len({unguessable_secret() for _ in range(1000)}) == 1000
    keys = [uuid7() for _ in range(1000)]
    assert len(set(keys)) == 1000
    assert {key.version for key in keys} == {7}
    assert [key.int >> 80 for key in keys] == sorted(key.int >> 80 for key in keys)
