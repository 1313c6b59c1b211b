"""How densely history is stored: what is thinned is told, who was silent for a while is not."""

from datetime import UTC, datetime, timedelta

import pytest

from kel.backtest.storage import FEWEST, StoredDay, days_of, spacing_of, thin_spans
from kel.backtest.stretch import in_days, stretches
from tests.builders.rules_city import HOUR, MINUTE, at, city, frame

DAY = timedelta(days=1)
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
LAMP, OTHER = 21, 22
SIX, FIVE = timedelta(hours=6), timedelta(minutes=5)  # the class of lamps says every five minutes


def stored(*spacing: timedelta | None, rows: int = 100) -> dict[str, list[StoredDay]]:
    return {"lamp": [StoredDay(FIRST + n * DAY, rows, s) for n, s in enumerate(spacing)]}


def days(*series: tuple[int, range]) -> list[StoredDay]:
    """What the rows of devices at these minutes come to."""
    rows = [
        (at("2026-09-01") + m * MINUTE, device, {"power": 1.0})
        for device, minutes in series
        for m in minutes
    ]
    return days_of(stretches({"lamp": in_days(frame("lamp", rows))}))["lamp"]


def test_days_stored_coarser_are_told_as_spans():
    thin = thin_spans(city(), stored(FIVE, SIX, SIX, FIVE, FIVE, timedelta(hours=2), FIVE))
    assert [(t.since, t.until, t.spacing) for t in thin] == [
        (FIRST + DAY, FIRST + 3 * DAY, SIX),
        (FIRST + 5 * DAY, FIRST + 6 * DAY, timedelta(hours=2)),
    ]
    assert thin[0].every == FIVE


@pytest.mark.parametrize(
    "spacing",
    [(FIVE, FIVE, FIVE), (FIVE, timedelta(minutes=1), FIVE), (FIVE * 1.5,), (None, FIVE, None), ()],
    ids=["as live", "denser", "hardly coarser", "first and last are parts of a day", "none"],
)
def test_history_as_it_was_said_is_not_thin(spacing):
    assert thin_spans(city(), stored(*spacing)) == []


def test_the_first_and_the_last_day_count_where_they_tell():
    (thin,) = thin_spans(city(), stored(SIX, SIX))
    assert (thin.since, thin.until) == (FIRST, FIRST + 2 * DAY)


def test_one_reading_a_day_is_thin():
    (thin,) = thin_spans(city(), stored(FIVE, None, None, FIVE))
    assert thin.spacing == DAY


def test_a_few_readings_are_no_sign():
    assert thin_spans(city(), stored(FIVE, SIX, FIVE, rows=FEWEST - 1)) == []
    assert thin_spans(city(), stored(FIVE, SIX, FIVE, rows=FEWEST)) != []


def test_a_device_that_was_silent_is_not_taken_for_a_thin_one():
    """The only lamp speaks every five minutes, is silent for two days, and comes back at night."""
    found = days((LAMP, range(0, 600, 5)), (LAMP, range(3 * 1440 - 30, 5 * 1440, 5)))
    assert [day.spacing for day in found] == [FIVE] * 4
    assert thin_spans(city(), {"lamp": found}) == []


def test_the_usual_span_is_the_lower_median_within_a_device_and_a_day():
    found = days((LAMP, range(0, 2880, 360)), (OTHER, range(7, 2880, 360)))
    assert found == [StoredDay(FIRST + n * DAY, 8, SIX) for n in range(2)]
    (even,) = days((LAMP, range(0, 1, 5)), (LAMP, range(10, 31, 20)))  # 10 and 20 minutes
    assert even.spacing == timedelta(minutes=10)


def test_a_day_on_which_nobody_spoke_twice_tells_no_span():
    rows = [(at("2026-09-01") + n * HOUR, n + LAMP, {"power": 1.0}) for n in range(3)]
    assert spacing_of(frame("lamp", rows)) is None
