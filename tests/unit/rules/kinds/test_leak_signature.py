"""leak_signature: a network of six sensors behind one inlet, whose leaks are known. Hours."""

from collections.abc import Callable

import numpy as np
import pytest

from kel.model.alert import Alert
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import HOUR, at, city, device, frame, rulebook

START = at("2026-01-05T00:00")
INLET, SENSORS = 9, (1, 2, 3, 4, 5, 6)
DEVICES = [*(device(n, f"p{n}", "zone") for n in SENSORS), device(INLET, "inlet", "zone")]
CITY = city(DEVICES)
TRAINING, DAY = 96, 24
NOISE = 0.02
RULE = {
    "kind": '"leak_signature"',
    "watch": '{class="zone", metric="pressure"}',
    "inflow": '{devices=["inlet"], metric="flow"}',
    "every": '"1h"',
    "training": '"4d"',
    "mean": '"1d"',
    "for": '"4h"',
    "settle": '"12h"',
    "forget": '"12h"',
    "above": "3.0",
    "again": "1.5",
}
# what a leak of size 1 does to each sensor at the usual inflow, bar
WEST = (-0.20, -0.10, -0.03, 0.0, 0.0, 0.01)
EAST = (0.0, 0.01, -0.02, -0.05, -0.12, -0.20)
Size = Callable[[int], float]


def between(start: int, end: int, size: float = 1.0) -> Size:
    return lambda hour: size if start <= hour < end else 0.0


def readings(
    hours: int, west: Size = lambda _: 0.0, east: Size = lambda _: 0.0, summer: float = 0.0
) -> list[tuple[int, int, dict[str, float]]]:
    """A row a device and hour. `summer`: by how much more is used after the training."""
    rng = np.random.default_rng(5)
    rows = []
    for hour in range(hours):
        use = 30 + 20 * np.sin(2 * np.pi * hour / DAY) + rng.normal(0, 2)
        use *= 1 + summer * min(max(hour - TRAINING, 0) / (10 * DAY), 1)
        moment = START + hour * HOUR + HOUR // 2
        rows.append((moment, INLET, {"flow": use + 0.5 * (west(hour) + east(hour))}))
        for place, number in enumerate(SENSORS):
            head = 5 - (place + 1) * 2e-4 * use**1.852 + rng.normal(0, NOISE)
            leaks = west(hour) * WEST[place] + east(hour) * EAST[place]
            head += leaks * (use / 30) ** 0.852
            rows.append((moment, number, {"pressure": head}))
    return rows


def play(
    rows: list[tuple[int, int, dict[str, float]]], one: Evaluator | None = None, restart: int = 0
) -> list[Alert]:
    """All that is told, a tick every six hours; from the hour `restart` on by another evaluator."""
    one = one or Evaluator(rulebook(RULE, of=CITY), CITY, DEVICES)
    told: list[Alert] = []
    for hour in range(0, (max(r[0] for r in rows) - START) // HOUR + 6, 6):
        moment = START + hour * HOUR
        told += one.frame(frame("zone", [r for r in rows if moment - 6 * HOUR < r[0] <= moment]))
        told += one.tick(moment)
        if restart and hour == restart:
            other = Evaluator(rulebook(RULE, of=CITY), CITY, DEVICES)
            other.load(one.state())
            one = other
    return told


def hours(alert: Alert) -> tuple[str, int, int | None]:
    moments = (alert.detected_at, alert.cleared_at)
    found, over = ((to_us(m) - START) // HOUR if m else None for m in moments)
    assert found is not None
    return alert.device, found, over


def test_a_leak_is_found_within_hours_on_the_sensor_that_fell_most() -> None:
    (alert,) = play(readings(12 * DAY, west=between(150, 9999)))
    device, found, over = hours(alert)
    assert device == "p1"
    assert 150 < found <= 160
    assert over is None
    facts = alert.evidence.facts
    assert str(facts["sensors"]).startswith("p1 -0.")
    assert float(facts["value"]) > float(facts["limit"])
    assert facts["running"] == 1.0


@pytest.mark.parametrize("summer", [0.0, 0.4])
def test_nothing_is_told_of_demand_alone_even_beyond_what_was_learned(summer: float) -> None:
    assert play(readings(30 * DAY, summer=summer)) == []


def test_a_second_leak_beside_a_running_one_has_an_alert_of_its_own() -> None:
    told = play(readings(16 * DAY, west=between(150, 9999), east=between(200, 9999)))
    assert [a.device for a in told] == ["p1", "p6"]
    assert 200 < hours(told[1])[1] <= 212


def test_a_leak_that_grows_for_weeks_is_told_once() -> None:
    told = play(readings(50 * DAY, west=lambda h: max(0.0, (h - 150) / 400)))
    assert [a.device for a in told] == ["p1"]


def test_a_repaired_leak_clears_and_may_come_again() -> None:
    west = lambda h: between(150, 250)(h) + between(330, 9999)(h)  # noqa: E731
    told = play(readings(18 * DAY, west=west))
    assert [hours(a)[0] for a in told] == ["p1", "p1", "p1"]
    over = hours(told[1])[2]
    assert over is not None
    assert 250 < over <= 250 + 24 + 12  # the mean forgets it in a day, the rule waits 12 h more
    assert told[1].cleared_why
    assert hours(told[2])[1] > 330
    assert len({a.id for a in told}) == 2


def test_the_end_of_a_leak_that_ran_while_it_learned_is_passed_over() -> None:
    assert play(readings(16 * DAY, west=between(0, 200), east=between(300, 9999))) != []
    assert play(readings(16 * DAY, west=between(0, 200))) == []


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        ({"above": "3.1", "again": "1.6", "gone": "3.5"}, True),
        ({"for": '"5h"', "settle": '"10h"', "forget": '"10h"', "severity": '"low"'}, True),
        ({"training": '"5d"'}, False),
        ({"inflow": '{devices=["p6"], metric="flow"}'}, False),
    ],
)
def test_an_edit_of_a_limit_keeps_what_was_learned_and_the_leaks_that_run(
    fields: dict[str, str], stays: bool
) -> None:
    rows = readings(20 * DAY, west=between(150, 9999), east=between(260, 9999))
    edit = START + 220 * HOUR
    before = Evaluator(rulebook(RULE, of=CITY), CITY, DEVICES)
    (west,) = play([r for r in rows if r[0] < edit], before)
    after = Evaluator(rulebook({**RULE, **fields}, of=CITY), CITY, DEVICES)
    after.load(before.state())
    told = [a for a in play([r for r in rows if r[0] >= edit], after) if a.id != west.id]
    assert [a.device for a in told][:1] == (["p6"] if stays else [])
    if stays:
        assert 260 < hours(told[0])[1] <= 274


