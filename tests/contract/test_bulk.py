"""Reading in bulk is paho's reading: the same bytes, however cut, give the same.

Both clients are fed by a socket that hands out pieces; paho's own is the measure.
"""

import struct
import tracemalloc

import paho.mqtt.client as paho
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kel.mqtt import bulk
from kel.mqtt.bulk import HEAD, WHOLE, BulkClient, Chunk, MalformedError, Parser

EVERYTHING = 1 << 28  # keep payloads whole


class Socket:
    """Hands out what is there, as a socket that does not block."""

    def __init__(self):
        self.there = b""

    def recv(self, size):
        if not self.there:
            raise BlockingIOError
        given, self.there = self.there[:size], self.there[size:]
        return given

    def send(self, data):
        return len(data)

    def close(self):
        pass

    def fileno(self):
        return -1


def heard(client, pieces):
    """All that a client notices of these pieces of a stream, and whether it left."""
    events = client.events = []
    client._sock = socket = Socket()
    client._state = paho._ConnectionState.MQTT_CS_CONNECTED
    client.on_subscribe = lambda c, d, mid, *_: events.append(("suback", mid))
    client.on_disconnect = lambda c, d, flags, *_: events.append(
        ("end", flags.is_disconnect_packet_from_server)
    )
    for piece in pieces:
        socket.there = piece
        while socket.there and client._sock is not None:
            client.loop_read()
    return events


def by_paho(pieces):
    client = paho.Client(
        CallbackAPIVersion.VERSION2, "stock", protocol=paho.MQTTv5, manual_ack=True
    )
    client.on_message = lambda c, d, m: client.events.append((m._topic, m.payload, m.mid, m.qos))
    return heard(client, pieces)


