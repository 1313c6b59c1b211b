"""drift: steps and slow drifts of a metric against its own past, and how often it cries wolf."""

from collections.abc import Sequence

import numpy as np
import pytest

from kel.model.alert import Alert
from kel.model.frame import Float64
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.crowd import crowd
from tests.builders.rules_city import DEVICES, HOUR, MINUTE, at, city, frame, rulebook

CITY = city()
START = at("2026-03-02T00:00")  # a Monday
RULE = {
    "kind": '"drift"',
    "watch": '{class="zone", metric="pressure"}',
    "every": '"1h"',
    "training": '"14d"',
    "limit": "10.0",
}
TRAINING = 14 * 24


def told(
    rule: dict[str, str], hours: Sequence[float] | Float64, flow: Sequence[float] = ()
) -> list[Alert]:
    """All that is told of hourly pressures of zm-01, last words only."""
    one = Evaluator(rulebook(rule), CITY, DEVICES)
    rows = []
    for n, pressure in enumerate(hours):
        values = {"pressure": pressure, **({"flow": flow[n]} if len(flow) else {})}
        rows.append((START + n * HOUR + 30 * MINUTE, 11, values))
    alerts = one.frame(frame("zone", rows)) + one.tick(START + len(hours) * HOUR)
    return list({a.id: a for a in alerts}.values())


def hour_of(moment: object) -> int | None:
    return None if moment is None else (to_us(moment) - START) // HOUR  # type: ignore[arg-type]


def noise(seed: int, hours: int) -> Float64:
    return np.random.default_rng(seed).normal(5.0, 0.1, hours)


