import sys
from pathlib import Path
from subprocess import run

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from ingest.decoders import sparkplug_b_pb2
from ingest.validate import Dropped, Reason
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
    node, _ = city.births()
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
