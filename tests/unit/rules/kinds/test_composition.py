"""composition: other rules taken together, in a place. Minutes after midnight."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kel.model.alert import Alert
from kel.model.device import Device, DeviceState
from kel.model.frame import Frame
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.book.rulebook import parse_rulebook
from rules.evaluate import UNWATCHED, Evaluator
from tests.builders.rules_city import (
    DEVICES,
    MINUTE,
    at,
    city,
    document,
    frame,
    rule_text,
    rulebook,
)

START = at("2026-07-01T00:00")
CITY = city()
LOW = {
    "id": '"low"',
    "kind": '"threshold"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
    "tells": "false",
}
NOISY = {
    **{k: v for k, v in LOW.items() if k != "below"},
    "id": '"noisy"',
    "watch": '{class="leak", metric="noise"}',
    "above": "50.0",
    "unit": '"dB"',
}
FAST = {
    **NOISY,
    "id": '"fast"',
    "watch": '{class="zone", metric="flow"}',
    "above": "5.0",
    "unit": '"m³/h"',
}
BURST = {
    "id": '"burst"',
    "kind": '"composition"',
    "watch": '{class="zone"}',
    "by": '"zone"',
    "of": '{all=["noisy", "low"]}',
}
THEN = {**BURST, "of": '{then=["noisy", "low"], within="30m"}'}


def minute(n: float) -> int:
    return START + round(n * MINUTE)


def engine(*rules: dict[str, str], devices: Sequence[Device] = DEVICES) -> Evaluator:
    return Evaluator(rulebook(LOW, NOISY, FAST, *rules), CITY, devices)


def low(*rows: tuple[float, int, bool]) -> Frame:
    """Whether the pressure at zone meters is low: (minute, device number, low)."""
    return frame("zone", [(minute(t), n, {"pressure": 1.0 if on else 3.0}) for t, n, on in rows])


def fast(*rows: tuple[float, int, bool]) -> Frame:
    return frame("zone", [(minute(t), n, {"flow": 9.0 if on else 1.0}) for t, n, on in rows])


def noisy(*rows: tuple[float, int, bool]) -> Frame:
    return frame("leak", [(minute(t), n, {"noise": 60.0 if on else 9.0}) for t, n, on in rows])


def spans(alerts: list[Alert]) -> list[tuple[object, ...]]:
    return [
        (
            a.device,
            *(
                (to_us(m) - START) // MINUTE if m else None
                for m in (a.started_at, a.detected_at, a.cleared_at)
            ),
        )
        for a in {a.id: a for a in alerts}.values()
    ]


# What noise (of 71 in z01) and pressure (of 11 in z01) say: (minute, on); spans on zm-01.
TABLE = [
    (BURST, [(0, True)], [(5, True)], [(5, 5, None)]),
    (BURST, [(5, True)], [(0, True)], [(5, 5, None)]),  # in any order
    (BURST, [(0, True), (9, False)], [(5, True)], [(5, 5, 9)]),
    (BURST, [(0, True), (5, False)], [(5, True)], []),  # of one moment: taken together
    ({**BURST, "for": '"10m"'}, [(0, True)], [(5, True)], [(5, 15, None)]),
    ({**BURST, "for": '"10m"'}, [(0, True), (14, False)], [(5, True)], []),
    ({**BURST, "clear": '{for="10m"}'}, [(0, True), (9, False)], [(5, True)], [(5, 5, 19)]),
    ({**BURST, "of": '{any=["noisy", "low"]}'}, [(3, True), (9, False)], [(5, True), (12, False)],
     [(3, 3, 12)]),
    ({**BURST, "of": '{all=["noisy"], not=["low"]}'}, [(0, True)], [(5, True)], [(0, 0, 5)]),
    ({**BURST, "of": '{all=["noisy"], not=["low"]}'}, [(0, True)], [(0, True)], []),
    ({**BURST, "of": '{all=["noisy"], not=["low"]}'}, [(5, True)], [(0, True), (7, False)],
     [(7, 7, None)]),
    (THEN, [(0, True)], [(5, True)], [(5, 5, None)]),
    (THEN, [(5, True)], [(0, True)], []),  # the wrong way round
    (THEN, [(5, True)], [(0, True), (6, False), (7, True)], [(7, 7, None)]),
    (THEN, [(5, True)], [(5, True)], [(5, 5, None)]),  # at the same moment is early enough
    (THEN, [(0, True)], [(30, True)], [(30, 30, None)]),
    (THEN, [(0, True)], [(31, True)], []),  # too late
    (THEN, [(0, True), (1, False)], [(20, True)], [(20, 20, None)]),  # over by then
    (THEN, [(0, True), (1, False), (20, True)], [(31, True)], [(31, 31, None)]),  # the latest first
    (THEN, [(0, True)], [(5, True), (9, False)], [(5, 5, 9)]),  # it holds as long as the last
    ({**THEN, "for": '"10m"'}, [(0, True)], [(5, True), (14, False)], []),
    ({**THEN, "for": '"10m"'}, [(0, True)], [(25, True)], [(25, 35, None)]),
    ({**BURST, "of": '{then=["noisy", "low"], within="30m", not=["fast"]}'}, [(0, True)],
     [(5, True)], [(5, 5, None)]),
]  # fmt: skip


@pytest.mark.parametrize("ticks", [(90,), tuple(range(91))], ids=["once", "often"])
@pytest.mark.parametrize(("rule", "noise", "pressure", "expected"), TABLE)
def test_spans(
    rule: dict[str, str],
    noise: list[tuple[int, bool]],
    pressure: list[tuple[int, bool]],
    expected: list[tuple[int, int, int | None]],
    ticks: tuple[int, ...],
) -> None:
    one = engine(rule)
    alerts = one.tick(minute(-1))
    alerts += one.frame(low(*((t, 11, on) for t, on in pressure)))  # whichever comes first
    alerts += one.frame(noisy(*((t, 71, on) for t, on in noise)))
    alerts += [a for t in ticks for a in one.tick(minute(t))]
    assert spans(alerts) == [("zm-01", *span) for span in expected]


@pytest.mark.parametrize("split", range(8))
def test_a_restart_between_the_steps_forgets_and_repeats_nothing(split: int) -> None:
    three = {**BURST, "of": '{then=["noisy", "fast", "low"], within="30m"}', "for": '"2m"'}
    told: list[Alert] = []
    one = engine(three)
    steps = [
        noisy((0, 71, True)), noisy((3, 71, False)), fast((10, 11, True)), low((20, 11, True)),
        low((21, 12, True)), low((40, 11, False)), low((45, 11, True)),
    ]  # fmt: skip
    for n, step in enumerate(steps):
        if n == split:
            after = engine(three)
            after.load(one.state())
            one = after
        told += one.frame(step)
        told += one.tick(int(step.time[-1]))
    told += one.tick(minute(60))
    assert len(told) == 2  # it fired, and it cleared
    assert spans(told) == [("zm-01", 20, 22, 40)]


def test_a_place_is_told_on_its_first_watched_device_and_names_its_members() -> None:
    one = engine({**BURST, "watch": '{class="leak"}'})
    one.frame(noisy((2, 72, True), (9, 73, True)))
    one.frame(low((5, 11, True), (5, 12, False)))
    (alert,) = one.tick(minute(20))
    assert (alert.device, alert.zone, alert.rule) == ("ln-01", "z01", "burst")
    facts = alert.evidence.facts
    assert facts["members"] == "noisy (ln-02 01/07 03:02), low (zm-01 01/07 03:05)"
    assert (facts["value"], facts["limit"], facts["unit"]) == (2.0, 2.0, "1")
    evidence = alert.evidence  # readings of the member that made it so, from the first one's start
    assert (evidence.cls, evidence.device, evidence.metric) == ("zone", "zm-01", "pressure")
    assert (to_us(evidence.since) - START) // MINUTE == 2


def test_evidence_of_a_sequence_names_steps_that_are_over() -> None:
    one = engine(THEN)
    one.frame(noisy((0, 71, True), (1, 71, False)))
    one.frame(low((5, 11, True)))
    (alert,) = one.tick(minute(20))
    members = alert.evidence.facts["members"]
    assert members == "noisy (ln-01 01/07 03:00), low (zm-01 01/07 03:05)"


def test_each_place_has_an_alert_of_its_own() -> None:
    one = engine({**BURST, "by": '"device"', "of": '{all=["low", "fast"]}'})
    one.frame(low((0, 11, True), (0, 12, True), (0, 14, True)))
    one.frame(fast((1, 11, True), (2, 14, True), (3, 13, True)))
    assert spans(one.tick(minute(5))) == [("zm-01", 1, 1, None), ("zm-99", 2, 2, None)]


def test_any_device_of_the_place_keeps_a_member_active() -> None:
    one = engine(BURST)
    one.frame(low((0, 11, True)))
    one.frame(noisy((1, 71, True), (2, 72, True), (3, 71, False)))
    assert spans(one.tick(minute(10))) == [("zm-01", 1, 1, None)]
    one.frame(noisy((11, 72, False)))
    assert spans(one.tick(minute(20))) == [("zm-01", 1, 1, 11)]


def test_members_that_tell_are_told_beside_it() -> None:
    one = Evaluator(rulebook(BURST, NOISY, {**LOW, "tells": "true"}), CITY, DEVICES)
    one.frame(noisy((0, 71, True)))
    assert [a.rule for a in one.frame(low((1, 11, True)))] == ["low"]
    assert [a.rule for a in one.tick(minute(2))] == ["burst"]


def test_a_new_composition_knows_what_is_active() -> None:
    before = Evaluator(rulebook(LOW, NOISY, FAST), CITY, DEVICES)
    before.frame(noisy((0, 71, True)))
    before.frame(low((5, 11, True)))
    before.tick(minute(10))
    after = engine(BURST)
    after.load(before.state())
    assert spans(after.tick(minute(11))) == [("zm-01", 11, 11, None)]
    assert after.tick(minute(12)) == []


def test_a_new_sequence_takes_nothing_for_a_step_that_came_before_it() -> None:
    before = Evaluator(rulebook(LOW, NOISY, FAST), CITY, DEVICES)
    before.frame(noisy((0, 71, True)))
    before.frame(low((5, 11, True)))
    before.tick(minute(10))
    after = engine(THEN)
    after.load(before.state())
    assert after.tick(minute(11)) == []


@pytest.mark.parametrize("rule", [BURST, THEN], ids=["all", "then"])
def test_a_changed_composition_goes_on_with_its_alert(rule: dict[str, str]) -> None:
    before = engine(rule)
    before.frame(noisy((0, 71, True)))
    before.frame(low((5, 11, True)))
    (fired,) = before.tick(minute(10))
    after = engine({**rule, "clear": '{for="2m"}'})
    after.load(before.state())
    assert after.tick(minute(11)) == []
    after.frame(low((12, 11, False)))
    told = after.tick(minute(20))
    assert [(a.id, (to_us(a.cleared_at) - START) // MINUTE) for a in told if a.cleared_at] == [
        (fired.id, 14)
    ]


def test_a_member_whose_rule_changed_is_not_forgotten() -> None:
    before = engine(BURST)
    before.frame(noisy((0, 71, True)))
    before.frame(low((5, 11, True)))
    before.tick(minute(10))
    changed = Evaluator(rulebook({**LOW, "below": "1.5"}, NOISY, BURST), CITY, DEVICES)
    changed.load(before.state())
    assert changed.tick(minute(11)) == []
    changed.frame(low((12, 11, False)))
    assert len(changed.tick(minute(13))) == 1


def test_a_member_that_no_longer_watches_ends_what_rested_on_it() -> None:
    before = engine(BURST)
    before.frame(noisy((0, 71, True)))
    before.frame(low((5, 11, True)))
    before.tick(minute(10))
    retired = [replace(d, state=DeviceState.RETIRED) if d.number == 71 else d for d in DEVICES]
    after = engine(BURST, devices=retired)
    after.load(before.state())
    (cleared,) = after.tick(minute(11))
    assert (cleared.rule, cleared.cleared_why) != ("burst", UNWATCHED)
    assert spans([cleared]) == [("zm-01", 5, 5, 11)]


def refused(*rules: dict[str, str], devices: Sequence[Device] = DEVICES) -> list[tuple[str, str]]:
    text = "\n".join(rule_text(**r) for r in (LOW, NOISY, FAST, *rules))
    with pytest.raises(MistakesError) as found:
        parse_rulebook(document(text), city(devices))
    return [(m.field, m.what) for m in found.value.mistakes]


REFUSED = [
    ({"of": '{all=["nosy", "low"]}'}, "unknown rule 'nosy'; did you mean 'noisy'?"),
    ({"of": '{all=["low"], not=["low"]}'}, "rule 'low' is named already, in `all`"),
    ({"of": '{not=["low"]}'}, "names no rule in `all`, `any` or `then`"),
    ({"of": '{then=["low"], within="5m"}'}, "must name two rules or more"),
    ({"of": '{then=["low", "noisy"]}'}, "`within` is missing"),
    ({"of": '{all=["low"], within="5m"}'}, "has no meaning without `then`"),
    ({"of": '{all=["low"], within="0s", then=["noisy", "fast"]}'}, "longer than nothing"),
    ({"by": '"street"'}, "must be 'device', 'zone'"),
    ({"by": '"feeder"'}, "none of its devices has a feeder"),
    ({"by": '"device"'}, "can never hold: rule 'noisy' is never told in any device"),
    ({"when": '"night"'}, "a rule of kind 'composition' has no calendars"),
    ({"watch": '{class="zone", metric="flow"}'}, "has no meaning: a composition looks at rules"),
    ({"by": '"city"'}, "the rules' devices in the city are in several partitions"),
    ({"by": '"community"'}, "(community:drosia, zone:z01, zone:z02, zone:z03)"),
]


@pytest.mark.parametrize(("change", "what"), REFUSED)
def test_what_cannot_be_is_refused(change: dict[str, str], what: str) -> None:
    said = refused({**BURST, **change})
    assert [w for _, w in said if what in w], said


def test_devices_of_a_place_behind_different_gateways_are_refused() -> None:
    """No worker sees both: a Sparkplug node is a partition's unit of its own."""
    plant = {"source": "sparkplug", "address": "plant/zm-01"}
    devices = [replace(d, **plant) if d.id == "zm-01" else d for d in DEVICES]  # type: ignore[arg-type]
    ((field, what),) = refused(BURST, devices=devices)
    assert field.endswith("by")
    assert "zone 'z01' are in several partitions (edge:plant/zm-01, zone:z01)" in what


def test_a_feeders_share_is_told_on_its_cabinet() -> None:
    dark = {
        "id": '"dark"',
        "kind": '"share"',
        "watch": '{class="lamp"}',
        "of": '"feeder"',
        "condition": '{metric="failure", above=0.5}',
        "at_least": "0.5",
        "tells": "false",
    }
    off = {**LOW, "id": '"off"', "watch": '{class="feeder", metric="voltage"}', "unit": '"V"'}
    both = {**BURST, "watch": '{class="feeder"}', "by": '"device"', "of": '{all=["dark", "off"]}'}
    one = Evaluator(rulebook(dark, off, both), CITY, DEVICES)
    one.frame(frame("lamp", [(minute(n), 20 + n, {"failure": 1.0}) for n in (1, 2)]))
    one.frame(frame("feeder", [(minute(4), 51, {"voltage": 0.0})]))
    assert spans(one.tick(minute(10))) == [("fc-01", 4, 4, None)]
