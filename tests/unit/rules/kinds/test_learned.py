"""learned: what does not fit the device's own past, and which metric it is."""

import numpy as np
import pytest

from kel.model.alert import Alert
from kel.model.frame import Float64
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from tests.builders.crowd import crowd
from tests.builders.rules_city import HOUR, MINUTE, at, rulebook

START = at("2026-03-02T00:00")
TRAINING, HOURS, PUMPS = 14 * 24, 44 * 24, 40
TIMES = [START + n * HOUR + 30 * MINUTE for n in range(HOURS)]
RULE = {
    "kind": '"learned"',
    "watch": '{class="pump"}',
    "metrics": '["flow", "head", "power"]',
    "every": '"1h"',
    "training": '"14d"',
    "for": '"2h"',
    "clear": '{for="2h"}',
}


def pumps(seed: int) -> dict[str, Float64]:
    """Flow as it comes; head and power follow it, but for a little noise."""
    random = np.random.default_rng(seed)
    flow = random.normal(30.0, 4.0, (PUMPS, HOURS))
    head = 70.0 - 0.5 * (flow - 30.0) + random.normal(0, 0.3, flow.shape)
    power = 8.0 + 0.15 * (flow - 30.0) + random.normal(0, 0.1, flow.shape)
    return {"flow": flow, "head": head, "power": power}


def told(values: dict[str, Float64], **more: str) -> list[list[Alert]]:
    return crowd("pump", {**RULE, **more}, TIMES, values)


def hours_of(alerts: list[list[Alert]]) -> list[int]:
    return [(to_us(a[0].detected_at) - START) // HOUR for a in alerts if a]


def test_quiet_months_raise_few_alerts() -> None:
    """Thirty days of forty pumps whose hours are independent, by the confidence."""
    counted = {c: sum(map(len, told(pumps(1), confidence=c))) for c in ("0.99", "0.999")}
    assert counted == {"0.99": 13, "0.999": 0}


@pytest.mark.parametrize(("metric", "size"), [("head", -3.0), ("power", 1.0)])
def test_a_metric_that_no_longer_fits_is_found_and_named(metric: str, size: float) -> None:
    values = pumps(2)
    values[metric][:, TRAINING + 48 : TRAINING + 96] += size
    alerts = told(values)
    assert all(a[0].evidence.metric == metric for a in alerts)
    named = [str(a[0].evidence.facts["metrics"]).split()[0] for a in alerts]
    assert named == [metric] * PUMPS
    # two spans over the limit, and the second has held for two hours
    assert np.quantile(hours_of(alerts), 0.9) <= TRAINING + 48 + 6
    cleared = [a[0].cleared_at for a in alerts]
    ends = [(to_us(c) - START) // HOUR for c in cleared if c]
    assert len(ends) == PUMPS and max(ends) <= TRAINING + 96 + 6


def test_unusual_use_is_told_by_t2_and_not_by_spe() -> None:
    values = pumps(3)
    more = np.zeros((PUMPS, HOURS))
    more[:, TRAINING + 48 : TRAINING + 96] = 25.0  # six sigmas, and head and power with it
    values = {
        "flow": values["flow"] + more,
        "head": values["head"] - 0.5 * more,
        "power": values["power"] + 0.15 * more,
    }
    assert all(told(values, statistic='"t2"', explained="0.6"))
    told_of = told(values, statistic='"spe"', explained="0.6", above="2.0")
    assert sum(map(bool, told_of)) == 0


def test_a_missing_metric_is_not_judged_and_clears_nothing() -> None:
    values = pumps(4)
    values["head"][:, TRAINING + 48 : TRAINING + 60] -= 4.0
    values["head"][:, TRAINING + 60 :] = np.nan
    alerts = told(values)
    assert all(alerts) and not any(a[0].cleared_at for a in alerts)
    values = pumps(4)
    values["head"][:, : HOURS - TRAINING + 24] = np.nan  # 13 days of the training are too few
    values["power"][:, HOURS - 48 :] += 5.0
    assert not any(told(values))


def test_what_never_varied_says_nothing() -> None:
    values = {**pumps(5), "running": np.ones((PUMPS, HOURS))}
    values["running"][:, TRAINING + 48 :] = 0.0
    assert not any(
        told(values, metrics='["flow", "head", "power", "running"]', confidence="0.9999")
    )


MISTAKES = [
    ({"metrics": '["flow", "haed"]'}, "metrics.1", "did you mean 'head'?"),
    ({"metrics": '["flow", "flow"]'}, "metrics.1", "is named twice"),
    ({"metrics": '["flow"]'}, "metrics", "2"),
    ({"watch": '{class="pump", metric="flow"}'}, "watch.metric", "has no meaning"),
    ({"training": '"8h"'}, "training", "3 metrics need three times as many"),
    ({"training": '"200d"'}, "training", "longer than the history that is kept (90d)"),
    ({"clear": "{below=1.5}"}, "clear.below", "1.5 is over 1"),
    ({"confidence": "1.0"}, "confidence", "must be under 1, not 1"),
]


@pytest.mark.parametrize(("more", "where", "what"), MISTAKES)
def test_mistakes(more: dict[str, str], where: str, what: str) -> None:
    with pytest.raises(MistakesError) as refused:
        rulebook({**RULE, **more})
    found = {m.field: m.what for m in refused.value.mistakes}
    assert what in found[f"rule.0.{where}"], found


@pytest.mark.parametrize("wild", [1e120, 1e200, 1.7e308, -1.7e308])
def test_a_past_without_measure_is_not_learned_from_until_it_is_gone(wild: float) -> None:
    values = {m: v[:2] for m, v in pumps(5).items()}
    values["head"][:, 10] = wild
    values["power"][:, TRAINING + 5 : TRAINING + 9] += 5.0  # nobody can judge it yet
    values["head"][:, TRAINING + 400 :] -= 6.0
    for alerts in told(values, confidence="0.9999"):
        (alert,) = alerts
        assert hours_of([[alert]])[0] >= TRAINING + 400
