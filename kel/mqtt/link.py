"""MQTT 5 with manual acknowledgement: one client of the broker.

Laws:
- the session outlives the process (fixed client id, session expiry): what was not acknowledged
  comes again;
- what was received and not yet acknowledged is bounded in number (the receive maximum) and in
  bytes: beyond, nothing is read, and the broker keeps it;
- nothing that a message holds ends the network thread; what a callback raises all the same is
  logged and ends the process, for a link that hears nothing would look like a silent city;
- `publish` returns when the broker has the message (PUBACK), never before.
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from kel.mqtt.bulk import BulkClient, Chunk
from kel.settings import Settings
from kel.topics import text_of

log = logging.getLogger("kel.mqtt")

SESSION_S = 7 * 24 * 3600
KEEPALIVE_S = 15
LARGEST_PAYLOAD = 256 * 1024 + 1  # a longer one is refused later; so much of it tells that
TAKEN_OVER = 0x8E  # reason code "session taken over" of a broker's DISCONNECT
SHORT_S = 5.0  # Mosquitto 2.0.11 says nothing when it takes a session away: connections that end
MOST_SHORT = 5  # so soon, so often in succession, tell it all the same


class BrokerError(ConnectionError):
    """The broker cannot be reached, or refused us; the text says which and what to do."""


class RefusedError(BrokerError):
    """The broker will not have this message, now or later: the login has no right to its topic."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message, and what is needed to acknowledge it (`mid` is empty at QoS 0)."""

    topic: str
    payload: bytes
    mid: bytes
    connection: int


@dataclass(slots=True)
class _Count:
    """Messages that the broker keeps until they are acknowledged, and their bytes."""

    messages: int = 0
    size: int = 0

    def add(self, messages: int, size: int) -> None:
        self.messages += messages
        self.size += size


@dataclass(frozen=True, slots=True)
class _Question:
    """Something published to learn, from its PUBACK, what the broker still keeps back."""

    info: paho.MQTTMessageInfo
    connection: int
    messages: int  # of this connection, acknowledged when it was asked
    size: int


def _or_end(callback: Callable[..., None]) -> Callable[..., None]:
    """paho's thread would end at an error, and nobody would hear of it: the process ends."""

    @wraps(callback)
    def called(*args: Any) -> None:
        try:
            callback(*args)
        except Exception:
            log.exception("the MQTT link failed in %s: the process ends", callback.__name__)
            logging.shutdown()
            os._exit(1)

    return called