# Training of 1 and −1 in turn: centre 0, σ² = 336/335; with √(1 + 1/336) a value of 3 is z = 2.991.
TURN = [1.0, -1.0] * (TRAINING // 2)


def test_the_sum_worked_by_hand() -> None:
    # z − 0.5 = 2.491 an hour: 2.5, 5.0, 7.5, 10.0 → 4 hours are 9.964 and the fifth is over 10
    alerts = told(RULE, [*TURN, 3.0, 3.0, 3.0, 3.0, 3.0, *[0.0] * 19, 0.0, 0.0])
    (alert,) = alerts
    assert hour_of(alert.started_at) == TRAINING
    assert hour_of(alert.detected_at) == TRAINING + 5
    # capped at 10, it loses 0.5 an hour (z = 0): 20 hours to nothing
    assert hour_of(alert.cleared_at) == TRAINING + 25
    assert alert.evidence.facts == {
        "value": 3.0,
        "unit": "bar",
        "shift": 3.0,
        "side": "above",
        "sum": 10.0,
        "limit": 10.0,
        "test": "cusum",
        "for_s": 0.0,
        "learned_from": "2026-03-02",  # 14 days of hours from 2 o'clock on
        "learned_until": "2026-03-16",
        "learned_readings": 336.0,
    }
    assert alert.cleared_why == "η τιμή επανήλθε στο σύνηθες επίπεδο της συσκευής"


def test_one_wild_span_is_no_drift() -> None:
    assert told(RULE, [*TURN, 500.0, 0.0, 500.0, *[0.0] * 50]) == []


@pytest.mark.parametrize(("side", "fires"), [("both", True), ("down", True), ("up", False)])
def test_sides(side: str, fires: bool) -> None:
    alerts = told({**RULE, "side": f'"{side}"'}, [*TURN, *[-3.0] * 10])
    assert bool(alerts) == fires
    assert all(a.evidence.facts["side"] == "below" for a in alerts)


HOURS = TRAINING + 30 * 24
TIMES = [START + n * HOUR + 30 * MINUTE for n in range(HOURS)]


def many(values: Float64, **more: str) -> list[list[Alert]]:
    """What is told of each device, (devices, hours), last words only."""
    return crowd("zone", {**RULE, **more}, TIMES[: values.shape[1]], {"pressure": values})


def noise_of(seed: int, devices: int) -> Float64:
    return np.random.default_rng(seed).normal(5.0, 0.1, (devices, HOURS))


def test_quiet_months_raise_few_alerts() -> None:
    """Independent hours, 30 days after the training; by the size of the limit, in sigmas."""
    crying = {
        limit: sum(bool(alerts) for alerts in many(noise_of(1, 200), limit=f"{limit}.0"))
        for limit in (6, 8, 10, 12)
    }
    assert crying == {6: 103, 8: 27, 10: 7, 12: 2}  # of 200 devices


def test_a_step_of_two_sigmas_is_found_within_a_day_and_a_slow_drift_within_twelve() -> None:
    step, drift = noise_of(2, 50), noise_of(3, 50)
    step[:, TRAINING + 24 :] += 0.2
    drift[:, TRAINING:] += 0.02 / 24 * np.arange(30 * 24)  # a fifth of a sigma a day
    found = [hour_of(alerts[-1].detected_at) or 0 for alerts in many(step)]
    assert max(found) <= TRAINING + 48
    found = [hour_of(alerts[-1].detected_at) or 0 for alerts in many(drift)]
    assert max(found) <= TRAINING + 12 * 24


def test_page_hinkley_follows_a_very_slow_rise_and_tells_a_step() -> None:
    slow, step = noise_of(4, 50), noise_of(4, 50)
    slow[:, TRAINING:] += 0.06 * np.arange(30 * 24) / (30 * 24)
    step[:, TRAINING + 24 :] += 0.2
    hinkley = {"limit": "14.0", "test": '"page_hinkley"'}
    summed, followed = many(slow, limit="14.0"), many(slow, **hinkley)
    assert sum(map(bool, summed)) > 30 > 10 > sum(map(bool, followed))
    assert all(many(step, **hinkley))


def test_the_hour_of_the_day_is_no_drift_where_it_is_learned() -> None:
    hours = np.arange(TRAINING + 20 * 24)
    course = noise(5, len(hours)) + np.where(hours % 24 < 8, 1.0, 0.0)
    rule = {**RULE, "limit": "7.0"}
    assert told(rule, course)  # nights are high for eight hours
    assert told({**rule, "normalise": '"hour"'}, course) == []
    course[TRAINING + 48 :] += 0.2
    assert told({**rule, "normalise": '"hour"'}, course)


def test_what_another_metric_explains_is_no_drift() -> None:
    flow = np.random.default_rng(6).normal(20, 3, TRAINING + 200)
    flow[TRAINING:] += 9.0  # a thirsty week
    pressure = 6.0 - 0.05 * flow + np.random.default_rng(7).normal(0, 0.02, len(flow))
    assert told(RULE, pressure.tolist(), flow.tolist())
    rule = {**RULE, "given": '"flow"'}
    assert told(rule, pressure.tolist(), flow.tolist()) == []
    pressure[TRAINING + 50 :] -= 0.1
    assert told(rule, pressure.tolist(), flow.tolist())


def test_missing_data_neither_fires_nor_clears() -> None:
    hours = [*TURN, 3.0, 3.0, *[float("nan")] * 200, 3.0, 3.0, 3.0]
    (alert,) = told(RULE, hours)
    assert hour_of(alert.detected_at) == TRAINING + 205
    assert alert.cleared_at is None


def test_it_learns_again_only_when_asked_and_never_during_an_alert() -> None:
    level = noise_of(8, 1)
    level[:, TRAINING + 24 :] += 1.0
    (alerts,) = many(level, retrain='"15d"')
    assert alerts[-1].cleared_at is None  # weeks later it is still not normal
    slow = noise_of(9, 50) + np.arange(HOURS) * 0.0001  # 0.7 σ in the thirty days
    often, once = many(slow, retrain='"14d"'), many(slow)
    assert sum(map(bool, often)) < sum(map(bool, once))


# What is written, where, and the mistake.
MISTAKES = [
    ({"training": '"100d"'}, "training", "longer than the history that is kept (90d)"),
    ({"training": '"5h"'}, "training", "holds 5 spans of `every`; at least 8"),
    ({"every": '"1m"'}, "training", "at most 4000"),
    ({"normalise": '"weekday_hour"', "training": '"10d"'}, "training", "two weekends"),
    ({"normalise": '"hour"', "every": '"2h"'}, "normalise", "no meaning"),
    ({"retrain": '"1d"'}, "retrain", "shorter than `training`"),
    ({"given": '"presure"'}, "given", "did you mean 'pressure'?"),
    ({"given": '"pressure"'}, "given", "is the metric itself"),
    ({"clear": "{below=10.0}"}, "clear.below", "must be under the limit"),
    ({"slack": "4.0"}, "slack", "can never hold"),
    ({"watch": '{class="zone"}'}, "watch.metric", "is missing"),
]


@pytest.mark.parametrize(("more", "where", "what"), MISTAKES)
def test_mistakes(more: dict[str, str], where: str, what: str) -> None:
    with pytest.raises(MistakesError) as refused:
        rulebook({**RULE, **more})
    found = {m.field: m.what for m in refused.value.mistakes}
    assert what in found[f"rule.0.{where}"], found
