"""Records: what a bridge writes reads back; anything else is refused as a whole."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.model.message import Batch, Message
from kel.records import LATEST, VERSION, BadRecordError, decode, encode

MOMENTS = st.integers(0, LATEST)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
MESSAGES = st.builds(Message, TEXT, st.binary(max_size=100), MOMENTS)
BATCHES = st.builds(Batch, st.lists(MESSAGES, max_size=5).map(tuple), st.none() | MOMENTS)


@given(BATCHES)
def test_what_was_written_reads_back(batch):
    assert decode(encode(batch)) == batch


def test_the_form_never_changes_within_a_version():
    batch = Batch((Message("t", b"\x00", 7),), 9)
    assert encode(batch).hex() == "930109919307a174c40100"
    assert VERSION == 1


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (b"", "not a record"),
        (b"some JSON {}", "not a record"),
        (msgpack.packb([2, None, []]), "version 2"),
        (msgpack.packb([None, None, []]), "version None"),
        (msgpack.packb([1, None]), "not a record"),
        (msgpack.packb({"a": 1, "b": 2, "c": 3}), "version 'a'"),
        (msgpack.packb([1, None, 5]), "not a record"),
        (msgpack.packb([1, None, [[1, "t"]]]), "not a record"),
        (msgpack.packb([1, None, [[1, 2, b""]]]), "a topic is text"),
        (msgpack.packb([1, None, [[1, b"t", b""]]]), "a topic is text"),
        (msgpack.packb([1, None, [[1, "t", "p"]]]), "a payload bytes"),
        (msgpack.packb([1, None, [[-1, "t", b""]]]), "-1 is no moment"),
        (msgpack.packb([1, None, [[1.5, "t", b""]]]), "1.5 is no moment"),
        (msgpack.packb([1, LATEST + 1, []]), "is no moment"),
        (msgpack.packb([1, True, []]), "True is no moment"),
        (encode(Batch((), 5)) + b"\x00", "not a record"),
        (msgpack.packb([1, None, [[1, "t", b""]]])[:-1], "not a record"),
        (b"\x93\x01\xc0\x91\x93\x01\xa2\xff\xfe\xc4\x00", "not a record"),
    ],
)
def test_what_no_bridge_wrote_is_refused(record, words):
    with pytest.raises(BadRecordError, match=words):
        decode(record)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_refused(record):
    try:
        assert isinstance(decode(record), Batch)
    except BadRecordError as why:
        assert str(why)
