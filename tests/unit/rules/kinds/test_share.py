"""share: a feeder whose lamps fall silent, or fail, together. Minutes after midnight."""

from dataclasses import replace

import pytest

from kel.model.alert import Alert
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import DEVICES, MINUTE, at, city, frame, rulebook

START = at("2026-07-01T00:00")
CITY = city()
FAILED = {
    "kind": '"share"',
    "watch": '{class="lamp"}',
    "of": '"feeder"',
    "condition": '{metric="failure", above=0.5}',
    "at_least": "0.5",
    "for": '"10m"',
    "clear": "{below=0.3}",
}
DARK = {**FAILED, "condition": '{missing="70m"}', "for": '"5m"'}


def minute(n: int) -> int:
    return START + n * MINUTE


def fail(one: Evaluator, *rows: tuple[int, int, float]) -> list[Alert]:
    return one.frame(frame("lamp", [(minute(t), n, {"failure": f}) for t, n, f in rows]))


def span(alert: Alert) -> tuple[object, ...]:
    moments = (alert.started_at, alert.detected_at, alert.cleared_at)
    return alert.device, *((to_us(m) - START) // MINUTE if m else None for m in moments)


def test_half_of_a_feeders_lamps_are_its_cabinets_trouble() -> None:
    one = Evaluator(rulebook(FAILED), CITY, DEVICES)
    assert fail(one, (3, 24, 1), (1, 21, 1), (5, 31, 1), (30, 21, 0), (35, 24, 0)) == []
    told = one.tick(minute(40))
    assert [span(a) for a in told] == [("fc-01", 3, 13, None), ("fc-01", 3, 13, 30)]
    facts = told[0].evidence.facts
    assert facts["children"] == "la-01-1, la-01-4"
    assert (facts["value"], facts["count"], facts["of"]) == (0.5, 2.0, 4.0)
    assert told[0].feeder == "f01"


def test_what_is_told_of_one_moment_is_taken_together() -> None:
    one = Evaluator(rulebook({**FAILED, "for": '"0s"'}), CITY, DEVICES)
    fail(one, (1, 21, 1), (9, 22, 1), (9, 21, 0))  # one fails as another comes back
    assert one.tick(minute(10)) == []


def test_an_outage_is_seen_when_enough_lamps_missed_their_report() -> None:
    one = Evaluator(rulebook(DARK), CITY, DEVICES)
    everyone = (21, 22, 23, 24, 31, 32, 33, 34)
    one.frame(frame("lamp", [(minute(n % 10), n, {"power": 1.0}) for n in everyone]))
    later = [(minute(60 + n % 10), n, {"power": 1.0}) for n in everyone if n > 30]
    one.frame(frame("lamp", later))
    told = [a for m in range(0, 100, 5) for a in one.tick(minute(m))]
    assert [span(a) for a in told] == [("fc-01", 72, 77, None)]
    assert told[0].evidence.facts["children"] == "la-01-1, la-01-2, la-01-3, la-01-4"
    assert (to_us(told[0].evidence.since) - START) // MINUTE == 2  # the last words are in it
    one.frame(frame("lamp", [(minute(101), n, {"power": 1.0}) for n in (21, 22, 23)]))
    assert [span(a)[-1] for a in one.tick(minute(105))] == [101]


def test_lamps_of_no_feeder_and_retired_lamps_do_not_count() -> None:
    one = Evaluator(rulebook({**FAILED, "for": '"0s"'}), CITY, DEVICES)
    fail(one, (1, 39, 1), (1, 40, 1), (1, 21, 1))
    assert one.tick(minute(5)) == []
    fail(one, (6, 22, 1))
    assert [a.evidence.facts["of"] for a in one.tick(minute(7))] == [4.0]


def test_a_cabinet_of_another_partition_is_told_of_over_a_restart() -> None:
    lamps = [d for d in DEVICES if d.cls == "lamp"]
    one, other = (Evaluator(rulebook({**FAILED, "for": '"0s"'}), CITY, lamps) for _ in "12")
    fail(one, (1, 21, 1), (1, 22, 1))
    assert [span(a) for a in one.tick(minute(2))] == [("fc-01", 1, 1, None)]
    other.load(one.state())
    fail(other, (3, 21, 0), (3, 22, 0))
    assert [span(a) for a in other.tick(minute(4))] == [("fc-01", 1, 1, 3)]


def test_a_feeder_whose_cabinet_another_worker_sees_is_refused() -> None:
    own = [replace(d, source="talq", address=f"gw1/{d.id}") for d in DEVICES if d.cls == "lamp"]
    others = [d for d in DEVICES if d.cls != "lamp"]
    with pytest.raises(MistakesError) as refused:
        rulebook(FAILED, of=city([*others, *own]))
    (mistake,) = refused.value.mistakes
    assert mistake.field == "rule.0.of"
    assert mistake.what == (
        "a share is counted by the worker of its cabinet's partition: "
        "la-01-1 is in 'gateway:gw1', fc-01 in 'feeder:f01'"
    )
