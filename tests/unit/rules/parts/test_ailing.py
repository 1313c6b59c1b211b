"""What happened while a rule learned: other rules say so, and it is not taken as normal."""

import numpy as np
import pytest

from kel.model.alert import Alert
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import (
    DEVICES,
    HOUR,
    MINUTE,
    at,
    city,
    frame,
    overridden,
    rulebook,
)

CITY = city()
START = at("2026-03-02T00:00")
LOW = {
    "id": '"low"',
    "kind": '"threshold"',
    "watch": '{class="pump", metric="head"}',
    "below": "45.0",
    "unit": '"m"',
    "tells": "false",
}
DRIFT = {
    "kind": '"drift"',
    "watch": '{class="pump", metric="head"}',
    "every": '"1h"',
    "training": '"48h"',
    "side": '"down"',
    "limit": "10.0",
}
LEARNED = {
    "kind": '"learned"',
    "watch": '{class="pump"}',
    "metrics": '["flow", "head"]',
    "every": '"1h"',
    "training": '"48h"',
    "above": "1.5",
}
CURVE = '{from="history", head=0.8, training="48h", bin=100.0}'
PUMP = {"kind": '"pump_health"', "watch": '{class="pump"}', "every": '"1h"', "curve": CURVE}
RULES = {"drift": DRIFT, "learned": LEARNED, "pump_health": PUMP}


def told(
    *rules: dict[str, str], heads: list[float], ticks: int = 1, other: float | None = None
) -> list[Alert]:
    """What is told of hourly means of ps-01's head; a tick every so many hours. `other`: what ps-02
    has all the time."""
    one = Evaluator(rulebook(*rules), CITY, DEVICES)
    rng = np.random.default_rng(3)
    alerts: list[Alert] = []
    for n, head in enumerate(heads):
        hour = START + n * HOUR
        rows = [
            (hour + q * 15 * MINUTE, 1, {"flow": 30.0 + x, "head": head + x / 4, "power": 9.0})
            for q, x in enumerate(rng.normal(0.0, 1.0, 4).tolist())
        ]
        if other is not None:
            rows += [(time, 2, {**values, "head": other}) for time, _, values in rows]
        alerts += one.frame(frame("pump", rows))
        alerts += one.tick(hour + HOUR) if n % ticks == ticks - 1 else []
    alerts += one.tick(START + len(heads) * HOUR + 1)
    return list({a.id: a for a in alerts}.values())


# A pump that fails for the second half of its training, is mended, and fails again.
FAILING = [50.0] * 24 + [35.0] * 24 + [50.0] * 40 + [35.0] * 12


@pytest.mark.parametrize("kind", RULES)
def test_a_failure_in_the_training_is_not_normal_where_another_rule_tells_it(kind: str) -> None:
    rule = RULES[kind]
    assert told(LOW, rule, heads=FAILING) == []  # blind: this is how it was
    (alert,) = told(LOW, {**rule, "unless": '["low"]'}, heads=FAILING)
    assert (to_us(alert.detected_at) - START) // HOUR in range(88, 100)
    # 48 good hours, the 24 bad ones in between left out
    assert alert.evidence.facts["learned_until"] == "2026-03-05"
    assert alert.evidence.facts["learned_readings"] == pytest.approx(4 * 48, abs=12)


@pytest.mark.parametrize("kind", RULES)
def test_how_often_ticks_come_changes_nothing(kind: str) -> None:
    rule = {**RULES[kind], "unless": '["low"]'}
    often, seldom = (told(LOW, rule, heads=FAILING, ticks=n) for n in (1, 30))
    assert [(a.started_at, a.detected_at, a.evidence) for a in often] == [
        (a.started_at, a.detected_at, a.evidence) for a in seldom
    ]
    assert often


def test_who_is_ill_is_nobody_else() -> None:
    """ps-02 is low all the time: ps-01 learns in its own 48 hours."""
    heads = [50.0] * 49 + [35.0] * 8
    rule = {**DRIFT, "unless": '["low"]'}
    alone, both = told(LOW, rule, heads=heads), told(LOW, rule, heads=heads, other=35.0)
    assert [a.device for a in alone] == [a.device for a in both] == ["ps-01"]
    assert alone[0].detected_at == both[0].detected_at


def test_its_own_alert_makes_the_training_of_a_curve_longer() -> None:
    """The first two days count without the hours under `below`."""
    rule = {**PUMP, "below": "0.35"}  # 50 m: 0.45, 35 m: 0.32
    found = told(rule, heads=[50.0] * 32 + [35.0] * 16 + [50.0] * 40 + [39.5] * 4)
    assert [(a.evidence.facts["aspect"], to_us(a.detected_at)) for a in found] == [
        ("efficiency", START + 33 * HOUR),
        ("head", START + 89 * HOUR),
    ]
    assert found[1].evidence.facts["expected"] == pytest.approx(50.0, abs=0.1)


def test_a_floor_of_the_design_holds_where_the_pump_was_bad_from_its_first_day() -> None:
    """ps-01 is bought for 40 m³/h at 100 m: at 30 m³/h the curve has 114.6 m."""
    assert told(PUMP, heads=[50.0] * 60) == []
    (alert,) = told({**PUMP, "curve": CURVE[:-1] + ", floor=0.75}"}, heads=[50.0] * 60)
    facts = alert.evidence.facts
    assert facts["expected"] == pytest.approx(0.75 * 114.6, abs=1.0)
    assert facts["limit"] == pytest.approx(0.8 * float(facts["expected"]), abs=0.01)
    good = told({**PUMP, "curve": CURVE[:-1] + ", floor=0.4}"}, heads=[50.0] * 60)
    assert good == []  # what it does itself is more


MISTAKES = [
    (DRIFT, {"unless": '["lo"]'}, "unless.0", "did you mean 'low'?"),
    (DRIFT, {"unless": '"nobody"'}, "unless", "unknown rule 'nobody'"),
    (DRIFT, {"unless": '["r1"]'}, "unless.0", "runs in a circle: r1 → r1"),
    (
        DRIFT,
        {"watch": '{class="zone", metric="flow"}', "unless": '"low"'},
        "unless",
        "class 'pump'",
    ),
    (DRIFT, {"learn_from": '"2026-13-01"'}, "learn_from", "write it as in 2026-11-01"),
    (DRIFT, {"learn_from": "2026-11-01T08:00:00"}, "learn_from", "write it as in 2026-11-01"),
    (PUMP, {"curve": '{from="design", head=0.9}', "unless": '"low"'}, "unless", "no meaning"),
    (PUMP, {"curve": '{from="design", head=0.9, floor=0.5}'}, "curve.floor", "no meaning"),
    (PUMP, {"curve": CURVE[:-1] + ", shut_off=1.2}"}, "curve.shut_off", "without a floor"),
    (LOW, {"id": '"r1"', "learn_from": "2026-11-01"}, "learn_from", "unknown field"),
]


@pytest.mark.parametrize(("rule", "more", "where", "what"), MISTAKES)
def test_mistakes(rule: dict[str, str], more: dict[str, str], where: str, what: str) -> None:
    with pytest.raises(MistakesError) as refused:
        rulebook(LOW, {**rule, **more})
    found = {m.field: m.what for m in refused.value.mistakes}
    assert what in found[f"rule.1.{where}"], found


def test_who_is_heard_is_not_overridden() -> None:
    with pytest.raises(MistakesError, match=r"override\.0\.unless: is what the rule is"):
        overridden([LOW, DRIFT], {"devices": '"ps-01"', "unless": '"low"'})