def _no_delay(_client: object, _data: object, sock: Any) -> None:
    """Small packets go at once: waiting to fill one costs 40 ms an acknowledgement."""
    with contextlib.suppress(OSError):  # the socket is gone again: paho will see that
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Link:
    """One client of the broker: receives in chunks, acknowledges when told, waits for its own."""

    def __init__(
        self,
        settings: Settings,
        client_id: str,
        subscribe: Sequence[str] = (),
        *,
        user: str | None = None,
        password: str | None = None,
        keep_session: bool = True,
        wake: Callable[[], None] | None = None,
        hello: tuple[str, bytes] | None = None,
        will: tuple[str, bytes] | None = None,
        alone: bool = False,
        leave: Sequence[str] = (),
    ) -> None:
        """`hello` is published, retained, whenever it is there (again); `will` when it is gone.

        `alone`: where another client takes the session over, this one ends (`check`) instead of
        taking it back, and back, for ever. `leave`: what the session may have heard before, and
        shall no longer.
        """
        self._settings = settings
        self._name = client_id
        self._filters = list(subscribe)
        self._leave = set(leave) - set(subscribe)
        self._keep_session = keep_session
        self._wake = wake or (lambda: None)
        # The lock holds together what paho's thread and ours change. Never call paho while it is
        # held: paho calls back holding locks of its own.
        self._lock = threading.Lock()
        self._chunks: deque[Chunk] = deque()
        self._connection = 0
        self._come = _Count()  # over this connection
        self._acknowledged = _Count()  # of them
        self._question: _Question | None = None
        self._caught_up = 0  # the connection that has caught up
        self._fell_behind = False  # it had, and then so much came that some may be kept back
        self._refused: dict[int, str] = {}  # why, by message id
        self._ready = threading.Event()
        self._refusal: str | None = None
        self._alone = alone
        self._since = 0.0  # when the connection was made
        self._short = 0  # connections in succession that ended soon
        self._ended: str | None = None
        client = BulkClient(
            client_id,
            _or_end(self._on_bulk),
            largest=LARGEST_PAYLOAD,
            limit=settings.mqtt_in_flight_bytes,
        )
        client.username_pw_set(
            settings.mqtt_user if user is None else user,
            settings.mqtt_password.get_secret_value() if password is None else password,
        )
        client.max_inflight_messages_set(settings.mqtt_in_flight)
        client.reconnect_delay_set(1, 10)
        client.on_socket_open = _no_delay
        client.on_connect = _or_end(self._on_connect)
        client.on_subscribe = _or_end(self._on_subscribe)
        client.on_publish = _or_end(self._on_publish)
        client.on_disconnect = _or_end(self._on_disconnect)
        self._hello = hello
        self._will = will
        if will:
            client.will_set(will[0], will[1], qos=1, retain=True)
        self._client = client

    def open(self, timeout_s: float = 15.0) -> "Link":
        """Connect and subscribe; raises BrokerError where that is not done in time."""
        properties = Properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = self._settings.mqtt_in_flight
        properties.SessionExpiryInterval = SESSION_S if self._keep_session else 0
        where = f"{self._settings.mqtt_host}:{self._settings.mqtt_port}"
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._client.connect(
                    self._settings.mqtt_host,
                    self._settings.mqtt_port,
                    KEEPALIVE_S,
                    clean_start=not self._keep_session,
                    properties=properties,
                )
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise BrokerError(f"no MQTT broker at {where}: {error}") from error
                time.sleep(0.2)
        self._client.loop_start()
        if not self._ready.wait(max(1.0, deadline - time.monotonic())):
            self.close()
            raise BrokerError(f"the MQTT broker at {where}: {self._refusal or 'no answer'}")
        return self

    def close(self) -> None:
        """Leave; the broker publishes the will all the same (MQTT 5, reason code 4)."""
        reason = "Disconnect with will message" if self._will else "Normal disconnection"
        self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, reason))
        self._client.loop_stop()

    def __enter__(self) -> "Link":
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        """Whether the broker answers, as far as we know; a dead line shows after the keepalive."""
        return self._client.is_connected()

    def listen(self, subscribe: Sequence[str]) -> None:
        """Hear these from now on, and what is none of them no longer."""
        if list(subscribe) == self._filters:
            return
        gone = set(self._filters) - set(subscribe)
        self._leave = (self._leave | gone) - set(subscribe)
        self._filters = list(subscribe)
        if self.connected:  # else it is done on the next connection
            if gone:
                self._client.unsubscribe(sorted(gone))
            quietly = SubscribeOptions(1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            self._client.subscribe([(f, quietly) for f in self._filters])

    @property
    def connections(self) -> int:
        """How many connections there were so far."""
        return self._connection

    def check(self) -> None:
        """Raises BrokerError where this link has ended for good."""
        if self._ended:
            raise BrokerError(self._ended)

    def caught_up(self) -> bool:
        """Whether the broker has handed over all that it kept while nobody was connected, or while
        it could send no more since nothing was acknowledged.

        Exact: the answer to a message of ours comes behind all that the broker could send before
        it. If that was less than it may send unacknowledged, in number and in bytes, it kept
        nothing back. Ask before `take`: what it promises has come by then. Only a link with
        `hello`, whose messages are `done`, catches up.
        """
        if not self.connected:
            return False
        with self._lock:
            if self._caught_up == self._connection:
                return True
            fell_behind, self._fell_behind = self._fell_behind, False
            asked = self._question
        if fell_behind:  # the last answer says nothing of what the broker has got since
            self._say_hello()
            return False
        if asked is None or not _answered(asked.info):
            return False
        with self._lock:  # counted after the answer: what came later only makes us ask again
            if asked.connection != self._connection:
                return False
            if (
                self._come.messages - asked.messages < self._settings.mqtt_in_flight
                and self._come.size - asked.size < self._settings.mqtt_in_flight_bytes
            ):
                self._caught_up = self._connection
                return True
        self._say_hello()
        return False

    @property
    def waiting(self) -> int:
        """How many messages have come and were not taken yet."""
        with self._lock:
            return sum(map(len, self._chunks))

    @property
    def held(self) -> int:
        """Bytes of the messages that have come and are not done with."""
        return self._client.held

    def take(self) -> list[Chunk]:
        """What has come and was not taken yet, in its order. `done` makes room for more."""
        with self._lock:
            chunks = list(self._chunks)
            self._chunks.clear()
        return chunks

    def done(self, chunks: Iterable[Chunk]) -> None:
        """PUBACK all messages of these, with one write, and let go of their memory.

        What came over an earlier connection comes again, and is acknowledged then.
        """
        chunks = list(chunks)
        current = [c for c in chunks if c.connection == self._connection]
        self._client.acknowledge([mid for c in current for mid in c.mids if mid])
        with self._lock:
            for chunk in current:
                if chunk.connection == self._connection:
                    self._acknowledged.add(chunk.kept, chunk.size)
        self._client.release(sum(c.size for c in chunks))

    def receive(self) -> list[Received]:
        """As `take`, one by one, for those who hear little; `acknowledge` them then."""
        chunks = self.take()
        self._client.release(sum(c.size for c in chunks))
        return [
            Received(text_of(topic), payload, mid, chunk.connection)
            for chunk in chunks
            for topic, payload, mid in zip(chunk.topics, chunk.payloads, chunk.mids, strict=True)
        ]

    def acknowledge(self, messages: Iterable[Received]) -> None:
        """PUBACK these, as `done`."""
        connection = self._connection
        mids = [m.mid for m in messages if m.mid and m.connection == connection]
        self._client.acknowledge(mids)
        with self._lock:
            if connection == self._connection:
                self._acknowledged.add(len(mids), 0)

    def publish(
        self,
        messages: Iterable[tuple[str, bytes]],
        *,
        expires_s: int | None = None,
        retain: bool = False,
        timeout_s: float = 30.0,
    ) -> None:
        """Publish at QoS 1 and wait until the broker has all. Raises BrokerError otherwise."""
        properties = None
        if expires_s is not None:
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = max(1, expires_s)
        self._must_be_connected()
        sent = [
            self._client.publish(topic, payload, 1, retain, properties)
            for topic, payload in messages
        ]
        self.wait(sent, timeout_s)

    def send(self, messages: Iterable[tuple[str, bytes]]) -> list[paho.MQTTMessageInfo]:
        """Publish at QoS 1 without waiting; `wait` for what is returned."""
        self._must_be_connected()
        return [self._client.publish(topic, payload, 1) for topic, payload in messages]

    def wait(self, sent: Iterable[paho.MQTTMessageInfo], timeout_s: float = 30.0) -> None:
        """Wait until the broker has all of these; raises BrokerError if not, or if it refused."""
        deadline = time.monotonic() + timeout_s
        for info in sent:
            try:
                info.wait_for_publish(max(0.0, deadline - time.monotonic()))
                taken = info.is_published()
            except (RuntimeError, ValueError) as error:
                raise BrokerError(f"the broker took no message: {error}") from error
            if not taken:
                raise BrokerError(f"the broker took no message for {timeout_s:.0f} s")
            if why := self._refused.pop(info.mid, None):
                raise RefusedError(f"the broker refused a message ({why}): check the acl file")

    def _must_be_connected(self) -> None:
        """What is published while nobody is there would pile up, and go out many times later."""
        if not self.connected:
            raise BrokerError("the connection to the MQTT broker is lost")

    def _on_connect(self, client: Any, _data: Any, flags: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._refusal = f"{reason}: check KEL_MQTT_USER, KEL_MQTT_PASSWORD and the acl file"
            return
        self._since = time.monotonic()
        with self._lock:
            self._connection += 1
            self._come, self._acknowledged = _Count(), _Count()
            self._question, self._fell_behind = None, False
            again = 0
            if flags.session_present:  # all at QoS 1 comes again; where it was forgotten, nothing
                again = sum(c.size for c in self._chunks if c.kept)
                self._chunks = deque(_at_qos_0(c) for c in self._chunks)
        self._client.release(again)
        if self._leave:
            client.unsubscribe(sorted(self._leave))
        if self._filters:
            client.subscribe([(f, SubscribeOptions(qos=1)) for f in self._filters])
        else:
            self._is_there()

    def _is_there(self) -> None:
        self._say_hello()
        self._ready.set()

    def _say_hello(self) -> None:
        """Say that we are there, and keep the question whose answer tells if we have caught up."""
        if not self._hello:
            return
        with self._lock:
            connection = self._connection
            messages, size = self._acknowledged.messages, self._acknowledged.size
        info = self._client.publish(self._hello[0], self._hello[1], 1, True)
        with self._lock:
            if connection == self._connection:
                self._question = _Question(info, connection, messages, size)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: Any, reasons: Any, _p: Any) -> None:
        refused = [f for f, r in zip(self._filters, reasons, strict=False) if r.is_failure]
        if refused:
            self._refusal = f"refused to subscribe to {', '.join(refused)}: check the acl file"
            log.error("the MQTT broker %s", self._refusal)
        else:
            self._is_there()

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _p: Any) -> None:
        """A PUBACK may say no: the login has no right to that topic."""
        if reason.is_failure:
            self._refused[mid] = str(reason)

    def _on_disconnect(self, client: Any, _data: Any, _flags: Any, reason: Any, _p: Any) -> None:
        if not self._alone:
            return
        short = time.monotonic() - self._since < SHORT_S
        self._short = self._short + 1 if short else 0
        if reason.value == TAKEN_OVER or self._short >= MOST_SHORT:
            self._ended = (
                f"another client {self._name!r} takes over the session at the MQTT broker, and two "
                "of one name would take it from each other for ever: give each bridge a name of "
                "its own (kel bridge --name). If there is only one, see the broker's log"
            )
            client.disconnect()  # the network's thread ends instead of connecting again
            self._wake()

    def _on_bulk(self, chunk: Chunk) -> None:
        with self._lock:
            chunk.connection = self._connection
            self._come.add(chunk.kept, chunk.size)
            self._chunks.append(chunk)
            if self._caught_up == self._connection and self._is_full():
                self._caught_up, self._fell_behind = 0, True
        self._wake()

    def _is_full(self) -> bool:
        """Whether the broker may keep back what it has, until something is acknowledged."""
        messages = self._come.messages - self._acknowledged.messages
        size = self._come.size - self._acknowledged.size
        return (
            messages >= self._settings.mqtt_in_flight or size >= self._settings.mqtt_in_flight_bytes
        )


def _at_qos_0(chunk: Chunk) -> Chunk:
    """What a lost connection takes with it of a chunk: all that comes again."""
    if not chunk.kept:
        return chunk
    at_0 = [n for n, mid in enumerate(chunk.mids) if not mid]
    topics, payloads = [chunk.topics[n] for n in at_0], [chunk.payloads[n] for n in at_0]
    return Chunk(topics, payloads, [b""] * len(at_0), 0, chunk.connection)


def _answered(info: paho.MQTTMessageInfo) -> bool:
    """Whether the broker has it; never, where it was lost with a connection."""
    try:
        return info.is_published()
    except (RuntimeError, ValueError):
        return False
