"""What the evaluator adds to the kinds: alerts as told, what is late, a changed city or book."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from kel.model.alert import Severity
from kel.model.device import Device, DeviceState
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.moment import from_us
from rules.book.rulebook import Rulebook
from rules.evaluate import UNWATCHED, Evaluator
from tests.builders.rules_city import DEVICES, MINUTE, at, city, frame, rulebook

START = at("2026-07-01T00:00")
CITY = city()
LOW = {
    "id": '"low"',
    "kind": '"threshold"',
    "category": '"main_burst"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
    "for": '"10m"',
}
SILENT = {
    "id": '"silent"',
    "kind": '"missing"',
    "watch": '{class="zone", devices=["zm-01"]}',
    "after": '"30m"',
}
SHARE = {
    "id": '"dark"',
    "kind": '"share"',
    "watch": '{class="lamp"}',
    "of": '"feeder"',
    "condition": '{missing="70m"}',
    "at_least": "0.5",
}


def minute(n: float) -> int:
    return START + int(n * MINUTE)


def engine(*rules: dict[str, str], devices: Sequence[Device] = DEVICES) -> Evaluator:
    return Evaluator(rulebook(*rules), CITY, devices)


def zone(*rows: tuple[float, int, float]) -> Frame:
    """Pressures of zone meters: (minute, device number, bar)."""
    return frame("zone", [(minute(t), n, {"pressure": p}) for t, n, p in rows])


def test_an_alert_says_all_that_a_reader_needs() -> None:
    book: Rulebook = rulebook(LOW)
    (alert,) = Evaluator(book, CITY, DEVICES).frame(zone((0, 11, 1.5), (5, 11, 1.25), (15, 11, 1)))
    assert alert.id == make_id("alert", "low", "zm-01", START)
    assert (alert.rule, alert.kind, alert.rulebook) == ("low", "threshold", book.version)
    assert (alert.device, alert.zone, alert.community) == ("zm-01", "z01", "drosia")
    assert (alert.category, alert.severity) == ("main_burst", Severity.HIGH)
    assert alert.started_at == from_us(START)
    assert alert.detected_at - alert.started_at == timedelta(minutes=10)
    assert (alert.evidence.since, alert.evidence.until) == (alert.started_at, alert.detected_at)
    assert alert.evidence.facts == {
        "value": 1.25,
        "side": "below",
        "limit": 2.0,
        "unit": "bar",
        "for_s": 600.0,
    }


def test_alerts_of_one_frame_come_in_order_of_the_moment() -> None:
    rows = zone((0, 12, 1), (2, 11, 1), (20, 11, 3), (20, 12, 1))
    alerts = engine(LOW).frame(rows)
    assert [(a.device, a.cleared_at is not None) for a in alerts] == [
        ("zm-02", False),
        ("zm-01", False),
        ("zm-01", True),
    ]


def test_late_and_repeated_rows_are_counted_and_change_nothing() -> None:
    one = engine(LOW)
    assert one.frame(zone((0, 11, 1), (5, 11, 1))) == []
    assert one.frame(zone((5, 11, 3), (4, 11, 3), (6, 11, 1), (6, 11, 3), (3, 11, 3))) == []
    assert one.late == 4
    assert [a.device for a in one.tick(minute(10))] == ["zm-01"]
    assert one.tick(minute(10)) == one.tick(minute(9)) == []


def test_strangers_and_other_classes_are_passed_over() -> None:
    one = engine(LOW)
    assert one.frame(zone((0, 999, 1), (0, -5, 1), (20, 999, 1))) == []
    assert one.frame(frame("pump", [(START, 1, {"head": 1.0})])) == []
    assert one.frame(frame("zone", [])) == []
    assert one.late == 0


def test_a_metric_that_a_frame_does_not_bring_is_not_judged() -> None:
    one = engine(LOW)
    bare = replace(zone((0, 11, 1)), metrics={})
    assert one.frame(bare) == [] == one.tick(minute(60))


def test_a_changed_label_keeps_what_a_rule_remembers() -> None:
    before = engine(LOW)
    before.frame(zone((0, 11, 1)))
    after = engine({**LOW, "label": '"Άλλη"', "severity": '"low"'})
    after.load(before.state())
    (alert,) = after.tick(minute(10))
    assert (alert.started_at, alert.severity) == (from_us(START), Severity.LOW)


def test_a_changed_rule_keeps_its_alerts_and_forgets_what_was_pending() -> None:
    before = engine(LOW)
    before.frame(zone((0, 11, 1), (5, 12, 1)))
    (fired,) = before.tick(minute(10))
    after = engine({**LOW, "below": "1.8"})
    after.load(before.state())
    assert after.tick(minute(60)) == []
    (cleared,) = after.frame(zone((61, 11, 3)))
    assert cleared.id == fired.id
    assert cleared.rulebook == fired.rulebook
    assert cleared.cleared_at == from_us(minute(61))


def test_the_alert_of_a_rule_that_is_gone_is_cleared_at_the_next_tick() -> None:
    before = engine(LOW)
    before.frame(zone((0, 11, 1)))
    (fired,) = before.tick(minute(10))
    after = engine(SILENT)
    after.load(before.state())
    again = engine(SILENT)
    again.load(after.state())
    for one in (after, again):
        (cleared,) = one.tick(minute(12))
        expected = replace(fired, cleared_at=from_us(minute(12)), cleared_why=UNWATCHED)
        assert cleared == expected


def test_the_alert_of_a_retired_device_is_cleared_at_the_next_tick() -> None:
    before = engine(LOW)
    before.frame(zone((0, 11, 1), (0, 12, 1)))
    before.tick(minute(10))
    retired = [replace(d, state=DeviceState.RETIRED) if d.number == 11 else d for d in DEVICES]
    after = engine(LOW, devices=retired)
    after.load(before.state())
    assert [(a.device, a.cleared_why) for a in after.tick(minute(12))] == [("zm-01", UNWATCHED)]
    (cleared,) = after.frame(zone((13, 12, 3)))
    assert cleared.device == "zm-02"


def test_a_state_of_many_partitions_serves_each() -> None:
    """The alert of another partition's device is that partition's to clear."""
    whole = engine(LOW, SILENT)
    whole.frame(zone((0, 11, 1), (0, 12, 1)))
    assert len(whole.tick(minute(10))) == 2
    for number in (11, 12):
        part = engine(LOW, SILENT, devices=[d for d in DEVICES if d.number == number])
        part.load(whole.state())
        assert part.tick(minute(11)) == []
        assert [a.device for a in part.frame(zone((12, 11, 3), (12, 12, 3)))] == [
            f"zm-0{number - 10}"
        ]


def test_a_device_that_joins_moves_nobody_elses_memory() -> None:
    old = [d for d in DEVICES if d.number != 11]
    before = engine(LOW, devices=old)
    before.frame(zone((0, 12, 1)))
    after = engine(LOW)
    after.load(before.state())
    assert [a.device for a in after.tick(minute(10))] == ["zm-02"]


def test_a_new_rule_on_silence_knows_when_its_devices_last_spoke() -> None:
    before = engine(LOW)
    before.frame(zone((0, 11, 3)))
    before.tick(minute(1))
    after = engine(LOW, SILENT)
    after.load(before.state())
    (alert,) = after.tick(minute(31))
    assert (alert.started_at, alert.detected_at) == (from_us(START), from_us(minute(30)))


def test_a_changed_share_goes_on_while_its_children_are_silent() -> None:
    devices = [d for d in DEVICES if d.feeder == "f01"]
    before = engine(SHARE, devices=devices)
    before.frame(frame("lamp", [(START, n, {"power": 1.0}) for n in (21, 22, 23, 24)]))
    before.tick(minute(0))
    (fired,) = before.tick(minute(70))
    after = engine({**SHARE, "at_least": "0.6"}, devices=devices)
    after.load(before.state())
    assert after.tick(minute(75)) == []
    after.frame(frame("lamp", [(minute(76), n, {"power": 1.0}) for n in (21, 22, 23, 24)]))
    cleared = after.tick(minute(80))
    assert [(a.id, a.cleared_at) for a in cleared] == [(fired.id, from_us(minute(76)))]


def test_a_state_is_plain_arrays_and_none_of_it_is_shared() -> None:
    one = engine(LOW, SILENT, SHARE)
    one.frame(zone((0, 11, 1)))
    one.tick(minute(1))
    state = one.state()
    assert all(isinstance(a, np.ndarray) and a.dtype != object for a in state.values())
    copies = {name: array.copy() for name, array in state.items()}
    one.frame(zone((2, 11, 3), (2, 12, 1)))
    one.tick(minute(200))
    assert all(
        np.array_equal(copies[n], a, equal_nan=a.dtype.kind == "f") for n, a in state.items()
    )


def test_an_empty_state_is_a_fresh_start() -> None:
    one = engine(LOW)
    one.load({})
    one.frame(zone((0, 11, 1)))
    assert len(one.tick(minute(10))) == 1


def test_a_rule_of_another_kind_under_the_same_id_ends_nothing_of_its_successor() -> None:
    before = engine(LOW)
    before.frame(zone((0, 11, 1), (3, 11, 1)))
    (old,) = before.tick(minute(10))
    after = engine({**SILENT, "id": '"low"', "category": '"main_burst"', "after": '"5m"'})
    after.load(before.state())
    (new,) = after.frame(zone((20, 11, 1)))[:1]
    assert new.cleared_at is None and new.id != old.id
    told = after.tick(minute(21))
    assert [(a.id, a.cleared_why) for a in told if a.cleared_why == UNWATCHED] == [
        (old.id, UNWATCHED)
    ]


def test_an_alert_that_ends_as_the_next_begins_is_told_first() -> None:
    one = engine({**LOW, "for": '"0s"', "clear": '{for="5m"}'})
    told = one.frame(zone((0, 11, 1), (5, 11, 3), (10, 11, 1)))
    assert [a.cleared_at is not None for a in told] == [False, True, False]
    assert len({a.id for a in told}) == 2


def test_the_end_of_an_alert_that_nobody_knows_is_told_to_nobody() -> None:
    before, after = engine({**LOW, "for": '"0s"'}), engine({**LOW, "for": '"0s"'})
    assert len(before.frame(zone((0, 11, 1)))) == 1
    after.load({**before.state(), "alerts": np.frombuffer(b"[]", np.uint8)})
    assert after.frame(zone((5, 11, 3))) == []


def test_an_alert_of_another_partition_is_passed_over() -> None:
    before = engine({**LOW, "for": '"0s"'})
    before.frame(zone((0, 11, 1), (0, 12, 1)))
    after = engine({**LOW, "for": '"0s"'}, devices=[d for d in DEVICES if d.id == "zm-02"])
    after.load(before.state())
    assert after.tick(minute(1)) == []
    assert [a.device for a in after.frame(zone((5, 11, 3), (5, 12, 3)))] == ["zm-02"]
