"""night_drift: steps and slow rises of the quiet hours, and seasons that are none."""

import numpy as np
import pytest

from kel.model.alert import Alert
from kel.model.frame import Float64
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from rules.kinds.night_drift import NightDrift
from tests.builders.crowd import crowd
from tests.builders.rules_city import DEVICES, HOUR, MINUTE, at, city, frame, rulebook

CITY = city()
DAY = 24 * HOUR
RULE = {
    "kind": '"night_drift"',
    "watch": '{class="zone", metric="flow"}',
    "window": '["02:00", "04:00"]',
    "nights": "10",
    "least_spread": "0.2",
    "step": "{above=1.5, sigmas=5.0}",
    "drift": "{slack=0.75, limit=8.0}",
    "clear": "{below=0.8}",
}
STEP = {k: v for k, v in RULE.items() if k != "drift"}
DRIFT = {k: v for k, v in RULE.items() if k != "step"}
NIGHT = at("2026-01-10T02:00+02:00")  # the first night's window, and 23 h 45 min before the second
QUARTERS = [n * 15 * MINUTE for n in range(8)]


def told(rule: dict[str, str], nights: list[float | list[float]]) -> list[Alert]:
    """What is told of zm-01 (1000 connections), last words only; a night is its flow, or those of
    its eight quarters."""
    rows = []
    for n, night in enumerate(nights):
        flows = night if isinstance(night, list) else [night] * 8
        told = zip(QUARTERS, flows, strict=False)
        rows += [(NIGHT + n * DAY + quarter, 11, {"flow": flow}) for quarter, flow in told]
        rows.append((NIGHT + n * DAY + 10 * HOUR, 11, {"flow": 30.0}))  # by day
    one = Evaluator(rulebook(rule), CITY, DEVICES)
    alerts = one.frame(frame("zone", rows)) + one.tick(NIGHT + len(nights) * DAY)
    return list({a.id: a for a in alerts}.values())


def night_of(moment: object) -> float | None:
    """Nights since the first one's begin."""
    return None if moment is None else (to_us(moment) - NIGHT) / DAY  # type: ignore[arg-type]


END = 2 / 24  # of a night, where it is told


def test_a_step_is_told_at_the_end_of_its_first_night_and_cleared_after_the_repair() -> None:
    (alert,) = told(STEP, [*[5.0] * 10, 7.0, 7.0, 7.0, 5.2])
    spans = (alert.started_at, alert.detected_at, alert.cleared_at)
    assert tuple(map(night_of, spans)) == (10, 10 + END, 13 + END)
    assert alert.evidence.facts == {
        "value": 7.0,
        "usual": 5.0,
        "excess": 2.0,
        "spread": 0.2,
        "unit": "m³/h",
        "found": "step",
        "limit": 1.5,
        "nights": 10.0,
        "for_s": 0.0,
        "learned_from": "2026-01-10",
        "learned_until": "2026-01-19",
        "learned_readings": 80.0,
    }
    assert alert.cleared_why == ("η νυχτερινή παροχή επανήλθε στο επίπεδο των προηγούμενων νυχτών")


def test_the_lowest_hour_counts_not_the_lowest_reading() -> None:
    filled = [9.0, 9.0, 5.0, 9.0, 9.0, 9.0, 9.0, 9.0]  # one quarter alone is no quiet hour
    assert told(STEP, [*[5.0] * 10, filled])[0].evidence.facts["value"] == 8.0
    quiet = [9.0, 9.0, 9.0, 5.0, 5.0, 5.0, 5.0, 9.0]
    assert told(STEP, [*[5.0] * 10, quiet]) == []


def test_a_slow_rise_is_found_where_no_single_night_is_a_step() -> None:
    """0.1 m³/h a night (half a spread): z − 0.75 of the n-th night over a median of 5 is
    0.5 n − 0.75, which sums up to 8 with the seventh: 0.25 + 0.75 + … + 2.75 = 9."""
    rise = [5.0 + 0.1 * n for n in range(1, 10)]
    rule = {**DRIFT, "clear": "{below=0.4}"}
    (alert,) = told(rule, [*[5.0] * 10, *rise, 5.1])
    assert night_of(alert.started_at) == 11  # the second night of the rise: the first is under 0
    assert night_of(alert.detected_at) == 10 + 6 + END
    assert night_of(alert.cleared_at) == 19 + END
    facts = alert.evidence.facts
    assert (facts["found"], facts["sum"], facts["limit"], facts["excess"]) == ("drift", 8, 8, 0.7)
    assert told(STEP, [*[5.0] * 10, *rise]) == []
    (late,) = told(DRIFT, [*[5.0] * 10, *rise])  # what would clear at once is not told
    assert late.evidence.facts["excess"] == 0.9


def test_a_leak_never_becomes_usual() -> None:
    (alert,) = told(RULE, [*[5.0] * 10, *[8.0] * 60])
    assert alert.cleared_at is None


def test_one_filled_pool_is_no_drift_and_with_a_time_no_step() -> None:
    nights: list[float | list[float]] = [*[5.0] * 10, 20.0, *[5.0] * 10, 20.0, 5.0]
    assert told(DRIFT, nights) == []
    assert told({**STEP, "for": '"26h"'}, nights) == []
    assert len(told(STEP, nights)) == 2


