"""The client that reads in bulk: what it hands over is bounded, what it owes goes out at once.

That it hears what paho hears is tests/contract/test_bulk.py's.
"""

import re
import time
from types import SimpleNamespace

import paho.mqtt.client as paho
import pytest

from kel.mqtt import bulk
from kel.mqtt.bulk import OVERHEAD, BulkClient, Chunk
from tests.contract.test_bulk import Socket, publish

LIMIT = 1000


class Recorder(Socket):
    """Also notes what was sent."""

    def __init__(self, there=b""):
        self.there = there
        self.sent = []

    def send(self, data):
        self.sent.append(bytes(data))
        return len(data)


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(bulk, "PAUSE_S", 0.01)
    client = BulkClient("test", lambda chunk: client.chunks.append(chunk), largest=10, limit=LIMIT)
    client.chunks = []
    client._sock = Recorder()
    client._state = paho._ConnectionState.MQTT_CS_CONNECTED
    return client


def test_a_client_that_is_full_does_not_read_until_something_is_released(client):
    one = publish(payload=bytes(100))
    for _ in range(10):
        client._sock.there += one
        client.loop_read()
    read = len(client.chunks)
    assert read == LIMIT // (len(one) + OVERHEAD) + 1
    assert len(client._sock.there) == (10 - read) * len(one)
    assert client.held == sum(c.size for c in client.chunks) == read * (len(one) + OVERHEAD)
    client.release(client.chunks[0].size)
    client.release(client.chunks[1].size)
    client.loop_read()
    assert (sum(map(len, client.chunks)), client._sock.there) == (10, b"")


def test_a_full_client_keeps_its_connection_although_it_hears_no_answer(client, monkeypatch):
    now = [1000.0]
    for clock in ("paho.mqtt.client.time_func", "kel.mqtt.bulk.time.monotonic"):
        monkeypatch.setattr(clock, lambda: now[0])
    client._keepalive = 15
    client._last_msg_out = client._last_bytes_received = now[0]
    client._sock.there = publish(payload=bytes(2 * LIMIT)) * 2
    client.loop_read()
    for _ in range(120):
        now[0] += 1
        assert client.loop_read() == client.loop_misc() == 0
    pings = client._sock.sent.count(b"\xc0\x00")
    assert 120 // 15 - 1 <= pings <= 120 // 15 + 1
    assert client._sock is not None


def test_a_client_that_has_room_and_hears_no_answer_leaves(client, monkeypatch):
    """So that the other test is not true of any client."""
    now = [1000.0]
    monkeypatch.setattr("paho.mqtt.client.time_func", lambda: now[0])
    client._keepalive = 15
    client._last_msg_out = client._last_bytes_received = now[0]
    for _ in range(120):
        now[0] += 1
        client.loop_misc()
    assert client._sock is None


def test_acknowledgements_go_out_as_one_write(client):
    client.acknowledge([b"\0\1", b"\1\2"])
    client.acknowledge([])
    assert client._sock.sent == [b"\x40\2\0\1\x40\2\1\2"]


def test_what_was_left_of_a_broken_connection_is_forgotten(client, monkeypatch):
    client._sock.there = publish(b"whole") + publish(b"half")[:5]
    client.loop_read()
    client._create_socket = lambda: SimpleNamespace(
        setblocking=lambda _: None, send=lambda data: len(data), recv=None, close=lambda: None
    )
    client._host = "nowhere"
    client.reconnect()
    client._sock = Recorder(publish(b"again"))
    client.loop_read()
    assert [topic for chunk in client.chunks for topic in chunk.topics] == [b"whole", b"again"]


def test_a_little_that_comes_is_waited_with_and_much_is_not(client, monkeypatch):
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    client._limit = 1 << 30
    for stream in (publish(), publish(payload=bytes(bulk.LITTLE)), b"\xd0\0"):
        client._sock.there = stream
        client.loop_read()
    assert naps == [bulk.NAP_S]


@pytest.mark.parametrize("missing", ["_packet_queue", "_in_packet"])
def test_another_paho_is_refused_with_its_version(monkeypatch, missing):
    monkeypatch.setattr(bulk, "INTERNALS", (*bulk.INTERNALS, "_gone"))
    if missing == "_in_packet":
        monkeypatch.setattr(bulk, "INTERNALS", ())
        monkeypatch.setattr(bulk, "IN_PACKET", {"pos"})
    version = re.escape(bulk.paho_version)
    with pytest.raises(LookupError, match=rf"paho-mqtt {version} .*lock\.txt"):
        BulkClient("test", lambda _: None, largest=1, limit=1)


def test_a_chunk_parts_by_topic_and_keeps_order_and_size():
    rows = [(b"a", b"1", b"\0\1"), (b"b", b"2", b""), (b"a", b"3", b""), (b"c", b"4", b"\0\4")]
    chunk = Chunk(*map(list, zip(*rows, strict=True)), 40, 7)
    one, others = chunk.parted(b"a")
    assert one == Chunk([b"a", b"a"], [b"1", b"3"], [b"\0\1", b""], 0, 7)
    assert others == Chunk([b"b", b"c"], [b"2", b"4"], [b"", b"\0\4"], 40, 7)
    assert (chunk.kept, one.kept, others.kept) == (2, 1, 1)
