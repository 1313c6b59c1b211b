"""Leaks told apart by the direction in which each draws the sensors; an hour a judgement."""

from collections.abc import Iterable

import numpy as np

from rules.parts.signatures import Born, Limits, Over, Signatures
from tests.builders.rules_city import HOUR

LIMITS = Limits(above=3.0, again=2.0, gone=3.0, hold=2 * HOUR, settle=4 * HOUR, forget=5 * HOUR)
ERROR = 0.1
WEST, EAST = np.array([-3.0, -1.0, 0.0, 0.0]), np.array([-3.0, 0.0, -2.0, 0.0])
NOTHING = np.zeros(4)


def judged(
    one: Signatures, start: int, means: Iterable[np.ndarray], change: np.ndarray = NOTHING
) -> list[tuple[int, str, int]]:
    """What each hour's means, (4,), told: the hour, "born" or "over", and the sensor's place."""
    return [
        (start + n, "born" if isinstance(told, Born) else "over", told.sensor)
        for n, d in enumerate(means)
        for told in one.judge((start + n) * HOUR, d, change, ERROR)
        if isinstance(told, Born | Over)
    ]


def test_two_that_fell_most_at_one_sensor_are_told_on_two() -> None:
    one = Signatures(4, LIMITS)
    assert judged(one, 0, [WEST] * 10) == [(2, "born", 0)]
    assert judged(one, 10, [WEST + EAST] * 10, EAST) == [(12, "born", 2)]


def test_a_leak_is_over_when_its_signature_was_gone_for_long_enough() -> None:
    one = Signatures(4, LIMITS)
    judged(one, 0, [WEST] * 10)
    assert judged(one, 10, [NOTHING] * 10) == [(15, "over", 0)]
    assert judged(one, 20, [WEST] * 10) == [(22, "born", 0)]


def test_what_lasts_too_short_is_no_leak_and_no_end() -> None:
    one = Signatures(4, LIMITS)
    assert judged(one, 0, [WEST, WEST, NOTHING, WEST, WEST, NOTHING]) == []
    judged(one, 6, [WEST] * 10)
    assert judged(one, 16, [NOTHING] * 5 + [WEST] * 3 + [NOTHING] * 5) == []


def test_a_rise_moves_what_is_normal_and_tells_nothing() -> None:
    one = Signatures(4, LIMITS)
    assert judged(one, 0, [-WEST] * 10) == []
    assert one.base.tolist() == (-WEST).tolist()
    assert judged(one, 10, [NOTHING] * 10) == [(12, "born", 0)]


def test_where_every_sensor_has_a_leak_no_more_are_told() -> None:
    one = Signatures(2, LIMITS)
    leaks = [np.array([-3.0, 0.0]), np.array([-3.0, -3.0])]
    assert len([t for d in leaks for t in one_after(one, d)]) == 2
    assert not any(isinstance(t, Born) for t in one_after(one, np.array([-5.0, 4.0])))


def one_after(one: Signatures, d: np.ndarray) -> list[Born | Over]:
    """What the next eight hours tell."""
    start = int(one.told.max(initial=0)) + 8 * HOUR
    return [t for n in range(8) for t in one.judge(start + n * HOUR, d, d, ERROR)]


def test_nothing_known_is_nothing_judged() -> None:
    one = Signatures(4, LIMITS)
    judged(one, 0, [WEST] * 10)
    assert judged(one, 10, [np.full(4, np.nan)] * 20) == []
