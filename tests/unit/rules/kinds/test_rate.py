"""rate: tables of readings and what is told of them. Minutes after midnight."""

from collections.abc import Mapping

import pytest

from tests.builders.kinds.table import Span, mistakes, span, tell

NAN = float("nan")
FALL = {
    "kind": '"rate"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "-6.0",
    "unit": '"bar/h"',
}
OVER = {**FALL, "over": '"20m"', "clear": '{above=-1.0, for="5m"}'}

# Rows of a zone's meter: (minute, pressure); −6 bar/h is 0.1 bar a minute.
TABLE: list[tuple[Mapping[str, str], list[tuple[float, float]], list[Span]]] = [
    (FALL, [(0, 4)], []),
    (FALL, [(0, 4), (5, 3.5)], []),  # just so fast
    (FALL, [(0, 4), (5, 3.25)], [(5, 5, None)]),
    (FALL, [(0, 4), (5, NAN), (10, 3.25)], []),  # from the last reading that was known
    (FALL, [(0, 4), (5, 3), (10, 3)], [(5, 5, 10)]),
    (FALL, [(0, 4), (5, 3), (600, NAN)], [(5, 5, None)]),
    ({**FALL, "for": '"10m"'}, [(0, 4), (5, 3), (10, 2), (15, 1)], [(5, 15, None)]),
    (OVER, [(0, 4), (9, 1)], []),  # less than half of the time to look over
    (OVER, [(0, 4), (10, 2.5)], [(10, 10, None)]),
    (OVER, [(0, 4), (20, 1)], [(20, 20, None)]),  # its beginning is in it
    (OVER, [(0, 4), (20.01, 1)], []),
    (OVER, [(0, 4), (10, 2.5), (15, 2.5), (30, 2.5)], [(10, 10, 35)]),
]


@pytest.mark.parametrize(("rule", "rows", "spans"), TABLE)
def test_spans(rule: Mapping[str, str], rows: list[tuple[float, float]], spans: list[Span]) -> None:
    told = tell(rule, "zone", [(t, 11, {"pressure": p}) for t, p in rows])
    assert [span(alert) for alert in told] == spans


@pytest.mark.parametrize(
    ("unit", "limit"), [("bar/s", 0.005), ("bar/min", 0.3), ("bar/h", 18.0), ("bar/d", 432.0)]
)
def test_it_is_told_in_the_rules_own_unit(unit: str, limit: float) -> None:
    rule = {
        **FALL,
        "below": str(-limit),
        "unit": f'"{unit}"',
    }
    rows = [(t, 11, {"pressure": p}) for t, p in ((0, 4.0), (5, 2.0), (10, 0.625))]
    (alert,) = tell(rule, "zone", rows)
    assert alert.evidence.facts["value"] == round(-limit * 4 / 3, 3)
    assert (alert.evidence.facts["from"], alert.evidence.facts["to"]) == (4.0, 2.0)
    assert (alert.evidence.facts["unit"], alert.evidence.facts["apart_s"]) == (unit, 300.0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"unit": '"bar"'}, "'bar' is no rate of pressure; one of bar/s, bar/min, bar/h, bar/d"),
        ({"unit": '"m/h"'}, "'m/h' is no rate of pressure; one of bar/s, bar/min, bar/h, bar/d"),
        ({"over": '"9m"'}, "9m is too short for 2 reports: class 'zone' has one in 5m"),
        (
            {"over": '"2h"', "below": "-21.0"},
            "can never hold: pressure changes by at most 21 bar/h over so long",
        ),
        ({"clear": "{above=-7.0}"}, "lies on the wrong side of the limit: -7 is under -6"),
    ],
)
def test_what_can_be_wrong(change: Mapping[str, str], told: str) -> None:
    assert told in [one.partition(": ")[2] for one in mistakes({**FALL, **change})]
