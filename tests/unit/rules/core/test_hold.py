"""The phases of a condition, row by row."""

import pytest

from rules.core.hold import BETWEEN, CLEAR, SET, Change, Hold

FIRED, ENDED = True, False

# hold, clear, the rows (time, verdict), and what is told of them: (fired, since, at).
TABLE = [
    (0, 0, [(1, SET)], [(FIRED, 1, 1)]),
    (0, 0, [(1, SET), (2, SET), (3, CLEAR)], [(FIRED, 1, 1), (ENDED, 3, 3)]),
    (0, 0, [(1, SET), (2, BETWEEN), (3, SET)], [(FIRED, 1, 1)]),
    (5, 0, [(1, SET), (5, SET)], []),
    (5, 0, [(1, SET), (6, SET)], [(FIRED, 1, 6)]),
    (5, 0, [(1, SET), (6, CLEAR)], [(FIRED, 1, 6), (ENDED, 6, 6)]),  # due first, then the row
    (5, 0, [(1, SET), (5, CLEAR), (9, SET)], []),
    (5, 0, [(1, SET), (5, BETWEEN), (7, SET), (12, SET)], [(FIRED, 7, 12)]),
    (5, 0, [(1, SET), (90, SET)], [(FIRED, 1, 6)]),
    (0, 5, [(1, SET), (2, CLEAR), (6, CLEAR)], [(FIRED, 1, 1)]),
    (0, 5, [(1, SET), (2, CLEAR), (7, SET)], [(FIRED, 1, 1), (ENDED, 2, 7), (FIRED, 7, 7)]),
    (0, 5, [(1, SET), (2, CLEAR), (6, BETWEEN), (20, BETWEEN)], [(FIRED, 1, 1)]),
    (0, 5, [(1, SET), (2, CLEAR), (6, SET), (7, CLEAR), (12, SET)],
     [(FIRED, 1, 1), (ENDED, 7, 12), (FIRED, 12, 12)]),
]  # fmt: skip


@pytest.mark.parametrize(("hold", "clear", "rows", "told"), TABLE)
def test_phases(
    hold: int, clear: int, rows: list[tuple[int, int]], told: list[tuple[bool, int, int]]
) -> None:
    one = Hold(1, hold, clear)
    changes = [change for time, verdict in rows for change in one.step(0, time, verdict)]
    assert changes == [Change(0, *change) for change in told]


def test_a_tick_settles_what_is_due_of_everyone() -> None:
    one = Hold(3, 5, 5)
    for slot, time in ((0, 1), (1, 2), (2, 3)):
        one.step(slot, time, SET)
    assert one.tick(5) == []
    assert one.tick(7) == [Change(0, True, 1, 6), Change(1, True, 2, 7)]
    assert one.tick(7) == []


def test_what_is_not_fulfilled_by_its_deadline_is_forgotten() -> None:
    one = Hold(2, 5, 0, until=lambda since: 10)
    one.step(0, 5, SET)
    one.step(1, 6, SET)
    assert one.tick(99) == [Change(0, True, 5, 10)]
    assert one.tick(999) == []