def in_bulk(pieces, largest=EVERYTHING):
    def take(chunk):
        for topic, payload, mid in zip(chunk.topics, chunk.payloads, chunk.mids, strict=True):
            client.events.append((topic, payload, int.from_bytes(mid, "big"), len(mid) // 2))

    client = BulkClient("bulk", take, largest=largest, limit=1 << 40)
    return heard(client, pieces)


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(bulk, "NAP_S", 0)


def length(n):
    out = bytearray()
    while True:
        n, digit = divmod(n, 128)
        out.append(digit | (0x80 if n else 0))
        if not n:
            return bytes(out)


def packet(first, body):
    return bytes([first]) + length(len(body)) + body


def publish(topic=b"t", payload=b"", mid=1, qos=1, properties=b"\0", flags=0):
    head = struct.pack(">H", len(topic)) + topic + (struct.pack(">H", mid) if qos else b"")
    return packet(0x30 | qos << 1 | flags, head + properties + payload)


def properties_of(expiry, user, response):
    properties = Properties(PacketTypes.PUBLISH)
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    if response:
        properties.ResponseTopic = response
    for pair in user:
        properties.UserProperty = pair
    return properties.pack()


WORDS = st.text(st.characters(categories=["L", "N"]), max_size=60)
PROPERTIES = st.builds(
    properties_of,
    st.none() | st.integers(0, 2**32 - 1),
    st.lists(st.tuples(WORDS, WORDS), max_size=4),
    WORDS,
)
TOPICS = st.binary(max_size=20) | st.binary(min_size=100, max_size=140) | WORDS.map(str.encode)
PAYLOADS = (
    st.binary(max_size=40)
    | st.integers(90, 140).map(bytes)
    | st.sampled_from([16_370, 70_000, 300_000, WHOLE, WHOLE + 5_000]).map(bytes)
)
PUBLISHES = st.builds(
    publish,
    TOPICS,
    PAYLOADS,
    st.integers(0, 65_535),
    st.sampled_from([0, 1]),
    st.just(b"\0") | PROPERTIES,
    st.sampled_from([0x0, 0x1, 0x8, 0x9]),
)
OTHERS = st.sampled_from(
    [
        packet(0xD0, b""),  # PINGRESP
        packet(0x40, b"\0\7"),  # PUBACK of nothing that we sent
        packet(0x40, b"\0\7\0\0"),
        packet(0x90, b"\0\5\0\1"),  # SUBACK
        packet(0x90, b"\0\6\0\1\2\x80"),
    ]
)
ENDS = {
    "the broker leaves": packet(0xE0, b"\x8e\0"),
    "no packet of MQTT": packet(0xF0, b""),
    "not for a client": packet(0x80, b""),
    "QoS 3": publish(qos=3),
    "nothing in it": packet(0x30, b""),
    "half a topic's length": packet(0x30, b"\0"),
    "a topic beyond its end": packet(0x30, b"\0\5ab"),
    "no id": packet(0x32, b"\0\1t"),
    "half an id": packet(0x32, b"\0\1t\1"),
    "no properties": packet(0x32, b"\0\1t\0\1"),
    "no properties, QoS 0": packet(0x30, b"\0\1t"),
    "properties beyond its end": packet(0x32, b"\0\1t\0\1\5ab"),
    "many properties beyond its end": packet(0x30, b"\0\1t\x80\1ab"),
    "half a length of properties": packet(0x30, b"\0\1t\x80"),
    "a length of properties of five bytes": packet(0x30, b"\0\1t\x80\x80\x80\x80\1xxxxxxx"),
    "a length of five bytes": b"\x30\x80\x80\x80\x80\1",
    "a packet of a connection's begin": packet(0x20, b""),
}
CUTS = st.lists(st.integers(1, 40) | st.integers(1, 200_000), min_size=1, max_size=30)


def cut(stream, sizes):
    """The stream in pieces of these sizes, in turn."""
    pieces, n = [], 0
    least = len(stream) // 5000 + 1  # not a million pieces
    while stream:
        size = max(sizes[n % len(sizes)], least)
        pieces.append(stream[:size])
        stream, n = stream[size:], n + 1
    return pieces


@settings(max_examples=60, deadline=None)
@given(st.lists(PUBLISHES | OTHERS, max_size=12), CUTS)
def test_what_a_broker_sends_is_heard_as_paho_hears_it(packets, sizes):
    pieces = cut(b"".join(packets), sizes)
    assert in_bulk(pieces) == by_paho(pieces)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@settings(max_examples=8, deadline=None)
@given(st.lists(PUBLISHES | OTHERS, max_size=3), CUTS)
def test_what_ends_pahos_connection_ends_this_one(end, packets, sizes):
    """Also with more behind it: nothing of that is heard."""
    pieces = cut(b"".join([*packets, end, publish(b"behind")]), sizes)
    said = in_bulk(pieces)
    assert said == by_paho(pieces)
    assert said[-1][0] == "end"


@settings(max_examples=100, deadline=None)
@given(st.lists(PUBLISHES | OTHERS, min_size=1, max_size=4), CUTS, st.data())
def test_a_stream_with_a_wrong_byte_is_heard_alike_up_to_where_one_of_both_leaves(
    packets, sizes, data
):
    """paho also reads properties' values, which the broker has done; nobody asks for QoS 2."""
    stream = bytearray(b"".join(packets))
    wrong = data.draw(st.integers(0, min(len(stream), 400) - 1))
    stream[wrong] = data.draw(st.integers(0, 255))
    pieces = cut(bytes(stream), sizes)
    bulk, stock = in_bulk(pieces), by_paho(pieces)
    if bulk != stock:
        events = [[e for e in said if e[0] != "end"] for said in (bulk, stock)]
        shorter, longer = sorted(events, key=len)
        assert longer[: len(shorter)] == shorter
        assert bulk[-1:] == [("end", False)] or stock[-1:] == [("end", False)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=10))
def test_any_bytes_are_packets_or_malformed(pieces):
    parser = Parser(100)
    try:
        for piece in pieces:
            for came in parser.feed(piece):
                assert isinstance(came, Chunk | tuple)
    except MalformedError as why:
        assert str(why)


# payloads that are too large to keep


@settings(max_examples=60, deadline=None)
@given(st.lists(PUBLISHES, max_size=5), CUTS, st.sampled_from([0, 1, 100, 262_145]))
def test_of_a_large_payload_the_first_bytes_are_kept(packets, sizes, largest):
    pieces = cut(b"".join(packets), sizes)
    whole = [(topic, payload[:largest], *more) for topic, payload, *more in by_paho(pieces)]
    assert in_bulk(pieces, largest) == whole


@pytest.mark.parametrize("size", [WHOLE - 50, WHOLE, WHOLE + 50, 3 * WHOLE])
@pytest.mark.parametrize("properties", [0, 200, 70_000])
@pytest.mark.parametrize("topic", [b"t", b"t" * 65_535])
def test_large_messages_among_small_ones(size, properties, topic):
    user = [("k" * 100, "v" * 100)] * (properties // 205)
    large = publish(topic, bytes(size), 7, 1, properties_of(None, user, ""))
    stream = publish(b"before", b"1") + large + publish(b"behind", b"2", 3)
    for sizes in ([HEAD], [100_000, 1, 2, 3], [len(stream)], [9, 65_536]):
        pieces = cut(stream, sizes)
        assert in_bulk(pieces) == by_paho(pieces)


def test_no_length_that_a_packet_names_takes_memory():
    """256 MB in a message, as properties or as payload: neither is kept."""
    most, piece = 268_435_455, bytes(1 << 18)
    for rest in (b"\0", b"\xff\xff\xff\x7f"[:3] + b"\x7e"):
        parser = Parser(262_145)
        head = b"\x32\xff\xff\xff\x7f\0\1t\0\1" + rest
        tracemalloc.start()
        came = list(parser.feed(head + piece))
        for _ in range((most - len(head) + 5 - len(piece)) // len(piece)):
            came += parser.feed(piece)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (came, peak < 2_000_000) == ([], True)
        (chunk,) = [c for p in (piece, piece) for c in parser.feed(p) if isinstance(c, Chunk)][:1]
        assert (chunk.topics, chunk.mids) == ([b"t"], [b"\0\1"])


def test_a_packet_without_end_is_not_waited_for():
    with pytest.raises(MalformedError):
        list(Parser(100).feed(b"\x90" + length(WHOLE + 1)))