def test_nights_without_readings_are_passed_over() -> None:
    gap: list[float | list[float]] = [[], [7.0, 7.0, 7.0], [float("nan")] * 8]  # no whole hour
    assert told(STEP, [*[5.0] * 10, *gap, 5.0]) == []
    (alert,) = told(STEP, [*[5.0] * 10, 7.0, *gap, 7.0])
    assert alert.cleared_at is None
    assert told(STEP, [*[5.0] * 8, 9.0, 9.0]) == []  # too few nights to say what is usual


# 200 zones, 60 nights of which 50 are judged.
ZONES, NIGHTS = 200, 60
TIMES = [NIGHT + n * DAY + quarter for n in range(NIGHTS) for quarter in QUARTERS]


def zones(seed: int, spread: float = 0.3) -> Float64:
    """Flows of each night's quarters, (zones, nights × 8): a level, its nights, its readings."""
    random = np.random.default_rng(seed)
    nights = random.normal(5.0, spread, (ZONES, NIGHTS, 1))
    return np.asarray(nights + random.normal(0.0, 0.1, (ZONES, NIGHTS, 8)), np.float64)


def crying(flows: Float64, rule: dict[str, str]) -> list[list[Alert]]:
    return crowd("zone", rule, TIMES, {"flow": flows.reshape(ZONES, -1)})


def test_quiet_nights_raise_few_alerts() -> None:
    """Of 200 zones in 50 nights, three times."""
    by_step = [sum(map(len, crying(zones(seed), STEP))) for seed in (1, 5, 6)]
    by_drift = [sum(map(len, crying(zones(seed), DRIFT))) for seed in (1, 5, 6)]
    assert by_step == [0, 0, 0]
    assert by_drift == [1, 7, 2]  # of 30,000 zone nights


def nights_until(alerts: list[list[Alert]]) -> Float64:
    """From the 31st night until each zone's first alert; 99 where there is none."""
    nights = [night_of(a[0].detected_at) if a else None for a in alerts]
    return np.array([99.0 if n is None else n - 29.5 for n in nights])


def test_a_leak_is_a_step_in_its_first_nights_or_a_drift_in_the_next() -> None:
    step, slow = zones(2), zones(3)
    step[:, 30:] += 2.5
    slow[:, 30:] += 1.0
    by_step, by_drift = nights_until(crying(step, STEP)), nights_until(crying(slow, DRIFT))
    assert np.quantile(by_step, 0.9) <= 1
    assert np.quantile(by_drift, 0.5) <= 5 and np.quantile(by_drift, 0.9) <= 10


def test_a_season_that_is_declared_is_no_drift() -> None:
    """From June to July 3.2 to 3.8 l an hour and connection, as gardens do: day by day."""
    season = "{5=1.3, 6=1.6, 7=1.9, 8=1.9}"
    start = at("2026-05-15T02:00+03:00")
    times = [start + n * DAY + quarter for n in range(NIGHTS) for quarter in QUARTERS]
    factor = np.interp(np.arange(NIGHTS), [0.0, 31.0, 61.5], [1.3, 1.6, 1.9])
    flows = zones(4) + (2.0 * factor)[None, :, None]  # of 1000 connections
    values = {"flow": flows.reshape(ZONES, -1)}
    blind = crowd("zone", RULE, times, values)
    knowing = crowd("zone", {**RULE, "legitimate": "2.0", "season": season}, times, values)
    assert sum(map(bool, knowing)) == 0
    assert sum(map(bool, blind)) > 100


MISTAKES = [
    ({"watch": '{class="zone", metric="pressure"}'}, "watch.metric", "night flow needs a metric"),
    ({"watch": '{class="zone"}'}, "watch.metric", "is missing"),
    ({"window": '["02:00", "02:30"]'}, "window", "from one hour to twelve"),
    ({"lowest": '"3h"'}, "lowest", "longer than the window"),
    ({"lowest": '"10m"'}, "lowest", "20 minutes at least"),
    ({"clear": "{below=2.0}"}, "clear.below", "2 is over 1.5"),
    ({"unit": '"bar"'}, "unit", "must be 'm³/h'"),
    ({"nights": "2"}, "nights", "3"),
]


@pytest.mark.parametrize(("more", "where", "what"), MISTAKES)
def test_mistakes(more: dict[str, str], where: str, what: str) -> None:
    with pytest.raises(MistakesError) as refused:
        rulebook({**RULE, **more})
    found = {m.field: m.what for m in refused.value.mistakes}
    assert what in found[f"rule.0.{where}"], found


def test_numbers_in_another_unit_are_converted() -> None:
    litres = {"unit": '"l/s"', "step": "{above=0.5}", "clear": "{below=0.25}"}
    (rule,) = rulebook({**RULE, "least_spread": "0.1", **litres}).rules
    assert isinstance(rule, NightDrift) and rule.step
    assert rule.step.above == pytest.approx(1.8)
    assert rule.clear.below == pytest.approx(0.9)
    assert rule.least_spread == pytest.approx(0.36)


def test_neither_step_nor_drift_is_refused() -> None:
    with pytest.raises(MistakesError, match="step or drift is missing"):
        rulebook({k: v for k, v in RULE.items() if k not in ("step", "drift")})
