"""repeated: tables of readings and what is told of them. Minutes after midnight."""

from collections.abc import Mapping

import pytest

from rules.evaluate import Evaluator
from tests.builders.kinds.table import CITY, START, Span, mistakes, span, tell
from tests.builders.rules_city import DEVICES, MINUTE, frame, rulebook

NAN = float("nan")
ROW = {
    "kind": '"repeated"',
    "watch": '{class="lamp", metric="failure"}',
    "times": "3",
    "in_a_row": "true",
    "above": "0.5",
    "unit": '"0/1"',
}
WITHIN = {k: v for k, v in ROW.items() if k != "in_a_row"} | {"within": '"30m"'}
EDGES = {**WITHIN, "edges": "true", "clear": '{for="10m"}'}

# Rows of a lamp: what it said each 5 minutes from minute 0 on.
TABLE: list[tuple[Mapping[str, str], list[float], list[Span]]] = [
    (ROW, [1, 1, 0, 1, 1], []),
    (ROW, [0, 1, 1, 1], [(5, 15, None)]),
    (ROW, [1, NAN, 1, NAN, 1, 1], [(0, 20, None)]),  # a row without it breaks nothing
    (ROW, [1, 1, 1, 0, 1, 1, 1, 1], [(0, 10, 15), (20, 30, None)]),
    ({**ROW, "clear": '{below=0.5, for="10m"}'}, [1, 1, 1, 0, 1, 0, 0, 0], [(0, 10, 35)]),
    (WITHIN, [1, 0, 1, 0, 0, 1], [(0, 25, 55)]),
    (WITHIN, [1, 0, 1, 0, 0, 0, 1], []),  # the first is just 30 minutes old
    (WITHIN, [1, 1, 1, 1, 0, 0, 0, 1], [(0, 10, 65)]),  # 30 minutes after the last
    (EDGES, [1, 1, 1, 1, 1], []),  # it stands open
    (EDGES, [1, 0, 1, 0, 1, 0], []),  # nobody saw the first one open
    (EDGES, [0, 1, 0, 1, 0, 1, 1, 1], [(5, 25, 35)]),
]


@pytest.mark.parametrize(("rule", "said", "spans"), TABLE)
def test_spans(rule: Mapping[str, str], said: list[float], spans: list[Span]) -> None:
    rows = [(5.0 * n, 21, {"failure": value}) for n, value in enumerate(said)]
    assert [span(alert) for alert in tell(rule, "lamp", rows)] == spans


def test_evidence_tells_how_often_within_what() -> None:
    rows = [(5.0 * n, 21, {"failure": 1.0}) for n in range(3)]
    (alert,) = tell(WITHIN, "lamp", rows, until=20)
    assert alert.evidence.facts == {
        "value": 1.0,
        "side": "above",
        "limit": 0.5,
        "unit": "0/1",
        "times": 3.0,
        "within_s": 1800.0,
    }


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({**ROW, "within": '"1h"'}, "within: has no meaning beside in_a_row"),
        (
            {**ROW, "edges": "true"},
            "edges: has no meaning beside in_a_row: an edge is one reading",
        ),
        ({**ROW, "in_a_row": "false"}, "rule.0: either within or in_a_row is missing"),
        (
            {**WITHIN, "clear": "{below=0.2}"},
            "clear.below: has no meaning beside within: it clears when nothing comes for clear.for",
        ),
        ({**WITHIN, "within": '"99d"'}, "within: 99d is longer than 31d"),
        ({**WITHIN, "above": "1.0"}, "above: can never hold: failure is at most 1 0/1"),
        ({**ROW, "times": "1"}, "times: must be at least 2, not 1"),
    ],
)
def test_what_can_be_wrong(rule: Mapping[str, str], told: str) -> None:
    assert told in mistakes(rule)


@pytest.mark.parametrize(("rule", "cleared"), [(ROW, 50), (WITHIN, 45)])
def test_an_alert_of_an_earlier_wording_is_taken_over_and_clears(
    rule: Mapping[str, str], cleared: float
) -> None:
    earlier = Evaluator(rulebook(rule), CITY, DEVICES)
    (fired,) = earlier.frame(
        frame("lamp", [(START + n * 5 * MINUTE, 21, {"failure": 1.0}) for n in range(3)])
    )
    one = Evaluator(rulebook({**rule, "times": "4"}), CITY, DEVICES)
    one.load(earlier.state())
    told = one.frame(frame("lamp", [(START + 15 * MINUTE, 21, {"failure": 1.0})]))
    told += one.frame(frame("lamp", [(START + 50 * MINUTE, 21, {"failure": 0.0})]))
    told += one.tick(START + 60 * MINUTE)
    assert [(alert.id, span(alert)) for alert in told] == [(fired.id, (0, 10, cleared))]
