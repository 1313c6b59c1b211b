"""Reading in bulk: all messages of one read of the socket as columns, many PUBACKs in one write.

Laws:
- the same bytes give the same messages in the same order as paho's own reading does, however they
  were cut on their way, and what ends paho's connection ends this one;
- only PUBLISH is read here. Every other packet is paho's, in its place between the messages;
- of properties the length alone is looked at: the broker has read them, and the payload follows;
- a payload is kept up to `largest` bytes: the rest is passed over as it comes, so that no length
  that a packet names takes memory;
- what was handed over and not released is bounded: beyond `limit` nothing is read, and TCP tells
  the broker. Writing goes on meanwhile, also keepalive's; its answer is not waited for, since it
  would stand behind what is not read.

Format: MQTT 5.0 (OASIS Standard, 2019), 1.5.5, 2.1 and 3.3. This relies on paho's internals:
`INTERNALS` are looked for when a client is made.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import paho.mqtt.client as paho
from paho.mqtt import __version__ as paho_version
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.exception import MalformedPacket

READ = 256 * 1024  # bytes of a read
WHOLE = 512 * 1024  # a packet that says it is longer is not waited for as a whole
HEAD = 66_000  # bytes within which a PUBLISH has told all but its properties and its payload
OVERHEAD = 200  # bytes that a message takes in memory beside what came by the wire
PAUSE_S = 0.05  # how long a full client waits before it looks after its writing
LITTLE = 32 * 1024  # bytes: after a read of messages that brought less, others may join the next
NAP_S = 0.002  # by waiting so long: a read costs as much as ten messages

QOS_0, QOS_1 = 0x30, 0x32  # PUBLISH, with the bits for DUP and RETAIN left out
PUBACK = b"\x40\x02"  # and the message's id

INTERNALS = (
    *("_in_packet", "_msgtime_mutex", "_last_bytes_received", "_ping_t", "_sock"),
    *("_sock_recv", "_packet_handle", "_packet_queue", "_loop_rc_handle", "loop_read"),
    *("loop_misc", "reconnect"),
)
IN_PACKET = {
    *("command", "have_remaining", "remaining_count", "remaining_mult", "remaining_length"),
    *("packet", "to_process", "pos"),
}


class MalformedError(ValueError):
    """Bytes that no broker may send."""


@dataclass(slots=True)
class Chunk:
    """Messages that came together, in their order, as columns of equal length.

    `mids`: each message's id as the wire has it (two bytes), empty at QoS 0. `size`: bytes that
    came by the wire, and `OVERHEAD` a message. `connection`: which of the link's connections.
    """

    topics: list[bytes] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    mids: list[bytes] = field(default_factory=list)
    size: int = 0
    connection: int = 0

    def __len__(self) -> int:
        return len(self.mids)

    @property
    def kept(self) -> int:
        """How many of the messages the broker keeps until they are acknowledged (QoS 1)."""
        return len(self.mids) - self.mids.count(b"")

    def parted(self, topic: bytes) -> "tuple[Chunk, Chunk]":
        """Its messages on this topic, without a size, and all others, with the size of all."""
        parts = Chunk(connection=self.connection), Chunk([], [], [], self.size, self.connection)
        for row in zip(self.topics, self.payloads, self.mids, strict=True):
            part = parts[row[0] != topic]
            for column, value in zip((part.topics, part.payloads, part.mids), row, strict=True):
                column.append(value)
        return parts


class _Large:
    """A message that is too large to wait for: what is kept of it, and what is still to come."""

    def __init__(self, topic: bytes, mid: bytes, skip: int, left: int, largest: int) -> None:
        self.topic = topic
        self.mid = mid
        self.size = skip + left
        self._payload = bytearray()
        self._skip = skip  # bytes of properties
        self._left = left  # bytes of payload
        self._room = min(left, largest)

    def take(self, data: bytes, at: int) -> int:
        """Take what is this message's from `data`; returns where that ends."""
        skipped = min(self._skip, len(data) - at)
        self._skip -= skipped
        at += skipped
        taken = min(self._left, len(data) - at)
        kept = min(taken, self._room)
        self._payload += data[at : at + kept]
        self._room -= kept
        self._left -= taken
        return at + taken

    def chunk(self) -> Chunk | None:
        """It alone, once it is there."""
        if self._skip or self._left:
            return None
        return Chunk([self.topic], [bytes(self._payload)], [self.mid], self.size)


