"""Leaks told apart by the direction in which each draws the sensors; an hour a judgement."""

from collections.abc import Iterable

import numpy as np

from rules.parts.signatures import Born, Limits, Over, Signatures
from tests.builders.rules_city import HOUR

LIMITS = Limits(
    above=3.0,
    again=2.0,
    gone=3.0,
    mean=4 * HOUR,
    hold=2 * HOUR,
    settle=4 * HOUR,
    forget=5 * HOUR,
)
ERROR = 0.1
WEST, EAST = np.array([-3.0, -1.0, 0.0, 0.0]), np.array([-3.0, 0.0, -2.0, 0.0])
NOTHING = np.zeros(4)


def judged(
    one: Signatures, start: int, means: Iterable[np.ndarray], step: np.ndarray = NOTHING
) -> list[tuple[int, str, int]]:
    """What each hour's means, (4,), told: the hour, "born" or "over", and the sensor's place."""
    return [
        (start + n, "born" if isinstance(told, Born) else "over", told.sensor)
        for n, d in enumerate(means)
        for told in one.judge((start + n) * HOUR, d, ERROR, step, ERROR)
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


def stepped(one: Signatures, start: int, d: np.ndarray, step: np.ndarray) -> list[str]:
    """What ten hours tell, of which the first four see a step: "born 2", say."""
    told = judged(one, start, [d] * 4, step) + judged(one, start + 4, [d] * 6, 0 * step)
    return [f"{what} {sensor}" for _, what, sensor in told]


def test_where_every_sensor_has_a_leak_no_more_are_told() -> None:
    one = Signatures(2, LIMITS)
    west, east = np.array([-3.0, 0.0]), np.array([0.0, -3.0])
    assert stepped(one, 0, west, west) == ["born 0"]
    assert stepped(one, 10, west + east, east) == ["born 1"]
    assert stepped(one, 20, 2 * west + east, west) == []


def test_a_step_is_a_leak_of_its_own_even_where_known_ones_could_explain_it() -> None:
    one = Signatures(4, LIMITS)
    assert stepped(one, 0, WEST, WEST) == ["born 0"]
    assert stepped(one, 10, EAST + WEST, EAST) == ["born 2"]
    assert stepped(one, 20, 3 * WEST + EAST, NOTHING) == []  # it grew
    assert stepped(one, 30, 4 * WEST + 2 * EAST, WEST + EAST)[0] == "born 1"


def test_until_no_mean_spans_an_end_nothing_is_told_and_what_is_left_is_normal() -> None:
    one, left = Signatures(4, LIMITS), np.array([0.0, 0.0, 0.0, -2.0])
    stepped(one, 0, WEST, WEST)
    assert judged(one, 10, [NOTHING] * 3, -WEST) == []
    assert judged(one, 13, [left] * 12) == [(15, "over", 0)]
    assert one.base.tolist() == left.tolist()
    assert judged(one, 25, [left + WEST] * 10) == [(27, "born", 0)]


def test_a_leak_that_is_fitted_leaves_noise_one_direction_less() -> None:
    one = Signatures(4, LIMITS)
    stepped(one, 0, WEST, WEST)
    faint = np.array([0.0, 0.0, 0.0, -0.55])  # between 3 · 0.1 · √3 and 3 · 0.1 · √4
    assert stepped(one, 10, WEST + faint, NOTHING) == ["born 3"]
    assert stepped(Signatures(4, LIMITS), 10, faint, NOTHING) == []


def test_nothing_known_is_nothing_judged() -> None:
    one = Signatures(4, LIMITS)
    judged(one, 0, [WEST] * 10)
    assert judged(one, 10, [np.full(4, np.nan)] * 20) == []
