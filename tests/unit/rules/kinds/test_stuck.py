"""stuck: tables of readings and what is told of them. Minutes after midnight."""

from collections.abc import Mapping

import pytest

from tests.builders.kinds.table import Span, mistakes, span, tell

NAN = float("nan")
FLOW = {
    "kind": '"stuck"',
    "watch": '{class="pump", metric="flow"}',
    "after": '"10m"',
    "unit": '"m³/h"',
}
NEAR = {**FLOW, "tolerance": "1.0"}
GATED = {**FLOW, "while": '{metric="running", above=0.5}'}

# Rows of a pump: (minute, flow, running).
TABLE: list[tuple[Mapping[str, str], list[tuple[float, float, float]], list[Span]]] = [
    (FLOW, [(0, 7, 1), (5, 7, 1), (9, 7, 1)], []),
    (FLOW, [(0, 7, 1), (5, 7, 1), (10, 7, 1)], [(0, 10, None)]),
    (FLOW, [(0, 7, 1), (900, NAN, 1)], []),  # silence is no value that stands still
    (FLOW, [(0, 7, 1), (10, 7, 1), (15, 7, 1)], []),  # ten minutes of which nobody knows
    (FLOW, [(0, 7, 1), (5, 7, 1), (6, 8, 1), (12, 8, 1)], []),
    (FLOW, [(0, 7, 1), (5, 7, 1), (12, 7, 1), (13, 8, 1)], [(0, 12, 13)]),
    (FLOW, [(0, 7, 1), (5, 7, 1), (12, 7, 1), (50, 7, 1), (51, 8, 1)], [(0, 12, 51)]),
    (NEAR, [(0, 7, 1), (5, 8, 1), (10, 6, 1)], [(0, 10, None)]),
    (NEAR, [(0, 7, 1), (4, 7.9, 1), (8, 8.8, 1), (12, 9.7, 1)], []),  # it creeps
    (NEAR, [(0, 7, 1), (4, 7.9, 1), (8, 8.8, 1), (18, 9.7, 1), (19, 9, 1)], []),
    (NEAR, [(0, 7, 1), (4, 7.9, 1), (8, 8.8, 1), (17, 9.7, 1), (18, 9, 1)], [(8, 18, None)]),
    (GATED, [(0, 0, 0), (5, 0, 0), (10, 0, 0)], []),
    (GATED, [(0, 7, 1), (5, 7, 0), (9, 7, 1), (15, 7, 1)], []),
    (GATED, [(0, 7, 1), (5, 7, 0), (9, 7, 1), (15, 7, 1), (19, 7, 1)], [(9, 19, None)]),
    (GATED, [(0, 7, 1), (5, 7, 1), (10, 7, 1), (12, 0, 0), (14, 9, 1)], [(0, 10, 14)]),
    (GATED, [(0, 7, NAN), (5, 7, NAN), (10, 7, NAN)], []),  # nobody knows whether it runs
]


@pytest.mark.parametrize(("rule", "rows", "spans"), TABLE)
def test_spans(
    rule: Mapping[str, str], rows: list[tuple[float, float, float]], spans: list[Span]
) -> None:
    told = tell(rule, "pump", [(t, 1, {"flow": f, "running": r}) for t, f, r in rows])
    assert [span(alert) for alert in told] == spans


def test_evidence_tells_how_many_readings_stood_still() -> None:
    (alert,) = tell(FLOW, "pump", [(t, 1, {"flow": 7.0}) for t in (0, 4, 8, 12)])
    facts = alert.evidence.facts
    assert (facts["value"], facts["readings"], facts["after_s"]) == (7.0, 4.0, 600.0)
    assert alert.evidence.since == alert.started_at


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"after": '"9m"'}, "after: 9m is too short for 2 reports: class 'pump' has one in 5m"),
        (
            {
                "watch": '{class="pump", metric="running"}',
                "unit": '"0/1"',
                "tolerance": "1.0",
            },
            "tolerance: can never clear: running lies in 0 … 1 0/1",
        ),
        ({"while": '{metric="runing", above=0.5}'}, "did you mean 'running'?"),
        ({"while": '{metric="running"}'}, "while: above or below is missing"),
        ({"watch": '{class="pump"}'}, "watch.metric: is missing"),
    ],
)
def test_what_can_be_wrong(change: Mapping[str, str], told: str) -> None:
    assert any(told in one for one in mistakes({**FLOW, **change}))
