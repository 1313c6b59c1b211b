"""Ways on the road."""

from datetime import timedelta

import pytest

from dispatch.travel import road_km, trip
from kel.model.place import Point
from tests.builders.city import north


def test_a_road_is_longer_than_the_straight_line() -> None:
    # one degree of latitude is 111.195 km on the sphere
    assert road_km(north(38.0), north(38.1)) == pytest.approx(11.1195 * 1.35, rel=1e-4)
    assert road_km(north(38.0), north(38.0)) == 0


def test_distance_is_the_same_both_ways_and_knows_longitude() -> None:
    a, b = Point(38.0, 23.8), Point(38.1, 23.9)
    assert road_km(a, b) == road_km(b, a)
    # Athens to Thessaloniki is 302 km as the crow flies
    assert Point(37.9838, 23.7275).metres_to(Point(40.6401, 22.9444)) == pytest.approx(
        302_000, rel=0.01
    )


def test_a_trip_adds_its_ways_and_rounds_minutes_up() -> None:
    out = trip((north(38.0), north(38.1), north(38.0)), 30.0)
    assert out.km == pytest.approx(30.02, abs=0.01)
    assert out.time == timedelta(minutes=61)


def test_staying_takes_no_time_and_nobody_drives_at_speed_0() -> None:
    assert trip((north(38.0),), 30.0).time == timedelta()
    assert trip((north(38.0), north(38.0)), 30.0).time == timedelta()
    assert trip((north(38.0), north(38.001)), 0.0).time == timedelta(minutes=2)  # on foot