class Parser:
    """The packets in a stream of bytes, however it is cut. Pure."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._rest = b""
        self._large: _Large | None = None

    def feed(self, data: bytes) -> Iterator[Chunk | tuple[int, bytes]]:
        """Messages, and other packets as (first byte, what follows the length), in their order.

        Raises MalformedError behind what came before it; then the stream is at its end.
        """
        chunk, at = Chunk(), 0
        if self._large:
            at = self._large.take(data, 0)
            complete = self._large.chunk()
            if complete is None:
                return
            chunk, self._large = complete, None
        data = self._rest + data if self._rest else data
        try:
            while True:
                start = at
                at = self._messages(data, at, chunk)
                chunk.size += at - start + OVERHEAD * len(chunk)
                packet = self._other(data, at)
                if packet is None:
                    break
                if chunk:
                    yield chunk
                    chunk = Chunk()
                first, body, at = packet
                yield first, data[body:at]
        except MalformedError:
            if chunk:
                yield chunk
            raise
        self._rest = b"" if self._large else data[at:]
        if chunk:
            yield chunk

    def _messages(self, data: bytes, at: int, chunk: Chunk) -> int:
        """Read messages from `at` on as long as they are there as a whole; returns where they end.

        This runs for every message of a city: no call, no object but the columns' values.
        """
        topics, payloads, mids = chunk.topics, chunk.payloads, chunk.mids
        largest, end = self._largest, len(data)
        while end - at >= 2:
            kind, length, body = data[at] & 0xF6, data[at + 1], at + 2
            if kind != QOS_1 and kind != QOS_0:
                break
            if length > 127:
                if end - at < 5:
                    break
                if data[body] < 128:  # as nearly all lengths
                    length, body = length & 127 | data[body] << 7, body + 1
                else:
                    length, body = _varint(data, at + 1, end)
            stop = body + length
            if stop > end:
                break
            try:
                topic_end = body + 2 + (data[body] << 8) + data[body + 1]
                payload = topic_end + 2 if kind == QOS_1 else topic_end
                properties = data[payload]
                payload += 1
                if properties > 127:
                    properties, payload = _varint(data, payload - 1, stop)
            except IndexError:
                raise MalformedError("a message ends within its head") from None
            payload += properties
            if not topic_end < payload <= stop:
                raise MalformedError("a message ends within its head")
            topics.append(data[body + 2 : topic_end])
            mids.append(data[topic_end : topic_end + 2] if kind == QOS_1 else b"")
            at = stop
            if stop - payload > largest:
                stop = payload + largest
            payloads.append(data[payload:stop])
        return at

    def _other(self, data: bytes, at: int) -> tuple[int, int, int] | None:
        """A packet that is no message: its first byte, where its body begins, where it ends.

        None where it is not there as a whole yet, or where a large message begins.
        """
        end = len(data)
        if end - at < 2:
            return None
        length, body = _varint(data, at + 1, end)
        if body < 0:
            return None
        kind, stop = data[at] & 0xF6, body + length
        if kind in (QOS_0, QOS_1):
            if length > WHOLE and end - body >= HEAD:
                self._begin_large(data, kind, body, stop)
            return None
        if kind & 0xF0 == QOS_0:
            raise MalformedError("a message at a QoS that was not asked for")
        if length > WHOLE:
            raise MalformedError("a packet without end")
        return (data[at], body, stop) if stop <= end else None

    def _begin_large(self, data: bytes, kind: int, body: int, stop: int) -> None:
        topic_end = body + 2 + int.from_bytes(data[body : body + 2], "big")
        at = topic_end + 2 if kind == QOS_1 else topic_end
        properties, payload = _varint(data, at, stop)
        left = stop - payload - properties
        if payload < 0 or left < 0:
            raise MalformedError("a message ends within its head")
        mid = data[topic_end:at]
        self._large = _Large(data[body + 2 : topic_end], mid, properties, left, self._largest)
        self._large.take(data, payload)


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A variable byte integer and where it ends; a negative end where it is not there as a whole.

    Raises MalformedError where it has more than four bytes.
    """
    value = 0
    for place in range(5):
        if at + place >= end:
            return 0, -1
        if place == 4:
            break
        digit = data[at + place]
        value |= (digit & 127) << 7 * place
        if digit < 128:
            return value, at + place + 1
    raise MalformedError("a length of more than four bytes")


