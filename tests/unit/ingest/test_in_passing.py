"""What is taken in passing is what would be taken value by value; the same is refused, for the same
reasons; so is what lies beside it."""

import json
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.intake import HANDY, Intake, Taken
from ingest.validate import MOST_ROWS, Reason
from kel.model.device import Clock, DeviceState
from kel.model.message import Message
from tests.builders import ingest_city as city

MORE = (
    city.device(961, "zm-61", "zone", clock=Clock.ARRIVAL),
    city.device(962, "ls-62", "leak", "chirpstack", address="0" * 16, clock=Clock.ARRIVAL),
    city.device(963, "zm-63", "zone", state=DeviceState.DRAFT),
)
NAMES = ["flow", "pressure", "noise", "battery", "dimming", "signal", "device", "", "x" * 129]

numbers = st.sampled_from([0, 1, -0.0, 4.5, 25, 25.0, 100, 2000, True, False])
wrong = st.sampled_from(
    [None, "", "on", "1", [], {}, [1], {"a": [[]]}, -1, 2000.5, 2**53, -(2**53) - 1, 2**63, 2**64]
    + [1e300, float("nan"), float("inf"), "\0", "zm-01"]
)
values = numbers | wrong
stamps = st.sampled_from(
    [city.NOW_MS, city.NOW_MS - 1, float(city.NOW_MS), "2026-05-04T21:00:00Z"] * 2
    + [None, "soon", "2026-05-04\0" + "21:00:00Z", 0, city.NOW_MS + 10**7, True, [], {"a": 1}]
)
objects = st.builds(
    lambda ts, inside: inside if ts == "" else {"ts": ts} | inside,
    stamps | st.just(""),
    st.dictionaries(st.sampled_from(NAMES[:4]), numbers, min_size=1)
    | st.dictionaries(st.sampled_from(NAMES), values),
)
topics = st.sampled_from(
    ["kel/v1/stamata/zm-01/telemetry", "kel/v1/drosia/zm-02/telemetry"] * 3
    + ["kel/v1/stamata/zm-61/telemetry", "kel/v1/stamata/ps-10/telemetry"]
    + [
        "kel/v1/stamata/zm-63/telemetry",
        "kel/v1/stamata/none/telemetry",
        "kel/v1/x/zm-01/telemetry",
    ]
    + ["kel/v1/stamata/zm-01/status", "kel/v1/stamata/requests", "frigate/events", "none", "\0"]
)
telemetry = st.builds(city.message, topics, objects | st.lists(objects, max_size=3) | values)
lamps = st.builds(
    lambda ts, inside: city.message("ucifi/f01/la-01-001", {"ts": ts, "3416": {"0": inside}}),
    stamps,
    st.dictionaries(st.sampled_from(["1", "3", "5", "77"]), values, max_size=3),
)
uplinks = st.builds(
    lambda eui, time, inside: city.message(
        f"application/1/device/{eui}/event/up", {"time": time, "object": inside}
    ),
    st.sampled_from([city.DEV_EUI, "0" * 16]),
    stamps,
    st.dictionaries(st.sampled_from(NAMES), values, max_size=3),
)
edges = st.sampled_from(
    [
        *city.births(),
        city.sparkplug("DDATA", "ps-01", seq=2, metrics=[{"alias": "1", "doubleValue": 42.5}]),
        city.sparkplug("DDATA", "ps-01", seq=2, metrics=[{"alias": "1", "doubleValue": 1e9}]),
        city.sparkplug("NDEATH", metrics=[{"name": "bdSeq", "longValue": "7"}]),
    ]
)
raw = st.builds(Message, topics, st.binary(max_size=9), st.sampled_from([city.NOW_US, -1, 2**70]))
batches = st.lists(telemetry | telemetry | lamps | uplinks | edges | raw, max_size=12).flatmap(
    lambda sent: (
        st.lists(st.sampled_from(sent), max_size=3).map(lambda again: sent + again)
        if sent
        else st.just(sent)
    )
)


def intake() -> Intake:
    return Intake(city.registry(*MORE), city.CLASSES)


def carefully(into: Intake, messages: list[Message]) -> Taken:
    """Nothing is taken in passing."""
    with patch("ingest.intake.HANDY", -1):
        return into.take(messages)


