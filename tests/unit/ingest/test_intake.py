import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.intake import Intake
from ingest.registry import Registry
from ingest.validate import LARGEST_PAYLOAD, LONGEST_TOPIC, STORED_PAYLOAD, Reason
from kel.model.message import Message
from kel.model.moment import LATEST
from tests.builders import ingest_city as city


def reading(minute: int, name: str = "zm-01", **values: object) -> Message:
    community = "stamata" if name == "zm-01" else "drosia"
    sent = {"ts": city.NOW_MS - minute * 60_000} | values
    return city.telemetry(sent, name, community)


def test_one_frame_per_class_present_with_all_its_metrics() -> None:
    taken = city.intake().take(
        [
            reading(1, flow=2),
            reading(2, flow=1),
            city.message("ucifi/f01/la-01-001", {"3416": {"0": {"1": 50}}}),
        ]
    )
    assert [f.cls for f in taken.frames] == ["zone", "lamp"]
    zone = taken.frames[0]
    assert set(zone.metrics) == {"flow", "pressure"}
    assert zone.metrics["flow"].tolist() == [1.0, 2.0]
    assert np.isnan(zone.metrics["pressure"]).all()
    assert taken.messages == 3


def test_nothing_in_is_nothing_out() -> None:
    assert city.intake().take([]) == city.intake().take([])
    assert city.found(city.intake().take([])) == {}


def test_a_huge_payload_is_refused_and_stored_cut_with_its_size() -> None:
    sent = city.telemetry("x" * 5_000_000)
    (reject,) = city.intake().take([sent]).rejects
    assert (reject.reason, reject.size, len(reject.payload)) == (
        Reason.TOO_LARGE,
        5_000_000,
        STORED_PAYLOAD,
    )
    assert reject.device == "zm-01"


def test_the_largest_payload_is_still_read() -> None:
    padded = b'{"ts":%d,"flow":1}' % city.NOW_MS
    whole = city.telemetry({}).topic
    taken = city.intake().take([Message(whole, padded.ljust(LARGEST_PAYLOAD), city.NOW_US)])
    assert not taken.rejects


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("weather/today", Reason.UNKNOWN_TOPIC),
        ("", Reason.UNKNOWN_TOPIC),
        ("kel/v1/stamata/zm-01/commands", Reason.UNKNOWN_TOPIC),
        ("kel/v1/crews//replies", Reason.UNKNOWN_TOPIC),
        ("kel/v1/stamata/zm-\0/telemetry", Reason.NUL_CHARACTER),
        (f"kel/v1/stamata/{'z' * 500}/telemetry", Reason.LONG_TOPIC),
        ("\0" * 65_000, Reason.LONG_TOPIC),
        ("kel/v1/stamata/zm-\udcff/telemetry", Reason.NOT_UTF8),
    ],
)
def test_refuses_a_topic_by_name_and_stores_it_readably(topic: str, reason: Reason) -> None:
    (reject,) = city.intake().take([Message(topic, b"{}", city.NOW_US)]).rejects
    assert reject.reason == reason
    reject.topic.encode()
    assert len(reject.topic) <= LONGEST_TOPIC
    assert "\0" not in reject.topic + reject.detail


@pytest.mark.parametrize("arrival", [-1, LATEST + 1, 2**63, -(2**70)])
def test_an_impossible_arrival_is_refused(arrival: int) -> None:
    sent = city.telemetry({"ts": city.NOW_MS, "flow": 1})
    (reject,) = city.intake().take([Message(sent.topic, sent.payload, arrival)]).rejects
    assert reject.reason == Reason.BAD_TIME


def test_what_nobody_foresaw_becomes_a_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("ingest.decoders.kel_json.KelJson.decode", broken)
    taken = city.intake().take([reading(1, flow=1), city.message("ucifi/f01/la-01-001", "{")])
    first, second = taken.rejects
    assert (first.reason, first.detail) == (Reason.INTERNAL, "ZeroDivisionError: oh")
    assert second.reason == Reason.NOT_JSON


