"""When a series takes place, by its rule: bounded, in local time, across the changes of the clock."""

from datetime import UTC, datetime
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_apps.core.errors import InvalidInput
from tenant_apps.events.recurrence import MOST_DATES, dates

BERLIN = "Europe/Berlin"
MARCH = datetime(2027, 3, 19, 19, 30)


def codes(caught):
    return [(error.field, error.code) for error in caught.value.errors]


def test_a_weekly_evening_stays_at_half_past_seven_through_the_change_to_summer_time():
    found = dates("FREQ=WEEKLY;BYDAY=FR;COUNT=3", MARCH, BERLIN)
    assert [date.wall.hour for date in found] == [19, 19, 19]
    assert [date.at for date in found] == [
        datetime(2027, 3, 19, 18, 30, tzinfo=UTC),
        datetime(2027, 3, 26, 18, 30, tzinfo=UTC),
        datetime(2027, 4, 2, 17, 30, tzinfo=UTC),
    ]


def test_dates_are_left_out_and_added():
    found = dates(
        "RRULE:FREQ=WEEKLY;COUNT=3", MARCH, BERLIN, exdates=["2027-03-26T19:30"], rdates=["2027-03-27T15:00"]
    )  # fmt: skip
    assert [f"{date.wall:%m-%d %H:%M}" for date in found] == ["03-19 19:30", "03-27 15:00", "04-02 19:30"]


def test_the_last_day_of_until_counts_whole_and_a_moment_in_utc_is_understood():
    assert len(dates("FREQ=DAILY;UNTIL=20270321", MARCH, BERLIN)) == 3
    assert len(dates("FREQ=DAILY;UNTIL=20270321T183000Z", MARCH, BERLIN)) == 3
    assert len(dates("FREQ=DAILY;UNTIL=20270321T182900Z", MARCH, BERLIN)) == 2


def test_the_third_thursday_of_each_month_is_understood():
    found = dates("FREQ=MONTHLY;BYDAY=3TH;COUNT=3", MARCH, BERLIN)
    assert [f"{date.wall:%Y-%m-%d}" for date in found] == ["2027-04-15", "2027-05-20", "2027-06-17"]


def test_without_a_rule_the_start_is_the_only_date_of_it():
    assert [date.wall for date in dates("", MARCH, BERLIN)] == [MARCH]


def test_a_time_that_the_clock_skips_is_refused_and_may_be_left_out():
    start = datetime(2027, 3, 27, 2, 30)
    with pytest.raises(InvalidInput) as caught:
        dates("FREQ=DAILY;COUNT=3", start, BERLIN)
    assert codes(caught) == [("rule", "nonexistent_time")]
    assert len(dates("FREQ=DAILY;COUNT=3", start, BERLIN, exdates=["2027-03-28T02:30"])) == 2


def test_a_time_that_comes_twice_needs_an_offset():
    start = datetime(2027, 10, 30, 2, 30)
    with pytest.raises(InvalidInput) as caught:
        dates("FREQ=DAILY;COUNT=3", start, BERLIN)
    assert codes(caught) == [("rule", "ambiguous_time")]
    found = dates(
        "FREQ=DAILY;COUNT=3", start, BERLIN, exdates=["2027-10-31T02:30"], rdates=["2027-10-31T02:30+01:00"]
    )  # fmt: skip
    assert found[1].at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("FREQ=DAILY", "rule_unbounded"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270401", "rule_unbounded"),
        ("FREQ=SECONDLY;COUNT=3", "rule_frequency"),
        ("FREQ=DAILY;COUNT=501", "too_many_dates"),
        ("FREQ=DAILY;UNTIL=20300101", "too_many_dates"),
        ("FREQ=DAILY;COUNT=0", "too_many_dates"),
        ("FREQ=DAILY;COUNT=-1", "rule_invalid"),
        ("FREQ=YEARLY;COUNT=50", "rule_too_far"),
        ("FREQ=DAILY;UNTIL=20990101", "rule_too_far"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", "rule_too_far"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20300101", "no_dates"),
        ("FREQ=DAILY;COUNT=3;BYHOUR=9,10,11", "rule_part_unknown"),
        ("FREQ=DAILY;COUNT=3\nDTSTART:20200101T000000", "rule_invalid"),
        ("FREQ=WEEKLY;BYDAY=XX;COUNT=3", "rule_invalid"),
        ("FREQ=DAILY;COUNT=3;COUNT=4", "rule_invalid"),
        ("every friday", "rule_invalid"),
        ("FREQ=DAILY;UNTIL=tomorrow", "rule_invalid"),
        ("FREQ=DAILY;COUNT=٣", "rule_invalid"),
        ("FREQ=DAILY;INTERVAL=0;COUNT=3", "rule_invalid"),
    ],
)
def test_what_is_no_bounded_rule_is_refused_by_name_and_soon(rule, code):
    began = perf_counter()
    with pytest.raises(InvalidInput) as caught:
        dates(rule, MARCH, BERLIN)
    assert codes(caught) == [("rule", code)]
    assert perf_counter() - began < 5


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="FREQDAILYWKMONTHBYPSUC=;,-+0123456789T", max_size=60))
def test_whatever_is_typed_gives_dates_or_a_refusal(text):
    try:
        found = dates(text, MARCH, BERLIN)
    except InvalidInput:
        return
    assert 1 <= len(found) <= MOST_DATES
    assert found == sorted(set(found))
