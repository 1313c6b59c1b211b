"""pump_health: efficiency by itself, against the design, and against the pump's first days."""

from datetime import datetime

import pytest

from kel.model.alert import Alert
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import DEVICES, HOUR, MINUTE, at, city, frame, rulebook

CITY = city()
START = at("2026-07-01T00:00")
NAN = float("nan")
RULE = {"kind": '"pump_health"', "watch": '{class="pump"}', "every": '"1h"', "below": "0.5"}
DESIGN = {
    "kind": '"pump_health"',
    "watch": '{class="pump"}',
    "every": '"1h"',
    "curve": '{from="design", head=0.9, efficiency=0.9}',
}
HISTORY = {
    **DESIGN,
    "curve": '{from="history", head=0.9, efficiency=0.9, training="1d", bin=5.0}',
}
Reading = tuple[float, float, float, float]  # flow, head, power, running


def told(rule: dict[str, str], hours: list[Reading], number: int = 1) -> list[Alert]:
    """What is told of readings every quarter of an hour, the same for an hour; last words."""
    names = ("flow", "head", "power", "running")
    rows = [
        (START + n * HOUR + q * 15 * MINUTE, number, dict(zip(names, hour, strict=True)))
        for n, hour in enumerate(hours)
        for q in range(4)
    ]
    one = Evaluator(rulebook(rule), CITY, DEVICES)
    alerts = one.frame(frame("pump", rows)) + one.tick(START + len(hours) * HOUR)
    return list({a.id: a for a in alerts}.values())


def spans(alerts: list[Alert]) -> list[tuple[int | None, int | None]]:
    return [(_hour(a.detected_at), _hour(a.cleared_at)) for a in alerts]


def _hour(moment: datetime | None) -> int | None:
    return (to_us(moment) - START) // HOUR if moment else None


# ps-01: 40 m³/h at 100 m and 16 kW: η₁ = 0.002725 × 40 × 100 / 16 = 0.68125
WELL, WORN = (40.0, 100.0, 16.0, 1.0), (40.0, 100.0, 22.0, 1.0)  # worn: η = 0.495
STILL = (0.0, 0.0, 0.0, 0.0)


def test_efficiency_is_hydraulic_over_electric_power() -> None:
    (alert,) = told(RULE, [WELL, WORN, WORN, WELL])
    assert spans([alert]) == [(2, 4)]
    assert alert.evidence.facts == {
        "value": 0.495,
        "limit": 0.5,
        "unit": "1",
        "aspect": "efficiency",
        "efficiency": 0.495,
        "flow": 40.0,
        "head": 100.0,
        "power": 22.0,
        "for_s": 0.0,
    }


# Hours after a well one, at other flows, and what falls short of the design curve (s = 4/3):
# at 20 m³/h H = 100 × (4/3 − 1/12) = 125 m, η = 0.68125 × 0.75 = 0.511: 13.33 kW
CURVE = [
    ((20.0, 125.0, 13.3, 1.0), None),
    ((20.0, 113.0, 12.1, 1.0), None),  # over 112.5
    ((20.0, 112.0, 12.0, 1.0), "head"),
    ((20.0, 125.0, 15.0, 1.0), "efficiency_of_curve"),  # 0.454 < 0.46
    ((81.0, 10.0, 30.0, 1.0), None),  # beyond the curve: nothing is known
]


@pytest.mark.parametrize(("reading", "aspect"), CURVE)
def test_the_curve_through_the_design_point(reading: Reading, aspect: str | None) -> None:
    found = [a.evidence.facts["aspect"] for a in told(DESIGN, [WELL, reading])]
    assert found == ([aspect] if aspect else [])


def test_a_pump_without_design_figures_is_not_judged_by_them() -> None:
    assert told(DESIGN, [(20.0, 10.0, 30.0, 1.0)], number=3) == []


def test_the_curve_of_its_own_first_day() -> None:
    day: list[Reading] = [(20.0 + n % 8, 80.0, 8.0, 1.0) for n in range(24)]
    other = (33.0, 50.0, 8.0, 1.0)  # a flow that it never had
    worn = (23.0, 71.0, 8.0, 1.0)
    (alert,) = told(HISTORY, [*day, *day, other, worn, worn, day[3]], number=3)
    assert spans([alert]) == [(50, 52)]
    assert alert.evidence.facts["expected"] == 80.0
    # what it does in its first day is never held against it
    assert told(HISTORY, [*day[:12], worn, *day[:12]], number=3) == []


def test_it_is_judged_only_while_it_runs() -> None:
    rule = {**RULE, "running": '"running"'}
    idle = (40.0, 100.0, 22.0, 0.0)
    assert told(rule, [WELL, idle, idle]) == []
    (alert,) = told(rule, [WORN, STILL, STILL])
    assert alert.cleared_at is None
    assert told({**RULE, "readings": "5"}, [WORN, WORN]) == []
    nothing = (40.0, NAN, 22.0, 1.0)
    assert told(RULE, [nothing, nothing]) == []  # no head was ever known


MISTAKES = [
    (RULE, {"below": None}, "", "below or curve is missing"),
    (RULE, {"head": '"hed"'}, "head", "did you mean 'head'?"),
    (RULE, {"head": '"flow"'}, "head", "it must be in m"),
    (RULE, {"running": '"runing"'}, "running", "did you mean 'running'?"),
    (RULE, {"watch": '{class="pump", metric="flow"}'}, "watch.metric", "has no meaning"),
    (DESIGN, {"curve": '{from="design"}'}, "curve", "head or efficiency is missing"),
    (DESIGN, {"curve": '{from="design", head=0.9, bin=5.0}'}, "curve.bin", "has no meaning"),
    (DESIGN, {"watch": '{class="pump", devices=["ps-03"]}'}, "curve.from", "none of these"),
    (HISTORY, {"curve": '{from="history", head=0.9, bin=5.0}'}, "curve.training", "is missing"),
    (
        HISTORY,
        {"curve": '{from="history", head=0.9, bin=5.0, training="2h"}'},
        "curve.training",
        "under three spans",
    ),
    (
        HISTORY,
        {"curve": '{from="history", head=0.9, bin=5.0, training="99d"}'},
        "curve.training",
        "history that is kept",
    ),
]


@pytest.mark.parametrize(("rule", "more", "where", "what"), MISTAKES)
def test_mistakes(rule: dict[str, str], more: dict[str, str | None], where: str, what: str) -> None:
    with pytest.raises(MistakesError) as refused:
        rulebook({k: v for k, v in {**rule, **more}.items() if v is not None})
    found = {m.field: m.what for m in refused.value.mistakes}
    assert what in found[f"rule.0.{where}".rstrip(".")], found


@pytest.mark.parametrize("power", [5e-324, 1e-300, 0.001])
def test_a_pump_that_takes_next_to_nothing_stands_still(power: float) -> None:
    hour = (-40.0, 100.0, power, 1.0)
    assert told(RULE, [WELL, hour, hour]) == []
    assert told({**RULE, "running": '"running"'}, [WELL, hour, hour]) == []