class BulkClient(paho.Client):
    """paho's client, MQTT 5 with manual acknowledgement; `on_bulk` is given every chunk.

    Raises LookupError where paho is another one than this was written for.
    """

    def __init__(
        self, client_id: str, on_bulk: Callable[[Chunk], None], *, largest: int, limit: int
    ) -> None:
        self._largest = largest
        self._parser = Parser(largest)
        self._on_bulk = on_bulk
        self._limit = limit
        self._flow = threading.Condition()
        self._held = 0  # bytes handed over and not released
        self._handed = 0  # chunks
        self._full = False
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5, manual_ack=True
        )
        missing = [name for name in INTERNALS if not hasattr(self, name)]
        if missing or set(self._in_packet) != IN_PACKET:
            raise LookupError(
                f"paho-mqtt {paho_version} is not the one that kel/mqtt/bulk.py was written for "
                f"({', '.join(missing) or '_in_packet'}): install that of requirements/lock.txt"
            )

    @property
    def held(self) -> int:
        """Bytes that were handed over and not released."""
        return self._held

    def release(self, size: int) -> None:
        """So much of what was handed over needs no memory any more."""
        with self._flow:
            self._held -= size
            self._flow.notify()

    def acknowledge(self, mids: Sequence[bytes]) -> None:
        """PUBACK these messages with one write."""
        if mids:
            self._packet_queue(paho.PUBACK, PUBACK + PUBACK.join(mids), 0, 1)

    def reconnect(self) -> MQTTErrorCode:
        self._parser = Parser(self._largest)  # what was left belonged to the old connection
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002 - paho's form
        """One read, and all that came with it."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if not self._has_room():
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        try:
            data = self._sock_recv(READ)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        if not data:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        handed = self._handed
        problem = self._handle(data)
        if problem:
            return self._loop_rc_handle(problem)
        if len(data) < LITTLE and self._handed > handed:
            time.sleep(NAP_S)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def loop_misc(self) -> MQTTErrorCode:
        if self._full:
            with self._msgtime_mutex:
                self._last_bytes_received = time.monotonic()
            self._ping_t = 0.0
        return super().loop_misc()

    def _has_room(self) -> bool:
        with self._flow:
            if self._held >= self._limit:
                self._flow.wait(PAUSE_S)
            self._full = self._held >= self._limit
        return not self._full

    def _handle(self, data: bytes) -> MQTTErrorCode:
        try:
            for came in self._parser.feed(data):
                if isinstance(came, Chunk):
                    with self._flow:
                        self._held += came.size
                    self._handed += 1
                    self._on_bulk(came)
                    continue
                problem = self._packet(*came)
                if problem or self._sock is None:
                    return problem
        except (MalformedError, MalformedPacket):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _packet(self, first: int, body: bytes) -> MQTTErrorCode:
        """Let paho handle a packet as if it had read it."""
        empty = self._in_packet
        self._in_packet = {
            "command": first,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        try:
            return self._packet_handle()
        finally:
            self._in_packet = empty
