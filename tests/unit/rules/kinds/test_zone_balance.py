"""zone_balance: what goes in, what comes out, and windows of which a part is not known."""

from dataclasses import replace

import pytest

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import DEVICES, HOUR, MINUTE, at, city, frame, rulebook

CITY = city()
START = at("2026-07-01T00:00")
IN, OUT, USED, OTHER = 11, 81, 82, 83  # all of z01
RULE = {
    "kind": '"zone_balance"',
    "watch": '{class="zone", metric="flow"}',
    "outflow": '{class="meter", metric="flow", devices=["wm-01"]}',
    "consumption": '{class="meter", metric="volume", devices=["wm-02", "wm-03"]}',
    "window": '"1h"',
    "fresh": '"15m"',
    "above": "3.0",
    "clear": "{below=1.0}",
}
FLOWS = {
    **RULE,
    "consumption": '{class="meter", metric="flow", devices=["wm-02", "wm-03"]}',
}


def told(rule: dict[str, str], hours: list[dict[int, float]]) -> list[Alert]:
    """What is told of mean flows, by meter, hour by hour, read every ten minutes; last words.

    Consumption is read as flow, and as a counter that has grown by as much.
    """
    one = Evaluator(rulebook(rule), CITY, DEVICES)
    counted = {USED: 500.0, OTHER: 7.0}
    alerts: list[Alert] = []
    for n in range(len(hours) * 6 + 1):
        now = START + n * 10 * MINUTE
        meters = hours[min(n // 6, len(hours) - 1)]
        before = hours[max(n - 1, 0) // 6]
        for number in counted:
            counted[number] += before.get(number, 0.0) / 6 if n else 0.0
        values = {m: {"flow": f, "volume": counted.get(m, 0.0)} for m, f in meters.items()}
        alerts += one.frame(frame("zone", [(now, m, v) for m, v in values.items() if m == IN]))
        alerts += one.frame(frame("meter", [(now, m, v) for m, v in values.items() if m != IN]))
        alerts += one.tick(now)
    alerts += one.tick(START + len(hours) * HOUR + 30 * MINUTE)
    return list({a.id: a for a in alerts}.values())


def minutes(alert: Alert) -> tuple[int, int | None]:
    ends = (alert.detected_at, alert.cleared_at)
    found = [(to_us(m) - START) // MINUTE if m else None for m in ends]
    return found[0] or 0, found[1]


EVEN = {IN: 20.0, OUT: 6.0, USED: 9.0, OTHER: 4.5}  # 0.5 m³/h are not accounted for
LOST = {**EVEN, IN: 24.0}


@pytest.mark.parametrize(("rule", "wait"), [(FLOWS, 0), (RULE, 15)])
def test_a_balance_worked_by_hand(rule: dict[str, str], wait: int) -> None:
    """Flows are settled at the window's end, counters when the last difference must be in."""
    (alert,) = told(rule, [EVEN, LOST, LOST, EVEN, EVEN])
    assert minutes(alert) == (120 + wait, 240 + wait)
    assert alert.device == "zm-01"
    assert alert.evidence.facts == {
        "value": 4.5,
        "limit": 3.0,
        "unit": "m³/h",
        "balance": 4.5,
        "share": 0.188,
        "inflow": 24.0,
        "outflow": 6.0,
        "consumption": 13.5,
        "covered": 1.0,
        "skipped": 0.0,
        "for_s": 0.0,
    }


@pytest.mark.parametrize(("share", "fires"), [("0.18", True), ("0.19", False)])
def test_a_share_of_the_inflow(share: str, fires: bool) -> None:
    rule = {**FLOWS, "share": share}
    assert bool(told(rule, [EVEN, LOST, EVEN])) == fires
    del rule["above"], rule["clear"]
    alerts = told(rule, [EVEN, LOST, EVEN])
    assert bool(alerts) == fires
    assert all(a.evidence.facts["unit"] == "1" for a in alerts)


def test_a_window_with_a_part_missing_is_not_judged_and_the_next_alert_says_so() -> None:
    silent = {m: f for m, f in LOST.items() if m != OTHER}
    assert told(FLOWS, [EVEN, silent, silent, EVEN]) == []
    (alert,) = told(FLOWS, [EVEN, silent, silent, LOST, LOST])
    assert minutes(alert) == (240, None)
    facts = alert.evidence.facts
    assert (facts["skipped"], facts["missing"]) == (2.0, "wm-03")
    (alert,) = told(FLOWS, [EVEN, LOST, silent, silent])
    assert alert.cleared_at is None


def test_a_counter_that_is_exchanged_is_missing_for_that_time() -> None:
    one = Evaluator(rulebook(RULE), CITY, DEVICES)
    alerts: list[Alert] = []
    for n in range(13):
        now = START + n * 10 * MINUTE
        count = 1000.0 + n if n < 9 else 1.0 + n
        meters = [(OUT, 6.0, 0.0), (USED, 0.0, count), (OTHER, 0.0, 0.0)]
        alerts += one.frame(frame("zone", [(now, IN, {"flow": 12.0})]))
        alerts += one.frame(
            frame("meter", [(now, m, {"flow": f, "volume": v}) for m, f, v in meters])
        )
        alerts += one.tick(now)
    assert one.tick(START + 3 * HOUR) == [] == alerts  # 50 of 60 minutes: too few, and no −1000 m³


MISTAKES = [
    ({"outflow": None, "consumption": None}, "", "nothing to balance"),
    ({"above": None, "clear": None}, "", "above or share is missing"),
    ({"above": None, "share": "0.2"}, "clear.below", "no meaning without above"),
    ({"clear": "{below=4.0}"}, "clear.below", "4 is over 3"),
    ({"fresh": '"31m"'}, "fresh", "half of the window"),
    ({"watch": '{class="zone", metric="pressure"}'}, "watch.metric", "pressure is in bar"),
    ({"watch": '{class="zone"}'}, "watch.metric", "is missing"),
    ({"watch": '{class="zone", metric="flow", devices=["zm-99"]}'}, "watch", "has a zone"),
    ({"watch": '{class="zone", metric="flow", devices=["zm-03"]}'}, "watch", "no zone has both"),
    ({"outflow": '{class="metre", metric="flow"}'}, "outflow.class", "did you mean 'meter'?"),
    ({"outflow": '{class="meter", metric="flo"}'}, "outflow.metric", "did you mean 'flow'?"),
    (
        {"outflow": '{class="meter", metric="flow", devices=["wm-1"]}'},
        "outflow.devices.0",
        "did you mean",
    ),
    ({"outflow": '{class="meter", metric="flow"}'}, "consumption", "'wm-02' is outflow already"),
    ({"unit": '"bar"'}, "unit", "must be 'm³/h'"),
]


@pytest.mark.parametrize(("more", "where", "what"), MISTAKES)
def test_mistakes(more: dict[str, str | None], where: str, what: str) -> None:
    with pytest.raises(MistakesError) as refused:
        rulebook({k: v for k, v in {**RULE, **more}.items() if v is not None})
    found = {m.field: m.what for m in refused.value.mistakes}
    assert what in found[f"rule.0.{where}".rstrip(".")], found


def test_meters_of_two_groups_are_refused() -> None:
    def moved(place: City) -> City:
        meter = replace(place.devices["wm-02"], source="sparkplug", address="dionysos/scada-1/wm")
        return replace(place, devices={**place.devices, "wm-02": meter})

    with pytest.raises(MistakesError, match="none would see the whole balance"):
        rulebook(RULE, of=moved(CITY))
