import sys
from dataclasses import replace
from math import nan
from pathlib import Path
from subprocess import run

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders import sparkplug_b_pb2
from ingest.decoders.sparkplug import Sparkplug, edge_nodes, node_of, rebirth_command
from ingest.decoders.sparkplug_b_pb2 import Metric, Payload, PropertySet, PropertyValue
from ingest.decoders.sparkplug_session import MOST_INTRODUCED
from ingest.intake import Intake
from ingest.registry import Registry
from ingest.validate import MOST_NAMES, Dropped, Reason
from kel.model.device import Clock
from kel.model.message import Message
from kel.model.moment import MINUTE_US
from tests.builders import ingest_city as city

ROOT = Path(__file__).parents[4]
PROTO = "ingest/decoders/sparkplug_b.proto"


def data(seq: int, *metrics: dict[str, object], device: str = "ps-01") -> Message:
    return city.sparkplug("DDATA", device, seq=seq, metrics=list(metrics))


def flow(value: float) -> dict[str, object]:
    return {"alias": "1", "doubleValue": value, "timestamp": city.NOW_MS - int(value * 1000)}


def test_the_generated_module_is_that_of_the_proto_file(tmp_path: Path) -> None:
    made = tmp_path / "descriptors"
    command = ["-m", "grpc_tools.protoc", f"-I{ROOT}", f"--descriptor_set_out={made}", PROTO]
    run([sys.executable, *command], cwd=ROOT, check=True)
    (file,) = FileDescriptorSet.FromString(made.read_bytes()).file
    for field in (f for m in file.message_type for f in m.field):
        field.ClearField("json_name")  # a generated module leaves it out
    assert file.SerializeToString() == sparkplug_b_pb2.DESCRIPTOR.serialized_pb


def test_the_sequence_wraps_after_255() -> None:
    intake = city.intake()
    taken = intake.take([*city.births(), *(data(s % 256, flow(s)) for s in range(2, 300))])
    assert not taken.rejects
    assert not taken.rebirths
    assert not taken.dropped
    assert len(taken.frames[0]) == 299


def test_the_same_message_twice_is_no_gap() -> None:
    taken = city.intake().take([*city.births(), data(2, flow(1)), data(2, flow(1))])
    assert not taken.rebirths
    assert len(taken.frames[0]) == 2


def test_a_refused_value_does_not_break_the_sequence() -> None:
    taken = city.intake().take([*city.births(), data(2, flow(1e9)), data(3, flow(1))])
    assert [r.reason for r in taken.rejects] == [Reason.BAD_TIME]
    assert not taken.rebirths


def test_a_refused_birth_still_introduces_its_names() -> None:
    node, device = city.births()
    bad = city.sparkplug(
        "DBIRTH", "ps-01", seq=1, metrics=[{"name": "flow", "alias": "1", "doubleValue": -5.0}]
    )
    taken = city.intake().take([node, bad, data(2, flow(1))])
    assert [r.reason for r in taken.rejects] == [Reason.OUT_OF_RANGE]
    assert taken.frames[0].metrics["flow"].tolist() == [1.0]
    assert device.topic == bad.topic


@pytest.mark.parametrize(
    ("datatype", "field", "sent", "value"),
    [
        (1, "intValue", 0xFF, -1),
        (1, "intValue", 0xFFFFFFFF, -1),
        (2, "intValue", 0xFFFE, -2),
        (3, "intValue", 0x80000000, -(2**31)),
        (3, "intValue", 5, 5),
        (4, "longValue", 2**64 - 3, -3),
        (7, "intValue", 0xFFFFFFFF, 2**32 - 1),
        (8, "longValue", 7, 7),
    ],
)
def test_signed_integers_are_two_s_complement(
    datatype: int, field: str, sent: int, value: int
) -> None:
    node, _ = city.births()
    metric = {"name": "level", "alias": "9", "datatype": datatype, field: sent}
    birth = city.sparkplug("DBIRTH", "ps-01", seq=1, metrics=[metric])
    later = data(2, {"alias": "9", field: sent, "timestamp": city.NOW_MS - 1000})
    taken = city.intake().take([node, birth, later])
    assert [o.value for o in taken.other] == [value, value]


def test_aliases_of_one_device_say_nothing_about_another() -> None:
    second = city.sparkplug("DBIRTH", "ps-02", seq=2, metrics=[{"name": "flow", "alias": "11"}])
    taken = city.intake().take([*city.births(), second, data(3, flow(1), device="ps-02")])
    assert [r.reason for r in taken.rejects] == [Reason.NO_BIRTH]
    assert taken.rebirths == (city.EDGE,)


