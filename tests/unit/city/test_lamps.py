"""Lamps that a feeder's row lays out: streets side by side, the cabinet in their middle."""

import pytest

from kel.city.entries import FeederEntry
from kel.city.lamps import METRES_PER_DEGREE, lamp_id, lamps_of


def feeder(**other: object) -> FeederEntry:
    usual = {
        "id": "f07",
        "name": "Γραμμή 7",
        "community": "south",
        "lat": 0.0,
        "lon": 20.0,
        "cabinet": "fc-07",
        "lamps": 6,
        "lamp_watts": 50,
        "spacing_m": 30,
        "per_street": 3,
        "street_gap_m": 40,
    }
    return FeederEntry.model_validate(usual | other)


def offsets(entry: FeederEntry) -> list[tuple[int, int]]:
    """Whole metres north and east of the cabinet."""
    return [
        (
            round((d.place.lat - entry.lat) * METRES_PER_DEGREE),
            round((d.place.lon - entry.lon) * METRES_PER_DEGREE),
        )
        for d in lamps_of(entry, 1)
    ]


def test_identity() -> None:
    lamps = list(lamps_of(feeder(), 100))
    assert [d.number for d in lamps] == [100, 101, 102, 103, 104, 105]
    last = lamps[-1]
    assert (last.id, last.cls, last.source) == ("la-07-006", "lamp", "ucifi")
    assert (last.address, last.parent) == ("f07/la-07-006", "fc-07")
    assert (last.feeder, last.community, last.zone) == ("f07", "south", None)
    assert last.attributes == {"rated_power": 50.0}
    assert last.group == "feeder:f07"


@pytest.mark.parametrize(
    ("bearing", "expected"),
    [
        (0, [(-30, -20), (0, -20), (30, -20), (-30, 20), (0, 20), (30, 20)]),
        (90, [(20, -30), (20, 0), (20, 30), (-20, -30), (-20, 0), (-20, 30)]),
    ],
)
def test_places(bearing: int, expected: list[tuple[int, int]]) -> None:
    assert offsets(feeder(bearing=bearing)) == expected


def test_no_two_lamps_share_a_place() -> None:
    places = [d.place for d in lamps_of(feeder(lamps=250, bearing=33), 1)]
    assert len(set(places)) == 250


def test_ids_of_other_feeders() -> None:
    assert lamp_id("f01", 1) == "la-01-001"
    assert lamp_id("main-road", 12) == "la-main-road-012"
