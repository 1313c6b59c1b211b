"""Rows by device and in order of time, whatever order they came in."""

import numpy as np
import pytest

from rules.core.rows import NEVER, Roster, carried, sort_rows
from tests.builders.rules_city import DEVICES, frame

NAN = float("nan")


def roster() -> Roster:
    return Roster("zone", [d for d in DEVICES if d.cls == "zone"])  # numbers 11, 12, 13, 14


def sort(who: Roster, *rows: tuple[int, int, float]) -> tuple[list[tuple[int, int, float]], int]:
    found, late = sort_rows(frame("zone", [(t, n, {"flow": v}) for t, n, v in rows]), who)
    flow = found.column("flow").tolist()
    return list(zip(found.slot.tolist(), found.time.tolist(), flow, strict=True)), late


def test_rows_are_sorted_by_device_and_keep_their_order() -> None:
    who = roster()
    rows, late = sort(who, (5, 12, 1.0), (3, 11, 2.0), (6, 12, 3.0), (9, 777, 4.0), (4, 11, 5.0))
    assert rows == [(0, 3, 2.0), (0, 4, 5.0), (1, 5, 1.0), (1, 6, 3.0)]
    assert late == 0
    assert who.seen.tolist() == [4, 6, NEVER, NEVER]


@pytest.mark.parametrize(
    ("rows", "kept", "late"),
    [
        ([(5, 11, 1.0), (5, 11, 2.0)], [(0, 5, 1.0)], 1),
        ([(5, 11, 1.0), (4, 11, 2.0), (5, 11, 3.0), (6, 11, 4.0)], [(0, 5, 1.0), (0, 6, 4.0)], 2),
        ([(9, 11, 1.0), (8, 11, 2.0), (3, 12, 3.0)], [(0, 9, 1.0), (1, 3, 3.0)], 1),
        ([(2, 11, 1.0), (3, 11, 2.0)], [(0, 3, 2.0)], 1),  # seen up to 2
        ([(1, 11, 1.0)], [], 1),
    ],
)
def test_only_rows_later_than_all_before_are_new(
    rows: list[tuple[int, int, float]], kept: list[tuple[int, int, float]], late: int
) -> None:
    who = roster()
    who.seen[0] = 2
    assert sort(who, *rows) == (kept, late)


def test_more_devices_than_sixteen_bits_hold() -> None:
    zone = next(d for d in DEVICES if d.cls == "zone")
    many = [type(zone)(**{**_fields(zone), "id": f"z{n}", "number": n}) for n in range(40_000)]
    rows, _ = sort(Roster("zone", many), (5, 39_999, 1.0), (5, 7, 2.0))
    assert rows == [(7, 5, 2.0), (39_999, 5, 1.0)]


def _fields(device: object) -> dict[str, object]:
    return {name: getattr(device, name) for name in device.__slots__}  # type: ignore[attr-defined]


def test_the_last_known_value_is_carried_within_a_device_only() -> None:
    rows, _ = sort_rows(
        frame(
            "zone",
            [
                (t, n, {"flow": v})
                for t, n, v in [
                    (1, 11, NAN),
                    (2, 11, 5.0),
                    (3, 11, NAN),
                    (1, 12, NAN),
                    (1, 13, 7.0),
                    (1, 14, NAN),
                ]
            ],
        ),
        roster(),
    )
    held = np.array([1.0, 2.0, 3.0, NAN])
    found = carried(rows, rows.column("flow"), held)
    assert np.array_equal(found, [1.0, 5.0, 5.0, 2.0, 7.0, NAN], equal_nan=True)
