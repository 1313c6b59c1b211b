"""When crews work, by the clock on the wall."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dispatch.shifts import at_work, beginning, departure, is_holiday, spans
from tests.builders.city import at, small_city

CITY = small_city()
HOUR = timedelta(hours=1)


def _working(crew: str, now: datetime, *, on_call: bool) -> list[tuple[datetime, datetime]]:
    found = spans(CITY.crews[crew], CITY.timezone, now, on_call=on_call)
    return [s for s in found if s[1] > now]


def test_a_day_shift_in_utc() -> None:
    first, second, third, *_ = _working("water-1", at("05:00"), on_call=False)
    assert first == (at("07:00"), at("15:00"))
    assert second == (at("07:00", day=5), at("15:00", day=5))
    assert third == (at("07:00", day=6), at("15:00", day=6))  # then the weekend


def test_weekends_have_no_day_shift() -> None:
    (monday, _), *_ = _working("water-1", at("12:00", day=7), on_call=False)
    assert monday == at("07:00", day=9)


def test_on_call_hours_are_for_those_who_may_call_and_shifts_that_touch_are_one() -> None:
    assert _working("water-2", at("12:00"), on_call=False)[0] == (at("15:00"), at("23:00"))
    assert _working("water-2", at("12:00"), on_call=True)[0] == (at("15:00"), at("07:00", day=5))


def test_a_night_shift_that_began_yesterday_still_runs() -> None:
    assert _working("water-2", at("02:50"), on_call=True)[0][1] == at("07:00")


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        (date(2026, 3, 25), True),
        (date(2026, 2, 23), True),  # Clean Monday
        (date(2026, 4, 13), True),  # Easter Monday
        (date(2026, 3, 4), False),
    ],
)
def test_greek_holidays(day: date, holiday: bool) -> None:
    assert is_holiday(day) is holiday


def test_a_holiday_counts_as_a_sunday() -> None:
    # 25 March 2026 is a Wednesday
    assert _working("water-1", at("05:00", day=25), on_call=False)[0][0] == at("07:00", day=26)
    holiday = _working("water-2", at("08:00", day=25), on_call=True)[0]
    assert holiday[0] <= at("08:00", day=25)  # the weekend's on-call hours


def test_a_shift_keeps_its_clock_over_the_change_to_summer_time() -> None:
    # 29 March 2026, 03:00 → 04:00: the night from Saturday to Sunday has an hour less
    night = spans(CITY.crews["green-fire"], CITY.timezone, at("12:00", day=28), on_call=True)
    assert all(start < end for start, end in night)
    monday = _working("water-1", at("20:00", day=29), on_call=False)[0]
    assert monday[0] == datetime(2026, 3, 30, 4, tzinfo=UTC)


SHIFTS = [(at("07:00"), at("15:00")), (at("07:00", day=5), at("15:00", day=5))]


@pytest.mark.parametrize(
    ("ready", "hours", "overtime", "leaves"),
    [
        ("05:00", 2, 0, at("07:00")),
        ("08:00", 2, 0, at("08:00")),
        ("13:00", 2, 0, at("13:00")),
        ("13:01", 2, 0, at("07:00", day=5)),
        ("13:01", 2, 2, at("13:01")),  # overtime
        ("14:59", 2, 2, at("14:59")),
        ("15:00", 1, 2, at("07:00", day=5)),  # a job starts inside the shift
        ("10:00", 12, 0, at("07:00", day=5)),  # longer than any shift: starts with one
    ],
)
def test_departure(ready: str, hours: int, overtime: int, leaves: datetime) -> None:
    """A quarter of an hour there, the rest is work."""
    way = timedelta(minutes=15)
    going = departure(SHIFTS, at(ready), way, hours * HOUR - way, overtime * HOUR)
    assert going is not None
    assert going.at == leaves
    assert going.end in [end for _, end in SHIFTS]
    assert going.latest == going.end + overtime * HOUR


def test_no_shift_ahead_no_departure() -> None:
    assert departure(SHIFTS, at("16:00", day=5), HOUR, HOUR, HOUR) is None
    assert departure([], at("10:00"), HOUR, HOUR, HOUR) is None


@pytest.mark.parametrize(
    ("ready", "overtime", "leaves"),
    [
        ("05:00", 0, at("07:00")),
        ("13:30", 0, at("13:30")),
        ("13:31", 0, at("07:00", day=5)),  # less than half an hour of work is left
        ("14:59", 2, at("14:59")),
        ("15:00", 2, at("07:00", day=5)),
    ],
)
def test_where_it_is_enough_to_begin(ready: str, overtime: int, leaves: datetime) -> None:
    going = beginning(SHIFTS, at(ready), HOUR, overtime * HOUR)
    assert going is not None
    assert going.at == leaves


def test_a_way_longer_than_every_shift_is_not_taken() -> None:
    assert departure(SHIFTS, at("05:00"), 8 * HOUR, HOUR, timedelta()) is None
    assert beginning(SHIFTS, at("05:00"), 8 * HOUR, timedelta()) is None


@pytest.mark.parametrize(
    ("ready", "works"),
    [
        ("05:00", at("07:00")),
        ("08:00", at("08:00")),
        ("15:00", at("07:00", day=5)),
        ("23:00", at("07:00", day=5)),
    ],
)
def test_when_a_crew_is_at_work(ready: str, works: datetime) -> None:
    assert at_work(SHIFTS, at(ready)) == works
    assert at_work([], at(ready)) == at(ready)