def assert_same(one: Taken, other: Taken) -> None:
    for name in ("messages", "other", "requests", "contacts", "replies", "statuses", "rejects"):
        assert getattr(one, name) == getattr(other, name)
    assert (one.rebirths, one.gauges, one.dropped) == (other.rebirths, other.gauges, other.dropped)
    assert [f.cls for f in one.frames] == [f.cls for f in other.frames]
    for mine, its in zip(one.frames, other.frames, strict=True):
        columns = {"time": mine.time, "device": mine.device, "arrival": mine.arrival}
        for column, wanted in zip(
            columns.values(), (its.time, its.device, its.arrival), strict=True
        ):
            assert column.dtype == wanted.dtype
            assert column.tolist() == wanted.tolist()
        assert list(mine.metrics) == list(its.metrics)
        for name, column in mine.metrics.items():
            np.testing.assert_array_equal(column, its.metrics[name])


def zone(*readings: object) -> Message:
    return city.telemetry(list(readings) if len(readings) != 1 else readings[0])


def at(ms: int = city.NOW_MS, **inside: object) -> dict[str, object]:
    return {"ts": ms} | inside


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@example([zone(at(flow=1)), zone(at(flow=2)), zone(at(flow=1))])
@example([zone(at(flow=9999), at(1, flow=1))])  # its first reason is the range, not the time
@example([zone(at(flow=None), at(city.NOW_MS - 1, signal=1))])
@example([zone(at(flow="x")), zone(at(flow=1))])
@example([zone(at(flow=1)), city.message("none", ""), zone(at(flow=1))])
@example([zone(at(flow=None), at(1)), zone(at(flow=2**60)), zone(at(flow=1, pressure=None))])
@example([zone(at(flow=None, pressure=1), at(note="n")), zone(at(signal=3))])
@example([zone(at(flow=1, signal=2, note="n"), at(city.NOW_MS - 1, pressure=99))])
@given(batches)
def test_in_passing_and_carefully_the_same_is_taken_and_refused(messages: list[Message]) -> None:
    quick, careful = intake(), intake()
    assert_same(quick.take(messages), carefully(careful, messages))
    assert quick.state() == careful.state()


def test_good_messages_are_taken_in_passing() -> None:
    """Or the comparison above would compare the careful look with itself."""
    messages = [zone(at(city.NOW_MS - n, flow=n, pressure=None)) for n in range(50)]
    with patch.object(Intake, "_look_at", side_effect=AssertionError):
        taken = city.intake().take(messages)
    assert len(taken.frames[0]) == 50


@pytest.mark.parametrize("bad", ["flow", "kind"])
def test_one_bad_message_sends_no_other_to_the_careful_look(bad: str) -> None:
    messages = [zone(at(city.NOW_MS - n, flow=n)) for n in range(50)]
    messages[7] = zone(at(flow=1e9 if bad == "flow" else "on"))
    with patch.object(Intake, "_look_at", autospec=True, side_effect=Intake._look_at) as look:
        taken = city.intake().take(messages)
    assert [call.args[1] for call in look.call_args_list] == [7]
    assert [r.payload for r in taken.rejects] == [messages[7].payload]


def test_no_payload_that_is_taken_in_passing_can_hold_too_many_readings() -> None:
    assert HANDY // len(b"{},") < MOST_ROWS


def test_too_many_readings_are_refused_whole() -> None:
    body = b"[" + b",".join([b'{"ts":%d,"flow":1}' % city.NOW_MS] * (MOST_ROWS + 1)) + b"]"
    taken = city.intake().take([city.message("kel/v1/stamata/zm-01/telemetry", body)])
    assert [(r.reason, len(taken.frames)) for r in taken.rejects] == [(Reason.TOO_MANY, 0)]


def test_names_that_are_new_each_time_cost_no_more_than_others() -> None:
    """What is remembered between batches does not grow with what a sender makes up."""
    made_up = [zone(at(**{f"n{n}": 1}, flow=1)) for n in range(300)]
    into = intake()
    before = len(into.state())
    taken = into.take(made_up)
    assert len(taken.other) == 300
    assert len(into.state()) == before


def test_the_moments_of_a_device_without_a_clock_survive_a_restart() -> None:
    sent = city.telemetry({"flow": 1}, "zm-61")
    old, new = intake(), intake()
    first = old.take([sent])
    new.load(old.state())
    second = new.take([sent._replace(payload=json.dumps({"flow": 2}).encode())])
    assert not first.rejects + second.rejects
    assert second.frames[0].time.tolist() == [first.frames[0].time[0] + 1]