def test_a_contradiction_takes_back_all_of_the_later_message() -> None:
    later = city.telemetry(
        [{"ts": city.NOW_MS, "flow": 2}, {"ts": city.NOW_MS - 1, "flow": 3, "x": 1, "note": "n"}]
    )
    taken = city.intake().take([reading(0, flow=1), later, reading(5, flow=9)])
    assert [f.metrics["flow"].tolist() for f in taken.frames] == [[9.0, 1.0]]
    assert taken.other == ()
    assert taken.dropped == {}
    assert [(r.reason, r.payload) for r in taken.rejects] == [(Reason.CONTRADICTION, later.payload)]


def test_equal_messages_at_different_moments_are_rejects_of_their_own() -> None:
    sent = city.message("nowhere", "?")
    rejects = city.intake().take([sent, city.later(sent, 1)]).rejects
    assert len({r.id for r in rejects}) == 2


def test_a_class_that_nobody_described_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"tw-01 .* tower"):
        Intake(Registry([city.device(1, "tw-01", "tower")]), city.CLASSES)


def test_a_state_from_before_a_format_was_known_is_taken_for_the_others() -> None:
    old, new = city.intake(), city.intake()
    old.take(city.births())
    state = json.loads(old.state())
    del state["decoders"]["frigate"]
    new.load(json.dumps(state).encode())
    assert new.state() == old.state()


@pytest.mark.parametrize("state", [b"", b"[]", b"{}", b'{"version":0}', b'{"version":1}'])
def test_a_foreign_state_is_refused(state: bytes) -> None:
    with pytest.raises(ValueError):
        city.intake().load(state)


minutes = st.integers(0, 30)
metric = st.sampled_from(["flow", "pressure", "signal"])
sent_readings = st.builds(
    lambda minute, name, chosen: reading(minute, name, **{m: minute + len(m) for m in chosen}),
    minutes,
    st.sampled_from(["zm-01", "zm-02"]),
    st.sets(metric, min_size=1),
)
broken = st.builds(lambda b: city.telemetry(b), st.binary(max_size=12))
sparkplug = st.sampled_from(
    [
        *city.births(),
        city.sparkplug("DDATA", "ps-01", seq=2, metrics=[{"alias": "1", "doubleValue": 42.5}]),
        city.sparkplug("NDEATH", metrics=[{"name": "bdSeq", "longValue": "7"}]),
    ]
)
batches = st.lists(sent_readings | broken | sparkplug, max_size=20)


@settings(max_examples=150, deadline=None)
@given(batches, st.integers(0, 20))
def test_the_same_messages_cut_otherwise_give_the_same(messages: list[Message], at: int) -> None:
    whole, cut = city.intake(), city.intake()
    together = whole.take(messages)
    parts = cut.take(messages[:at]), cut.take(messages[at:])
    assert city.cells(together) == city.cells(*parts)
    assert together.rejects == parts[0].rejects + parts[1].rejects
    assert together.statuses == parts[0].statuses + parts[1].statuses
    assert whole.state() == cut.state()


topics = st.text(max_size=40) | st.sampled_from(
    [
        "kel/v1/stamata/zm-01/telemetry",
        "kel/v1/stamata/zm-01/status",
        "kel/v1/stamata/requests",
        "kel/v1/crews/water-1/replies",
        f"application/1/device/{city.DEV_EUI}/event/up",
        "spBv1.0/dionysos/NBIRTH/scada-1",
        "spBv1.0/dionysos/NDEATH/scada-1",
        "spBv1.0/dionysos/DBIRTH/scada-1/ps-01",
        "spBv1.0/dionysos/DDEATH/scada-1/ps-01",
        "ucifi/f01/la-01-001",
        "frigate/events",
        "frigate/reviews",
        "frigate/available",
    ]
)
anything = st.builds(Message, topics, st.binary(max_size=80), st.integers(-(2**70), 2**70))


@settings(max_examples=300, deadline=None)
@given(st.lists(anything, max_size=6))
def test_nothing_ever_raises_and_nothing_is_lost(messages: list[Message]) -> None:
    taken = city.intake().take(messages)
    assert taken.messages == len(messages)
    assert all(r.reason != Reason.INTERNAL for r in taken.rejects)
    found = len(taken.rejects) + sum(taken.dropped.values()) + len(taken.statuses)
    found += sum(map(len, taken.frames)) + len(taken.other)
    found += len(taken.requests) + len(taken.replies)
    assert bool(found) == bool(messages)
