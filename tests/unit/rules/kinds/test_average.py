"""average: tables of readings and what is told of them. Minutes after midnight."""

from collections.abc import Mapping

import pytest

from tests.builders.kinds.table import Span, mistakes, span, tell

NAN = float("nan")
MEAN = {
    "kind": '"average"',
    "watch": '{class="zone", metric="pressure"}',
    "window": '"10m"',
    "below": "2.0",
    "unit": '"bar"',
}
HELD = {**MEAN, "for": '"10m"', "clear": '{above=3.0, for="5m"}'}

# Rows of a zone's meter: (minute, pressure).
TABLE: list[tuple[Mapping[str, str], list[tuple[float, float]], list[Span]]] = [
    (MEAN, [(0, 1)], [(0, 0, None)]),  # the first reading is its own mean
    (MEAN, [(0, 3), (5, 1)], []),  # 2.0 is not below 2.0
    (MEAN, [(0, 3), (5, 1), (9.99, 1), (10, 1)], [(9.99, 9.99, None)]),
    (MEAN, [(0, 3), (5, 1), (10, 2)], [(10, 10, None)]),  # at 10 that of 0 has left the window
    (MEAN, [(0, 1), (5, NAN), (600, NAN)], [(0, 0, None)]),  # silence changes no mean
    (MEAN, [(0, 1), (600, 2)], [(0, 0, 600)]),
    ({**MEAN, "readings": "2"}, [(0, 1), (20, 1), (25, 1)], [(25, 25, None)]),
    (HELD, [(0, 1), (5, 2), (9, 5), (30, 1)], [(30, 40, None)]),  # at 9 the mean was over it
    (HELD, [(0, 1), (9, 4), (15, 5), (30, 5)], []),
    (HELD, [(0, 1), (5, 2), (20, 2.5), (40, 4)], [(0, 10, 45)]),
]


@pytest.mark.parametrize(("rule", "rows", "spans"), TABLE)
def test_spans(rule: Mapping[str, str], rows: list[tuple[float, float]], spans: list[Span]) -> None:
    told = tell(rule, "zone", [(t, 11, {"pressure": p}) for t, p in rows])
    assert [span(alert) for alert in told] == spans


def test_evidence_tells_the_mean_of_what() -> None:
    (alert,) = tell(HELD, "zone", [(t, 11, {"pressure": p}) for t, p in ((0, 1.0), (8, 2.0))])
    assert alert.evidence.facts == {
        "value": 1.5,
        "side": "below",
        "limit": 2.0,
        "unit": "bar",
        "window_s": 600.0,
        "for_s": 600.0,
        "readings": 2.0,
        "last": 2.0,
    }
    assert (alert.started_at - alert.evidence.since).total_seconds() == 600


def test_a_reading_too_great_to_be_summed_exactly_is_left_out() -> None:
    rows = [(0, 1, {"flow": 1.0}), (1, 1, {"flow": 1e12}), (2, 1, {"flow": 3.0})]
    rule = {**MEAN, "watch": '{class="pump", metric="flow"}', "below": "2.5", "unit": '"m³/h"'}
    assert [span(alert) for alert in tell(rule, "pump", rows)] == [(0, 0, None)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"window": '"4m"'}, "window: 4m is too short for a report: class 'zone' has one in 5m"),
        ({"window": '"32d"'}, "window: 32d is longer than 31d"),
        ({"readings": "3"}, "readings: can never hold in 10m: class 'zone' has one in 5m"),
        ({"below": "-1.0"}, "below: can never hold: pressure is at least -1 bar"),
        ({"clear": "{above=20.0}"}, "clear.above: can never hold: pressure is at most 20 bar"),
        ({"watch": '{class="zone"}'}, "watch.metric: is missing"),
        ({"above": "3.0"}, "below: both above and below; a rule has one limit"),
    ],
)
def test_what_can_be_wrong(change: Mapping[str, str], told: str) -> None:
    assert told in mistakes({**MEAN, **change})