def test_a_new_session_forgets_the_aliases_of_the_old() -> None:
    node = city.births(session=8)[0]
    taken = city.intake().take([*city.births(), node, data(1, flow(1))])
    assert [r.reason for r in taken.rejects] == [Reason.NO_BIRTH]


def test_a_rebirth_is_wanted_once_a_minute() -> None:
    intake = city.intake()
    sent = data(2, flow(1))
    wanted = [intake.take([city.later(sent, us)]).rebirths for us in (0, 1, MINUTE_US - 1)]
    assert wanted == [(city.EDGE,), (), ()]
    assert intake.take([city.later(sent, MINUTE_US)]).rebirths == (city.EDGE,)


def test_the_death_of_an_older_session_changes_nothing() -> None:
    stale = city.sparkplug("NDEATH", metrics=[{"name": "bdSeq", "longValue": "6"}])
    taken = city.intake().take([*city.births(session=7), stale, data(2, flow(1))])
    assert taken.dropped == {Dropped.STALE_DEATH: 1}
    assert [s.online for s in taken.statuses] == [True]
    assert not taken.rejects


def test_metrics_of_the_node_itself_and_transient_ones_are_counted() -> None:
    node = city.sparkplug("NDATA", seq=2, metrics=[{"name": "cpu", "doubleValue": 3.0}])
    passing = data(3, {"alias": "1", "doubleValue": 1.0, "isTransient": True})
    taken = city.intake().take([*city.births(), node, passing])
    assert taken.dropped == {Dropped.NODE_METRIC: 1, Dropped.TRANSIENT: 1}
    assert not taken.rejects


def test_two_values_at_one_moment_in_one_message_contradict() -> None:
    twice = data(2, {"alias": "1", "doubleValue": 1.0}, {"alias": "1", "doubleValue": 2.0})
    taken = city.intake().take([*city.births(), twice])
    assert [r.reason for r in taken.rejects] == [Reason.CONTRADICTION]


def test_a_device_that_is_not_registered_keeps_the_sequence() -> None:
    stranger = city.sparkplug("DBIRTH", "ps-77", seq=2, metrics=[{"name": "flow", "alias": "70"}])
    taken = city.intake().take([*city.births(), stranger, data(3, flow(1))])
    assert [r.reason for r in taken.rejects] == [Reason.UNKNOWN_DEVICE]
    assert not taken.rebirths


def told(kind: str, seq: int, second: float, *metrics: dict[str, object]) -> Message:
    """A message of ps-01 (or of the node) that was told so many seconds after NOW."""
    device = "ps-01" if kind[0] == "D" else ""
    ms = city.NOW_MS + round(second * 1000)
    sent = city.sparkplug(kind, device, seq=seq, timestamp=ms, metrics=list(metrics))
    return city.later(sent, round(second * 1_000_000))


def reborn(session: int, second: float) -> Message:
    return told("NBIRTH", 0, second, {"name": "bdSeq", "longValue": session})


def known(messages: list[Message]) -> bytes:
    intake = city.intake()
    intake.take(messages)
    return intake.state()


FLOW = {"name": "flow", "alias": "1", "datatype": 10, "doubleValue": 42.5}
SESSION = [
    *city.births(),
    *(told("DDATA", s, s, {"alias": "1", "doubleValue": float(s)}) for s in range(2, 40)),
]


@given(st.lists(st.integers(0, len(SESSION) - 1), max_size=8))
def test_old_messages_delivered_again_change_nothing_of_what_is_known(again: list[int]) -> None:
    late = [city.later(SESSION[i], 600_000_000) for i in again]
    intake = city.intake()
    intake.take(SESSION)
    before = intake.state()
    taken = intake.take(late)
    assert intake.state() == before
    assert not taken.rejects
    assert not taken.rebirths
    assert Dropped.SEQUENCE_GAP not in taken.dropped
    assert city.cells(taken).items() <= city.cells(city.intake().take(SESSION)).items()


@given(st.integers(2, 38), st.integers(1, 100))
def test_what_was_lost_is_counted_once_and_asked_for(first: int, lost: int) -> None:
    kept = [told("DDATA", s, s, {"alias": "1", "doubleValue": 1.0}) for s in range(2, first)]
    on = first + lost
    after = [
        told("DDATA", s % 256, s, {"alias": "1", "doubleValue": 2.0}) for s in range(on, on + 3)
    ]
    taken = city.intake().take([*city.births(), *kept, *after])
    assert taken.dropped == {Dropped.SEQUENCE_GAP: 1}
    assert taken.rebirths == (city.EDGE,)
    assert len(taken.frames[0]) == 1 + len(kept) + len(after)


