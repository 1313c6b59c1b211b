"""threshold: tables of readings and what is told of them. Minutes after midnight."""

import pytest

from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import DEVICES, MINUTE, at, city, frame, rulebook

START = at("2026-07-01T00:00")
CITY = city()
NAN = float("nan")
HEAD = {
    "kind": '"threshold"',
    "watch": '{class="pump", metric="head"}',
    "below": "0.8",
    "unit": '"1"',
    "relative_to": '"design_head"',
    "for": '"10m"',
    "clear": '{above=0.9, for="5m"}',
}
GATED = {**HEAD, "while": '{metric="running", above=0.5}'}

# Rows of a pump with a design head of 100 m: (minute, head, running); spans: (from, seen, to).
TABLE = [
    (HEAD, [(0, 79, NAN), (10, 95, NAN), (15, 95, NAN)], [(0, 10, 15)]),
    (HEAD, [(0, 80, NAN), (60, 80, NAN)], []),  # a limit is strict
    (HEAD, [(0, 79, NAN), (9, 85, NAN), (60, 85, NAN)], []),  # between ends what is pending
    (HEAD, [(0, 79, NAN), (12, 85, NAN), (99, 90, NAN)], [(0, 10, None)]),  # not over 90
    (HEAD, [(0, 79, NAN), (5, NAN, NAN), (30, 95, NAN), (31, NAN, 1)], [(0, 10, 35)]),
    (GATED, [(0, 79, 1), (10, 79, 1)], [(0, 10, None)]),
    (GATED, [(0, 79, 1), (5, 79, 0), (6, 79, 1), (15, 95, 1)], []),  # stood still meanwhile
    (GATED, [(0, 79, 0), (60, 79, 0)], []),
    (GATED, [(0, NAN, 1), (1, 79, NAN), (11, NAN, 1)], [(1, 11, None)]),  # last known holds
    (GATED, [(0, 79, 1), (12, 0, 0), (90, 0, 0)], [(0, 10, None)]),  # standing clears nothing
    (GATED, [(0, 79, 1), (12, 95, 1), (14, 95, 0), (20, 95, 1)], [(0, 10, 25)]),
    (GATED, [(0, 79, NAN), (60, 79, NAN)], []),  # nobody knows whether it runs
]


@pytest.mark.parametrize(("rule", "rows", "spans"), TABLE)
def test_spans(
    rule: dict[str, str],
    rows: list[tuple[int, float, float]],
    spans: list[tuple[int, int, int | None]],
) -> None:
    one = Evaluator(rulebook(rule), CITY, DEVICES)
    told = [(START + t * MINUTE, 1, {"head": h, "running": r}) for t, h, r in rows]
    alerts = one.frame(frame("pump", told)) + one.tick(START + 100 * MINUTE)
    last = {a.id: a for a in alerts}.values()
    minutes = [
        tuple(
            (to_us(m) - START) // MINUTE if m else None
            for m in (a.started_at, a.detected_at, a.cleared_at)
        )
        for a in last
    ]
    assert minutes == spans


def test_a_device_without_the_attribute_is_not_judged() -> None:
    one = Evaluator(rulebook({**HEAD, "for": '"0s"'}), CITY, DEVICES)
    rows = [(START, n, {"head": 45.0}) for n in (1, 2, 3)]  # design 100 m, 50 m, unknown
    assert [a.device for a in one.frame(frame("pump", rows))] == ["ps-01"]


def test_evidence_of_a_ratio_keeps_what_was_measured() -> None:
    one = Evaluator(rulebook(HEAD), CITY, DEVICES)
    told = [(START, 1, {"head": 75.0}), (START + 5 * MINUTE, 1, {"head": 62.5})]
    assert one.frame(frame("pump", told)) == []
    (alert,) = one.tick(START + 10 * MINUTE)
    assert alert.evidence.facts == {
        "value": 0.625,
        "side": "below",
        "limit": 0.8,
        "unit": "1",
        "for_s": 600.0,
        "measured": 62.5,
        "reference": 100.0,
    }
