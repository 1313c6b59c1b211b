"""MQTT 5 with manual acknowledgement. The one module that imports paho.

Laws:
- the session outlives the process (fixed client id, session expiry): what was not acknowledged
  comes again;
- what is received and not yet acknowledged is bounded by the receive maximum, not by memory;
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
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from kel.settings import Settings

log = logging.getLogger("kel.mqtt")

SESSION_S = 7 * 24 * 3600
KEEPALIVE_S = 15
LARGEST_BACKLOG = 100_000  # messages at QoS 0, which no receive maximum holds back


class BrokerError(ConnectionError):
    """The broker cannot be reached, or refused us; the text says which and what to do."""


class RefusedError(BrokerError):
    """The broker will not have this message, now or later: the login has no right to its topic."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message and what is needed to acknowledge it. `generation` counts connections."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    generation: int


@dataclass(frozen=True, slots=True)
class _Question:
    """Something published to learn, from its PUBACK, what the broker still keeps back."""

    info: paho.MQTTMessageInfo
    generation: int
    acknowledged: int  # of this connection's messages, when it was asked


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
    """One client of the broker: receives in batches, acknowledges when told, waits for its own."""

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
    ) -> None:
        """`hello` is published, retained, whenever it is there (again); `will` when it is gone."""
        self._settings = settings
        self._filters = list(subscribe)
        self._keep_session = keep_session
        self._wake = wake or (lambda: None)
        # The lock holds together what paho's thread and ours change. Never call paho while it is
        # held: paho calls back holding locks of its own.
        self._lock = threading.Lock()
        self._received: deque[Received] = deque()
        self._generation = 0
        self._come = 0  # messages at QoS 1 over this connection
        self._acknowledged = 0  # of them
        self._question: _Question | None = None
        self._caught_up = 0  # the generation that has caught up
        self._refused: dict[int, str] = {}  # why, by message id
        self.dropped = 0  # messages at QoS 0 that found the backlog full
        self._ready = threading.Event()
        self._refusal: str | None = None
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5, manual_ack=True
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
        client.on_message = _or_end(self._on_message)
        client.on_publish = _or_end(self._on_publish)
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

    def caught_up(self) -> bool:
        """Whether the broker has handed over all that it kept while nobody was connected.

        Exact: the answer to a message of ours comes behind all that the broker could send before
        it. If that was less than it may send unacknowledged, it kept nothing back. Ask before
        `receive`: what it promises has come by then. A link without `hello` never catches up.
        """
        if not self.connected:
            return False
        with self._lock:
            if self._caught_up == self._generation:
                return True
            asked = self._question
        if asked is None or not _answered(asked.info):
            return False
        with self._lock:  # counted after the answer: what came later only makes us ask again
            if asked.generation != self._generation:
                return False
            if self._come - asked.acknowledged < self._settings.mqtt_in_flight:
                self._caught_up = self._generation
                return True
        self._say_hello()
        return False

    @property
    def waiting(self) -> int:
        """How many messages were received and not yet taken."""
        return len(self._received)

    def receive(self, limit: int = 1_000_000) -> list[Received]:
        """What has come and was not taken yet, in the order of its coming."""
        with self._lock:
            return [self._received.popleft() for _ in range(min(limit, len(self._received)))]

    def acknowledge(self, messages: Iterable[Received]) -> None:
        """PUBACK these. What came over an earlier connection comes again, and is acked then."""
        for message in messages:
            if message.qos and message.generation == self._generation:
                self._client.ack(message.mid, message.qos)
                with self._lock:
                    self._acknowledged += message.generation == self._generation

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
        with self._lock:
            self._generation += 1
            self._come = self._acknowledged = 0
            self._question = None
            if flags.session_present:  # all at QoS 1 comes again; where it was forgotten, nothing
                self._received = deque(m for m in self._received if not m.qos)
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
            generation, acknowledged = self._generation, self._acknowledged
        info = self._client.publish(self._hello[0], self._hello[1], 1, True)
        with self._lock:
            if generation == self._generation:
                self._question = _Question(info, generation, acknowledged)

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

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = message._topic.decode("utf-8", "backslashreplace")
        with self._lock:
            if message.qos == 0 and len(self._received) >= LARGEST_BACKLOG:
                self.dropped += 1
                return
            self._come += message.qos > 0
            self._received.append(
                Received(topic, bytes(message.payload), message.mid, message.qos, self._generation)
            )
        self._wake()


def _answered(info: paho.MQTTMessageInfo) -> bool:
    """Whether the broker has it; never, where it was lost with a connection."""
    try:
        return info.is_published()
    except (RuntimeError, ValueError):
        return False