@pytest.mark.parametrize(
    ("session", "second", "begins"),
    [
        (7, 0, False),  # the same once more
        (7, 60, True),  # a rebirth
        (8, 60, True),
        (8, -3600, True),  # the node restarted, its clock was set back
        (6, -60, False),  # the session before
        (0, 60, True),  # the node forgot its number
        (0, -60, False),
    ],
)
def test_which_births_begin_a_session(session: int, second: float, begins: bool) -> None:
    births = [city.later(m, 3_600_000_000) for m in city.births(session=7)]
    taken = city.intake().take([*births, city.later(reborn(session, second), 3_600_000_000)])
    assert taken.dropped == ({} if begins else {Dropped.DUPLICATE: 1})


def test_a_session_before_the_wrap_is_older_than_one_after() -> None:
    before, after = reborn(255, 0), reborn(0, 60)
    intake = city.intake()
    assert not intake.take([before, after]).dropped
    assert intake.take([city.later(before, 120_000_000)]).dropped == {Dropped.DUPLICATE: 1}


def test_a_node_whose_clock_went_back_is_heard_again_after_a_rebirth() -> None:
    intake = city.intake()
    intake.take(city.births())
    back = told("DDATA", 5, -7200, {"alias": "1", "doubleValue": 1.0})
    asked = intake.take([city.later(back, 7_260_000_000)])
    assert asked.rebirths == (city.EDGE,)
    answer = [reborn(7, -7190), told("DBIRTH", 1, -7190, FLOW)]
    taken = intake.take([city.later(m, 7_270_000_000) for m in answer])
    assert not taken.dropped
    assert [s.online for s in taken.statuses] == [True]


def test_what_a_node_introduces_is_bounded() -> None:
    names = [
        {"name": f"m/{i}", "alias": str(i), "isNull": True} for i in range(MOST_INTRODUCED + 1)
    ]
    birth = city.sparkplug("DBIRTH", "ps-01", seq=1, metrics=names)
    taken = city.intake().take([city.births()[0], birth])
    assert [r.reason for r in taken.rejects] == [Reason.TOO_LARGE]
    fits = city.sparkplug("DBIRTH", "ps-01", seq=1, metrics=names[1:])
    assert not city.intake().take([city.births()[0], fits]).rejects


def test_a_birth_may_say_more_than_one_row_holds() -> None:
    metrics = [{"name": f"m/{i}", "doubleValue": float(i)} for i in range(MOST_NAMES + 1)]
    birth = city.sparkplug("DBIRTH", "ps-01", seq=1, metrics=metrics)
    taken = city.intake().take([city.births()[0], birth])
    assert not taken.rejects
    assert len(taken.other) == MOST_NAMES + 1


def test_only_registered_devices_are_remembered() -> None:
    strangers = [
        city.sparkplug("DBIRTH", f"x-{i}", seq=(i + 2) % 256, timestamp=city.NOW_MS + i)
        for i in range(500)
    ]
    assert len(known([*city.births(), *strangers])) < 2 * len(known(city.births()))


def test_who_speaks_is_told_of_strangers() -> None:
    node = city.sparkplug("DDATA", "p-1", node="dionysos/scada-9", seq=3)
    device = city.sparkplug("DDATA", "ps-77", seq=2)
    rejects = city.intake().take([*city.births(), node, device]).rejects
    assert [(r.source, r.address) for r in rejects] == [
        ("sparkplug", "dionysos/scada-9/p-1"),
        ("sparkplug", "dionysos/scada-1/ps-77"),
    ]


def test_not_a_number_twice_is_no_contradiction() -> None:
    nothing = {"alias": "1", "doubleValue": "NaN"}
    taken = city.intake().take([*city.births(), data(2, nothing, nothing)])
    assert (taken.rejects, taken.dropped) == ((), {"no_value": 2})


def test_a_reject_for_one_tag_names_it_and_keeps_the_bytes() -> None:
    sent = told(
        "DDATA", 2, 1, {"alias": "1", "doubleValue": -1.0}, {"alias": "2", "doubleValue": 7.0}
    )
    taken = city.intake().take([*city.births(), sent])
    (reject,) = taken.rejects
    assert (reject.reason, reject.device) == ("out_of_range", "ps-01")
    assert reject.payload == sent.payload
    assert reject.detail.startswith("'flow'")
    assert taken.frames[0].metrics["discharge"].tolist() == [8.25, 7.0]


def test_the_past_of_a_device_without_a_clock_is_left_out() -> None:
    """It would become rows of now."""
    devices = [replace(d, clock=Clock.ARRIVAL) for d in city.DEVICES]
    intake = Intake(Registry(devices, mappings=city.MAPPINGS), city.CLASSES)
    past = {"alias": "1", "doubleValue": 1.0, "isHistorical": True}
    stamped = past | {"timestamp": city.NOW_MS - 60_000}
    now = {"alias": "2", "doubleValue": 7.0}
    taken = intake.take([*city.births(), data(2, past, stamped, now), data(3, stamped)])
    assert (taken.rejects, taken.dropped) == ((), {"historical": 3})
    (frame,) = taken.frames
    assert frame.metrics["discharge"].tolist() == [8.25, 7.0]
    assert frame.metrics["flow"].tolist() == pytest.approx([42.5, nan], nan_ok=True)