def test_a_sensor_that_falls_silent_and_comes_back_says_nothing() -> None:
    rows = readings(20 * DAY, west=between(180, 9999))
    gone = [r for r in rows if r[1] != 2 or not START + 160 * HOUR < r[0] < START + 300 * HOUR]
    assert [a.device for a in play(gone)] == ["p1"]


def test_hours_without_the_inlet_are_left_out() -> None:
    rows = readings(16 * DAY, west=between(180, 9999))
    gone = [r for r in rows if r[1] != INLET or not START + 120 * HOUR < r[0] < START + 170 * HOUR]
    (alert,) = play(gone)
    assert 180 < hours(alert)[1] <= 192


def test_without_all_that_explains_nothing_is_judged() -> None:
    rows = readings(12 * DAY, west=between(150, 9999))
    one = Evaluator(rulebook(RULE, of=CITY), CITY, DEVICES[:-1])
    assert play(rows, one) == []


@pytest.mark.parametrize("hour", [42, 120, 156, 162, 174, 252])
def test_a_restart_changes_nothing(hour: int) -> None:
    rows = readings(14 * DAY, west=between(150, 250), east=between(230, 9999))
    whole = play(rows)
    assert [hours(a) for a in play(rows, restart=hour)] == [hours(a) for a in whole]
    assert len(whole) == 3


WRONG = {
    "watch": ('{class="zone"}', "watch.metric: is missing"),
    "inflow": ('{devices=["inlat"], metric="flow"}', "did you mean 'inlet'"),
    "tanks": ('{devices=["inlet", "inlet"], metric="flow"}', "'inlet' is named twice"),
    "pumps": ('{devices=["inlet"], metric="flaw"}', "did you mean 'flow'"),
    "judged": ('"90m"', "judged: is not a multiple of `every`, 1h"),
    "for": ('"13h"', "for: is longer than half of `mean`, 1d"),
    "mean": ('"30m"', "mean: is shorter than `judged`, 1h"),
    "training": ('"12h"', "training: holds 12 spans of `every`; at least 24 are needed"),
    "when": ('["night"]', "has no calendars"),
}


@pytest.mark.parametrize("field", WRONG)
def test_what_cannot_work_is_refused(field: str) -> None:
    value, said = WRONG[field]
    with pytest.raises(MistakesError) as told:
        rulebook({**RULE, field: value}, of=CITY)
    assert said in str(told.value)


def test_a_network_without_sensors_is_refused() -> None:
    every = ", ".join(f'"{d.id}"' for d in DEVICES)
    with pytest.raises(MistakesError, match="leaves no sensor"):
        rulebook({**RULE, "tanks": f'{{devices=[{every}], metric="pressure"}}'}, of=CITY)


@pytest.mark.parametrize("dropped", ["p1", "p6"])
@pytest.mark.parametrize("hour", [42, 126])
def test_with_other_sensors_it_learns_anew(dropped: str, hour: int) -> None:
    names = ", ".join(f'"{d.id}"' for d in DEVICES if d.id != dropped)
    watch = f'{{class="zone", metric="pressure", devices=[{names}]}}'
    fewer = rulebook({**RULE, "watch": watch}, of=CITY)
    rows = readings(14 * DAY, east=between(290, 9999))
    begin = START + hour * HOUR
    before = Evaluator(rulebook(RULE, of=CITY), CITY, DEVICES)
    assert fewer.rules[0].key == before.rulebook.rules[0].key  # what is remembered is offered to it
    play([r for r in rows if r[0] <= begin], before)
    after, anew = (Evaluator(fewer, CITY, DEVICES) for _ in "12")
    after.load(before.state())
    told = [play([r for r in rows if r[0] > begin], one) for one in (after, anew)]
    assert [hours(a) for a in told[0]] == [hours(a) for a in told[1]] != []


@pytest.mark.parametrize("number", [INLET, 3])
@pytest.mark.parametrize("wild", [1e60, 1.7e308])
@pytest.mark.parametrize("hour", [40, 170])
def test_a_reading_without_measure_counts_as_not_known(number: int, wild: float, hour: int) -> None:
    rows = readings(12 * DAY, west=between(200, 9999))
    moment = START + hour * HOUR + HOUR // 2

    def with_one(value: float) -> list[tuple[int, int, dict[str, float]]]:
        return [
            (t, n, dict.fromkeys(told, value)) if (t, n) == (moment, number) else (t, n, told)
            for t, n, told in rows
        ]

    assert list(map(hours, play(with_one(wild)))) == list(map(hours, play(with_one(np.nan)))) != []
