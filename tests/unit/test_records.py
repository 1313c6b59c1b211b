"""Records: what a bridge writes reads back; anything else is refused as a whole."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.model.message import Batch, Message
from kel.model.moment import LATEST
from kel.records import VERSION, BadRecordError, decode, encode, pack

MOMENTS = st.integers(0, LATEST)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ROWS = st.lists(st.tuples(TEXT, st.binary(max_size=100)), max_size=5)


def batch_of(rows, arrival, tick, bridge):
    return Batch(tuple(Message(topic, payload, arrival) for topic, payload in rows), tick, bridge)


BATCHES = st.builds(batch_of, ROWS, MOMENTS, st.none() | MOMENTS, TEXT)
ANYTHING = st.recursive(
    st.none() | st.booleans() | MOMENTS | st.floats() | TEXT | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=5,
)


@given(BATCHES)
def test_what_was_written_reads_back(batch):
    read = decode(encode(batch))
    assert read == batch
    assert all(type(m) is Message for m in read.messages)


def test_the_form_never_changes_within_a_version():
    batch = Batch((Message("t", b"\x00", 7), Message("u", b"", 7)), 9, "b")
    assert encode(batch).hex() == "9602a162090792a174a17592c40100c400"
    assert encode(batch) == pack("b", 9, 7, ["t", "u"], [b"\x00", b""])
    assert VERSION == 2


def test_the_messages_of_a_record_arrive_at_one_time():
    with pytest.raises(ValueError, match="one time"):
        encode(Batch((Message("t", b"", 7), Message("t", b"", 8))))


def packed(**other):
    columns = {"bridge": "b", "tick": None, "arrival": 1, "topics": ["t"], "payloads": [b""]}
    return msgpack.packb([2, *{**columns, **other}.values()])


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (b"", "not a record"),
        (b"some JSON {}", "not a record"),
        (b"\x05", "not a record"),
        (msgpack.packb([]), "not a record"),
        (msgpack.packb([1, None, []]), "version 1"),
        (msgpack.packb([None, None, []]), "version None"),
        (msgpack.packb([True, "b", None, None, [], []]), "version True"),
        (msgpack.packb({"a": 1, "b": 2, "c": 3}), "version 'a'"),
        (msgpack.packb([2, "b", None]), "not a record"),
        (msgpack.packb([2, "b", None, 1, ["t"], [b""], 0]), "not a record"),
        (packed(bridge=None), "its bridge has a name"),
        (packed(bridge=b"b"), "its bridge has a name"),
        (packed(topics=5), "a topic is text"),
        (packed(topics="t"), "a topic is text"),
        (packed(topics=[2]), "a topic is text"),
        (packed(topics=[b"t"]), "a topic is text"),
        (packed(payloads=None), "a payload is bytes"),
        (packed(payloads=["p"]), "a payload is bytes"),
        (packed(payloads=[]), "every topic has a payload"),
        (packed(topics=[]), "every topic has a payload"),
        (packed(arrival=-1), "-1 is no moment"),
        (packed(arrival=1.5), "1.5 is no moment"),
        (packed(arrival=None), "None is no moment"),
        (packed(topics=[], payloads=[]), "1 is no moment"),
        (packed(tick=LATEST + 1), "is no moment"),
        (packed(tick=True), "True is no moment"),
        (encode(Batch((), 5)) + b"\x00", "not a record"),
        (packed()[:-1], "not a record"),
        (packed(topics=["\x7f\x7f"]).replace(b"\x7f\x7f", b"\xff\xfe"), "not a record"),
        (msgpack.packb(msgpack.ExtType(5, b"")), "version 5"),
        (b"\x91" * 5000, "not a record"),
    ],
)
def test_what_no_bridge_wrote_is_refused(record, words):
    with pytest.raises(BadRecordError, match=words):
        decode(record)


@given(st.binary(max_size=200) | ANYTHING.map(msgpack.packb))
def test_any_bytes_are_a_batch_or_refused(record):
    try:
        assert isinstance(decode(record), Batch)
    except BadRecordError as why:
        assert str(why)


@given(BATCHES, st.data())
def test_a_record_with_a_byte_changed_is_a_batch_or_refused(batch, data):
    record = bytearray(encode(batch))
    record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(decode(bytes(record)), Batch)
    except BadRecordError as why:
        assert str(why)


@given(st.sampled_from(range(5)), ANYTHING)
def test_a_record_with_a_column_changed_is_a_batch_or_refused(column, other):
    columns = ["b", None, 1, ["t"], [b""]]
    columns[column] = other
    try:
        assert isinstance(decode(msgpack.packb([2, *columns])), Batch)
    except BadRecordError as why:
        assert str(why)