@pytest.mark.parametrize(
    ("topic", "node"),
    [
        ("spBv1.0/g/DDATA/n/d", "g/n"),
        ("spBv1.0/g/NBIRTH/n", "g/n"),
        ("spBv1.0/g/DDATA", None),
        ("spBv1.0", None),
        ("x/g/DDATA/n", None),
    ],
)
def test_the_node_that_a_topic_names(topic: str, node: str | None) -> None:
    assert node_of(topic) == node
    assert edge_nodes(city.registry()) == {city.EDGE, "dionysos/ps-03"}


@pytest.mark.parametrize(
    ("code", "good"),
    [(192, True), (200, True), (0, False), (500, False), (2**32 - 2147483136, False)],
)
def test_only_values_that_are_not_called_bad_are_kept(code: int, good: bool) -> None:
    quality = {"keys": ["Quality"], "values": [{"type": 3, "intValue": code}]}
    sent = data(2, {"alias": "1", "doubleValue": 7.0, "properties": quality, "timestamp": 1})
    assert [r.reason for r in city.intake().take([*city.births(), sent]).rejects] == (
        [Reason.BAD_TIME] if good else []
    )


def test_a_state_of_before_asks_for_births_anew() -> None:
    """What an older version remembered of edge nodes is not read."""
    decoder = Sparkplug(city.registry(), city.CLASSES)
    decoder.load({"edges": {city.EDGE: {"seq": 3}}, "asked": {}})
    assert decoder.state() == {"nodes": {}, "asked": {}}


def test_the_command_for_a_rebirth_is_one_that_a_node_understands() -> None:
    command = Payload.FromString(rebirth_command(city.NOW_US))
    assert command.timestamp == city.NOW_MS
    assert not command.HasField("seq")
    (metric,) = command.metrics
    assert (metric.name, metric.datatype) == ("Node Control/Rebirth", 11)
    assert metric.boolean_value is True


whole = st.integers(0, 2**64 - 1) | st.integers(city.NOW_MS - 10, city.NOW_MS + 10)
short = st.integers(0, 2**32 - 1)
names = st.sampled_from(["", "flow", "running", "bdSeq", "Node Control/Rebirth", "a/b", "x" * 200])
values = st.one_of(
    st.fixed_dictionaries({"int_value": short}),
    st.fixed_dictionaries({"long_value": whole}),
    st.fixed_dictionaries({"double_value": st.floats()}),
    st.fixed_dictionaries({"boolean_value": st.booleans()}),
    st.fixed_dictionaries({"string_value": st.sampled_from(["", "m³/h", "l/s", "on", "\0"])}),
)
properties = st.builds(
    lambda keys, told: PropertySet(keys=keys, values=[PropertyValue(**v) for v in told]),
    st.lists(st.sampled_from(["engUnit", "Quality", "x"]), max_size=2),
    st.lists(values, max_size=2),
)
metrics = st.builds(
    lambda value, rest: Metric(**value, **rest),
    values | st.just({}) | st.fixed_dictionaries({"dataset_value": st.binary(max_size=4)}),
    st.fixed_dictionaries(
        {},
        optional={
            "name": names,
            "alias": st.integers(0, 3),
            "timestamp": whole,
            "datatype": st.integers(0, 40) | short,
            "is_historical": st.booleans(),
            "is_transient": st.booleans(),
            "is_null": st.booleans(),
            "properties": properties,
        },
    ),
)
payloads = st.builds(
    lambda told, rest: Payload(metrics=told, **rest),
    st.lists(metrics, max_size=4),
    st.fixed_dictionaries({}, optional={"timestamp": whole, "seq": st.integers(0, 4) | whole}),
)
kinds = st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD"])
nodes = st.sampled_from(["scada-1", "ps-03", "nobody"])


@given(st.lists(st.tuples(kinds, nodes, payloads), max_size=8))
def test_any_conversation_has_its_reasons_and_survives_a_restart(
    said: list[tuple[str, str, Payload]],
) -> None:
    sent = [
        city.message(
            f"spBv1.0/dionysos/{kind}/{node}" + ("/ps-01" if kind[0] == "D" else ""),
            payload.SerializeToString(),
        )
        for kind, node, payload in said
    ]
    intake, other = city.intake(), city.intake()
    taken = intake.take([*city.births(), *sent])
    assert all(r.reason != Reason.INTERNAL for r in taken.rejects)
    other.load(intake.state())
    assert other.state() == intake.state()
