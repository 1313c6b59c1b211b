"""compare: lamps beside the others of their line, and under their cabinet. Minutes."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kel.model.alert import Alert
from kel.model.mistake import MistakesError
from rules.evaluate import Evaluator
from tests.builders.kinds.table import CITY, START, Span, mistakes, span, tell
from tests.builders.rules_city import DEVICES, MINUTE, city, device, frame, rulebook

PEERS = {
    "kind": '"compare"',
    "watch": '{class="lamp", metric="power"}',
    "against": '"feeder"',
    "by": '"ratio"',
    "below": "0.5",
    "unit": '"1"',
    "fresh": '"20m"',
    "peers": "2",
}
APART = {**PEERS, "by": '"difference"', "below": "-15.0", "unit": '"W"'}
PARENT = {
    **{name: text for name, text in PEERS.items() if name != "peers"},
    "against": '"parent"',
    "other": '{class="feeder", metric="voltage", above=180.0}',
    "by": '"value"',
    "below": "5.0",
    "unit": '"W"',
}

# Rows of the lamps 21–24 of one line and 31 of another: (minute, lamp, power).
TABLE: list[tuple[Mapping[str, str], list[tuple[float, int, float]], list[tuple[int, Span]]]] = [
    (PEERS, [(0, 22, 30), (0, 23, 30), (1, 21, 10)], [(21, (1, 1, None))]),
    (PEERS, [(0, 22, 30), (0, 23, 30), (1, 21, 15)], []),  # half is not less than half
    (PEERS, [(0, 22, 30), (1, 21, 10)], []),  # one other is too few
    (PEERS, [(0, 22, 30), (0, 31, 30), (1, 21, 10)], []),  # of another line
    (PEERS, [(0, 39, 30), (0, 23, 30), (1, 21, 10)], []),  # of none
    (PEERS, [(0, 22, 30), (0, 23, 30), (20, 21, 10)], [(21, (20, 20, None))]),
    (PEERS, [(0, 22, 30), (0, 23, 30), (20.1, 21, 10)], []),  # too old to compare with
    (PEERS, [(1, 21, 10), (1, 22, 30), (1, 23, 30)], [(21, (1, 1, None))]),  # of one moment
    (PEERS, [(0, 21, 10), (1, 22, 30), (1, 23, 30)], []),  # nobody knew of the others then
    (PEERS, [(0, 22, 30), (0, 23, 9), (0, 24, 30)], [(23, (0, 0, None))]),
    (PEERS, [(0, 22, 30), (0, 23, 20), (0, 24, 40), (1, 21, 14)], [(21, (1, 1, None))]),
    (PEERS, [(0, 22, 0), (0, 23, 0), (1, 21, 10)], []),  # no ratio to nothing
    (PEERS, [(0, 22, 30), (0, 23, 30), (1, 21, 10), (3, 21, 30)], [(21, (1, 1, 3))]),
    (APART, [(0, 22, 30), (0, 23, 40), (1, 21, 19)], [(21, (1, 1, None))]),  # 16 W under 35
    (APART, [(0, 22, 30), (0, 23, 40), (1, 21, 20)], []),
]


@pytest.mark.parametrize(("rule", "rows", "spans"), TABLE)
def test_spans_beside_peers(
    rule: Mapping[str, str],
    rows: list[tuple[float, int, float]],
    spans: list[tuple[int, Span]],
) -> None:
    told = tell(rule, "lamp", [(t, n, {"power": p}) for t, n, p in rows])
    found = [(CITY.devices[alert.device].number, span(alert)) for alert in told]
    assert sorted(found) == sorted(spans)


def judged(rows: list[tuple[float, int, str, float]]) -> list[Alert]:
    """Under a cabinet, one frame a row, in the order given, and one tick."""
    one, told = Evaluator(rulebook(PARENT), CITY, DEVICES), []
    for minute, number, metric, value in rows:
        cls = "feeder" if metric == "voltage" else "lamp"
        time = START + round(minute * MINUTE)
        told += one.frame(frame(cls, [(time, number, {metric: value})]))
    told += one.tick(START + 1000 * MINUTE)
    return list({alert.id: alert for alert in told}.values())


@pytest.mark.parametrize(
    ("rows", "spans"),
    [
        ([(0, 51, "voltage", 230), (1, 21, "power", 2)], [(1, 1, None)]),
        ([(1, 21, "power", 2), (0, 51, "voltage", 230)], [(1, 1, None)]),  # told later
        ([(0, 51, "voltage", 230), (1, 21, "power", 30)], []),
        ([(0, 51, "voltage", 0), (1, 21, "power", 2)], []),  # no wonder
        ([(0, 52, "voltage", 230), (1, 21, "power", 2)], []),  # another cabinet
        ([(0, 51, "voltage", 230), (1, 39, "power", 2)], []),  # of no cabinet
        ([(0, 51, "voltage", 230), (21, 21, "power", 2)], []),  # too old
        ([(2, 51, "voltage", 230), (1, 21, "power", 2)], []),  # not yet known
        (
            [
                (0, 51, "voltage", 230),
                (1, 21, "power", 2),
                (2, 51, "voltage", 0),
                (3, 21, "power", 0),
                (4, 51, "voltage", 230),
                (5, 21, "power", 30),
            ],
            [(1, 1, 5)],
        ),
    ],
)
def test_spans_under_a_parent(rows: list[tuple[float, int, str, float]], spans: list[Span]) -> None:
    assert [span(alert) for alert in judged(rows)] == spans


def test_evidence_tells_with_whom_it_was_compared() -> None:
    rows = [(0.0, 22, {"power": 30.0}), (0.0, 23, {"power": 20.0}), (1.0, 21, {"power": 5.0})]
    (alert,) = tell(PEERS, "lamp", rows)
    assert alert.evidence.facts == {
        "value": 0.2,
        "side": "below",
        "limit": 0.5,
        "unit": "1",
        "by": "ratio",
        "measured": 5.0,
        "reference": 25.0,
        "against": "feeder",
        "for_s": 0.0,
        "peers": 2.0,
    }
    (alert,) = judged([(0, 51, "voltage", 230), (1, 21, "power", 2)])
    assert (alert.evidence.facts["reference"], alert.evidence.facts["other"]) == (230.0, "fc-01")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({**PEERS, "against": '"zone"'}, "against: none of these devices has a zone"),
        (
            {**PEERS, "peers": "4"},
            "peers: can never hold: no feeder has more than 3 others, 4 are needed",
        ),
        ({**PEERS, "fresh": '"1m"'}, "fresh: 1m is too short for a report"),
        ({**PEERS, "by": '"value"'}, "by: against others it must be difference or ratio"),
        ({**PEERS, "unit": '"W"'}, "unit: must be '1', not 'W'"),
        (
            {**PEERS, "other": '{class="feeder", metric="voltage"}'},
            "other: has no meaning but against a parent",
        ),
        (
            {**PEERS, "against": '"community"'},
            "against: devices of two partitions are never judged together: la-01-1 is in "
            "'feeder:f01', la-02-1 in 'feeder:f02'",
        ),
        ({**PARENT, "peers": "2"}, "peers: has no meaning against a parent"),
        (
            {**PARENT, "other": '{class="feeder", metric="voltage"}'},
            "other: above or below is missing",
        ),
        (
            {**PARENT, "other": '{class="feder", metric="voltage"}'},
            "other.class: unknown class 'feder'; did you mean 'feeder'?",
        ),
        (
            {**PARENT, "other": '{class="feeder", metric="power"}'},
            "other.metric: unknown metric of class 'feeder' 'power'",
        ),
        (
            {**PARENT, "by": '"ratio"', "unit": '"1"'},
            "by: power is in W, voltage in V; compare by value",
        ),
        (
            {**PARENT, "other": '{class="pump", metric="head", above=1.0}'},
            "other.class: none of these devices has a parent of class 'pump'",
        ),
        (
            {name: text for name, text in PARENT.items() if name != "other"},
            "rule.0: other is missing",
        ),
    ],
)
def test_what_can_be_wrong(rule: Mapping[str, str], told: str) -> None:
    assert any(one.startswith(told) for one in mistakes(rule)), mistakes(rule)


def test_a_parent_in_another_partition_is_refused() -> None:
    lamp = device(90, "la-03-1", "lamp", feeder="f02", parent="fc-01")
    other = city([replace(d, parent=None) if d.cls == "lamp" else d for d in DEVICES] + [lamp])
    with pytest.raises(MistakesError, match="la-03-1 is in 'feeder:f02', fc-01 in 'feeder:f01'"):
        rulebook(PARENT, of=other)


def test_a_partition_without_a_parent_judges_nothing() -> None:
    lamps = [d for d in DEVICES if d.cls == "lamp"]
    one = Evaluator(rulebook(PARENT), CITY, lamps)
    assert one.frame(frame("lamp", [(START + MINUTE, 21, {"power": 2.0})])) == []
    assert one.tick(START + 2 * MINUTE) == []
