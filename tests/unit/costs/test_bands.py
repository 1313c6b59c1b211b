"""Pay bands: which hours are night, Sunday, holiday, overtime, and how long they last."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.costs.bands import Band, hours_by_band, is_holiday
from kel.model.crew import Shift

ATHENS = ZoneInfo("Europe/Athens")
DAY = Shift(frozenset(range(5)), time(7), time(15))
AFTERNOON = Shift(frozenset(range(5)), time(14), time(0))
ROUND = Shift(frozenset(range(7)), time(22), time(6))
CALL = Shift(frozenset(range(7)), time(15), time(7), on_call=True)
HOUR = timedelta(hours=1)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ATHENS)


def named(start: datetime, end: datetime, *shifts: Shift) -> dict[str, float]:
    found = hours_by_band(start, end, shifts, "Europe/Athens")
    return {band.name: span / HOUR for band, span in found.items()}


@pytest.mark.parametrize(
    ("what", "start", "end", "shifts", "expected"),
    [
        ("a morning's work", at(2026, 10, 21, 8), at(2026, 10, 21, 12), [DAY], {"shift": 4}),
        (
            "past the end of the shift",
            at(2026, 10, 21, 13),
            at(2026, 10, 21, 17),
            [DAY],
            {"shift": 2, "overtime": 2},
        ),
        (
            "a call-out at night is overtime although the crew is on call",
            at(2026, 10, 21, 3),
            at(2026, 10, 21, 8),
            [DAY, CALL],
            {"shift": 1, "overtime": 1, "overtime-night": 3},
        ),
        (
            "an afternoon shift that ends at midnight has two night hours",
            at(2026, 10, 21, 20),
            at(2026, 10, 22, 1),
            [AFTERNOON],
            {"shift": 2, "shift-night": 2, "overtime-night": 1},
        ),
        (
            "a night shift runs past midnight into Sunday",
            at(2026, 10, 24, 23),
            at(2026, 10, 25, 2),
            [ROUND],
            {"shift-night": 1, "shift-night-sunday": 2},
        ),
        (
            "Sunday by day",
            at(2026, 10, 18, 9),
            at(2026, 10, 18, 11),
            [DAY],
            {"overtime-sunday": 2},
        ),
        (
            "28 October, a Wednesday: the day shift does not run",
            at(2026, 10, 28, 9),
            at(2026, 10, 28, 11),
            [DAY],
            {"overtime-sunday": 2},
        ),
        (
            "28 October for a service that also runs on Sundays",
            at(2026, 10, 28, 4),
            at(2026, 10, 28, 7),
            [ROUND],
            {"shift-night-sunday": 2, "overtime-sunday": 1},
        ),
        ("nothing", at(2026, 10, 21, 8), at(2026, 10, 21, 8), [DAY], {}),
        ("backwards", at(2026, 10, 21, 8), at(2026, 10, 21, 7), [DAY], {}),
    ],
)
def test_hours_fall_into_their_bands(what, start, end, shifts, expected):
    assert named(start, end, *shifts) == expected, what


@pytest.mark.parametrize(
    ("night", "hours"),
    [
        ("an ordinary night", 8.0),
        ("2026-03-28", 7.0),  # 29 March 03:00 → 04:00: the day has 23 hours
        ("2026-10-24", 9.0),  # 25 October 04:00 → 03:00: the day has 25 hours
    ],
)
def test_a_night_is_as_long_as_it_is(night, hours):
    evening = date(2026, 6, 9) if night == "an ordinary night" else date.fromisoformat(night)
    start = datetime.combine(evening, time(22), tzinfo=ATHENS)
    end = datetime.combine(evening + timedelta(days=1), time(6), tzinfo=ATHENS)
    assert sum(named(start, end, ROUND).values()) == hours
    assert all("night" in band for band in named(start, end, ROUND))


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_the_days_when_the_clock_changes_have_23_and_25_hours(day, hours):
    start = datetime(*day, tzinfo=ATHENS)
    end = datetime.combine(start.date() + timedelta(days=1), time(0), tzinfo=ATHENS)
    assert sum(named(start, end).values()) == hours


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        (date(2026, 4, 13), True),  # Easter Monday, movable
        (date(2027, 5, 3), True),  # and a year later
        (date(2026, 8, 15), True),
        (date(2026, 10, 27), False),
    ],
)
def test_greek_holidays(day, is_one):
    assert is_holiday(day) is is_one


moments = st.integers(0, 366 * 24 * 60).map(
    lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)
shifts = st.lists(
    st.builds(
        Shift,
        days=st.frozensets(st.integers(0, 6)),
        start=st.times(),
        end=st.times(),
        on_call=st.booleans(),
    ),
    max_size=3,
)


@given(moments, st.timedeltas(timedelta(), timedelta(days=3)), st.floats(0, 1), shifts)
def test_splitting_an_interval_changes_no_band(start, length, part, shifts):
    """The bands of two halves add up to the bands of the whole, to the microsecond."""
    middle, end = start + length * part, start + length
    whole = hours_by_band(start, end, shifts, "Europe/Athens")
    halves: dict[Band, timedelta] = {}
    for since, until in ((start, middle), (middle, end)):
        for band, span in hours_by_band(since, until, shifts, "Europe/Athens").items():
            halves[band] = halves.get(band, timedelta()) + span
    assert halves == whole
    assert sum(whole.values(), timedelta()) == length
    assert all(span > timedelta() for span in whole.values())
