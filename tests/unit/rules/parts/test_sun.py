"""The sun's place in the sky, against what almanacs print."""

from datetime import UTC, datetime

import numpy as np
import pytest

from kel.model.moment import MINUTE_US, to_us
from kel.model.place import Point
from rules.core.rows import ENDLESS
from rules.parts.sun import Sun, elevation

ATHENS = Point(37.98, 23.73)
TROMSO = Point(69.65, 18.96)


def minute(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=UTC)) // MINUTE_US


# Sunrise and sunset in Athens, UTC, as almanacs round them.
@pytest.mark.parametrize(
    ("day", "sunrise", "sunset"),
    [
        ("2026-03-20", "04:29", "16:37"),
        ("2026-06-21", "03:03", "17:51"),
        ("2026-09-23", "04:14", "16:21"),
        ("2026-12-21", "05:37", "15:08"),
    ],
)
def test_it_rises_and_sets_when_almanacs_say(day: str, sunrise: str, sunset: str) -> None:
    minutes = np.arange(1440) + minute(f"{day}T00:00")
    up = np.flatnonzero(Sun(ATHENS, up=True, margin=0).inside(minutes * MINUTE_US))
    assert abs(minutes[up[0]] - minute(f"{day}T{sunrise}")) <= 2
    assert abs(minutes[up[-1]] - minute(f"{day}T{sunset}")) <= 2
    assert len(up) == up[-1] - up[0] + 1


@pytest.mark.parametrize(
    ("place", "moment", "height"),
    [
        # noon of the solstices: 90° − latitude ± the tilt of the Earth's axis, 23.44°
        (ATHENS, "2026-06-21T10:27", 90 - 37.98 + 23.44),
        (ATHENS, "2026-12-21T10:23", 90 - 37.98 - 23.44),
        (ATHENS, "2026-06-21T22:27", -(90 - 37.98 - 23.44)),  # and midnight's
        (Point(0, 0), "2026-03-20T12:07", 90.0),  # the equinox overhead
        (Point(-37.98, 23.73), "2026-12-21T10:23", 90 - 37.98 + 23.44),
    ],
)
def test_its_height(place: Point, moment: str, height: float) -> None:
    assert elevation(place, np.array([minute(moment)]))[0] == pytest.approx(height, abs=0.2)


def test_margins_lie_on_both_sides_of_sunrise_and_sunset() -> None:
    minutes = np.arange(1440) + minute("2026-06-21T00:00")
    times = minutes * MINUTE_US
    up = Sun(ATHENS, up=True, margin=0).inside(times)
    surely = Sun(ATHENS, up=True, margin=30 * MINUTE_US).inside(times)
    down = Sun(ATHENS, up=False, margin=30 * MINUTE_US).inside(times)
    assert up.sum() - surely.sum() == 60
    assert len(minutes) - up.sum() - down.sum() == 60
    assert not (surely & down).any()


def test_a_day_ends_at_sunset_whenever_it_is_asked() -> None:
    day = Sun(ATHENS, up=True, margin=0)
    noon = minute("2026-06-21T10:00") * MINUTE_US
    end = day.end_after(noon)
    assert abs(end // MINUTE_US - minute("2026-06-21T17:51")) <= 2
    assert day.inside(np.array([end - 1, end])).tolist() == [True, False]
    assert Sun(ATHENS, up=True, margin=0).end_after(end - 1) == day.end_after(noon + 1) == end


def test_a_polar_day_does_not_end() -> None:
    midsummer = minute("2026-06-21T10:00") * MINUTE_US
    assert Sun(TROMSO, up=True, margin=0).end_after(midsummer) == ENDLESS
