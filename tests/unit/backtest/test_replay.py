"""A replay by days tells what the rules told live, minute by minute."""

import numpy as np
import pytest

from kel.backtest.replay import Replay
from kel.backtest.stretch import DAY_US, Stretch, in_days, stretches
from kel.model.frame import Frame
from rules.evaluate import Evaluator
from tests.builders.rules_city import HOUR, MINUTE, at, city, frame, rulebook

START = at("2026-09-01T06:00")
RULES = rulebook(
    {
        "id": '"head"',
        "kind": '"threshold"',
        "watch": '{class="pump", metric="head"}',
        "below": "20.0",
        "unit": '"m"',
        "for": '"45m"',
        "clear": '{above=30.0, for="20m"}',
    },
    {"id": '"silent"', "kind": '"missing"', "watch": '{class="pump"}', "after": '"90m"'},
    {
        "id": '"lamps"',
        "kind": '"share"',
        "watch": '{class="lamp"}',
        "of": '"feeder"',
        "condition": '{metric="failure", above=0.5}',
        "at_least": "0.5",
        "for": '"30m"',
        "clear": '{below=0.3, for="10m"}',
    },
)


def rows(seed):
    """Three and a half days of two pumps and eight lamps, with gaps."""
    random = np.random.default_rng(seed)
    found = []
    for cls, numbers, metric, values in (
        ("pump", (1, 2), "head", (10.0, 25.0, 40.0)),
        ("lamp", (21, 22, 23, 24, 31, 32, 33, 34), "failure", (0.0, 1.0)),
    ):
        told = []
        for number in numbers:
            value = values[-1]
            for n in range(3 * 24 * 6 + 72):
                if random.random() < 0.05:
                    value = float(random.choice(values))
                if random.random() < 0.9 and not (number == 2 and 100 < n < 130):
                    told.append((START + n * 10 * MINUTE, number, {metric: value}))
        found.append(frame(cls, sorted(told)))
    return found


def live(frames: list[Frame]):
    """Every ten minutes its rows, and a tick."""
    evaluator = Evaluator(RULES, city(), list(city().devices.values()))
    last = {}
    evaluator.tick(START - 1)
    end = max(int(f.time.max()) for f in frames)
    for now in range(START, end + 1, 10 * MINUTE):
        for whole in frames:
            part = whole.take(whole.time == now)
            last.update((a.id, a) for a in evaluator.frame(part))
        last.update((a.id, a) for a in evaluator.tick(now))
    return sorted(last.values(), key=lambda a: (a.detected_at, a.rule, a.device))


@pytest.mark.parametrize("seed", range(6))
def test_by_days_as_by_minutes(seed):
    frames = rows(seed)
    replay = Replay(RULES, city())
    for stretch in stretches({f.cls: in_days(f) for f in frames}):
        replay.feed(stretch)
    expected = live(frames)
    assert {a.rule for a in expected} == {"head", "silent", "lamps"}
    assert replay.alerts == expected


def test_stretches_are_days_of_all_classes_and_end_with_the_last_row():
    frames = {f.cls: in_days(f) for f in rows(1)}
    found = list(stretches(frames))
    assert [s.first for s in found] == [START, *(at(f"2026-09-0{d}T00:00") for d in (2, 3, 4))]
    assert found[0].last == at("2026-09-02T00:00") - 1
    assert found[-1].last == max(int(f.time.max()) for f in frames.values())
    assert sum(map(len, found)) == sum(map(len, frames.values()))
    for stretch in found:
        for part in stretch.frames:
            assert (part.time >= stretch.first).all() and (part.time <= stretch.last).all()
            assert len(set((part.time // DAY_US).tolist())) == 1
            assert (np.diff(part.device) >= 0).all()


def test_of_an_alert_the_last_word_counts():
    replay = Replay(RULES, city())
    replay.feed(Stretch(START, START + HOUR, (frame("pump", [(START, 1, {"head": 5.0})]),)))
    (active,) = replay.alerts
    assert active.cleared_at is None
    later = START + 2 * HOUR
    replay.feed(Stretch(later, later + HOUR, (frame("pump", [(later, 1, {"head": 50.0})]),)))
    (cleared,) = [a for a in replay.alerts if a.rule == "head"]
    assert cleared.id == active.id and cleared.cleared_at is not None


def test_nothing_is_no_stretch():
    assert list(stretches({})) == []
    assert list(stretches({"pump": frame("pump", [])})) == []
